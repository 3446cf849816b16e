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
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.engines.nnst.bank import LEVELS, MARGIN, Painter, luma, pad_to_stride
from diffstyle.engines.nnst.decoder import Maps
from diffstyle.engines.nnst.targets import Centre, Region, mixed, style_targets
from diffstyle.engines.nnst.tones import ToneMap
from diffstyle.ops.colour_transfer import colour_map, colour_moments, apply_colour_map
from diffstyle.ops.guided import guided_filter

OnLevel = Callable[[float, Tensor], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaintOptions:
    """`strength` 0…1: how far from the photo's own features and colours to the style's.
    `structure` 0…1: how much of the photo's shapes, tones and detail is kept.
    `size`: longest side in pixels of the finest level that is painted whole. `seed` varies which marks are chosen.
    """

    strength: float = 1.0
    structure: float = 0.5
    size: int = 512
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class _Weights:
    """What `structure` sets: the photo's share in the features that are matched after the first level; how far deep and
    fine targets are pulled back to the photo, at most; how much of the photo's luma and chroma is restored.
    """

    content: float
    deep: float
    fine: float
    luma: float
    chroma: float

    @classmethod
    def of(cls, structure: float) -> _Weights:
        s = structure
        return cls(0.5 + 0.45 * s, 0.55 * s, 0.4 * max(0.0, 2 * s - 1), 0.15 + 0.75 * s, 0.1 + 0.5 * s)


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
    working = min(options.size, max(h, w))
    noise = None if options.seed is None else torch.Generator().manual_seed(options.seed)
    plan = _Plan.of(painter, photo[None], regions, options, noise)
    picture: Tensor | None = None
    for n, level in enumerate(LEVELS):
        scale = working / level / max(h, w)
        picture = _paint_level(plan, level, _size(h, w, scale), picture)
        if on_level:
            on_level((n + 1) / len(LEVELS), picture[0])
    assert picture is not None
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
    noise: torch.Generator | None

    @classmethod
    def of(
        cls,
        painter: Painter,
        photo: Tensor,
        regions: Sequence[Region],
        options: PaintOptions,
        noise: torch.Generator | None,
    ) -> _Plan:
        h, w = photo.shape[2:]
        small = resized(photo, _size(h, w, min(1.0, 256 / max(h, w))))
        tones = tuple(
            tuple(ToneMap.fit(small, s.banks, _mask(region, small.shape[2:])) for s in region.styles) for region in regions
        )
        return cls(painter, photo, regions, tones, options, _Weights.of(options.structure), noise)

    def goal(self, photo: Tensor) -> Tensor:
        """The photo (1, 3, h, w) in the styles' colours, as far as `strength` says."""
        parts: list[tuple[Tensor, Tensor | float]] = []
        for region, tones in zip(self.regions, self.tones, strict=True):
            mask = _mask(region, photo.shape[2:])
            total = sum(s.weight for s in region.styles)
            for style, tone in zip(region.styles, tones, strict=True):
                share = style.weight / total
                parts.append((tone(photo), share if mask is None else mask * share))
        whole = sum(weight for _, weight in parts)
        mapped = sum((p * (weight / whole) for p, weight in parts[1:]), parts[0][0] * (parts[0][1] / whole))
        return torch.lerp(photo, mapped, self.options.strength)


def _paint_level(plan: _Plan, level: int, size: tuple[int, int], before: Tensor | None) -> Tensor:
    """One level of the painting (1, 3, h, w), begun from the level `before` it."""
    photo = resized(plan.photo, size)
    goal = plan.goal(photo)
    content = plan.painter.read(pad_to_stride(goal, MARGIN)[0])
    sought = content
    if before is not None:
        so_far = plan.painter.read(pad_to_stride(resized(before, size), MARGIN)[0])
        sought = content.lerp(so_far, 1 - plan.weights.content)
    targets = _targets(plan, level, sought, content, size)
    h, w = size
    painted = plan.painter.decoder(targets)[:, :, MARGIN : MARGIN + h, MARGIN : MARGIN + w]
    return settled(painted, goal, photo, luma_share=plan.weights.luma, chroma_share=plan.weights.chroma)


def _targets(plan: _Plan, level: int, sought: Maps, content: Maps, size: tuple[int, int]) -> Maps:
    """The maps to decode: the regions' styles at what is sought, pulled back to the content."""
    centre, parts = Centre.of(sought), list[tuple[Maps, float | Tensor]]()
    for region in plan.regions:
        mask = _mask(region, size)
        if mask is not None:
            mask = F.avg_pool2d(pad_to_stride(mask, MARGIN)[0], 4) + 1e-4
        for style in region.styles:
            chosen = style_targets(
                plan.painter.decoder, sought, style.banks.levels[level], centre=centre, noise=plan.noise
            )
            parts.append((chosen, style.weight if mask is None else (mask * style.weight).to(chosen.fine.dtype)))
    chosen, weights, strength = mixed(parts), plan.weights, plan.options.strength
    fine, deep = 1 - strength * (1 - weights.fine), 1 - strength * (1 - weights.deep)
    return Maps(
        torch.lerp(chosen.fine, content.fine, fine),
        torch.lerp(chosen.deep, content.deep, deep),
        torch.lerp(chosen.marks, content.marks, fine),
    )


def settled(painted: Tensor, goal: Tensor, photo: Tensor, *, luma_share: float, chroma_share: float) -> Tensor:
    """`painted` with the goal's colours as a whole, and nearer to its tones place by place.

    The difference to the goal is smoothed within the photo's contours, so light and dark stay within an object, colour
    stops where the object does, and strokes are left alone.
    """
    whole = apply_colour_map(painted, *colour_map(colour_moments(painted), colour_moments(goal)))
    longest = max(goal.shape[2:])
    difference = goal - whole
    grey = luma(difference)
    wanted = luma_share * grey + chroma_share * (difference - grey)
    smooth = guided_filter(wanted, luma(photo), radius=max(2, longest // 24), shrink=max(1, longest // 128))
    return (whole + smooth).clamp(0, 1)


def _mask(region: Region, size: tuple[int, ...]) -> Tensor | None:
    if region.mask is None:
        return None
    return F.interpolate(region.mask[None].float(), (size[0], size[1]), mode="bilinear", antialias=True)


def _size(h: int, w: int, scale: float) -> tuple[int, int]:
    return max(16, round(h * scale)), max(16, round(w * scale))


def resized(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    """(b, c, *size), bicubic and clamped; the same tensor if it has the size."""
    if tuple(pictures.shape[2:]) == size:
        return pictures
    return F.interpolate(pictures, size, mode="bicubic", antialias=True).clamp(0, 1)
