"""The photo in the style's colours, before anything is painted.

Colours follow the linear Monge–Kantorovich map. Luma is then lifted where that map would sink the photo's mid-tones
into a dark style: the style's own range, darkest to lightest, is used in full.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from diffstyle.engines.nnst.bank import StyleBanks, luma
from diffstyle.ops.colour_transfer import apply_colour_map, colour_map, colour_moments

LIFT = 0.35  # share of the way from the mapped luma up to the full range
MIDTONES = 0.25  # share of mid-tones from which on a style has all tones
LARGEST_GAIN = 2.5
KNEE = 0.25  # share of the style's range at either end into which tones beyond it are compressed


@dataclass(frozen=True, slots=True, eq=False)
class ToneMap:
    """Colours of one photo to those of one style: an affine map, then a gain from one luma to another."""

    matrix: Tensor
    offset: Tensor
    photo_range: tuple[float, float]
    style_range: tuple[float, float]
    tonality: float  # 0…1: whether the style has mid-tones of its own, or says it all in lines

    @classmethod
    def fit(cls, photo: Tensor, style: StyleBanks, weight: Tensor | None = None) -> ToneMap:
        """From the photo (1, 3, h, w), where `weight` (1, 1, h, w) says, to the style."""
        matrix, offset = colour_map(colour_moments(photo, weight), style.colours)
        y = luma(photo)
        seen = y[weight > 0.5] if weight is not None and bool((weight > 0.5).any()) else y.flatten()
        seen = seen[:: max(1, len(seen) // 50_000)]
        low, high = (float(seen.quantile(q)) for q in (0.01, 0.99))
        return cls(
            matrix,
            offset,
            (low, max(high, low + 0.05)),
            (style.darkest, style.lightest),
            min(1.0, style.midtones / MIDTONES),
        )

    def __call__(self, photo: Tensor) -> Tensor:
        """(1, 3, h, w), clamped; every pixel by itself, so tiles of a picture fit together."""
        mapped = apply_colour_map(photo, self.matrix, self.offset)
        (a, b), (c, d) = self.photo_range, self.style_range
        y = luma(mapped)
        knee = KNEE * (d - c)
        full = c + (d - c) * ((luma(photo) - a) / (b - a)).clamp(0, 1)
        wanted = y + LIFT * self.tonality * (full - y).clamp_min(0)
        wanted = d - soft_floor(d - soft_floor(wanted - c, knee) - c, knee)
        gain = ((wanted.clamp_min(0) + 0.04) / (y.clamp_min(0) + 0.04)).clamp(0, LARGEST_GAIN)
        lifted = mapped * gain
        return (lifted + 0.5 * (wanted - luma(lifted))).clamp(0, 1)


def soft_floor(x: Tensor, knee: float) -> Tensor:
    """`x` where it is above `knee`, and a smooth approach to 0 below: contrast is compressed instead of cut off."""
    return torch.where(x > knee, x, knee * torch.exp((x - knee).clamp_max(0) / knee))
