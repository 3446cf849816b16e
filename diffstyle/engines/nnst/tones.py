"""The photo in the style's colours, before anything is painted.

Colours follow the linear Monge–Kantorovich map. Luma then moves towards the style's own distribution, so that a dark
style keeps its lights, and is lifted where the photo's mid-tones would sink into the dark: the style's range, darkest
to lightest, is used in full.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from diffstyle.engines.nnst.bank import StyleBanks, luma_quantiles
from diffstyle.ops.colour_transfer import apply_colour_map, colour_map, colour_moments
from diffstyle.ops.guided import guided_filter
from diffstyle.ops.luma import luma

EQUALISE = 0.7  # share of the way from the mapped luma to the style's own distribution of luma
LIFT = 0.2  # share of the way from the mapped luma up to the full range
MIDTONES = 0.25  # share of mid-tones from which on a style has all tones
LARGEST_GAIN = 2.5
STEEPEST = 2.5  # slope of luma from photo to style, over that of their whole ranges: a gradient must not become an edge
DETAIL = 1.2  # local contrast that is kept of the photo's, when the style has its range of tones
WINDOW = 24  # the longest side over this: windows over which contrast is local
EDGE = 0.02  # variance of luma, from which on a contour is no local contrast
KNEE = 0.25  # share of the style's range at either end into which tones beyond it are compressed


@dataclass(frozen=True, slots=True, eq=False)
class ToneMap:
    """Colours of one photo to those of one style: an affine map, then a gain from one luma to another."""

    matrix: Tensor
    offset: Tensor
    photo_tones: Tensor  # (TONES,), strictly ascending
    style_tones: Tensor  # (TONES,)
    tonality: float  # 0…1: whether the style has mid-tones of its own, or says it all in lines
    colourfulness: float  # 0…1: whether the photo has as many hues as the style, or is nearly grey beside it

    @classmethod
    def fit(cls, photo: Tensor, style: StyleBanks, weight: Tensor | None = None) -> ToneMap:
        """From the photo (1, 3, h, w), where `weight` (1, 1, h, w) says, to the style."""
        moments = colour_moments(photo, weight)
        matrix, offset = colour_map(moments, style.colours)
        reached, wanted = (_hues(c) for c in (matrix @ moments.covariance @ matrix.mT, style.colours.covariance))
        colourfulness = min(1.0, reached / max(wanted, 1e-6))
        y = luma(photo)
        seen = y[weight > 0.5] if weight is not None and bool((weight > 0.5).any()) else y
        steps = torch.arange(len(style.tones)) * 1e-3
        return cls(
            matrix,
            offset,
            photo_tones := luma_quantiles(seen) + steps,
            limit_slope(photo_tones, style.tones),
            min(1.0, style.midtones / MIDTONES),
            colourfulness,
        )

    def __call__(self, photo: Tensor) -> Tensor:
        """(1, 3, h, w), clamped; every pixel by itself, so tiles of a picture fit together."""
        mapped = apply_colour_map(photo, self.matrix, self.offset)
        y, y_photo = luma(mapped), luma(photo)
        darkest, lightest = float(self.style_tones[0]), float(self.style_tones[-1])
        first, last = float(self.photo_tones[0]), float(self.photo_tones[-1])
        full = darkest + (lightest - darkest) * ((y_photo - first) / (last - first)).clamp(0, 1)
        wanted = torch.lerp(y, interpolate(y_photo, self.photo_tones, self.style_tones), EQUALISE * self.tonality)
        wanted = wanted + LIFT * self.tonality * (full - wanted).clamp_min(0)
        knee = max(1e-3, KNEE * (lightest - darkest))
        wanted = lightest - soft_floor(lightest - soft_floor(wanted - darkest, knee) - darkest, knee)
        gain = ((wanted.clamp_min(0) + 0.04) / (y.clamp_min(0) + 0.04)).clamp(0, LARGEST_GAIN)
        lifted = mapped * gain
        return (lifted + 0.5 * (wanted - luma(lifted))).clamp(0, 1)

    def with_detail(self, goal: Tensor, photo: Tensor) -> Tensor:
        """The `goal` (1, 3, h, w) that this made of the photo, with the photo's local contrast where it has less.

        A curve that is flat in the lights takes the form from a white dog. Both must be whole pictures.
        """
        longest = max(photo.shape[2:])
        y = torch.cat((luma(photo), luma(goal)), 1)
        smooth = guided_filter(
            y, y[:, :1], radius=max(2, longest // WINDOW), epsilon=EDGE, shrink=max(1, longest // 128)
        )
        local = y - smooth
        wanted, found = local[:, :1], local[:, 1:]
        gain = DETAIL * min(1.0, _range(self.style_tones) / max(0.05, _range(self.photo_tones)))
        missing = torch.where((gain * wanted).abs() > found.abs(), gain * wanted - found, 0.0)
        return (goal + self.tonality * missing).clamp(0, 1)


def _range(tones: Tensor) -> float:
    return float(tones[-1] - tones[0])


def limit_slope(at: Tensor, values: Tensor) -> Tensor:
    """Ascending `values` (n,) at the places `at` (n,), less steep than STEEPEST times the whole line; same ends.

    What steep parts lose is given to the others in proportion to their length.
    """
    run = at.diff()
    line = (values[-1] - values[0]) / run.sum()
    rise = values.diff()
    for _ in range(8):
        capped = rise.minimum(STEEPEST * line * run)
        rise = capped + (values[-1] - values[0] - capped.sum()) * run / run.sum()
    return torch.cat((values[:1], values[:1] + rise.cumsum(0)))


def _hues(covariance: Tensor) -> float:
    """Variance of colours (1, 3, 3) across the axis of greys."""
    return float(covariance[0].trace() - covariance[0].sum() / 3)


def interpolate(x: Tensor, at: Tensor, values: Tensor) -> Tensor:
    """The piecewise linear function through (at, values), both (n,), `at` ascending; constant beyond its ends."""
    right = torch.searchsorted(at, x.contiguous()).clamp(1, len(at) - 1)
    share = ((x - at[right - 1]) / (at[right] - at[right - 1])).clamp(0, 1)
    return torch.lerp(values[right - 1], values[right], share)


def soft_floor(x: Tensor, knee: float) -> Tensor:
    """`x` where it is above `knee`, and a smooth approach to 0 below: contrast is compressed instead of cut off."""
    return torch.where(x > knee, x, knee * torch.exp((x - knee).clamp_max(0) / knee))
