"""Perceptual features of SqueezeNet 1.0 (Iandola et al. 2016), for training losses only; its weights never ship."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models import squeezenet1_0

from diffstyle.formats.safetensors import read_safetensors

STYLE_LAYERS = ("relu1", "fire2", "fire3", "fire4", "fire6", "fire8")
CONTENT_LAYER = "fire5"
ARRANGEMENT_LAYERS = ("fire3", "fire5")
_PLACES = {"conv1": 0, "relu1": 1, "fire2": 3, "fire3": 4, "fire4": 5, "fire5": 7, "fire6": 8, "fire7": 9, "fire8": 10}
"""Layer name -> index in torchvision's `features`."""
_PUBLISHED = {"conv1x1_1": "squeeze", "conv1x1_2": "expand1x1", "conv3x3_2": "expand3x3"}
"""Names of the convolutions in the Caffe release -> those of torchvision."""


class SqueezeNet(nn.Module):
    """Feature maps of sRGB pictures (b, 3, h, w) in [0, 1], by layer name: `relu1` and `fire2` to `fire8`.

    The layers are torchvision's. The weights are those of the Caffe release, which takes BGR in [0, 255] less a mean.
    """

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.features = squeezenet1_0(weights=None).features[: _PLACES["fire8"] + 1]
        self.register_buffer("mean", torch.tensor([104.0, 117.0, 123.0]).view(1, 3, 1, 1), persistent=False)

    @classmethod
    def load(cls, path: Path) -> SqueezeNet:
        """The frozen network with the weights of `path`, a safetensors file with the names of the Caffe release."""
        net = cls()
        named = {torchvision_name(k): v.float() for k, v in read_safetensors(path)[1].items()}
        wanted = net.state_dict().keys()
        net.load_state_dict({k: v for k, v in named.items() if k in wanted})
        return net.requires_grad_(False).eval()

    def forward(self, x: Tensor, last: str = STYLE_LAYERS[-1]) -> dict[str, Tensor]:
        """Maps of every layer up to `last`; each is (b, c, h', w') after its ReLU."""
        x = x.flip(1) * 255 - self.mean  # RGB -> BGR
        names = {place: name for name, place in _PLACES.items() if name != "conv1"}
        features: dict[str, Tensor] = {}
        for place, layer in enumerate(self.features[: _PLACES[last] + 1]):
            x = layer(x)
            if place in names:
                features[names[place]] = x
        return features


def torchvision_name(published: str) -> str:
    """`fire2.conv1x1_1.weight` -> `features.3.squeeze.weight`."""
    layer, *middle, kind = published.split(".")
    if layer not in _PLACES:
        return published
    return ".".join(["features", str(_PLACES[layer]), *(_PUBLISHED.get(m, m) for m in middle), kind])
