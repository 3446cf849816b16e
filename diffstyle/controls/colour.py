"""`colour`: whose colours the result has."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from diffstyle.controls.wrapper import Wrapper
from diffstyle.core.mask import shared_out
from diffstyle.core.picture import Picture
from diffstyle.core.style import Style
from diffstyle.core.task import Task, styles
from diffstyle.engines.adain.engine import AdaINEngine
from diffstyle.engines.base import Engine, OnStep, report
from diffstyle.ops.lab import Array, by_rows, greys, mean_ab_distance, to_lab, to_srgb, towards
from diffstyle.ops.transport import Gaussian, transport

SAMPLES = 2**16
SATURATED = (20.0, 50.0)  # chroma from which, and by which fully, a colour is guarded
BRIGHTER, EASED = 1.5, 0.7  # what lightens it by more than this factor is eased by this share


class Colour(Wrapper):
    """`keep`: the content's hues and saturation under the painting's lightness. `match`: the painting, its colours
    carried to the style's. `palette`: the content, so carried, with no texture at all. Colours are Gaussians of CIELAB,
    carried to one another by optimal transport; the style's is that of its statistics in `preview`, which words have
    too. `colour_weight` is how far from the painting as it is (0) to this (1).

    Guards against washing out: what sRGB cannot show is not cut off channel by channel. `keep` gives way in lightness,
    towards the content's, so that hues stay, and does not lighten saturated colours as much as others, which would make
    them pale; `match` and `palette` give way in saturation.

    Measures: `delta_e_content`, the mean distance of hue and saturation to the content; `delta_e_style`, how far
    the mean colour stayed from the style's at full strength and weight.
    """

    def __init__(self, engine: Engine, *, preview: AdaINEngine) -> None:
        super().__init__(engine)
        self.preview = preview

    def render(self, task: Task, on_step: OnStep | None = None) -> Picture:
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
            return self._weighed(task, painted, by_rows(_kept, painted.pixels, content.pixels))
        begin = content if task.colour == "palette" else painted
        pixels, missed = self._carried(task, begin)
        if task.strength < 1:  # so that a small strength changes little
            pixels = torch.lerp(begin.pixels, pixels, task.strength)
        return self._weighed(task, painted, pixels).measured(delta_e_style=missed)

    def _carried(self, task: Task, begin: Picture) -> tuple[Tensor, float]:
        """`begin` (3, H, W) in the style's colours, each region in those of its own; and how far it stays from their
        means.
        """
        left, parts = shared_out(task.regions) if task.regions else (None, [])
        pixels, missed = torch.zeros_like(begin.pixels), 0.0
        for style, part in zip(styles(task), (left, *parts), strict=True):
            wanted = self._gaussian(style)
            matrix, offset = transport(Gaussian.of(_sampled(begin, part)), wanted)
            one = by_rows(partial(_mapped, matrix=matrix, offset=offset), begin.pixels)
            reached = Gaussian.of(_sampled(replace(begin, pixels=one), part)).mean
            missed += float(np.linalg.norm(reached - wanted.mean)) * (1 if part is None else float(part.mean()))
            pixels = one if part is None else pixels.addcmul_(one, part.expand_as(one))
        return pixels.clamp_(0, 1), missed

    def _weighed(self, task: Task, painted: Picture, coloured: Tensor) -> Picture:
        content, weight = task.content, task.colour_weight
        pixels = (coloured if weight == 1 else torch.lerp(painted.pixels, coloured, weight)).clamp_(0, 1)
        distance = mean_ab_distance(pixels, content.pixels, content.alpha)
        return replace(painted, pixels=pixels).measured(delta_e_content=distance)

    def _gaussian(self, style: Style) -> Gaussian:
        """The colours of a style in CIELAB: those of a sample of its Gaussian in sRGB, of which what is not sRGB falls
        to the nearest that is.
        """
        statistics = self.preview.statistics(style)
        noise = np.random.default_rng(0).standard_normal((SAMPLES // 4, 3), np.float32)
        rgb = statistics.mean[0].cpu().numpy() + noise @ statistics.factor[0].cpu().numpy().T
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
    """(n, 3) CIELAB of pixels spread evenly over what is not clear of a picture and in `part` (1, H, W)."""
    pixels = picture.pixels.flatten(1)  # (3, n)
    given = [shares for shares in (picture.alpha, part) if shares is not None]
    if given and bool((seen := torch.cat(given).amin(0).flatten() > 0.5).any()):
        pixels = pixels[:, seen]
    step = max(1, pixels.shape[1] // SAMPLES)
    return to_lab(np.ascontiguousarray(pixels[:, ::step].T.numpy()))
