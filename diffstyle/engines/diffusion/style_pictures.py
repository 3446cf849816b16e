"""The pictures of a task's styles, and where in the photo each acts."""

from __future__ import annotations

import torch
from torch import Tensor

from diffstyle.core.errors import InputError
from diffstyle.core.mask import composite_weights
from diffstyle.core.picture import Picture
from diffstyle.core.style import Reference
from diffstyle.core.task import ResolvedTask
from diffstyle.formats.exemplar import decode_exemplar


def style_pictures(task: ResolvedTask, *, by: str) -> tuple[list[Picture], Tensor]:
    """A picture of each reference of every style of the task, and the shares (s, H, W) of the places that it has.

    InputError for a reference without a picture; `by` names the setting that looks at it.
    """
    h, w = task.content.height, task.content.width
    left, parts = composite_weights(task.regions) if task.regions else (torch.ones(1, h, w), [])
    pictures: list[Picture] = []
    shares: list[Tensor] = []
    for style, part in zip(task.styles, (left, *parts), strict=True):
        for reference in style.references:
            pictures.append(_picture(reference, by))
            shares.append(reference.weight * part.expand(1, h, w))
    return pictures, torch.cat(shares)


def _picture(reference: Reference, by: str) -> Picture:
    if reference.pictures:
        return Picture(reference.pictures[0].opaque())
    if reference.exemplars:
        return decode_exemplar(reference.exemplars[0], name=reference.source)
    raise InputError(f"{by} looks at pictures, and {reference.source} has none: give a picture.")
