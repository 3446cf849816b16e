"""What each place of the picture is painted with: the nearest features of its region's styles, mixed by weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.engines.nnst.bank import Bank, StyleBanks
from diffstyle.engines.nnst.decoder import Decoder, Maps
from diffstyle.ops.neighbours import LIGHT_SQUARE, KeyGrid, coherent_matches, seeking_looks, to_keys, usage


@dataclass(frozen=True, slots=True, eq=False)
class WeightedStyle:
    """One style and its weight among those of a region."""

    banks: StyleBanks
    weight: float = 1.0


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

    `light`, `hue`, `relief`: likeness of luma, hue and local contrast. `coherence`: with what neighbours take.
    `balance`: that places of the style are used alike, so that flats of the photo do not repeat one place of it.
    `jitter`: length of the noise that varies matches. `stride`: every so many places the nearest of the style is
    sought; the places between follow their neighbours.
    """

    light: float = 1.0
    hue: float = 1.0
    relief: float = 0.0
    coherence: float = 0.12
    balance: float = 0.5
    jitter: float = 0.0
    stride: int = 1
    noise: torch.Generator


def style_targets(decoder: Decoder, maps: Maps, bank: Bank, *, centre: Centre, weights: MatchWeights) -> Maps:
    """`maps` with every place replaced by its match in `bank`. The looks of `maps` are those to be found."""
    fine_looks, deep_looks = maps.looks()
    fine = to_keys(maps.fine, decoder.fine_keys, centre.fine)
    deep = to_keys(maps.deep, decoder.deep_keys, centre.deep)
    at_fine = _matches(fine, fine_looks, maps.fine, bank.fine_keys, weights)
    at_deep = _matches(deep, deep_looks, maps.deep, bank.deep_keys, weights)
    return Maps(_laid_out(bank.fine, at_fine), _laid_out(bank.deep, at_deep), _laid_out(bank.marks, at_fine))


def _matches(keys: Tensor, looks: Tensor, like: Tensor, grid: KeyGrid, weights: MatchWeights) -> Tensor:
    """Index (h, w) of rows for keys (1, h·w, d) and looks (1, h·w, 4) of a map (1, c, h, w)."""
    h, w = like.shape[2:]
    if weights.jitter > 0:
        keys = keys + (weights.jitter * smooth_noise(keys.shape[2], (h, w), weights.noise)).to(keys.dtype)
    queries = seeking_looks(keys, looks, light=weights.light, chroma=weights.hue, relief=weights.relief)[0]
    balanced = KeyGrid(grid.keys.clone())
    less = weights.balance / weights.light * usage(queries, grid.rows)
    balanced.keys[..., LIGHT_SQUARE] -= less.view(grid.keys.shape[:3])
    return coherent_matches(queries.view(h, w, -1), balanced, coherence=weights.coherence, stride=weights.stride)


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
    return Maps(
        weighted_mean([(m.fine, w) for m, w in parts]),
        weighted_mean(coarse),
        weighted_mean([(m.marks, w) for m, w in parts]),
    )
