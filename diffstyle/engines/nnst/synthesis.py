"""Textures in the manner of a style: noise that the painter paints, coarse to fine, until only marks are left."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from diffstyle.engines.nnst.bank import Painter
from diffstyle.engines.nnst.paint import PaintOptions, paint
from diffstyle.engines.nnst.targets import Region, WeightedStyle
from diffstyle.ops.colour_transfer import ColourMoments, match_colours
from diffstyle.ops.pyramid import resized

BLOTCH = 24  # pixels of noise along the longest side to begin with
SCALES = (4, 2, 1)  # the size divided by these is what each pass paints
WORKING = 512  # pixels of the longest side that are painted whole
MARGIN = 64  # pixels at every scale by which a tileable texture is continued on each side
FADE = 16  # of them, over which both ends are mixed


@torch.inference_mode()
def synthesise(
    painter: Painter,
    styles: Sequence[WeightedStyle],
    *,
    height: int,
    width: int,
    seed: int = 0,
    tileable: bool = False,
    on_done: Callable[[float], None] | None = None,
) -> Tensor:
    """A texture (3, height, width) in [0, 1] from the marks and in the colours of the styles, the same for equal seeds.

    A `tileable` one continues across its edges: it is painted as a part of its own repetition. `on_done(share)` may
    raise to cancel.
    """
    longest, region = max(height, width), Region(tuple(styles))
    blotches = (max(2, round(BLOTCH * height / longest)), max(2, round(BLOTCH * width / longest)))
    texture = torch.rand(1, 3, *blotches, generator=torch.Generator().manual_seed(seed))
    colours = _mean_colours(styles)
    for n, scale in enumerate(SCALES):
        size = (max(16, height // scale), max(16, width // scale))
        start = _wrapped(texture, size) if tileable else resized(texture, size)

        def on_level(done: float, _: Tensor, n: int = n) -> None:
            if on_done:
                on_done((n + done) / len(SCALES))

        options = PaintOptions(structure=0.0, size=min(WORKING, max(start.shape[2:])), crispness=0.0)
        painted = paint(painter, start[0], (region,), options, on_level)[None]
        texture = match_colours(_blend_edges(painted) if tileable else painted, colours)
    return texture[0]


def _wrapped(texture: Tensor, size: tuple[int, int]) -> Tensor:
    """(1, 3, h, w) resized to `size` as a part of its own repetition, with MARGIN pixels more on each side."""
    thrice = resized(texture.tile(1, 1, 3, 3), (3 * size[0], 3 * size[1]))
    once = thrice[:, :, size[0] : 2 * size[0], size[1] : 2 * size[1]]
    rows, columns = ((torch.arange(-MARGIN, side + MARGIN) % side) for side in size)
    return once[:, :, rows][:, :, :, columns]


def _blend_edges(painted: Tensor) -> Tensor:
    """(1, 3, h, w) without its margins, the first pixels after each edge fading in from what lies beyond the other."""
    for dim in (2, 3):
        side = painted.shape[dim] - 2 * MARGIN
        inner, beyond = painted.narrow(dim, MARGIN, side), painted.narrow(dim, MARGIN + side, min(FADE, side))
        fade = beyond.shape[dim]
        share = ((torch.arange(fade) + 0.5) / fade).view((-1, 1) if dim == 2 else (1, -1))
        first = torch.lerp(beyond, inner.narrow(dim, 0, fade), share)
        painted = torch.cat((first, inner.narrow(dim, fade, side - fade)), dim)
    return painted


def _mean_colours(styles: Sequence[WeightedStyle]) -> ColourMoments:
    total = sum(style.weight for style in styles)
    pairs = [(style.banks.colours, style.weight / total) for style in styles]
    return ColourMoments(
        torch.stack([c.mean * share for c, share in pairs]).sum(0),
        torch.stack([c.covariance * share for c, share in pairs]).sum(0),
    )
