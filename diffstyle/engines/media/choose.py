"""From the words of a style to what is drawn: media, their colours and grain, and the photo as they want it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from diffstyle.core.style import Reference, Style
from diffstyle.data.colour_names import COLOURS
from diffstyle.data.words.parse import Words, parse
from diffstyle.engines.media.canvas import Array
from diffstyle.engines.media.look import Look, brightness, saturated
from diffstyle.engines.media.photo import Photo
from diffstyle.engines.media.registry import MEDIA, Medium
from diffstyle.ops.lines import blur

GRAINS = {"coarse": 1.55, "fine": 0.66, "": 1.0}
SMALLEST_GRAIN = 0.4  # marks finer than this are lost in the working resolution
TOO_NEAR = 0.2  # difference of brightness below which an ink cannot be seen on its paper
LEAST_WEIGHT = 1e-3  # of the largest, at which a part of a blend is still drawn


@dataclass(frozen=True, slots=True)
class Layer:
    """A part of a blend: the medium called `name` as `words` want it; or, where that is "", `reference` as it is."""

    name: str
    words: Words
    weight: float
    reference: Reference | None = None


def layers_of(style: Style) -> tuple[Layer, ...]:
    """The parts of a style whose weights sum to one, in an order that does not depend on its own. References that say
    the same are one part.
    """
    found: list[Layer] = []
    for reference in sorted(style.references, key=lambda r: r.digest):
        words = parse(reference.prompt)
        drawn = [(name, share) for name, share in words.media if name in MEDIA]
        if not drawn:
            found.append(Layer("", words, reference.weight, reference))
        total = sum(share for _, share in drawn)
        found += [Layer(name, words, reference.weight * share / total) for name, share in sorted(drawn)]
    merged: dict[Layer, float] = {}
    for layer in found:
        alone = replace(layer, weight=1.0)
        merged[alone] = merged.get(alone, 0.0) + layer.weight
    least = LEAST_WEIGHT * max(merged.values())
    kept = [replace(alone, weight=weight) for alone, weight in merged.items() if weight >= least]
    total = sum(layer.weight for layer in kept)
    return tuple(replace(layer, weight=layer.weight / total) for layer in kept)


def look_of(medium: Medium, words: Words, *, stroke: float) -> Look:
    """The colours that the words name, where the medium has a place for them, and the grain."""
    grain = max(SMALLEST_GRAIN, GRAINS[words.grain] * stroke)
    own = replace(medium.look, grain=grain)
    if not words.colours:
        return own
    inks = [_named(name) for name in words.inks]
    paper = _named(words.paper) if words.paper else None
    if medium.colouring == "ink and paper":
        return _two(own, inks, paper, ground=medium.ground)
    if medium.colouring == "photo":
        if not inks:
            return replace(own, paper=paper if paper is not None else own.paper)
        return replace(own, inks=tuple(inks if paper is None else [*inks, paper]), said=True)
    if not inks:
        return replace(own, paper=own.paper if paper is None else paper)
    return replace(own, inks=_shades(inks, paper, own), paper=own.paper if paper is None else paper, said=True)


def adjusted(photo: Photo, words: Words, *, structure: float) -> Photo:
    """The photo darker or lighter, with more or less contrast and colour, as words say; and with its shapes raised for
    a `structure` above 0.5, or softened below.
    """
    pixels = photo.rgb
    if structure > 0.5:
        pixels = pixels + np.float32(2.4 * (structure - 0.5)) * (pixels - blur(pixels, 5.0))
    elif structure < 0.5:
        pixels = pixels + np.float32(2 * (0.5 - structure)) * (blur(photo.flat, 4.5) - pixels)
    pixels = pixels.clip(0, 1) ** np.float32({"dark": 1.5, "light": 0.68}.get(words.tone, 1.0))
    pixels = 0.5 + (pixels - 0.5) * np.float32({"high": 1.45, "low": 0.62}.get(words.contrast, 1.0))
    gain = {"vivid": 1.5, "muted": 0.55, "grey": 0.0}.get(words.saturation, 1.0)
    pixels = np.asarray(pixels if gain == 1 else saturated(pixels, gain), np.float32).clip(0, 1)
    if photo.origin is None and np.allclose(pixels, photo.rgb, rtol=0, atol=1e-6):
        return photo  # with what was read from it already
    return Photo(pixels, photo.origin or photo)


def _two(own: Look, inks: list[Array], paper: Array | None, *, ground: bool) -> Look:
    """An ink and a paper that it can be seen on. Of two colours the medium's own order says which is the ink; a further
    one is the second ink.
    """
    ordered = sorted(inks, key=brightness, reverse=own.light_on_dark)
    if paper is None:
        if len(ordered) > 1:
            return replace(own, ink=ordered[0], paper=ordered[-1], inks=tuple(ordered[1:-1][:1]), said=True)
        if ground:
            return replace(own, paper=ordered[0], ink=_visible(own.ink, ordered[0], own), said=True)
        return replace(own, ink=ordered[0], paper=_visible(own.paper, ordered[0], own), said=True)
    ink = ordered[0] if ordered else _visible(own.ink, paper, own)
    if abs(brightness(ink) - brightness(paper)) < TOO_NEAR / 2:
        ink = _visible(own.ink, paper, own)
    return replace(own, ink=ink, paper=paper, inks=tuple(ordered[1:2]), said=True)


def _visible(wanted: Array, beside: Array, own: Look) -> Array:
    """`wanted`, or the medium's other colour where it could not be told from `beside`."""
    choices = (wanted, own.ink, own.paper, np.zeros(3, np.float32) + 0.07, np.zeros(3, np.float32) + 0.97)
    far = [c for c in choices if abs(brightness(c) - brightness(beside)) >= TOO_NEAR]
    return far[0] if far else wanted


def _shades(inks: list[Array], paper: Array | None, own: Look) -> tuple[Array, ...]:
    """At least three inks: of one colour its shades, of two also what lies between dark and light."""
    if len(inks) == 1 and len(own.inks) > 3:
        one = inks[0]
        light = own.paper if paper is None else paper
        return (one * np.float32(0.5), one, one + (light - one) * np.float32(0.55), light)
    return tuple(inks) if paper is None or len(own.inks) <= 3 else (*inks, paper)


def _named(name: str) -> Array:
    return np.array(COLOURS[name], np.float32) / np.float32(255)
