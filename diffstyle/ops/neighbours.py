"""Nearest neighbours by centred cosine (Kolkin et al. 2022, section 3.2), in bounded memory."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.core.cancelling import check_cancelled

CHUNK = 2**21  # entries of one part of the similarity matrix, which stays in the cache
GROUP = 64  # keys whose largest product is found at once: vectorised, unlike a search with indices


def to_keys(maps: Tensor, projection: Tensor, centre: Tensor | None = None) -> Tensor:
    """Rows of unit length (b, h·w, d) that are compared: maps (b, c, h, w) less their mean, projected by (c, d).

    `centre` (b, c) replaces the mean of the maps, for a part of a picture that is matched as part of the whole.
    """
    rows = maps.flatten(2).mT  # (b, n, c)
    mean = rows.float().mean(1) if centre is None else centre
    projected = rows @ projection.to(rows.dtype) - (mean @ projection.float())[:, None].to(rows.dtype)
    return F.normalize(projected.float(), dim=2).to(maps.dtype)


def nearest(queries: Tensor, keys: Tensor) -> Tensor:
    """Index (n,) of the key (k, d) with the largest inner product with each query (n, d), the first of equal ones."""
    spare = -len(keys) % GROUP
    keys = torch.cat((keys, keys[:1].expand(spare, -1)))
    step = max(64, CHUNK // len(keys))

    def nearest(part: Tensor) -> Tensor:
        check_cancelled()
        return _first_largest(part @ keys.mT)

    return torch.cat([nearest(part) for part in torch.split(queries, step)])


def _first_largest(products: Tensor) -> Tensor:
    """Index (n,) of the first of the largest entries of each row (n, k), k a multiple of GROUP."""
    groups = products.view(len(products), -1, GROUP)
    best = groups.amax(2).argmax(1)  # (n,)
    within = groups[torch.arange(len(best), device=best.device), best].argmax(1)
    return best * GROUP + within


def gather(maps: Tensor, index: Tensor, height: int, width: int) -> Tensor:
    """Channels of maps (b, c, ·, ·) at the flat places `index` (b, height·width), as (b, c, height, width)."""
    rows = maps.flatten(2).mT  # (b, k, c)
    chosen = torch.stack([r[i] for r, i in zip(rows, index, strict=True)])  # (b, n, c)
    return chosen.view(len(index), height, width, -1).permute(0, 3, 1, 2)
