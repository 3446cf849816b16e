"""What each place of the picture is painted with: the nearest features of its region's styles, mixed by weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.engines.nnst.bank import Bank, StyleBanks
from diffstyle.engines.nnst.decoder import CELL, Decoder, Maps
from diffstyle.engines.nnst.looks import Looks, seeking_looks
from diffstyle.ops.luma import box, luma
from diffstyle.ops.neighbours import nearest, to_keys

FLAT = 0.04  # deviation of luma over 20 pixels, from which on a place is not flat


@dataclass(frozen=True, slots=True, eq=False)
class WeightedStyle:
    """One style and its weight among those of a region. `keeps_hues`: it has none of its own, and the photo's stay."""

    banks: StyleBanks
    weight: float = 1.0
    keeps_hues: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Styles for a part of the photo. `mask` (1, h, w) in [0, 1] is of the photo's size; None is everywhere.

    Masks of all regions are normalised place by place; where all are 0, the photo is left in its own features.
    """

    styles: tuple[WeightedStyle, ...]
    mask: Tensor | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Centre:
    """Means (1, 272) and (1, 864) that maps are compared relative to; those of the whole picture when it is tiled."""

    fine: Tensor
    deep: Tensor

    @classmethod
    def of(cls, maps: Maps) -> Centre:
        return cls(maps.fine.float().mean((2, 3)), maps.deep.float().mean((2, 3)))


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchWeights:
    """What counts beside the likeness of features.

    `light`, `hue`, `relief`: likeness of luma, hue and local contrast. `jitter`: length of the noise that varies
    matches.
    """

    light: float = 0.5
    hue: float = 0.3
    relief: float = 0.0
    jitter: float = 0.0
    noise: torch.Generator


def style_targets(
    decoder: Decoder, maps: Maps, looks: Looks, bank: Bank, *, centre: Centre, weights: MatchWeights
) -> Maps:
    """`maps` with every place replaced by its match in `bank`. `looks` are those to be found."""
    weights = replace(weights, hue=weights.hue * bank.hue)
    fine = to_keys(maps.fine, decoder.fine_keys, centre.fine)
    deep = to_keys(maps.deep, decoder.deep_keys, centre.deep)
    return Maps(
        _laid_out(bank.fine, _matches(fine, looks.fine, bank.fine_keys, weights)),
        _laid_out(bank.deep, _matches(deep, looks.deep, bank.deep_keys, weights)),
    )


def _matches(queries: Tensor, looks: Tensor, keys: Tensor, weights: MatchWeights) -> Tensor:
    """Index (h, w) of the keys (k, d + 7) nearest to queries (1, h·w, d) with looks (1, 4, h, w)."""
    h, w = looks.shape[2:]
    if weights.jitter > 0:
        queries = queries + (weights.jitter * smooth_noise(queries.shape[2], (h, w), weights.noise)).to(queries.dtype)
    sought = seeking_looks(queries, looks, light=weights.light, chroma=weights.hue, relief=weights.relief)
    return nearest(sought[0], keys).view(h, w)


def smooth_flats(targets: Maps, goal: Tensor, share: float) -> Maps:
    """`targets` averaged with their neighbours' where the goal (1, 3, h, w) is flat, by up to `share`.

    Neighbouring places of a calm sky match places of the style that differ in tone: undone, that is mottle.
    """
    y = F.avg_pool2d(luma(goal), CELL)
    deviation = (box(y.square(), 5) - box(y, 5).square()).clamp_min(0).sqrt()
    flat = share * (1 - deviation / FLAT).clamp(0, 1)
    return Maps(
        torch.lerp(targets.fine, _averaged(targets.fine, 4), flat.to(targets.fine.dtype)),
        torch.lerp(targets.deep, _averaged(targets.deep, 2), F.avg_pool2d(flat, 2).to(targets.deep.dtype)),
    )


def _averaged(maps: Tensor, side: int) -> Tensor:
    """Maps (1, c, h, w) averaged over about 2 x `side` places; sides of pictures are multiples of 16, so it divides."""
    return F.interpolate(F.avg_pool2d(maps, side), maps.shape[2:], mode="bilinear", align_corners=False)


def smooth_noise(channels: int, size: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Rows (1, h·w, channels) of noise of about unit length, alike over a few places, so that whole strokes change."""
    h, w = size
    coarse = torch.randn((1, channels, h // 4 + 2, w // 4 + 2), generator=generator)
    return F.interpolate(coarse, (h, w), mode="bicubic").flatten(2).mT / channels**0.5


def _laid_out(rows: Tensor, index: Tensor) -> Tensor:
    """(1, c, h, w): the rows (k, c) at `index` (h, w)."""
    return rows[index].permute(2, 0, 1)[None]


def weighted_mean(parts: Sequence[tuple[Tensor, float | Tensor]]) -> Tensor:
    """Of tensors weighted by numbers or by masks that broadcast; equal weights where all masks are 0."""
    if len(parts) == 1:
        return parts[0][0]
    out, total = torch.zeros_like(parts[0][0], dtype=torch.float32), 0.0
    for value, weight in parts:
        out = out + value * (weight + 1e-6)
        total = total + (weight + 1e-6)
    return (out / total).to(parts[0][0].dtype)


def mixed_maps(parts: Sequence[tuple[Maps, float | Tensor]]) -> Maps:
    """Maps weighted by numbers or by masks (1, 1, h/4, w/4)."""
    coarse = [(m.deep, F.avg_pool2d(w, 2) if isinstance(w, Tensor) else w) for m, w in parts]
    return Maps(weighted_mean([(m.fine, w) for m, w in parts]), weighted_mean(coarse))
