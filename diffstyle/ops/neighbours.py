"""Nearest neighbours by centred cosine (Kolkin et al. 2022, section 3.2), in bounded memory, and coherent ones.

Coherent matches follow the k-coherence of image analogies (Hertzmann et al. 2001) with the jumps of PatchMatch (Barnes
et al. 2009): a place prefers what continues its neighbours' matches, so that whole strokes are copied.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

CHUNK = 2**23  # entries of one block of the similarity matrix
LIGHT_SQUARE = -1  # the dimension of keys with looks that every query multiplies by its weight of light
JUMPS = (4, 2, 1, 1)  # distances of the neighbours that are asked, in turn
_AROUND = ((-1, 0), (0, -1), (0, 1), (1, 0))


def to_keys(maps: Tensor, projection: Tensor, centre: Tensor | None = None) -> Tensor:
    """Rows of unit length (b, h·w, d) that are compared: maps (b, c, h, w) less their mean, projected by (c, d).

    `centre` (b, c) replaces the mean of the maps, for a part of a picture that is matched as part of the whole.
    """
    rows = maps.flatten(2).mT  # (b, n, c)
    mean = rows.float().mean(1) if centre is None else centre
    projected = rows @ projection.to(rows.dtype) - (mean @ projection.float())[:, None].to(rows.dtype)
    return F.normalize(projected.float(), dim=2).to(maps.dtype)


def with_looks(keys: Tensor, looks: Tensor) -> Tensor:
    """Keys (b, k, d) of the style and the looks (b, k, 4) of their places, as (b, k, d + 7).

    Looks are luma, two differences of colour, and relief.
    """
    light, chroma, relief = looks[..., :1], looks[..., 1:3], looks[..., 3:]
    squares = (-chroma.square().sum(2, keepdim=True), relief, -relief.square(), light, -light.square())
    return torch.cat((keys, torch.cat((chroma, *squares), 2).to(keys.dtype)), 2)


def seeking_looks(queries: Tensor, looks: Tensor, *, light: float, chroma: float, relief: float) -> Tensor:
    """Queries (b, n, d + 7) whose product with keys that have looks is the cosine less `light`, `chroma` and `relief` x
    the squared distances of these, up to a constant for each query.
    """
    one = torch.ones_like(looks[..., :1])
    about_chroma = (2 * chroma * looks[..., 1:3], chroma * one)
    about_rest = (2 * relief * looks[..., 3:], relief * one, 2 * light * looks[..., :1], light * one)
    return torch.cat((queries, torch.cat((*about_chroma, *about_rest), 2).to(queries.dtype)), 2)


def nearest(queries: Tensor, keys: Tensor) -> Tensor:
    """Index (n,) of the key (k, d) with the largest inner product with each query (n, d)."""
    step = max(64, CHUNK // max(1, keys.shape[0]))
    return torch.cat([(part @ keys.mT).max(1).indices for part in torch.split(queries, step)])


def gather(maps: Tensor, index: Tensor, height: int, width: int) -> Tensor:
    """Channels of maps (b, c, ·, ·) at the flat places `index` (b, height·width), as (b, c, height, width)."""
    rows = maps.flatten(2).mT  # (b, k, c)
    chosen = torch.stack([r[i] for r, i in zip(rows, index, strict=True)])  # (b, n, c)
    return chosen.view(len(index), height, width, -1).permute(0, 3, 1, 2)


@dataclass(frozen=True, slots=True, eq=False)
class KeyGrid:
    """Unit keys (g, h, w, d) of g pictures of equal size, where they lie in them."""

    keys: Tensor

    @property
    def rows(self) -> Tensor:
        return self.keys.flatten(0, 2)


def usage(queries: Tensor, keys: Tensor, *, sample: int = 256) -> Tensor:
    """How near each key (k, d) is to the quarter of the queries (n, d) that are nearest to it, (k,).

    Subtracted in part, it keeps a few keys from answering most queries (hubs; Conneau et al. 2018, section 2.3).
    """
    some = queries[:: max(1, len(queries) // sample)]
    return (keys @ some.mT).float().topk(max(1, len(some) // 4), dim=1, sorted=False).values.mean(1)


def coherent_matches(queries: Tensor, grid: KeyGrid, *, coherence: float, limit: int = 8192, stride: int = 1) -> Tensor:
    """Flat index (h, w) into `grid.rows` for every query of a map (h, w, d).

    Every `stride`-th place takes the nearest of at most `limit` keys; then all of them, over and over, the best of what
    continues their neighbours' matches, by similarity + `coherence` x the share of neighbours that agree.
    """
    h, w, d = queries.shape
    rows, step = grid.rows, -(-len(grid.rows) // limit)
    seeds = nearest(queries[::stride, ::stride].reshape(-1, d), rows[::step]) * step
    index = seeds.view(-(-h // stride), -(-w // stride))
    index = index.repeat_interleave(stride, 0)[:h].repeat_interleave(stride, 1)[:, :w].contiguous()
    y, x = torch.arange(h)[:, None], torch.arange(w)[None]
    index = _shifted(index, y % stride, x % stride, grid)
    index = torch.where(index < 0, seeds.view(-(-h // stride), -(-w // stride))[y // stride, x // stride], index)
    for jump in JUMPS:
        for parity in (0, 1):
            chosen = _vote(queries, index, grid, jump, coherence)
            index = torch.where((y // jump + x // jump) % 2 == parity, chosen, index)
    return index


def _vote(queries: Tensor, index: Tensor, grid: KeyGrid, jump: int, coherence: float) -> Tensor:
    """For every place the best of its own match and of those that continue its neighbours'."""
    h, w, _ = queries.shape
    padded = F.pad(index[None, None].double(), (jump,) * 4, mode="replicate")[0, 0].to(index.dtype)
    candidates = [index]
    for dy, dx in _AROUND:
        theirs = padded[jump + dy * jump : jump + dy * jump + h, jump + dx * jump : jump + dx * jump + w]
        candidates.append(_shifted(theirs, -dy * jump, -dx * jump, grid))
    best = chosen = None
    for candidate in candidates:
        votes = sum((candidate == other).float() for other in candidates[1:])
        near = (grid.rows[candidate.clamp_min(0)] * queries).sum(-1, dtype=torch.float32)
        score = torch.where(candidate < 0, -9.0, near + coherence / len(_AROUND) * votes)
        if best is None or chosen is None:
            best, chosen = score, candidate
        else:
            chosen = torch.where(score > best, candidate, chosen)
            best = torch.maximum(score, best)
    return index if chosen is None else chosen


def _shifted(index: Tensor, dy: int | Tensor, dx: int | Tensor, grid: KeyGrid) -> Tensor:
    """The flat index of what lies (dy, dx) from `index` in the same picture, -1 beyond its border."""
    _, h, w, _ = grid.keys.shape
    y, x = index // w % h + dy, index % w + dx
    inside = (y >= 0) & (y < h) & (x >= 0) & (x < w) & (index >= 0)
    return torch.where(inside, index + dy * w + dx, -1)
