"""The decoder of the painter: chosen style features and style pixels in, a picture out.

After Kolkin et al. 2022, whose feed-forward variant decodes swapped VGG features. Two departures: the features are
those of EfficientNet-Lite0, and the decoder also sees the 4x4 pixels of the style at each chosen place (`marks`), so
that it arranges real paint instead of inventing it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diffstyle.encoders.features import EfficientNetLite0, channels_last_

FINE = ("stem", "block1", "block2")  # at a quarter of the size
DEEP = ("block3", "block4", "block6")  # at an eighth
CELL = 4  # pixels a side of a mark: one place of the fine maps
STRIDE = 16  # sides of what is decoded are multiples of it
FINE_KEYS, DEEP_KEYS = 57, 89  # dimensions of what is matched; seven more are for looks
_LAYERS = EfficientNetLite0.layers
FINE_CHANNELS = sum(_LAYERS[name].channels for name in FINE)
DEEP_CHANNELS = sum(_LAYERS[name].channels for name in DEEP)
MARK_CHANNELS = 3 * CELL * CELL


@dataclass(frozen=True, slots=True, eq=False)
class Maps:
    """What the decoder reads: fine (b, 272, h/4, w/4), deep (b, 864, h/8, w/8), marks (b, 48, h/4, w/4)."""

    fine: Tensor
    deep: Tensor
    marks: Tensor

    def looks(self) -> tuple[Tensor, Tensor]:
        """What is seen of the fine places (b, n, 4) and of the deep ones (b, m, 4): mean luma less 0.5, chroma,
        and relief in [0, 1], which is local contrast in relation to the whole picture's.
        """
        b, _, h, w = self.marks.shape
        marks = self.marks.float().view(b, 3, -1, h, w)  # (b, 3, 16, h/4, w/4)
        colour, grey = marks.mean(2), marks.mean(1)
        mean, square = (F.avg_pool2d(x.mean(1, keepdim=True), 3, 1, 1) for x in (grey, grey.square()))
        deviation = (square - mean.square()).clamp_min(0).sqrt()
        relief = deviation / (deviation + deviation.mean((2, 3), keepdim=True) + 1e-3)
        light = 0.299 * colour[:, :1] + 0.587 * colour[:, 1:2] + 0.114 * colour[:, 2:]
        fine = torch.cat((light, colour[:, :1] - light, colour[:, 2:] - light, relief), 1)
        return fine.flatten(2).mT, F.avg_pool2d(fine, 2).flatten(2).mT

    def lerp(self, other: Maps, share: float | Tensor) -> Maps:
        """These maps moved towards `other` by `share`."""
        return Maps(
            torch.lerp(self.fine, other.fine, share),
            torch.lerp(self.deep, other.deep, share),
            torch.lerp(self.marks, other.marks, share),
        )


class Residual(nn.Module):
    """x + b(relu(a(relu(x))))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.a = _conv(width, width)
        self.b = _conv(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.b(F.relu(self.a(F.relu(x))))


class Decoder(nn.Module):
    """Maps -> pictures (b, 3, h, w) in [0, 1].

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
        self.read_fine = nn.Conv2d(FINE_CHANNELS + MARK_CHANNELS, fine, 1)
        self.join = _conv(fine + deep, fine)
        self.fine_blocks = nn.Sequential(Residual(fine), Residual(fine), Residual(fine))
        self.to_half = _conv(fine + MARK_CHANNELS // 4, half)
        self.half_blocks = nn.Sequential(Residual(half))
        self.to_full = _conv(half + MARK_CHANNELS // 16, full)
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

    def maps(self, features: Mapping[str, Tensor], pictures: Tensor) -> Maps:
        """What the decoder reads of pictures (b, 3, h, w) with these features."""
        fine = torch.cat([features[name] for name in FINE], 1)
        deep = torch.cat([features[name] for name in DEEP], 1)
        marks = F.pixel_unshuffle(pictures - 0.5, CELL).to(fine.dtype)
        return Maps(
            fine / self.fine_scale.to(fine.dtype)[:, None, None],
            deep / self.deep_scale.to(deep.dtype)[:, None, None],
            marks,
        )

    def forward(self, maps: Maps) -> Tensor:
        paint = F.pixel_shuffle(maps.marks, CELL)  # (b, 3, h, w): the chosen pixels, laid side by side
        deep = self.deep_blocks(self.read_deep(maps.deep))
        fine = self.read_fine(torch.cat((maps.fine, maps.marks), 1))
        x = self.join(torch.cat((F.relu(fine), F.relu(F.interpolate(deep, scale_factor=2.0))), 1))
        x = F.relu(self.fine_blocks(x))
        x = torch.cat((F.interpolate(x, scale_factor=2.0), F.pixel_unshuffle(paint, 2)), 1)
        x = F.relu(self.half_blocks(self.to_half(x)))
        x = torch.cat((F.interpolate(x, scale_factor=2.0), paint), 1)
        return torch.sigmoid(self.to_picture(F.relu(self.to_full(x))).float())


_WIDTHS = {"deep": "read_deep", "fine": "read_fine", "half": "to_half", "full": "to_full"}


def _conv(i: int, o: int) -> nn.Conv2d:
    return nn.Conv2d(i, o, 3, padding=1, padding_mode="replicate")
