"""Painting by neural neighbours, feed-forward (Neural Neighbor Style Transfer, Kolkin et al. 2022).

At a quarter, a half and the whole of the working size, each begun from the last: the photo takes the style's colours;
each place takes the nearest features of the style; a decoder turns these into a picture; tones are brought back to the
photo's. Photos beyond the working size go on in tiles.

An engine calls it so:

>>> painter = Painter.load(weights)                                     # once
>>> banks = read_style(painter, crop_margins(exemplar))     # once a style and working size
>>> region = Region((WeightedStyle(banks),))                            # or several styles, or several regions
>>> picture = paint(painter, photo, (region,), PaintOptions(structure=0.5), on_level=show)

`on_level(done, picture)` is called after every level, tile and step with the share of the work that is done and the
picture so far (3, h, w); it may raise to cancel. Alpha, masks over the whole task and colour controls are the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.engines.nnst.bank import LEVELS, MARGIN, Painter, luma_quantiles, pad_to_stride
from diffstyle.engines.nnst.decoder import CELL, Maps
from diffstyle.engines.nnst.looks import Looks
from diffstyle.engines.nnst.refine import refined
from diffstyle.engines.nnst.targets import (
    Centre,
    MatchWeights,
    Region,
    mixed_maps,
    smooth_flats,
    style_targets,
    weighted_mean,
)
from diffstyle.engines.nnst.tiles import Tile, in_tiles
from diffstyle.engines.nnst.tones import ToneMap
from diffstyle.engines.nnst.weights import Weights, mix
from diffstyle.ops.colour_transfer import ColourMoments, apply_colour_map, colour_map, colour_moments
from diffstyle.ops.guided import guided_filter
from diffstyle.ops.luma import box, local_contrast, luma, sharpened
from diffstyle.ops.pyramid import resized

OnLevel = Callable[[float, Tensor], None]
Tick = Callable[[float], None]  # called with the share of a level that is done
Masks = Sequence[Tensor | None]
STEP_WORK = 0.25  # of a refining step, in levels
JITTER = 0.35  # length of the noise that a seed adds to keys of unit length
LARGE_SHARE = 0.7  # of the level before in what is matched beyond the working size
RADIUS = 48  # the longest side over this: windows in which tones are restored
CRISPNESS = 0.4  # share by which detail is amplified at last, since decoding softens it
TONE_WINDOW = 25  # pixels, over which a tile has the mean colours of the level before


@dataclass(frozen=True, slots=True, kw_only=True)
class PaintOptions:
    """`strength` 0…1: how far from the photo's own features and colours to the style's.
    `structure` 0…1: how much of the photo's shapes, tones and detail is kept.
    `size`: longest side in pixels of the finest level that is painted whole. `seed` varies which marks are chosen.
    `refine_steps`: steps of gradient descent after that level. `crispness`: share by which detail is amplified at last.
    `scales`: how many levels are painted; with fewer than all, the last is enlarged.
    """

    strength: float = 1.0
    structure: float = 0.5
    size: int = 512
    seed: int | None = None
    refine_steps: int = 0
    crispness: float = CRISPNESS
    scales: int = len(LEVELS)


@torch.inference_mode()
def paint(
    painter: Painter,
    photo: Tensor,
    regions: Sequence[Region],
    options: PaintOptions | None = None,
    on_level: OnLevel | None = None,
) -> Tensor:
    """The photo (3, h, w) in [0, 1] painted in the styles of `regions`, of equal size. Strength 0 returns the photo."""
    options = options or PaintOptions()
    if options.strength <= 0:
        return photo.clone()
    h, w = photo.shape[1:]
    longest = max(h, w)
    plan = _Plan.of(painter, photo[None], regions, options)
    working = min(options.size, longest)
    sizes = [working / level for level in LEVELS]
    sizes = sizes[: options.scales]
    while options.scales == len(LEVELS) and sizes[-1] < longest:
        sizes.append(min(longest, 2 * sizes[-1]))
    work = [side**2 for side in sizes]
    work[min(len(work), len(LEVELS)) - 1] *= 1 + options.refine_steps * STEP_WORK
    picture, centre, spent = plan.photo, None, 0.0
    for n, (side, level) in enumerate(zip(sizes, (*LEVELS, *[LEVELS[-1]] * len(sizes)), strict=False)):
        size = _size(h, w, side / longest)
        before = picture

        def tick(share: float, before: Tensor = before, spent: float = spent, own: float = work[n]) -> None:
            if on_level:
                on_level((spent + share * own) / sum(work), before[0])

        if n < len(LEVELS):
            picture, centre = _paint_level(plan, level, size, before if n else None, tick)
        elif centre is not None:
            picture = _paint_tiles(plan, size, before, centre, tick)
        spent += work[n]
        if on_level:
            on_level(spent / sum(work), picture[0])
    return resized(picture, (h, w))[0]  # a photo of a few pixels was painted larger


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """One painting: everything that does not change from level to level."""

    painter: Painter
    photo: Tensor  # (1, 3, h, w)
    regions: Sequence[Region]
    tones: tuple[tuple[ToneMap, ...], ...]  # by region and style
    options: PaintOptions
    tonality: float
    weights: Weights
    noise: torch.Generator

    @property
    def jitter(self) -> float:
        return 0.0 if self.options.seed is None else JITTER

    @property
    def crispness(self) -> float:
        return self.options.crispness * self.options.strength

    @classmethod
    def of(
        cls,
        painter: Painter,
        photo: Tensor,
        regions: Sequence[Region],
        options: PaintOptions,
    ) -> _Plan:
        noise = torch.Generator().manual_seed(options.seed or 0)
        h, w = photo.shape[2:]
        small = resized(photo, _size(h, w, min(1.0, 256 / max(h, w))))
        tones = tuple(
            tuple(ToneMap.fit(small, s.banks, _mask(region, (small.shape[2], small.shape[3]))) for s in region.styles)
            for region in regions
        )
        tonality, colourfulness = (_mean(regions, tones, name) for name in ("tonality", "colourfulness"))
        weights = Weights.of(options.structure, tonality=tonality, colourfulness=colourfulness)
        return cls(painter, photo, regions, tones, options, tonality, weights, noise)

    def colours(self, goal: ColourMoments) -> ColourMoments:
        """The moments that a level is given: along the axis of greys the goal's mean and at least the styles' contrast,
        across it the styles' own; the styles' own along both where they have lines and no tones.
        """
        pairs = [(style.banks.colours, style.weight) for region in self.regions for style in region.styles]
        total = sum(weight for _, weight in pairs)
        mean = torch.stack([c.mean * (w / total) for c, w in pairs]).sum(0)
        covariance = torch.stack([c.covariance * (w / total) for c, w in pairs]).sum(0)
        grey = torch.full((3, 1), 3**-0.5)
        share = self.tonality
        along = ((grey.T @ goal.covariance @ grey) / (grey.T @ covariance @ grey).clamp_min(1e-6)).sqrt()  # (1, 1, 1)
        along = along.clamp_min(1.0)
        scale = torch.eye(3) + share * (along - 1) * (grey @ grey.T)
        mean = mean + share * ((goal.mean - mean) @ grey) @ grey.T
        covariance = scale @ covariance @ scale
        return ColourMoments(
            torch.lerp(goal.mean, mean, self.options.strength),
            torch.lerp(goal.covariance, covariance, self.options.strength),
        )

    def darken_ink(self, picture: Tensor) -> Tensor:
        """`picture` with ink as dark as the style's, in the style of a drawing; any other is left as it is."""
        if sum(len(region.styles) for region in self.regions) > 1 or (tone := self.tones[0][0]).tonality >= 1:
            return picture
        darkest, lightest = float(tone.style_tones[0]), float(tone.style_tones[-1])
        found = min(float(luma_quantiles(luma(picture))[0]), lightest - 0.1)
        gain = min(2.0, max(1.0, (lightest - darkest) / (lightest - found)))
        gain = mix(1.0, gain, self.options.strength * (1 - tone.tonality))
        return lightest + gain * (picture - lightest)

    @property
    def kept_hues(self) -> float:
        """The share of the styles that have no hues of their own."""
        styles = [s for region in self.regions for s in region.styles]
        return sum(s.weight for s in styles if s.keeps_hues) / sum(s.weight for s in styles)

    def masks(self, size: tuple[int, int]) -> Masks:
        """The regions' masks (1, 1, *size), or None where one region is the whole picture."""
        masks = [_mask(region, size) for region in self.regions]
        if len(masks) == 1:
            return [None]
        return [torch.ones(1, 1, *size) if mask is None else mask for mask in masks]

    def goal(self, photo: Tensor, masks: Masks, *, whole: bool = True) -> Tensor:
        """The photo (1, 3, h, w) in the styles' colours, as far as `strength` says; its local contrast is kept in a
        whole picture.
        """
        parts: list[tuple[Tensor, Tensor | float]] = []
        for region, tones, mask in zip(self.regions, self.tones, masks, strict=True):
            total = sum(s.weight for s in region.styles)
            for style, tone in zip(region.styles, tones, strict=True):
                share = style.weight / total
                toned = tone.with_detail(tone(photo), photo) if whole else tone(photo)
                parts.append((toned, share if mask is None else mask * share))
        mapped = weighted_mean(parts)
        return torch.lerp(photo, mapped, self.options.strength)


def _mean(
    regions: Sequence[Region], tones: tuple[tuple[ToneMap, ...], ...], name: Literal["tonality", "colourfulness"]
) -> float:
    """Mean of a property over all styles, by weight."""
    pairs = [
        (t.tonality if name == "tonality" else t.colourfulness, s.weight)
        for region, row in zip(regions, tones, strict=True)
        for s, t in zip(region.styles, row, strict=True)
    ]
    return sum(value * weight for value, weight in pairs) / sum(weight for _, weight in pairs)


def _paint_level(
    plan: _Plan, level: int, size: tuple[int, int], before: Tensor | None, tick: Tick
) -> tuple[Tensor, Centre]:
    """One level of the painting (1, 3, h, w), begun from the level `before` it; and the means it was matched by."""
    photo, masks = resized(plan.photo, size), plan.masks(size)
    goal = plan.goal(photo, masks)
    padded, (h, w) = pad_to_stride(goal, MARGIN)
    content = sought = plan.painter.read(padded)
    if before is not None:
        so_far = plan.painter.read(pad_to_stride(resized(before, size), MARGIN)[0])
        sought = content.lerp(so_far, 1 - plan.weights.content)
    centre = Centre.of(sought)
    targets = _targets(plan, level, sought, content, padded, centre, masks)
    painted = _decoded(plan, targets, content, padded)
    if level == LEVELS[-1] and plan.options.refine_steps:
        painted = refined(plan.painter, painted, targets, steps=plan.options.refine_steps, on_step=tick)
    painted = painted[:, :, MARGIN : MARGIN + h, MARGIN : MARGIN + w]
    whole = apply_colour_map(painted, *colour_map(colour_moments(painted), plan.colours(colour_moments(goal))))
    whole = plan.darken_ink(whole)
    hue_share = mix(plan.weights.restore_hue, 1.0, plan.kept_hues)
    done = restore_tones(whole, goal, photo, luma_share=plan.weights.restore_light, chroma_share=hue_share)
    return (sharpened(done, plan.crispness) if level == LEVELS[-1] else done), centre


def _paint_tiles(plan: _Plan, size: tuple[int, int], before: Tensor, centre: Centre, tick: Tick) -> Tensor:
    """A level beyond the working size, in tiles. Colours and tones are those of the level `before` it."""
    photo, below, masks = resized(plan.photo, size), resized(before, size), plan.masks(size)

    def painted(tile: Tile) -> Tensor:
        here = [None if mask is None else tile.cut(mask) for mask in masks]
        padded, (h, w) = pad_to_stride(plan.goal(tile.cut(photo), here, whole=False), 0)
        content = plan.painter.read(padded)
        so_far = plan.painter.read(pad_to_stride(tile.cut(below), 0)[0])
        sought = content.lerp(so_far, LARGE_SHARE)
        targets = _targets(plan, LEVELS[-1], sought, content, padded, centre, here, margin=0)
        out = sharpened(_decoded(plan, targets, content, padded)[:, :, :h, :w], plan.crispness)
        return (out + box(tile.cut(below) - out, TONE_WINDOW)).clamp(0, 1)

    return in_tiles(*size, painted, tick)


def _targets(
    plan: _Plan,
    level: int,
    sought: Maps,
    content: Maps,
    goal: Tensor,
    centre: Centre,
    masks: Masks,
    *,
    margin: int = MARGIN,
) -> Maps:
    """The maps to decode: the regions' styles at what is sought, pulled back to the content."""
    parts: list[tuple[Maps, float | Tensor]] = []
    looks = Looks.of(goal)
    for region, mask in zip(plan.regions, masks, strict=True):
        cells = None if mask is None else F.avg_pool2d(pad_to_stride(mask, margin)[0], CELL)
        for style in region.styles:
            bank = style.banks.levels[level]
            match = MatchWeights(
                light=plan.weights.light,
                hue=plan.weights.hue,
                relief=plan.weights.relief,
                jitter=plan.jitter,
                noise=plan.noise,
            )
            chosen = style_targets(plan.painter.decoder, sought, looks, bank, centre=centre, weights=match)
            parts.append((chosen, style.weight if cells is None else cells * style.weight))
    chosen, weights, strength = (
        smooth_flats(mixed_maps(parts), goal, plan.weights.flat_smoothing),
        plan.weights,
        plan.options.strength,
    )
    fine, deep = 1 - strength * (1 - weights.fine), 1 - strength * (1 - weights.deep)
    return Maps(torch.lerp(chosen.fine, content.fine, fine), torch.lerp(chosen.deep, content.deep, deep))


def _decoded(plan: _Plan, targets: Maps, content: Maps, goal: Tensor) -> Tensor:
    """The picture (1, 3, h, w) of `targets`.

    Below full strength, what the decoder loses of the goal (1, 3, h, w) is added, so that low strengths approach the
    photo itself.
    """
    painted, missing = plan.painter.decoder(targets), 1 - plan.options.strength
    if missing <= 0:
        return painted
    return painted + missing * (goal - plan.painter.decoder(content))


def restore_tones(painted: Tensor, goal: Tensor, photo: Tensor, *, luma_share: float, chroma_share: float) -> Tensor:
    """`painted` nearer to the tones of the goal, place by place, clamped.

    The difference to the goal is smoothed within the photo's contours, so light and dark stay within an object, colour
    stops where the object does, and strokes are left alone. Where the photo is flat, up to twice as much is restored:
    patches of light and dark in a calm sky are no strokes.
    """
    longest = max(goal.shape[2:])
    difference = goal - painted
    grey = luma(difference)
    flat = 1 + (1 - local_contrast(luma(photo)))
    wanted = (luma_share * flat).clamp_max(1) * grey + (chroma_share * flat).clamp_max(1) * (difference - grey)
    smooth = guided_filter(wanted, luma(photo), radius=max(2, longest // RADIUS), shrink=max(1, longest // 128))
    return (painted + smooth).clamp(0, 1)


def _mask(region: Region, size: tuple[int, int]) -> Tensor | None:
    if region.mask is None:
        return None
    return F.interpolate(region.mask[None].float(), size, mode="bilinear", antialias=True)


def _size(h: int, w: int, scale: float) -> tuple[int, int]:
    return max(16, round(h * scale)), max(16, round(w * scale))
