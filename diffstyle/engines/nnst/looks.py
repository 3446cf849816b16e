"""What is seen of a place beside its features: tone, hue and local contrast. They count in matches as much as asked.

Features of a classifier hardly tell light from dark paint of equal texture; without looks, an object's light and dark
get mixed up.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.engines.nnst.decoder import CELL
from diffstyle.ops.luma import luma


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """Of the places of maps, fine (b, 4, h/4, w/4) and deep (b, 4, h/8, w/8): mean luma less 0.5, two differences of
    colour, and relief in [0, 1], which is local contrast in relation to the whole picture's.
    """

    fine: Tensor
    deep: Tensor

    @classmethod
    def of(cls, pictures: Tensor) -> Looks:
        """Of pictures (b, 3, h, w)."""
        colour = F.avg_pool2d(pictures, CELL)
        y = pictures.mean(1, keepdim=True)
        grey, square = (F.avg_pool2d(F.avg_pool2d(x, CELL), 3, 1, 1) for x in (y, y.square()))
        deviation = (square - grey.square()).clamp_min(0).sqrt()
        relief = deviation / (deviation + deviation.mean((2, 3), keepdim=True) + 1e-3)
        light = luma(colour)
        fine = torch.cat((light - 0.5, colour[:, :1] - light, colour[:, 2:] - light, relief), 1)
        return cls(fine, F.avg_pool2d(fine, 2))


def with_looks(keys: Tensor, looks: Tensor) -> Tensor:
    """Keys (b, k, d) of the style and the looks (b, 4, ·, ·) of its k places, as (b, k, d + 7)."""
    rows = looks.flatten(2).mT
    light, chroma, relief = rows[..., :1], rows[..., 1:3], rows[..., 3:]
    squares = (-chroma.square().sum(2, keepdim=True), relief, -relief.square(), light, -light.square())
    return torch.cat((keys, torch.cat((chroma, *squares), 2).to(keys.dtype)), 2)


def seeking_looks(queries: Tensor, looks: Tensor, *, light: float, chroma: float, relief: float) -> Tensor:
    """Queries (b, n, d + 7) whose product with keys that have looks is the cosine less `light`, `chroma` and `relief` x
    the squared distances of these, up to a constant for each query. `looks` (b, 4, ·, ·) are of the n places.
    """
    rows = looks.flatten(2).mT
    one = torch.ones_like(rows[..., :1])
    about_chroma = (2 * chroma * rows[..., 1:3], chroma * one)
    about_rest = (2 * relief * rows[..., 3:], relief * one, 2 * light * rows[..., :1], light * one)
    return torch.cat((queries, torch.cat((*about_chroma, *about_rest), 2).to(queries.dtype)), 2)
