"""A second ink for media that have one ink on paper: the tones share them out, as in a reduction print."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from diffstyle.engines.media.canvas import Array, Draw, Window
from diffstyle.engines.media.look import Look
from diffstyle.engines.media.photo import Photo
from diffstyle.ops.lines import blur

SOFT = 3.0  # units over which tones are averaged: parts in one ink are no smaller
PLAIN = 0.15  # of depth below the deepest that is all in the first ink
EDGE = 7.0  # units in which one ink gives way to the other


def in_two_inks(draw: Draw, look: Look, photo: Photo) -> Draw:
    """`draw`, made with `look`, whose first ink keeps the deeper half of what is inked; the rest is in `look.inks[0]`.

    >>> in_two_inks(linocut, replace(look, inks=(orange,)), photo)
    """
    depth = blur(look.amount(photo.tone), SOFT)
    deep = blur((depth > _middle(depth)).astype(np.float32), 1.5)
    second = replace(look, ink=look.inks[0])
    axis = look.ink - look.paper

    def drawn(window: Window) -> Array:
        picture = draw(window)
        amount = ((picture - look.paper) @ axis) / np.float32(axis @ axis)
        first = window.cover((window.sample(deep) - 0.5) * EDGE)[..., None]
        return picture + (1 - first) * (second.between(amount) - look.between(amount))

    return drawn


def _middle(depth: Array) -> float:
    """The depth above which half of the ink lies; less where the deepest tones would be divided by their noise."""
    levels: Array = np.sort(depth, axis=None)
    below = np.cumsum(levels) < levels.sum() / 2
    return min(float(levels[below].max(initial=0)), float(np.quantile(levels, 0.98)) - PLAIN)
