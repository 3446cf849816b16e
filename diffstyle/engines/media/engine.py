"""Draws the media that the words of a style name. Nothing is trained and nothing is downloaded."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from diffstyle.core.device import dtype_name
from diffstyle.core.errors import InputError
from diffstyle.core.picture import Picture
from diffstyle.core.style import Reference, Style
from diffstyle.core.task import ResolvedTask, Task, resolve
from diffstyle.data.words.parse import nearest_media, parse
from diffstyle.engines.base import Drafter, EngineHost, OnStep, report, settings_of
from diffstyle.engines.media.canvas import Array, draw_all
from diffstyle.engines.media.choose import GRAINS, SMALLEST_GRAIN, Layer, adjusted, layers_of, look_of
from diffstyle.engines.media.photo import Photo
from diffstyle.engines.media.registry import MEDIA
from diffstyle.engines.media.second_ink import in_two_inks
from diffstyle.engines.media.settings import Media
from diffstyle.engines.media.together import Painting, Part, over_painting, together

RULES = 4  # raise it when a rule draws otherwise than before: recipes name it
STEPS = 100
PLANNED = 0.25  # share of the steps after which a medium is planned

_OnShare: TypeAlias = Callable[[float], None]


class MediaEngine:
    """`strength` mixes the drawing with the photo; `structure` raises or softens the photo's shapes beforehand; the
    seed varies where marks lie. Marks are a share of the picture, whatever its size; `stroke` and words such as coarse
    scale them.

    `together` combines several media. In a blend, references that name no medium are painted by `painter`; drawings lie
    over that picture, and media that have colours are drawn from a mixture of it with the photo.
    """

    capabilities = Media.capabilities

    def __init__(self, painter: Drafter | None, dtype: torch.dtype = torch.float32) -> None:
        """Without a `painter`, which was asked to paint in `dtype`, every reference must name a medium."""
        self._painter, self._dtype = painter, dtype
        self._rules = hashlib.sha256(f"{RULES} {' '.join(MEDIA)}".encode()).hexdigest()

    @property
    def weights(self) -> Mapping[str, str]:
        return {"media rules": self._rules}

    def weights_of(self, task: ResolvedTask) -> Mapping[str, str]:
        others = [layer for layer in layers_of(task.style) if layer.reference]
        return {**self.weights, **(self._able_painter().weights_of(_alone(task, others)) if others else {})}

    @property
    def runtime(self) -> Mapping[str, str]:
        return {"device": "cpu", "dtype": dtype_name(self._dtype), "threads": str(torch.get_num_threads())}

    def measure(self, style: Style) -> Style:
        """With all that the painter needs of what is not drawn."""
        others = {layer.reference for layer in layers_of(style) if layer.reference}
        if not others:
            return style

        def measured(reference: Reference) -> Reference:
            if reference not in others:
                return reference
            (alone,) = self._able_painter().measure(Style((reference,))).references
            return replace(alone, weight=reference.weight)  # a style's weights sum to one

        return replace(style, references=tuple(measured(r) for r in style.references))

    def _able_painter(self) -> Drafter:
        if self._painter is None:
            raise InputError("Only media that are drawn by rule can be mixed here: leave the other styles out.")
        return self._painter

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

        def on_share(done: float) -> None:
            report(on_step, min(STEPS - 1, int(done * STEPS)), STEPS)

        pixels = self._drawn(task, layers, on_share)
        if task.strength < 1:
            pixels = torch.lerp(content.pixels, pixels, task.strength)
        report(on_step, STEPS, STEPS)
        return Picture(pixels.clamp_(0, 1), content.alpha, content.source, (*content.notes, *_notes(task, layers)))

    def _drawn(self, task: ResolvedTask, layers: Sequence[Layer], on_share: _OnShare) -> Tensor:
        """(3, H, W): the content in one medium, or in several together, over what is painted."""
        rows = _rows(task.content.pixels)
        photo = Photo.of(rows)
        drawn = [layer for layer in layers if layer.name]
        others = [layer for layer in layers if layer.reference]
        parts: list[Part] = []
        painting = self._painting(task, others) if others else None
        coloured = photo  # what media that have colours are drawn from
        if painting is not None:
            coloured = Photo.of(rows + np.float32(painting.weight) * (painting.rows - rows))
        for n, layer in enumerate(drawn):
            on_share(PLANNED * n / len(drawn))
            medium = MEDIA[layer.name]
            rng = np.random.default_rng([task.seed, zlib.crc32(layer.name.encode())])
            look = look_of(medium, layer.words, stroke=task.stroke or 1.0)
            seen = photo if medium.lies_over else coloured
            draw = medium.rule(adjusted(seen, layer.words, structure=task.structure), look, rng)
            if medium.colouring == "ink and paper" and look.inks:
                draw = in_two_inks(draw, look, photo)
            parts.append(Part(layer.name, draw, look, layer.weight, medium.lies_over, medium.glows))
        draw = together(parts, photo) if painting is None else over_painting(painting, parts, photo)

        def on_strip(done: int, total: int) -> None:
            on_share(PLANNED + (1 - PLANNED) * done / total)

        drawing = draw_all(draw, task.content.height, task.content.width, on_strip)
        return torch.from_numpy(drawing).permute(2, 0, 1)

    def _painting(self, task: ResolvedTask, layers: Sequence[Layer]) -> Painting:
        """The content in the mixture of those references that name no medium."""
        rows = _rows(self._able_painter().draft(_alone(task, layers)).pixels)
        return Painting(rows, sum(layer.weight for layer in layers))


def _alone(task: ResolvedTask, layers: Sequence[Layer]) -> ResolvedTask:
    """The task of what is painted: in the references of these layers, whole."""
    style = Style(tuple(layer.reference for layer in layers if layer.reference))
    return replace(task, style=style, regions=(), strength=1.0)


def load(host: EngineHost) -> MediaEngine:
    """The rules, whatever the model."""
    return MediaEngine(host.painter, host.cpu_dtype)


def _check(style: Style) -> None:
    """Raise InputError if no reference names a medium, however small its weight."""
    if any(name in MEDIA for prompt in style.prompts for name, _ in parse(prompt).media):
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
