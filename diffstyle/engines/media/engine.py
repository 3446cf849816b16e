"""Draws the media that the words of a style name. Nothing is trained and nothing is downloaded."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from diffstyle.core.errors import InputError
from diffstyle.core.picture import Picture
from diffstyle.core.style import Style
from diffstyle.core.task import ResolvedTask, Task, resolve
from diffstyle.data.words.parse import nearest_media
from diffstyle.engines.base import Engine, EngineHost, OnStep, Step, report, settings_of
from diffstyle.engines.media.canvas import Array, draw_all
from diffstyle.engines.media.choose import GRAINS, SMALLEST_GRAIN, Layer, adjusted, layers_of, look_of
from diffstyle.engines.media.photo import Photo
from diffstyle.engines.media.registry import MEDIA
from diffstyle.engines.media.settings import Media
from diffstyle.engines.media.together import Part, together

RULES = 3  # raise it when a rule draws otherwise than before: recipes name it
STEPS = 100
PLANNED = 0.25  # share of the steps after which a medium is planned

_OnShare: TypeAlias = Callable[[float], None]


class MediaEngine:
    """`strength` mixes the drawing with the photo; `structure` raises or softens the photo's shapes beforehand; the
    seed varies where marks lie. Marks are a share of the picture, whatever its size; `stroke` and words such as coarse
    scale them.

    `together` combines several media. In a blend, references that name no medium are painted by `preview`, and that
    picture and the media's are mixed by weight.
    """

    capabilities = Media.capabilities

    def __init__(self, preview: Engine) -> None:
        self.preview = preview
        digest = hashlib.sha256(f"{RULES} {' '.join(MEDIA)}".encode()).hexdigest()
        self.weights: Mapping[str, str] = MappingProxyType({"media rules": digest, **preview.weights})

    @property
    def runtime(self) -> Mapping[str, str]:
        return self.preview.runtime

    def measure(self, style: Style) -> Style:
        """As the preview measures it: a blend needs that."""
        return self.preview.measure(style)

    def prepare(self, task: Task) -> ResolvedTask:
        for style in task.styles:
            _check(style)
        return resolve(task, settings_of(task, Media), self.measure)

    def largest_side(self, task: ResolvedTask) -> int | None:
        del task
        return None

    def render(self, task: ResolvedTask, on_step: OnStep | None = None) -> Picture:
        content = task.content
        report(on_step, 0, STEPS)
        if task.strength == 0:
            report(on_step, STEPS, STEPS)
            return content
        layers = layers_of(task.style)
        drawn = [layer for layer in layers if layer.name]
        others = [layer for layer in layers if layer.reference]
        share, parts = sum(layer.weight for layer in drawn), len(others) + bool(drawn)

        def on_part(n: int) -> _OnShare:
            return lambda done: report(on_step, min(STEPS - 1, int((n + done) / parts * STEPS)), STEPS)

        pixels = torch.zeros_like(content.pixels)
        if drawn:
            pixels.add_(self._drawn(task, drawn, on_part(0)), alpha=share * task.strength)
        for n, layer in enumerate(others, parts - len(others)):
            pixels.add_(self._preview(task, layer, on_part(n)), alpha=layer.weight * task.strength)
        if task.strength < 1:
            pixels.add_(content.pixels, alpha=1 - task.strength)
        report(on_step, STEPS, STEPS)
        return Picture(pixels.clamp_(0, 1), content.alpha, content.source, (*content.notes, *_notes(task, layers)))

    def _drawn(self, task: ResolvedTask, layers: Sequence[Layer], on_share: _OnShare) -> Tensor:
        """(3, H, W): the content in one medium, or in several together."""
        photo = Photo.of(_rows(task.content.pixels))
        parts: list[Part] = []
        for n, layer in enumerate(layers):
            on_share(PLANNED * n / len(layers))
            medium = MEDIA[layer.name]
            rng = np.random.default_rng([task.seed, zlib.crc32(layer.name.encode())])
            look = look_of(medium, layer.words, stroke=task.stroke or 1.0)
            draw = medium.rule(adjusted(photo, layer.words, structure=task.structure), look, rng)
            parts.append(Part(layer.name, draw, look, layer.weight, medium.lies_over, medium.glows))
        draw = parts[0].draw if len(parts) == 1 else together(parts, photo)

        def on_strip(done: int, total: int) -> None:
            on_share(PLANNED + (1 - PLANNED) * done / total)

        rows = draw_all(draw, task.content.height, task.content.width, on_strip)
        return torch.from_numpy(rows).permute(2, 0, 1)

    def _preview(self, task: ResolvedTask, layer: Layer, on_share: _OnShare) -> Tensor:
        """(3, H, W): the content in the style of a reference that names no medium."""
        assert layer.reference is not None

        def on_step(step: Step) -> None:
            on_share(step.done / step.total)

        style = Style((replace(layer.reference, weight=1.0),))
        alone = replace(task, style=style, regions=(), mask=None, strength=1.0)
        return self.preview.render(alone, on_step).pixels


def load(host: EngineHost) -> MediaEngine:
    """The rules, whatever the model."""
    if host.preview is None:
        raise InputError("The engine media needs the preview engine beside it: load it through Stylizer.")
    return MediaEngine(host.preview)


def _check(style: Style) -> None:
    """Raise InputError if no reference names a medium."""
    if any(not layer.reference for layer in layers_of(style)):
        return
    if not style.prompt:
        raise InputError(
            "The engine media draws what words name, and this style has none: name a medium, such as halftone, or"
            " choose another engine for pictures."
        )
    near = nearest_media(style.prompt, list(MEDIA))
    raise InputError(
        f"{style.prompt[:60]!r} names no medium that is drawn by rule: say {', '.join(near)} or another of"
        f" {', '.join(name for name in MEDIA if name not in near)}; or choose another engine."
    )


def _notes(task: ResolvedTask, layers: tuple[Layer, ...]) -> list[str]:
    """What the words said that was not honoured."""
    unknown = dict.fromkeys(word for layer in layers if layer.name for word in layer.words.unknown)
    taken = dict.fromkeys(pair for layer in layers if layer.name for pair in layer.words.corrected)
    undrawn = dict.fromkeys(
        name for layer in layers if layer.name for name, _ in layer.words.media if name not in MEDIA
    )
    notes = [f"{', '.join(map(repr, unknown))}: not understood."] if unknown else []
    notes += [
        f"{wrong!r} was read as {right}." for wrong, right in taken if wrong.replace(" ", "") != right.replace(" ", "")
    ]
    notes += [f"No rule draws {', '.join(undrawn)}: left out."] if undrawn else []
    wanted = min((task.stroke or 1.0) * GRAINS[layer.words.grain] for layer in layers)
    if wanted < SMALLEST_GRAIN:
        notes.append(f"Marks are drawn at {SMALLEST_GRAIN} of their usual size, the smallest.")
    return notes


def _rows(pixels: Tensor) -> Array:
    """(3, H, W) -> (H, W, 3)."""
    return pixels.permute(1, 2, 0).contiguous().numpy()
