"""The underpainting: the photo in brush strokes or washes, where words name a medium, a painter or a movement.

An exemplar shows how paint looks, but not how a painter moves the brush: strokes are longer than what features of a few
pixels hold. So the photo is first rendered in a technique of `diffstyle.data.painterly`, and the painter paints from
this picture; the exemplar gives it colours and marks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from threading import Lock
from typing import TypeAlias

import numpy as np
import torch
from cachetools import LRUCache
from torch import Tensor

from diffstyle.assets.atlas import Atlas
from diffstyle.core.mask import composite_weights
from diffstyle.core.style import Reference, Style
from diffstyle.core.task import ResolvedTask
from diffstyle.data.painterly.strokes import Array, StrokeStyle, resized
from diffstyle.data.painterly.techniques import (
    Technique,
    render,
    technique_of,
    technique_of_artist,
    technique_of_movement,
)
from diffstyle.data.words.artists import MOVEMENT_OF
from diffstyle.data.words.parse import Words, parse
from diffstyle.engines.exemplars.words import recoloured_as
from diffstyle.engines.media.photo import Photo

LARGEST = 1024  # longest side of an underpainting, which is enlarged beyond it
GRAINS = {"coarse": 1.5, "fine": 0.66}
KEPT = 0.65  # share of the underpainting in the picture where its technique is a picture of its own
MEDIUM_STRUCTURE = 0.3  # added to `structure` where words name a medium: its strokes are painted already
KEPT_BYTES = 48 * 2**20  # of underpaintings: five at LARGEST, twenty drafts, hundreds of thumbnails

_Key: TypeAlias = tuple[bytes, tuple[int, ...], Technique, int]
_PAINTED: LRUCache[_Key, Array] = LRUCache(KEPT_BYTES, getsizeof=lambda painted: painted.nbytes)
_PAINTED_LOCK = Lock()


def underpainted(task: ResolvedTask, on_layer: Callable[[], None]) -> Tensor:
    """The content (3, h, w) of `task` in the techniques of its styles; unchanged where they name none.

    `on_layer` is called before each layer of strokes, and may raise to cancel.
    """
    photo = task.content.pixels
    if not task.regions:
        return _in_style(task.style, photo, task, on_layer)
    left, parts = composite_weights(task.regions)
    rendered = [_in_style(style, photo, task, on_layer) for style in task.styles]
    total = sum((mask * pixels for mask, pixels in zip((left, *parts), rendered, strict=True)), torch.zeros_like(photo))
    weight = sum((left, *parts), torch.zeros_like(left))
    return torch.where(weight > 0, total / weight.clamp_min(1e-6), photo)


def structure_of(task: ResolvedTask) -> float:
    """The structure to paint with: that of the task, and more by the weight of the references that name a medium."""
    references = [r for style in task.styles for r in style.references]
    of_media = sum(r.weight for r in references if _of_medium(_words(r)) is not None)
    return min(1.0, task.structure + MEDIUM_STRUCTURE * of_media / sum(r.weight for r in references))


def kept_of(task: ResolvedTask) -> float:
    """The share of the underpainting in the result: it grows from 0 where references whose underpainting is a picture
    of its own have half the weight, to KEPT where they have all.
    """
    references = [r for style in task.styles for r in style.references]
    own = sum(r.weight for r in references if _is_picture(r))
    return KEPT * max(0.0, 2 * own / sum(r.weight for r in references) - 1)


def technique_of_words(reference: Reference) -> Technique | None:
    """The technique that the words of a reference name: by a medium, else by a painter, else by a movement."""
    words = _words(reference)
    found = _of_medium(words) or _of_artists(words) or _of_movements(words.movements)
    if isinstance(found, StrokeStyle) and words.grain:
        return replace(found, widths=tuple(GRAINS[words.grain] * width for width in found.widths))
    return found


def _in_style(style: Style, photo: Tensor, task: ResolvedTask, on_layer: Callable[[], None]) -> Tensor:
    """The mean of its references' underpaintings, moved from the photo as far as strength and structure say."""
    share = task.strength * min(1.0, 2 - 2 * task.structure)
    techniques = [(technique_of_words(r), r) for r in sorted(style.references, key=lambda r: r.digest)]
    if share <= 0 or not any(technique for technique, _ in techniques):
        return photo
    total = sum(r.weight for r in style.references)
    mean = torch.zeros_like(photo)
    for technique, r in techniques:
        rendered = photo
        if technique:
            rendered = _rendered(photo, technique, task.seed or 0, on_layer)
            rendered = recoloured_as(rendered, _words(r)) if _is_picture(r) else rendered
        mean += r.weight / total * rendered
    return torch.lerp(photo, mean, share)


def _is_picture(reference: Reference) -> bool:
    """Whether the underpainting is a picture of its own, whose marks the painter would blur: of a medium, or a
    rendering that is not in strokes.
    """
    return _of_medium(_words(reference)) is not None or callable(technique_of_words(reference))


def _rendered(photo: Tensor, technique: Technique, seed: int, on_layer: Callable[[], None]) -> Tensor:
    pixels = np.ascontiguousarray(photo.permute(1, 2, 0).numpy(), np.float32)
    h, w = (int(n) for n in pixels.shape[:2])
    painted = _painted(resized(pixels, min(1.0, LARGEST / max(h, w))), technique, seed, on_layer)
    return torch.from_numpy(resized(painted, size=(h, w))).permute(2, 0, 1).contiguous()


def _painted(photo: Array, technique: Technique, seed: int, on_layer: Callable[[], None]) -> Array:
    """The photo (h, w, 3) in a technique. It is kept: many painters share one, and most settings do not change it."""
    key = hashlib.sha256(photo.tobytes()).digest(), photo.shape, technique, seed
    with _PAINTED_LOCK:
        found = _PAINTED.get(key)
    if found is None:
        subject = resized(Photo.of(photo).subject, size=(int(photo.shape[0]), int(photo.shape[1])))
        found = render(photo, technique, np.random.default_rng(seed), on_layer, subject)
        with _PAINTED_LOCK:
            _PAINTED[key] = found
    return found


def _words(reference: Reference) -> Words:
    """What the words of a reference say; nothing for pictures."""
    return parse("" if reference.pictures else reference.prompt)


def _of_medium(words: Words) -> Technique | None:
    """None for oil beside a painter or a movement, as in "a painting by Monet": their strokes say more."""
    by_others = words.artists or words.movements
    names = [name for name, _ in words.media if not (by_others and name == "oil painting")]
    return next((found for name in names if (found := technique_of(name))), None)


def _of_artists(words: Words) -> Technique | None:
    for name in words.artists:
        if found := technique_of_artist(name) or _of_movements(_movements_of(name)):
            return found
    return None


def _of_movements(names: tuple[str, ...]) -> Technique | None:
    return next((found for name in names if (found := technique_of_movement(name))), None)


def _movements_of(artist: str) -> tuple[str, ...]:
    if artist in MOVEMENT_OF:
        return (MOVEMENT_OF[artist],)
    return next((entry.movements for entry in Atlas.load().entries if artist in entry.artists), ())
