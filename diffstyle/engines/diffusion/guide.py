"""Neural-neighbour guidance: predictions are drawn towards the style picture's own marks.

Backward universal guidance (Bansal et al. 2023, section 3.2): at every step the picture that the UNet predicts is
decoded, each place is matched to the most similar features of the style (Kolkin et al. 2022), and the predicted latents
take a gradient step towards their matches. Departures: one step for each of the sampler's, of a length given by
`scale` and not by the gradient, so that a scale means the same on every model; the UNet is not differentiated.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.backbones.backbone import Backbone
from diffstyle.core.picture import fitted
from diffstyle.core.task import ResolvedTask
from diffstyle.encoders.features import STRIDE, EfficientNetLite0, FeatureNet
from diffstyle.engines.diffusion.padding import Padding
from diffstyle.engines.diffusion.patched import replaced
from diffstyle.engines.diffusion.settings import diffusion_settings
from diffstyle.engines.diffusion.style_pictures import style_pictures
from diffstyle.ops.latents import clean_latents, parts
from diffstyle.ops.neighbours import nearest

LAYERS = ("block2", "block4")  # of EfficientNet-Lite0: strokes and their arrangement
LENGTH = 0.06  # of a step at scale 1, as a share of the latents' deviation
LONGEST = 512  # pixels at which style and prediction are read

Decode = Callable[[Tensor], Tensor]
"""Latents (1, c, h, w) -> a picture (1, 3, H, W) in [0, 1], differentiable."""


@dataclass(slots=True, eq=False)
class Guide:
    """Style pictures (3, h, w) each, and the shares (s, H, W) of the places where they act. `seconds` adds up what the
    guidance took.
    """

    styles: Sequence[Tensor]
    shares: Tensor
    decode: Decode
    scale: float
    net: FeatureNet = field(default_factory=lambda: EfficientNetLite0.load(dtype=torch.float32))
    seconds: float = 0.0
    _keys: list[dict[str, Tensor]] = field(default_factory=list[dict[str, Tensor]], init=False)

    def step(self, clean: Tensor) -> Tensor:
        """What is added to the predicted latents (1, c, h, w): they come nearer to the style."""
        started = time.perf_counter()
        with torch.inference_mode(False), torch.enable_grad():
            latents = clean.detach().float().clone().requires_grad_(True)
            gradient = torch.autograd.grad(self.distance(self.decode(latents)), latents)[0]
        size = gradient.square().mean().sqrt().clamp_min(1e-12)
        self.seconds += time.perf_counter() - started
        return -self.scale * LENGTH * clean.float().std() * gradient / size

    def distance(self, pictures: Tensor) -> Tensor:
        """1 - the mean cosine of each place's features and their nearest neighbours in the style, over the layers."""
        found = self._centred(pictures)
        losses: list[Tensor] = []
        for layer, rows in found.items():
            h, w = self._sides(pictures, layer)
            places = F.adaptive_avg_pool2d(self.shares[None].to(pictures), (h, w))[0].flatten(1)
            for keys, share in zip(self._style_keys(), places, strict=True):
                with torch.no_grad():
                    wanted = keys[layer][nearest(rows.detach(), keys[layer])]
                losses.append((share * (1 - (rows * wanted).sum(1))).mean())
        return torch.stack(losses).sum() / len(found)

    def _style_keys(self) -> list[dict[str, Tensor]]:
        if not self._keys:
            with torch.no_grad():
                self._keys = [self._centred(style[None]) for style in self.styles]
        return self._keys

    def _centred(self, pictures: Tensor) -> dict[str, Tensor]:
        """For each layer (places, c): rows of unit length, less their mean."""
        maps = self.net(_readable(pictures))
        rows = {layer: maps[layer][0].flatten(1).mT.float() for layer in LAYERS}
        return {layer: F.normalize(r - r.mean(0), dim=1) for layer, r in rows.items()}

    def _sides(self, pictures: Tensor, layer: str) -> tuple[int, int]:
        h, w = _readable_sides(pictures)
        stride = self.net.layers[layer].stride
        return h // stride, w // stride


@contextmanager
def guided(unet: Any, guide: Guide | None, scheduler: Any) -> Generator[None, None, None]:
    """Within, what `unet` predicts for `scheduler` is drawn towards the guide's styles; without a guide it is not.

    With classifier-free guidance the last row decides the step, and all rows take it.
    """
    if guide is None:
        yield
        return
    forward, alphas, kind = unet.forward, scheduler.alphas_cumprod, str(scheduler.config.prediction_type)

    def drawn(sample: Tensor, timestep: Any, *rest: Any, **named: Any) -> tuple[Tensor]:
        predicted = forward(sample, timestep, *rest, **{**named, "return_dict": False})[0]
        t = torch.full((1,), int(timestep), device=sample.device)
        clean = clean_latents(alphas, kind, sample[-1:].float(), predicted[-1:].float(), t)
        change = prediction_change(alphas, kind, guide.step(clean).to(clean), t)
        return ((predicted.float() + change).to(predicted.dtype),)

    with replaced(unet, "forward", drawn):
        yield


def prediction_change(alphas: Tensor, kind: str, change: Tensor, t: Tensor) -> Tensor:
    """(1, c, h, w): how a prediction changes when the clean latents that it amounts to change by `change`."""
    kept, added = parts(alphas, change, t)
    if kind == "sample":
        return change
    return -change / added.clamp_min(1e-4) if kind == "v_prediction" else -change * kept / added.clamp_min(1e-4)


def _readable_sides(pictures: Tensor) -> tuple[int, int]:
    """(h, w), multiples of the network's stride, at most LONGEST."""
    scale = min(1.0, LONGEST / max(pictures.shape[2:]))
    h, w = (max(STRIDE, round(side * scale / STRIDE) * STRIDE) for side in pictures.shape[2:])
    return h, w


def _readable(pictures: Tensor) -> Tensor:
    size = _readable_sides(pictures)
    if size == tuple(pictures.shape[2:]):
        return pictures
    return F.interpolate(pictures, size=size, mode="bilinear", align_corners=False, antialias=True)


def guide_of(task: ResolvedTask, backbone: Backbone, padding: Padding) -> Guide | None:
    """The guide that a task asks for; None where it asks for none."""
    settings = diffusion_settings(task)
    if settings.guide == "off" or settings.guide_scale == 0:
        return None
    pictures, shares = style_pictures(task, by="guide")
    longest = min(LONGEST, max(padding.outer))
    styles = [p.resized(fitted(p.size, longest)).pixels for p in pictures]
    quick = backbone.preview_vae is not None

    def decode(latents: Tensor) -> Tensor:
        if not quick:
            return backbone.decode(latents)
        vae: Any = backbone.preview_vae
        weight = next(vae.parameters())
        return vae.decode((latents / vae.config.scaling_factor).to(weight)).sample.float() / 2 + 0.5

    return Guide(styles, padding.add(shares), decode, settings.guide_scale)
