"""The photo as a hand lays it, which the painter begins from where words name a medium, a painter or a movement.

A small picture shows how paint looks, but not how a painter moves the brush: strokes are longer than what features of a
few pixels hold. So the photo is first laid in strokes or washes (`diffstyle.data.hands`); the neighbours of
the exemplar then give it colours and marks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from diffstyle.assets.atlas import Atlas
from diffstyle.core.mask import composite_weights
from diffstyle.core.style import Reference, Style
from diffstyle.core.task import ResolvedTask
from diffstyle.data.hands.brush import Hand, resized
from diffstyle.data.hands.table import ARTISTS, MOVEMENTS, hand, laid
from diffstyle.data.words.artists import MOVEMENT_OF
from diffstyle.data.words.parse import Words, parse

if TYPE_CHECKING:
    from diffstyle.data.hands.washes import Rendering

LARGEST = 1024  # longest side at which strokes are laid; they are enlarged beyond it
MEDIA_HOLD = 0.3  # of structure
GRAINS = {"coarse": 1.5, "fine": 0.66}


def underpainted(task: ResolvedTask, on_layer: Callable[[], None]) -> Tensor:
    """The content (3, h, w) of `task` as its styles' hands lay it; itself where they name none."""
    photo = task.content.pixels
    if not task.regions:
        return _of_style(task.style, photo, task, on_layer)
    left, parts = composite_weights(task.regions)
    laid_by = [_of_style(style, photo, task, on_layer) for style in task.styles]
    total = sum((mask * pixels for mask, pixels in zip((left, *parts), laid_by, strict=True)), torch.zeros_like(photo))
    weight = sum((left, *parts), torch.zeros_like(left))
    return torch.where(weight > 0, total / weight.clamp_min(1e-6), photo)


def _of_style(style: Style, photo: Tensor, task: ResolvedTask, on_layer: Callable[[], None]) -> Tensor:
    """Those of its references by weight, moved from the photo as far as strength and structure say."""
    share = task.strength * min(1.0, 2 - 2 * task.structure)
    hands = [(hand_of(r), r.weight) for r in sorted(style.references, key=lambda r: r.digest)]
    if share <= 0 or not any(by for by, _ in hands):
        return photo
    total = sum(weight for _, weight in hands)
    mean = torch.zeros_like(photo)
    for by, weight in hands:
        mean += weight / total * (photo if by is None else _laid(photo, by, task.seed or 0, on_layer))
    return torch.lerp(photo, mean, share)


def _laid(photo: Tensor, by: Hand | Rendering, seed: int, on_layer: Callable[[], None]) -> Tensor:
    pixels = np.ascontiguousarray(photo.permute(1, 2, 0).numpy(), np.float32)
    h, w = (int(n) for n in pixels.shape[:2])
    small = resized(pixels, min(1.0, LARGEST / max(h, w)))
    painted = laid(small, by, np.random.default_rng(seed), on_layer)
    return torch.from_numpy(resized(painted, size=(h, w))).permute(2, 0, 1).contiguous()


def structure_of(task: ResolvedTask) -> float:
    """The structure to paint with: higher by what media of a hand weigh, since their strokes are laid already."""
    references = [r for style in task.styles for r in style.references]
    laid_by_medium = [r.weight for r in references if hand_of(r) is not None and not parse(r.prompt).artists]
    return min(1.0, task.structure + MEDIA_HOLD * sum(laid_by_medium) / sum(r.weight for r in references))


def hand_of(reference: Reference) -> Hand | Rendering | None:
    """The hand that words name: by a medium, else a painter, else a movement."""
    if not reference.prompt or reference.pictures:
        return None
    words = parse(reference.prompt)
    found = _named(words)
    if isinstance(found, Hand) and words.grain:
        found = replace(found, widths=tuple(GRAINS[words.grain] * width for width in found.widths))
    return found


def _named(words: Words) -> Hand | Rendering | None:
    by_medium = [found for name, _ in words.media if (found := hand(name))]
    if by_medium:
        return by_medium[0]
    for name in words.artists:
        if name in ARTISTS:
            return ARTISTS[name]
        movements = [MOVEMENT_OF[name]] if name in MOVEMENT_OF else _movements_of(name)
        for movement in movements:
            if movement in MOVEMENTS:
                return MOVEMENTS[movement]
    return next((MOVEMENTS[name] for name in words.movements if name in MOVEMENTS), None)


def _movements_of(artist: str) -> tuple[str, ...]:
    return next((entry.movements for entry in Atlas.load().entries if artist in entry.artists), ())
