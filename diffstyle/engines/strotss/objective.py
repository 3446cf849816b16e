"""The loss of STROTSS (Kolkin et al. 2019): hypercolumns at random places, compared as sets.

Departures: layers are scaled alike and taken less the style's mean, because on networks with bounded activations
cosines of raw features hardly differ; and places are drawn at random instead of on a shifted grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.engines.optimised.descent import Loss
from diffstyle.engines.optimised.reader import RGB, SHIFTS, Shift, within_border
from diffstyle.engines.optimised.scene import Part, Scene
from diffstyle.engines.strotss.settings import Strotss
from diffstyle.ops.relaxed_transport import (
    cosine_distances,
    moment_distance,
    palette_distance,
    relaxed_distance,
    self_similarity_distance,
)

POOL = 8192  # places of a style that samples are drawn from


@dataclass(frozen=True, slots=True, eq=False)
class _Target:
    """A part of the picture: its share, its places (n, 2) in [-1, 1], hypercolumns (m, d) and colours (m, 3) of its
    style.
    """

    area: float
    places: Tensor
    columns: Tensor
    colours: Tensor


class Hypercolumns:
    """Reads vectors (n, d) of all `layers` at places (n, 2): less the styles' mean, with a mean square of 1 and as much
    of it from each layer.
    """

    def __init__(self, maps: Sequence[dict[str, Tensor]], layers: Sequence[str]) -> None:
        self.layers = [name for name in layers if name != RGB]
        self._means = {n: torch.stack([m[n].mean((0, 2, 3)) for m in maps]).mean(0) for n in self.layers}
        self._scales: dict[str, float] = {}
        each = sum(maps[0][n].shape[1] for n in self.layers) / len(self.layers)  # of the squared length of a vector
        for n in self.layers:
            squares = [(m[n] - self._means[n][:, None, None]).square().sum(1).mean() for m in maps]
            self._scales[n] = float((each / torch.stack(squares).mean().clamp_min(1e-8)).sqrt())

    def __call__(self, maps: dict[str, Tensor], places: Tensor, shift: Shift = SHIFTS[0]) -> Tensor:
        inside = within_border(places, maps[RGB], shift)
        return torch.cat([(at(maps[n], inside) - self._means[n]) * self._scales[n] for n in self.layers], 1)


def at(maps: Tensor, places: Tensor) -> Tensor:
    """Maps (1, c, h, w) at places (n, 2), x and y in [-1, 1], bilinear: (n, c)."""
    found = F.grid_sample(maps, places[None, None], mode="bilinear", padding_mode="border", align_corners=False)
    return found[0, :, 0].mT


def objective(settings: Strotss, scene: Scene) -> Loss:
    """(α ℓ_C + ℓ_m + ℓ_r + ℓ_p / α) / (2 + α + 1/α), with α doubled at each coarser size (sections 2.4 and 2.5)."""
    noise = _noise(scene, -1)
    with_colours = {**scene.style_layers, RGB: 1.0}
    styles = [[scene.read_still(e.picture, with_colours) for e in p.exemplars] for p in scene.parts]
    photo = scene.read_still(scene.photo, with_colours)
    columns = Hypercolumns([m for part in styles for m in part], list(scene.style_layers))
    targets = [
        _target(scene, part, maps, photo, columns, noise) for part, maps in zip(scene.parts, styles, strict=True)
    ]
    alpha = scene.content_weight / max(scene.style_weight, 1e-6) * 2.0 ** (scene.levels - 1 - scene.level)
    count = settings.samples

    @cache
    def content(shift: Shift) -> tuple[dict[str, Tensor], Hypercolumns]:
        maps = scene.read_still(scene.content, {**scene.content_layers, RGB: 1.0}, shift)
        return maps, Hypercolumns([maps], list(scene.content_layers))

    def loss(picture: Tensor, n: int) -> Tensor:
        noise, shift = _noise(scene, n), scene.shift(n)
        if scene.content_layers:
            content(shift)  # before the maps of the picture: each alone takes much memory
        maps = {**scene.read(picture, n), RGB: picture}
        total = picture.new_zeros(())
        if scene.content_layers:
            places = _anywhere(count, noise).to(picture.device)
            wanted, arrangement = content(shift)
            found, own = (arrangement(m, places, shift) for m in (maps, wanted))
            total = total + alpha * self_similarity_distance(found, own)
        for target in targets:
            places = _drawn(target.places, count, noise)
            style = _draw(len(target.columns), count, noise).to(picture.device)
            found, sought = columns(maps, places, shift), target.columns[style]
            colours = palette_distance(at(picture, places), target.colours[style])
            moved = relaxed_distance(cosine_distances(found, sought)) + moment_distance(found, sought)
            total = total + target.area * (moved + colours / alpha)
        return total / (2 + alpha + 1 / alpha)

    return loss


def _target(
    scene: Scene,
    part: Part,
    maps: Sequence[dict[str, Tensor]],
    photo: dict[str, Tensor],
    columns: Hypercolumns,
    noise: torch.Generator,
) -> _Target:
    """Places of each exemplar by its share, and as many of the photo's own as `strength` leaves."""
    places = _anywhere(POOL, noise) if part.mask is None else _inside(part.mask, noise)
    places = places.to(scene.photo.device)
    shares = [(m, scene.strength * e.share) for m, e in zip(maps, part.exemplars, strict=True)]
    found: list[Tensor] = []
    colours: list[Tensor] = []
    for read, share in shares:
        some = _anywhere(max(1, round(POOL * share)), noise).to(places.device)
        found.append(columns(read, some))
        colours.append(at(read[RGB], some))
    if scene.strength < 1:
        own = places[: max(1, round(POOL * (1 - scene.strength)))]
        found.append(columns(photo, own))
        colours.append(at(photo[RGB], own))
    return _Target(part.area, places, torch.cat(found), torch.cat(colours))


def _noise(scene: Scene, n: int) -> torch.Generator:
    """That of an iteration, whatever was drawn before it: a resumed optimisation draws the same."""
    return torch.Generator().manual_seed(((scene.seed * 64 + scene.level) * 10_007 + n + 1) % 2**63)


def _anywhere(count: int, noise: torch.Generator) -> Tensor:
    """(count, 2) in [-1, 1], evenly distributed."""
    return 2 * torch.rand(count, 2, generator=noise) - 1


def _inside(mask: Tensor, noise: torch.Generator) -> Tensor:
    """Places (POOL, 2) in [-1, 1] as often as a mask (1, 1, h, w) says."""
    h, w = mask.shape[2:]
    flat = mask.flatten().cpu().clamp_min(0) + 1e-9
    edges = flat.double().cumsum(0)
    index = torch.searchsorted(edges, torch.rand(POOL, generator=noise, dtype=torch.float64) * edges[-1])
    index = index.clamp(max=h * w - 1)
    within = torch.rand(POOL, 2, generator=noise)
    x = (index % w + within[:, 0]) / w
    y = (torch.div(index, w, rounding_mode="floor") + within[:, 1]) / h
    return 2 * torch.stack((x, y), 1) - 1


def _draw(size: int, count: int, noise: torch.Generator) -> Tensor:
    """Index (count,) of rows among `size`."""
    return torch.randint(size, (count,), generator=noise)


def _drawn(rows: Tensor, count: int, noise: torch.Generator) -> Tensor:
    return rows[_draw(len(rows), count, noise).to(rows.device)]
