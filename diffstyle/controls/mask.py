"""`mask`, `regions` and `feather`: where is painted, and in which style."""

from __future__ import annotations

from dataclasses import replace

import torch

from diffstyle.controls.wrapper import Wrapper
from diffstyle.core.mask import composite_weights
from diffstyle.core.picture import Picture
from diffstyle.core.settings import Capabilities
from diffstyle.core.task import ResolvedTask, feathered
from diffstyle.engines.base import OnStep, Step, report


class Masked(Wrapper):
    """Keeps the content, bit for bit, where `task.mask` is 0, and gives each of `task.regions` its style.

    An engine that is `regional` paints all styles into one picture. Of any other there is a picture for each style,
    and pixels are mixed. `feather` counts in pixels of the result.
    """

    @property
    def capabilities(self) -> Capabilities:
        return replace(self.engine.capabilities, regional=True)

    def render(self, task: ResolvedTask, on_step: OnStep | None = None) -> Picture:
        if (task.mask is None and not task.regions) or task.strength == 0:
            return self.engine.render(task, on_step)
        task = feathered(task)
        mask = task.mask
        notes = [n for m in (mask, *(r.mask for r in task.regions)) if m is not None for n in m.notes]
        if mask is not None and mask.empty:
            report(on_step, 0, 1)
            report(on_step, 1, 1)
            return replace(task.content, notes=(*task.content.notes, *notes, "The mask is empty: nothing is painted."))
        painted = (
            self.engine.render(task, on_step) if self.engine.capabilities.regional else self._layered(task, on_step)
        )
        pixels = painted.pixels
        if mask is not None:
            pixels = torch.lerp(task.content.pixels, pixels, mask.values)  # exact at 0 and at 1
        return replace(painted, pixels=pixels, notes=(*painted.notes, *notes))

    def _layered(self, task: ResolvedTask, on_step: OnStep | None) -> Picture:
        """A picture for each style that is seen anywhere, mixed by the parts of each pixel that are its; measures are
        mixed by the areas.
        """
        left, parts = composite_weights(task.regions) if task.regions else (torch.ones(1), [])
        layers = [(style, part) for style, part in zip(task.styles, (left, *parts), strict=True) if bool(part.any())]
        pixels = torch.zeros_like(task.content.pixels)
        notes: dict[str, None] = {}
        measures: dict[str, float] = {}
        for n, (style, part) in enumerate(layers):
            one = replace(task, style=style, regions=())
            painted = self.engine.render(one, _share_of(on_step, n, len(layers)))
            pixels.addcmul_(painted.pixels, part.expand_as(pixels))
            notes |= dict.fromkeys(painted.notes)
            measures |= {k: measures.get(k, 0.0) + float(part.mean()) * v for k, v in painted.measures.items()}
        return Picture(pixels.clamp_(0, 1), task.content.alpha, task.content.source, tuple(notes), measures)


def _share_of(on_step: OnStep | None, part: int, parts: int) -> OnStep | None:
    """`on_step` for one of several renders: as steps of them all."""
    if on_step is None:
        return None

    def told(step: Step) -> bool | None:
        return on_step(Step(part * step.total + step.done, parts * step.total, step.preview))

    return told
