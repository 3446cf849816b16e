"""Painting by neural neighbours, feed-forward (Neural Neighbor Style Transfer, Kolkin et al. 2022).

At a quarter, a half and the whole of the working size, each begun from the last: the photo takes the style's colours;
each place takes the nearest features of the style, and the pixels that belong to them; a decoder turns these into a
picture; tones are brought back to the photo's. Photos beyond the working size go on in tiles.

An engine calls it so:

>>> painter = Painter.load(weights)                                     # once
>>> banks = read_style(painter, crop_margins(exemplar), stroke=1.0)     # once a style, stroke and working size
>>> region = Region((WeightedStyle(banks),))                            # or several styles, or several regions
>>> picture = paint(painter, photo, (region,), PaintOptions(structure=0.5), on_level=show)

`on_level(done, picture)` is called after every level with the share of the work that is done and the picture so far
(3, h, w); it may raise to cancel. Alpha, masks over the whole task and colour controls are the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.engines.nnst.bank import LEVELS, MARGIN, Painter, luma, luma_quantiles, pad_to_stride
from diffstyle.engines.nnst.decoder import CELL, Maps
from diffstyle.engines.nnst.targets import Centre, MatchWeights, Region, mixed_maps, style_targets, weighted_mean
from diffstyle.engines.nnst.tiles import Tile, in_tiles
from diffstyle.engines.nnst.tones import ToneMap
from diffstyle.ops.colour_transfer import ColourMoments, apply_colour_map, colour_map, colour_moments
from diffstyle.ops.guided import box_mean, guided_filter

OnLevel = Callable[[float, Tensor], None]
Masks = Sequence[Tensor | None]
RELIEF = 0.3  # weight of local contrast in the matches of a style of lines
JITTER = 0.35  # length of the noise that a seed adds to keys of unit length
LARGE_SHARE = 0.7  # of the level before in what is matched beyond the working size
RADIUS = 48  # the longest side over this: windows in which tones are restored
TONE_WINDOW = 25  # pixels, over which a tile has the mean colours of the level before


@dataclass(frozen=True, slots=True, kw_only=True)
class PaintOptions:
    """`strength` 0…1: how far from the photo's own features and colours to the style's.
    `structure` 0…1: how much of the photo's shapes, tones and detail is kept.
    `stroke`: size of marks in relation to the picture, as given to `read_style`. `size`: longest side in pixels of the
    finest level that is painted whole, at stroke 1 and below. `seed` varies which marks are chosen.
    """

    strength: float = 1.0
    structure: float = 0.5
    stroke: float = 1.0
    size: int = 512
    seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Weights:
    """What `structure` sets.

    `content`: the photo's share in the features that are matched after the first level; the rest are the picture's so
    far. `colour`, `relief`, `coherence`, `balance`: as in MatchWeights. `deep`, `fine`: how far targets are pulled back to the photo's own
    features. `luma`, `chroma`: how much of the goal's is restored in what was painted.
    """

    content: float
    colour: float
    relief: float
    coherence: float
    balance: float
    deep: float
    fine: float
    luma: float
    chroma: float

    @classmethod
    def of(cls, structure: float, tonality: float) -> _Weights:
        """Between the three settings of STRUCTURE; in styles of lines, tones count for less."""
        half, share = (0, 2 * structure) if structure < 0.5 else (1, 2 * structure - 1)
        a, b = STRUCTURE[half], STRUCTURE[half + 1]
        return cls(
            content=_mix(a.content, b.content, share),
            colour=_mix(a.colour, b.colour, share) * _mix(0.5, 1.0, tonality),
            relief=RELIEF * (1 - tonality),
            coherence=_mix(a.coherence, b.coherence, share),
            balance=_mix(a.balance, b.balance, share),
            deep=_mix(a.deep, b.deep, share),
            fine=_mix(a.fine, b.fine, share),
            luma=_mix(a.luma, b.luma, share) * tonality,
            chroma=_mix(a.chroma, b.chroma, share),
        )


def _mix(a: float, b: float, share: float) -> float:
    return a + (b - a) * share


STRUCTURE = (  # 0, 0.5 and 1
    _Weights(
        content=0.45, colour=0.2, relief=0.0, coherence=0.25, balance=1.0, deep=0.0, fine=0.0, luma=0.1, chroma=0.1
    ),
    _Weights(
        content=0.7, colour=0.8, relief=0.0, coherence=0.12, balance=0.75, deep=0.15, fine=0.0, luma=0.5, chroma=0.35
    ),
    _Weights(
        content=0.95, colour=3.0, relief=0.0, coherence=0.02, balance=0.1, deep=0.5, fine=0.5, luma=0.9, chroma=0.6
    ),
)


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
    working = min(options.size, longest) / max(1.0, options.stroke)  # larger marks are painted smaller, and enlarged
    sizes = [working / level for level in LEVELS]
    while sizes[-1] < longest:
        sizes.append(min(longest, 2 * sizes[-1]))
    work = [side**2 for side in sizes]
    picture, centre = plan.photo, None
    for n, (side, level) in enumerate(zip(sizes, (*LEVELS, *[LEVELS[-1]] * len(sizes)), strict=False)):
        size = _size(h, w, side / longest)
        if n < len(LEVELS):
            picture, centre = _paint_level(plan, level, size, picture if n else None)
        elif centre is not None:
            picture = _paint_tiles(plan, size, picture, centre)
        if on_level:
            on_level(sum(work[: n + 1]) / sum(work), picture[0])
    return picture[0]


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """One painting: everything that does not change from level to level."""

    painter: Painter
    photo: Tensor  # (1, 3, h, w)
    regions: Sequence[Region]
    tones: tuple[tuple[ToneMap, ...], ...]  # by region and style
    options: PaintOptions
    weights: _Weights
    noise: torch.Generator

    @property
    def jitter(self) -> float:
        return 0.0 if self.options.seed is None else JITTER

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
        return cls(
            painter, photo, regions, tones, options, _Weights.of(options.structure, _tonality(regions, tones)), noise
        )

    def colours(self, goal: ColourMoments) -> ColourMoments:
        """The moments that a level is given: the goal's, and those of a single style that has lines and no tones."""
        styles = [style.banks for region in self.regions for style in region.styles]
        if len(styles) > 1:
            return goal
        share = self.options.strength * (1 - self.tones[0][0].tonality)
        own = styles[0].colours
        return ColourMoments(torch.lerp(goal.mean, own.mean, share), torch.lerp(goal.covariance, own.covariance, share))

    def inked(self, picture: Tensor) -> Tensor:
        """`picture` with ink as dark as the style's, in the style of a drawing; any other is left as it is."""
        if sum(len(region.styles) for region in self.regions) > 1 or (tone := self.tones[0][0]).tonality >= 1:
            return picture
        darkest, lightest = float(tone.style_tones[0]), float(tone.style_tones[-1])
        found = min(float(luma_quantiles(luma(picture))[0]), lightest - 0.1)
        gain = min(2.0, max(1.0, (lightest - darkest) / (lightest - found)))
        gain = _mix(1.0, gain, self.options.strength * (1 - tone.tonality))
        return lightest + gain * (picture - lightest)

    def masks(self, size: tuple[int, int]) -> Masks:
        """The regions' masks (1, 1, *size), or None where one region is the whole picture."""
        masks = [_mask(region, size) for region in self.regions]
        if len(masks) == 1:
            return [None]
        return [torch.ones(1, 1, *size) if mask is None else mask for mask in masks]

    def goal(self, photo: Tensor, masks: Masks) -> Tensor:
        """The photo (1, 3, h, w), or a part of it, in the styles' colours, as far as `strength` says."""
        parts: list[tuple[Tensor, Tensor | float]] = []
        for region, tones, mask in zip(self.regions, self.tones, masks, strict=True):
            total = sum(s.weight for s in region.styles)
            for style, tone in zip(region.styles, tones, strict=True):
                share = style.weight / total
                parts.append((tone(photo), share if mask is None else mask * share))
        mapped = weighted_mean(parts)
        return torch.lerp(photo, mapped, self.options.strength)


def _tonality(regions: Sequence[Region], tones: tuple[tuple[ToneMap, ...], ...]) -> float:
    """Mean over all styles by weight."""
    pairs = [
        (t.tonality, s.weight)
        for r, row in zip(regions, tones, strict=True)
        for s, t in zip(r.styles, row, strict=True)
    ]
    return sum(t * w for t, w in pairs) / sum(w for _, w in pairs)


def _paint_level(plan: _Plan, level: int, size: tuple[int, int], before: Tensor | None) -> tuple[Tensor, Centre]:
    """One level of the painting (1, 3, h, w), begun from the level `before` it; and the means it was matched by."""
    photo, masks = resized(plan.photo, size), plan.masks(size)
    goal = plan.goal(photo, masks)
    padded, (h, w) = pad_to_stride(goal, MARGIN)
    content = sought = plan.painter.read(padded)
    if before is not None:
        so_far = plan.painter.read(pad_to_stride(resized(before, size), MARGIN)[0])
        sought = replace(content.lerp(so_far, 1 - plan.weights.content), marks=content.marks)
    centre = Centre.of(sought)
    painted = _decoded(plan, _targets(plan, level, sought, content, centre, masks), content, padded)
    painted = painted[:, :, MARGIN : MARGIN + h, MARGIN : MARGIN + w]
    whole = apply_colour_map(painted, *colour_map(colour_moments(painted), plan.colours(colour_moments(goal))))
    whole = plan.inked(whole)
    return settled(whole, goal, photo, luma_share=plan.weights.luma, chroma_share=plan.weights.chroma), centre


def _paint_tiles(plan: _Plan, size: tuple[int, int], before: Tensor, centre: Centre) -> Tensor:
    """A level beyond the working size, in tiles. Colours and tones are those of the level `before` it."""
    photo, below, masks = resized(plan.photo, size), resized(before, size), plan.masks(size)

    def painted(tile: Tile) -> Tensor:
        here = [None if mask is None else tile.cut(mask) for mask in masks]
        padded, (h, w) = pad_to_stride(plan.goal(tile.cut(photo), here), 0)
        content = plan.painter.read(padded)
        so_far = plan.painter.read(pad_to_stride(tile.cut(below), 0)[0])
        sought = content.lerp(so_far, LARGE_SHARE)
        targets = _targets(plan, LEVELS[-1], sought, content, centre, here, margin=0)
        out = _decoded(plan, targets, content, padded)[:, :, :h, :w]
        return (out + box_mean(tile.cut(below) - out, TONE_WINDOW)).clamp(0, 1)

    return in_tiles(*size, painted)


def _targets(
    plan: _Plan, level: int, sought: Maps, content: Maps, centre: Centre, masks: Masks, *, margin: int = MARGIN
) -> Maps:
    """The maps to decode: the regions' styles at what is sought, pulled back to the content."""
    parts: list[tuple[Maps, float | Tensor]] = []
    for region, mask in zip(plan.regions, masks, strict=True):
        cells = None if mask is None else F.avg_pool2d(pad_to_stride(mask, margin)[0], CELL)
        for style in region.styles:
            bank = style.banks.levels[level]
            match = MatchWeights(
                colour=plan.weights.colour,
                relief=plan.weights.relief,
                coherence=plan.weights.coherence,
                balance=plan.weights.balance,
                jitter=plan.jitter,
                noise=plan.noise,
            )
            chosen = style_targets(plan.painter.decoder, sought, bank, centre=centre, weights=match)
            parts.append((chosen, style.weight if cells is None else cells * style.weight))
    chosen, weights, strength = mixed_maps(parts), plan.weights, plan.options.strength
    fine, deep = 1 - strength * (1 - weights.fine), 1 - strength * (1 - weights.deep)
    return Maps(
        torch.lerp(chosen.fine, content.fine, fine),
        torch.lerp(chosen.deep, content.deep, deep),
        torch.lerp(chosen.marks, content.marks, fine),
    )


def _decoded(plan: _Plan, targets: Maps, content: Maps, goal: Tensor) -> Tensor:
    """The picture (1, 3, h, w) of `targets`.

    Below full strength, what the decoder loses of the goal (1, 3, h, w) is added, so that low strengths approach the
    photo itself.
    """
    painted, missing = plan.painter.decoder(targets), 1 - plan.options.strength
    if missing <= 0:
        return painted
    return painted + missing * (goal - plan.painter.decoder(content))


def settled(painted: Tensor, goal: Tensor, photo: Tensor, *, luma_share: float, chroma_share: float) -> Tensor:
    """`painted` nearer to the tones of the goal, place by place, clamped.

    The difference to the goal is smoothed within the photo's contours, so light and dark stay within an object, colour
    stops where the object does, and strokes are left alone.
    """
    longest = max(goal.shape[2:])
    difference = goal - painted
    grey = luma(difference)
    wanted = luma_share * grey + chroma_share * (difference - grey)
    smooth = guided_filter(wanted, luma(photo), radius=max(2, longest // RADIUS), shrink=max(1, longest // 128))
    return (painted + smooth).clamp(0, 1)


def _mask(region: Region, size: tuple[int, int]) -> Tensor | None:
    if region.mask is None:
        return None
    return F.interpolate(region.mask[None].float(), size, mode="bilinear", antialias=True)


def _size(h: int, w: int, scale: float) -> tuple[int, int]:
    return max(16, round(h * scale)), max(16, round(w * scale))


def resized(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    """(b, c, *size), bicubic and clamped; the same tensor if it has the size."""
    if tuple(pictures.shape[2:]) == size:
        return pictures
    return F.interpolate(pictures, size, mode="bicubic", antialias=True).clamp(0, 1)
