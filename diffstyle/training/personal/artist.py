"""What is measured of a hand, and how a model paints in its strokes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from diffstyle.adapters.strokes import Strokes, blended, table
from diffstyle.controls.texture import Texture, Wanted
from diffstyle.controls.wrapper import Wrapper
from diffstyle.core.errors import InputError
from diffstyle.core.style import Style
from diffstyle.core.task import Settings
from diffstyle.engines.adain.engine import AdaINEngine
from diffstyle.engines.base import Engine
from diffstyle.engines.diffusion.engine import DiffusionEngine
from diffstyle.training.personal.dataset import Piece
from diffstyle.training.personal.objective import Carry

STRUCTURE = Settings().structure


def statistics_of(painter: AdaINEngine, pieces: Sequence[Piece]) -> Tensor:
    """(s,): the preview's statistics of the hand, as a blend of its pictures has them."""
    style = painter.measure(Style.from_images([p.picture for p in pieces]))
    return torch.stack([r.statistics[painter.space] * r.weight for r in style.references]).sum(0)


def strokes_of(pieces: Sequence[Piece]) -> Tensor:
    """The flat table of strokes of the hand."""
    found = blended(Strokes().measure(Style.from_images([p.picture for p in pieces])))
    assert found is not None  # every picture has some
    return found


def carrying(engine: DiffusionEngine, strokes: Tensor) -> Carry:
    """As the model's own default has it, with the strokes of a flat table."""
    assert engine.preview is not None  # it is what the model paints from
    texture: Texture = unwrapped(engine.preview, Texture)
    wanted, weight = [Wanted(table(strokes, "the hand"), None)], engine.backbone.sampling.texture

    def carry(previews: Tensor, photos: Tensor) -> Tensor:
        if not weight:
            return previews
        changes = [texture.change(p, q, wanted, STRUCTURE) for p, q in zip(previews, photos, strict=True)]
        return previews.add(torch.stack(changes), alpha=weight).clamp_(0, 1)

    return carry


def unwrapped(engine: Engine, kind: type[Any]) -> Any:
    """The engine of a kind that controls are wrapped around; InputError where there is none."""
    while isinstance(engine, Wrapper) and not isinstance(engine, kind):
        engine = engine.engine
    if not isinstance(engine, kind):
        raise InputError(f"The model is not painted by {kind.__name__}: personal adapters cannot be trained for it.")
    return engine
