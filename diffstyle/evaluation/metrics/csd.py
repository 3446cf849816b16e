"""CSD, the similarity of a result's style to that of its style picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.core.errors import InputError
from diffstyle.evaluation.case import Case, View
from diffstyle.evaluation.metrics.weights import CSD, check
from diffstyle.formats.safetensors import read_pickle

if TYPE_CHECKING:
    from torch import nn

_MEAN, _STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)  # of CLIP
_HEAD = 64  # channels of one head of attention in every CLIP ViT


def csd(case: Case) -> float:
    """Cosine of the style descriptors of result and style, 1 if both are equal.

    CSD = s(x) · s(y), where s is the normalised projection of CLIP ViT-L/14 that was trained to tell styles apart
    (Somepalli et al. 2024, "Measuring style similarity in diffusion models", section 4). InputError if its weights are
    missing.
    """
    check_csd()
    return float(_descriptor(case.out) @ _descriptor(case.style))


def check_csd() -> None:
    """InputError with what to do if the network is missing."""
    check(CSD, "CSD")


@dataclass(frozen=True, slots=True)
class Descriptor:
    """CLIP's picture tower and CSD's projection (width, d); `side` is that of its square pictures in pixels."""

    tower: nn.Module
    projection: Tensor
    side: int

    @classmethod
    def read(cls, path: Path) -> Descriptor:
        """The network in the authors' checkpoint, of any size of ViT; InputError for another file."""
        from open_clip.transformer import QuickGELU, VisionTransformer

        values = read_pickle(path, what="CSD's checkpoint")
        named: Mapping[str, Any] = cast("Any", values) if isinstance(values, dict) else {}
        nested: Mapping[str, Tensor] = named.get("model_state_dict", named)
        state = {k.removeprefix("module."): v for k, v in nested.items()}
        tower = {k.removeprefix("backbone."): v.float() for k, v in state.items() if k.startswith("backbone.")}
        try:
            width, _, patch, _ = tower["conv1.weight"].shape
            places = len(tower["positional_embedding"]) - 1
            projection = state["last_layer_style"].float()
            layers = 1 + max(int(k.split(".")[2]) for k in tower if k.startswith("transformer.resblocks."))
            side = round(places**0.5) * patch
            make = cast("Any", VisionTransformer)
            net = make(side, patch, width, layers, max(1, width // _HEAD), 4.0, act_layer=QuickGELU)
            net.proj = None
            net.load_state_dict(tower)
        except (KeyError, ValueError, RuntimeError) as error:
            raise InputError(f"{path} does not hold CSD's network: save its authors' checkpoint there.") from error
        return cls(net.eval(), projection, side)

    def __call__(self, pixels: Tensor) -> Tensor:
        """(3, h, w) in [0, 1] -> (d,), normalised; the shorter side is resized and the middle cut out, as CLIP does."""
        h, w = pixels.shape[1:]
        scale = self.side / min(h, w)
        size = max(self.side, round(h * scale)), max(self.side, round(w * scale))
        x = F.interpolate(pixels[None], size, mode="bicubic", antialias=True).clamp(0, 1)
        top, left = (size[0] - self.side) // 2, (size[1] - self.side) // 2
        x = x[..., top : top + self.side, left : left + self.side]
        x = (x - torch.tensor(_MEAN).view(1, 3, 1, 1)) / torch.tensor(_STD).view(1, 3, 1, 1)
        with torch.no_grad():
            return F.normalize(self.tower(x) @ self.projection, dim=1)[0]


def _descriptor(view: View) -> Tensor:
    return view.kept("csd", lambda: _network()(view.pixels))


@lru_cache(maxsize=1)
def _network() -> Descriptor:
    return Descriptor.read(CSD.path)
