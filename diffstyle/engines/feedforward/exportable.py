"""A student as it is exported: a photo, the weights of its styles and a strength in, the painting out."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from diffstyle.engines.feedforward.network import SMALLEST
from diffstyle.engines.feedforward.student import read_student
from diffstyle.runtimes.exportable import Exportable, Input, Side

_SIZES = ((64, 96), (75, 101), (128, 88))


def exportable(path: Path, name: str) -> Exportable:
    """The student in a file, called `name`; InputError if it is no student, or damaged."""
    student = read_student(path)
    network = student.network.eval().requires_grad_(False)
    styles = tuple(style.name for style in student.styles)

    def from_photo(photo: Tensor, number: int) -> tuple[Tensor, ...]:
        weights = torch.zeros((1, network.styles))
        weights[0, number % network.styles] = 1
        if number == 2:  # a blend, at half the strength
            weights[:] = 1 / network.styles
        return photo, weights, torch.tensor([[0.5 if number == 2 else 1.0]])

    return Exportable(
        name=name,
        title=f"{name}: a real-time student of {len(styles)} style{'s' if len(styles) > 1 else ''}",
        module=network,
        inputs=(
            Input(
                name="photo",
                meaning=f"(1, 3, height, width) sRGB from 0 to 1, any size from {SMALLEST} pixels",
                sides={2: Side("height"), 3: Side("width")},
            ),
            Input(name="weights", meaning=f"(1, {network.styles}) weights of the styles, whose sum is 1"),
            Input(name="strength", meaning="(1, 1) from 0, the photo, to 1, the style"),
        ),
        outputs={"painting": "(1, 3, height, width) sRGB from 0 to 1"},
        from_photo=from_photo,
        sizes=_SIZES,
        digest=student.digest,
        licence=student.licence,
        styles=styles,
        recipe=student.recipe,
        quantisable=True,
    )
