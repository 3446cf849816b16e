"""Which part of a style picture is painting: paper margins, mounts and plain frames around it are cut off.

A picture of one colour stands for that colour's shades, since nothing can be told apart in one tone.
"""

from __future__ import annotations

import torch
from torch import Tensor

from diffstyle.ops.luma import luma

LARGEST = 0.22  # of a side, that is cut from either end
NEAR = 0.07  # distance in sRGB within which a pixel has the margin's colour
SHARE = 0.97  # of a line's pixels that have it
PAPER = 0.35  # share of the inside that has the margin's colour, from which on both are one sheet of paper
PLAIN = 0.02  # largest difference in sRGB from the median of a picture of one colour
INSET = 0.012  # of the longest side, cut further in where a margin was found: its shadow or rule


def crop_margins(exemplar: Tensor) -> Tensor:
    """The part of (3, h, w) within its plain margins; all of it where there are none.

    A margin counts only where opposite sides have it in one colour, since a calm sky is no mount, and where the picture
    inside is not on the same paper. Done twice, since a frame often holds a mount.
    """
    for _ in range(2):
        top, bottom, left, right = margins(exemplar)
        if not (top or bottom or left or right):
            break
        h, w = exemplar.shape[1:]
        inside = exemplar[:, top : h - bottom, left : w - right]
        edge = exemplar[:, :top] if top else exemplar[:, :, :left]
        if float(_alike(inside, edge.flatten(1).median(1).values).float().mean()) > PAPER:
            break
        exemplar = inside
    return exemplar


def with_shades(exemplar: Tensor) -> Tensor:
    """(3, h, w) as it is, or, where it is all of one colour, a ramp (3, 256, 64) of that colour's shades and tints."""
    colour = exemplar.flatten(1).median(1).values
    if float((exemplar - colour[:, None, None]).abs().amax()) > PLAIN:
        return exemplar
    own = float(luma(colour[:, None, None]))
    tones = torch.linspace(0.06, 0.94, 256)
    shades = colour[:, None] * (tones / max(own, 1e-3)).clamp(max=1)  # (3, 256)
    light = ((tones - own) / max(1 - own, 1e-3)).clamp(0, 1)
    return torch.lerp(shades, torch.ones(()), light)[..., None].expand(3, 256, 64).contiguous()


def margins(exemplar: Tensor) -> tuple[int, int, int, int]:
    """Lines to cut at top, bottom, left and right."""
    top, bottom = _opposite(exemplar)
    left, right = _opposite(exemplar.mT)
    return top, bottom, left, right


def _opposite(picture: Tensor) -> tuple[int, int]:
    """Lines (3, h, w) of margin at both ends of h; (0, 0) unless both ends have one, in the same colour."""
    h = picture.shape[1]
    inset = round(INSET * max(picture.shape[1:]))
    first, last = (_depth(p) for p in (picture, picture.flip(1)))
    if not first or not last:
        return 0, 0
    colours = [
        p[:, : max(1, depth)].flatten(1).median(1).values for p, depth in ((picture, first), (picture.flip(1), last))
    ]
    if float((colours[0] - colours[1]).abs().max()) > 2 * NEAR:
        return 0, 0
    most = int(LARGEST * h)
    return min(first + inset, most), min(last + inset, most)


def _depth(picture: Tensor) -> int:
    """How many lines from the top have the colour of the outermost ones nearly everywhere."""
    h = picture.shape[1]
    edge = picture[:, : max(1, h // 100)].flatten(1).median(1).values
    plain = _alike(picture[:, : int(LARGEST * h)], edge).float().mean(1) > SHARE  # (lines,)
    return int(plain.to(torch.int64).cumprod(0).sum())


def _alike(picture: Tensor, colour: Tensor) -> Tensor:
    """(h, w) where (3, h, w) has the colour (3,)."""
    return (picture - colour[:, None, None]).abs().amax(0) < NEAR
