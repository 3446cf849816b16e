"""`colour`: whose colours the result has."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from diffstyle.controls.wrapper import Wrapper
from diffstyle.core.mask import composite_weights
from diffstyle.core.picture import Picture
from diffstyle.core.style import Style
from diffstyle.core.task import ResolvedTask, Task, map_styles
from diffstyle.engines.base import Engine, OnStep, PreviewEngine, report
from diffstyle.ops.lab import Array, by_rows, greys, mean_ab_distance, to_lab, to_srgb, towards
from diffstyle.ops.transport import Gaussian, transport

SAMPLES = 2**16
SATURATED = (20.0, 50.0)  # chroma at which the guard begins, and at which it is full
BRIGHTER, EASED = 1.5, 0.7  # lightening beyond this factor is reduced by this share


class Colour(Wrapper):
    """`keep`: the content's hues and saturation under the painting's lightness. `match`: the painting, recoloured to
    the style. `palette`: the content, recoloured to the style, without texture. Colours are Gaussians in CIELAB, mapped
    to one another by optimal transport (Pitié & Kokaram 2007); the style's come from `preview`, which knows those of
    words too. `colour_weight` fades from the painting (0) to this (1).

    Colours outside sRGB are not clipped per channel, which would wash them out. `keep` moves lightness towards the
    content's until the colour fits, which preserves hues, and lightens saturated colours less than others; `match` and
    `palette` reduce saturation.

    Measures: `delta_e_content`, the mean distance of hue and saturation to the content; `delta_e_style`, the distance
    of the mean colour to the style's at full strength and weight.
    """

    def __init__(self, engine: Engine, *, preview: PreviewEngine) -> None:
        super().__init__(engine)
        self.preview = preview

    def prepare(self, task: Task) -> ResolvedTask:
        resolved = self.engine.prepare(task)
        needed = resolved.colour in ("match", "palette")
        return map_styles(resolved, self.preview.measure) if needed else resolved

    def render(self, task: ResolvedTask, on_step: OnStep | None = None) -> Picture:
        if task.colour == "off" or task.strength == 0 or task.colour_weight == 0:
            return self.engine.render(task, on_step)
        content = task.content
        if task.colour == "palette" and task.colour_weight == 1:
            report(on_step, 0, 1)
            painted = Picture(content.pixels, content.alpha, content.source)
            report(on_step, 1, 1)
        else:
            painted = self.engine.render(task, on_step)
        if task.colour == "keep":
            return self._faded(task, painted, by_rows(_kept, painted.pixels, content.pixels))
        begin = content if task.colour == "palette" else painted
        pixels, missed = self._recoloured(task, begin)
        if task.strength < 1:
            pixels = torch.lerp(begin.pixels, pixels, task.strength)
        return self._faded(task, painted, pixels).measured(delta_e_style=missed)

    def _recoloured(self, task: ResolvedTask, begin: Picture) -> tuple[Tensor, float]:
        """`begin` (3, H, W) recoloured to the style of each region, and the distance left to their mean colours."""
        left, parts = composite_weights(task.regions) if task.regions else (None, [])
        pixels, missed = torch.zeros_like(begin.pixels), 0.0
        for style, part in zip(task.styles, (left, *parts), strict=True):
            wanted = self._gaussian(style)
            matrix, offset = transport(Gaussian.of(_sampled(begin, part)), wanted)
            one = by_rows(partial(_mapped, matrix=matrix, offset=offset), begin.pixels)
            reached = Gaussian.of(_sampled(replace(begin, pixels=one), part)).mean
            missed += float(np.linalg.norm(reached - wanted.mean)) * (1 if part is None else float(part.mean()))
            pixels = one if part is None else pixels.addcmul_(one, part.expand_as(one))
        return pixels.clamp_(0, 1), missed

    def _faded(self, task: ResolvedTask, painted: Picture, coloured: Tensor) -> Picture:
        content, weight = task.content, task.colour_weight
        pixels = (coloured if weight == 1 else torch.lerp(painted.pixels, coloured, weight)).clamp_(0, 1)
        distance = mean_ab_distance(pixels, content.pixels, content.alpha)
        return replace(painted, pixels=pixels).measured(delta_e_content=distance)

    def _gaussian(self, style: Style) -> Gaussian:
        """The colours of a style in CIELAB, fitted to samples of its sRGB Gaussian, which are clipped to [0, 1]."""
        mean, factor = self.preview.colours(style)
        noise = np.random.default_rng(0).standard_normal((SAMPLES // 4, 3), np.float32)
        rgb = mean.numpy() + noise @ factor.numpy().T
        return Gaussian.of(to_lab(rgb.clip(0, 1)))


def _kept(painted: Array, content: Array) -> Array:
    anchor = to_lab(content)
    lightness, own = to_lab(painted)[..., :1], anchor[..., :1]
    start, full = SATURATED
    guarded = ((np.linalg.norm(anchor[..., 1:], axis=-1, keepdims=True) - start) / (full - start)).clip(0, 1)
    lightness -= EASED * guarded * (lightness - BRIGHTER * own).clip(0, None)
    return to_srgb(towards(np.concatenate([lightness, anchor[..., 1:]], -1), anchor))


def _mapped(rgb: Array, *, matrix: Array, offset: Array) -> Array:
    lab = to_lab(rgb) @ matrix.T + offset
    return to_srgb(towards(lab, greys(lab)))


def _sampled(picture: Picture, part: Tensor | None) -> Array:
    """(n, 3) CIELAB of pixels spread evenly over the opaque part of a picture inside `part` (1, H, W)."""
    pixels = picture.pixels.flatten(1)  # (3, n)
    given = [shares for shares in (picture.alpha, part) if shares is not None]
    if given and bool((seen := torch.cat(given).amin(0).flatten() > 0.5).any()):
        pixels = pixels[:, seen]
    step = max(1, pixels.shape[1] // SAMPLES)
    return to_lab(np.ascontiguousarray(pixels[:, ::step].T.numpy()))
