"""What each place of the picture is painted with: the nearest features of its region's styles, mixed by weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.engines.nnst.bank import Bank, StyleBanks
from diffstyle.engines.nnst.decoder import Decoder, Maps
from diffstyle.ops.neighbours import KeyGrid, coherent_matches, seeking_colours, to_keys

JITTER = 0.35  # length of the noise that a seed adds to keys of unit length


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
    """What counts beside the likeness of features: the likeness of `colour`, and `coherence` with what neighbours take.

    `noise` varies the matches.
    """

    colour: float = 1.0
    coherence: float = 0.12
    noise: torch.Generator | None = None


def style_targets(decoder: Decoder, maps: Maps, bank: Bank, *, centre: Centre, weights: MatchWeights) -> Maps:
    """`maps` with every place replaced by its match in `bank`. The colours of `maps` are those to be found."""
    fine_colours, deep_colours = maps.cell_colours()
    fine = to_keys(maps.fine, decoder.fine_keys, centre.fine)
    deep = to_keys(maps.deep, decoder.deep_keys, centre.deep)
    at_fine = _matches(fine, fine_colours, maps.fine, bank.fine_keys, weights)
    at_deep = _matches(deep, deep_colours, maps.deep, bank.deep_keys, weights)
    return Maps(_laid_out(bank.fine, at_fine), _laid_out(bank.deep, at_deep), _laid_out(bank.marks, at_fine))


def _matches(keys: Tensor, colours: Tensor, maps: Tensor, grid: KeyGrid, weights: MatchWeights) -> Tensor:
    """Index (h, w) of rows for maps (1, c, h, w) with these keys and colours."""
    if weights.noise is not None:
        keys = jittered(keys[0], maps, weights.noise)[None]
    queries = seeking_colours(keys, colours, weights.colour).view(*maps.shape[2:], -1)
    return coherent_matches(queries, grid, coherence=weights.coherence)


def jittered(keys: Tensor, maps: Tensor, noise: torch.Generator) -> Tensor:
    """Keys (n, d) of `maps` with noise that is alike over a few places, so that whole strokes change."""
    _, _, h, w = maps.shape
    coarse = torch.randn((1, keys.shape[1], h // 4 + 2, w // 4 + 2), generator=noise)
    smooth = F.interpolate(coarse, (h, w), mode="bilinear").flatten(2)[0].T  # (n, d)
    return keys + (JITTER / keys.shape[1] ** 0.5 * smooth).to(keys.dtype)


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
