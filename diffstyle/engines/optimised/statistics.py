"""The loss of engines that compare statistics of feature maps, Gram matrices or moments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Protocol

import torch
from torch import Tensor

from diffstyle.encoders.features import run
from diffstyle.engines.optimised.descent import Loss
from diffstyle.engines.optimised.reader import SHIFTS, Shift
from diffstyle.engines.optimised.scene import Part, Scene

Guide = Tensor | None


class Distance(Protocol):
    """From a map (1, c, h, w), where a guide (1, 1, h, w) marks it, to the statistics of a style: (1,)."""

    def __call__(self, found: Tensor, guide: Guide) -> Tensor: ...


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Maps (1, c, h, w) of one layer whose statistics are mixed by `share`, each with where it counts."""

    maps: Sequence[tuple[Tensor, float, Guide]]


Measure = Callable[[Samples, bool], Distance]
"""The distance to the mixed statistics of samples; `literature` leaves it in the scale of the literature."""


def statistics_loss(scene: Scene, measure: Measure) -> Loss:
    """Content: squared error of features (Gatys et al. 2016, equation 1). Style: `measure`, by layer and part."""
    weights, total = _content_weights(scene), sum(scene.style_layers.values()) or 1.0
    distances = [(part, _distances(scene, part, measure)) for part in scene.parts]

    @cache
    def content(shift: Shift) -> dict[str, Tensor]:
        return scene.read_still(scene.content, scene.content_layers, shift)

    @cache
    def guides(k: int, shift: Shift) -> Mapping[str, Tensor]:
        return _guides(scene, scene.parts[k], shift)

    def loss(picture: Tensor, n: int) -> Tensor:
        shift = scene.shift(n)
        wanted = content(shift)  # before the maps of the picture: each alone takes much memory
        maps = scene.read(picture, n)
        terms = [weight * (maps[name] - wanted[name]).square().mean() for name, weight in weights.items()]
        for k, (part, by_layer) in enumerate(distances):
            for name, distance in by_layer.items():
                share = scene.style_weight * part.area * scene.style_layers[name] / (1.0 if scene.literature else total)
                guided = partial(distance, guide=guides(k, shift).get(name))
                terms.append(share * run(guided, maps[name], recompute=scene.recompute).sum())
        return torch.stack(terms).sum() if terms else picture.sum() * 0

    return loss


def _content_weights(scene: Scene) -> dict[str, float]:
    """The weight of each layer of the content."""
    total = sum(scene.content_layers.values()) or 1.0
    found: dict[str, float] = {}
    for name, target in scene.read_still(scene.content, scene.content_layers).items():
        scale = 1.0 if scene.literature else 1 / max(float(target.square().mean()), 1e-6)
        found[name] = scale * scene.content_weight * scene.content_layers[name] / total
    return found


def _guides(scene: Scene, part: Part, shift: Shift = SHIFTS[0]) -> Mapping[str, Tensor]:
    if part.mask is None:
        return {}
    return scene.reader.guides(part.mask, scene.read_still(scene.photo, scene.style_layers, shift), shift)


def _distances(scene: Scene, part: Part, measure: Measure) -> dict[str, Distance]:
    """By layer: to the statistics of the part's exemplars, as far from the photo's own as `strength` says."""
    layers = scene.style_layers
    read: list[tuple[Mapping[str, Tensor], float, Mapping[str, Tensor]]] = []
    read += [(scene.read_still(e.picture, layers), scene.strength * e.share, {}) for e in part.exemplars]
    if scene.strength < 1:
        read.append((scene.read_still(scene.photo, layers), 1 - scene.strength, _guides(scene, part)))

    def samples(name: str) -> Samples:
        return Samples([(maps[name], share, guides.get(name)) for maps, share, guides in read])

    return {name: measure(samples(name), scene.literature) for name in layers}
