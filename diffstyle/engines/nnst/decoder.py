"""The decoder of the painter: chosen style features in, a picture out.

After Kolkin et al. 2022, whose feed-forward variant decodes swapped VGG features; here they are those of
EfficientNet-Lite0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diffstyle.encoders.features import EfficientNetLite0, channels_last_

FINE = ("stem", "block1", "block2")  # at a quarter of the size
DEEP = ("block3", "block4", "block6")  # at an eighth
CELL = 4  # pixels a side of one place of the fine maps
STRIDE = 16  # sides of what is decoded are multiples of it
FINE_KEYS, DEEP_KEYS = 57, 89  # dimensions of what is matched; seven more are for looks, which makes 64 and 96
_LAYERS = EfficientNetLite0.layers
FINE_CHANNELS = sum(_LAYERS[name].channels for name in FINE)
DEEP_CHANNELS = sum(_LAYERS[name].channels for name in DEEP)


@dataclass(frozen=True, slots=True, eq=False)
class Maps:
    """What the decoder reads: fine (b, 272, h/4, w/4), deep (b, 864, h/8, w/8)."""

    fine: Tensor
    deep: Tensor

    def lerp(self, other: Maps, share: float | Tensor) -> Maps:
        """These maps moved towards `other` by `share`."""
        return Maps(torch.lerp(self.fine, other.fine, share), torch.lerp(self.deep, other.deep, share))


class Residual(nn.Module):
    """x + b(relu(a(relu(x))))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.a = _conv(width, width)
        self.b = _conv(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.b(F.relu(self.a(F.relu(x))))


class Decoder(nn.Module):
    """Maps to pictures (b, 3, h, w) in [0, 1].

    `scale` (one number a layer) brings feature maps to unit root mean square; `fine_keys` and `deep_keys` project
    centred maps to what is matched.
    """

    fine_scale: Tensor
    deep_scale: Tensor
    fine_keys: Tensor
    deep_keys: Tensor

    def __init__(self, *, deep: int = 128, fine: int = 112, half: int = 56, full: int = 32) -> None:
        super().__init__()
        self.register_buffer("fine_scale", torch.ones(FINE_CHANNELS))
        self.register_buffer("deep_scale", torch.ones(DEEP_CHANNELS))
        self.register_buffer("fine_keys", torch.zeros(FINE_CHANNELS, FINE_KEYS))
        self.register_buffer("deep_keys", torch.zeros(DEEP_CHANNELS, DEEP_KEYS))
        self.read_deep = nn.Conv2d(DEEP_CHANNELS, deep, 1)
        self.deep_blocks = nn.Sequential(Residual(deep), Residual(deep))
        self.read_fine = nn.Conv2d(FINE_CHANNELS, fine, 1)
        self.join = _conv(fine + deep, fine)
        self.fine_blocks = nn.Sequential(Residual(fine), Residual(fine), Residual(fine))
        self.to_half = _conv(fine, half)
        self.half_blocks = nn.Sequential(Residual(half))
        self.to_full = _conv(half, full)
        self.to_picture = _conv(full, 3)

    @classmethod
    def load(cls, path: Path, *, dtype: torch.dtype = torch.float32) -> Decoder:
        """Read a decoder from safetensors; widths follow from the shapes."""
        from diffstyle.formats.safetensors import read_safetensors

        state = read_safetensors(path)[1]
        widths = {name: int(state[f"{key}.weight"].shape[0]) for name, key in _WIDTHS.items()}
        decoder = cls(**widths)
        decoder.load_state_dict({k: v.float() for k, v in state.items()})
        channels_last_(decoder.to(dtype))
        return decoder.requires_grad_(False).eval()

    def maps(self, features: Mapping[str, Tensor]) -> Maps:
        """What the decoder reads of pictures with these features."""
        fine = torch.cat([features[name] for name in FINE], 1)
        deep = torch.cat([features[name] for name in DEEP], 1)
        return Maps(
            fine / self.fine_scale.to(fine.dtype)[:, None, None],
            deep / self.deep_scale.to(deep.dtype)[:, None, None],
        )

    def forward(self, maps: Maps) -> Tensor:
        deep = self.deep_blocks(self.read_deep(maps.deep))
        fine = self.read_fine(maps.fine)
        x = self.join(torch.cat((F.relu(fine), F.relu(F.interpolate(deep, scale_factor=2.0))), 1))
        x = F.relu(self.fine_blocks(x))
        x = F.relu(self.half_blocks(self.to_half(F.interpolate(x, scale_factor=2.0))))
        x = F.relu(self.to_full(F.interpolate(x, scale_factor=2.0)))
        return torch.sigmoid(self.to_picture(x).float())


def split_layers(joined: Tensor, names: Sequence[str]) -> Sequence[Tensor]:
    """The layers `names`, FINE or DEEP, of joined maps (b, c, h, w)."""
    return torch.split(joined, [_LAYERS[name].channels for name in names], 1)


_WIDTHS = {"deep": "read_deep", "fine": "read_fine", "half": "to_half", "full": "to_full"}


def _conv(i: int, o: int) -> nn.Conv2d:
    return nn.Conv2d(i, o, 3, padding=1, padding_mode="replicate")
