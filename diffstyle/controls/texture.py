"""`texture`: strokes carried from the style's pictures to what was painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.adapters import strokes
from diffstyle.adapters.strokes import FAINTEST, KERNELS, QUANTILES, SCALES, SIDE, kernels
from diffstyle.controls.wrapper import Wrapper
from diffstyle.core.mask import shared_out
from diffstyle.core.picture import Picture
from diffstyle.core.task import Task, styles
from diffstyle.engines.base import Engine, OnStep
from diffstyle.ops.luma import WINDOW, box, correlation, edges, luma, reach, stir

LOOSEST, MOST_LOST = 0.56, 0.12  # correlation of edges with the photo's at structure 0, and how much of it may go
LEAST_LOST = 0.01  # may go, however little is left
FINEST = 1  # scale, a halving each, that is touched: finer is the grain of pictures, not strokes
NOISE_SCALES = (2, 4, 8)  # pixels
LEAST_STEP, HALVINGS = 0.1, 4  # a smaller share of a change is the last; how often one is halved
SAMPLES = 2**12  # of a painting's patches
PLACES = 2**10  # in the range of a distribution, at which it is looked up
MAP = 2**22  # numbers of a map of projections at a time


@dataclass(frozen=True, slots=True)
class Wanted:
    """The strokes (SCALES, KERNELS, QUANTILES) that a style asks for, and where (1, 1, h, w): everywhere if None."""

    table: Tensor
    part: Tensor | None


class Texture(Wrapper):
    """Moves the patches of what was painted, along a fixed bank of directions, to where those of the style lie: one
    step of iterative distribution transfer (Pitie et al. 2005) on patches at a few scales (Elnekave and Weiss 2022) in
    each of `rounds`. Only lightness changes, least where the painting is calm, for strokes made of nothing are grain;
    within the range of what was painted close by, for beyond it lie bright rims around what is dark; and no more than
    leaves the photo's edges as clear as `structure` asks. Edges that were lost before are brought back so far.

    `noise`, as a share of the painting's contrast, is what strokes may grow from besides: other ones with each seed. A
    style of which neither a picture nor an embedding in the starter's space is known has no strokes and is left as it
    was painted.
    """

    def __init__(self, engine: Engine, *, rounds: int, noise: float = 0.0) -> None:
        super().__init__(engine)
        self.rounds, self.noise = rounds, noise

    def render(self, task: Task, on_step: OnStep | None = None) -> Picture:
        painted = self.engine.render(task, on_step)
        weight = (task.texture or 0) * task.strength
        wanted = _wanted(task) if weight > 0 else []
        if not wanted:
            return painted
        change = self.change(painted.pixels, task.content.pixels, wanted, task.structure, seed=task.seed)
        if task.mask is not None:
            change *= task.mask.shares[0]
        return replace(painted, pixels=painted.pixels.add(change, alpha=weight).clamp_(0, 1))

    @torch.no_grad()
    def change(
        self, painted: Tensor, photo: Tensor, wanted: Sequence[Wanted], structure: float, *, seed: int = 0
    ) -> Tensor:
        """(1, h, w): how much lighter `painted` (3, h, w), made of `photo`, is to be for its strokes to be those that
        are `wanted`, and to grow from other noise with each `seed`.
        """
        with torch.autocast(painted.device.type, enabled=False):  # bfloat16 would not tell quantiles apart
            light = luma(painted)[None]
            return (self._stroked(light, luma(photo)[None], wanted, structure, seed) - light)[0]

    def _stroked(self, light: Tensor, photo: Tensor, wanted: Sequence[Wanted], structure: float, seed: int) -> Tensor:
        """(1, 1, h, w): `light` with the strokes that are `wanted`."""
        outline, least = Outline(photo), LOOSEST + (1 - LOOSEST) * structure
        light = outline.brought_back(light, least)
        begun = outline.kept(light)
        floor = min(max(least, begun - MOST_LOST * (1 - structure)), begun - LEAST_LOST)
        gate = (1 - structure * outline.there) * stir(light)
        contrast, (darkest, lightest) = light.std().clamp_min(FAINTEST), reach(light)
        if self.noise:
            noise = self.noise * contrast * gate * _noise(light, seed)
            light = light + outline.share(light, noise, floor) * noise
        for n in range(self.rounds):
            change = gate * _toward(light, wanted, contrast, n)
            share = outline.share(light, change, floor)
            light = light + share * change
            if share < LEAST_STEP:
                break
        return light.clamp(darkest, lightest)


class Outline:
    """The edges of a photo (1, 1, h, w), and how far another picture has them, at a half and at a quarter of its size.

    `there` is where they are, from 0 to 1, at its size.
    """

    def __init__(self, photo: Tensor) -> None:
        self._wanted = [edges(F.avg_pool2d(photo, side)) for side in (2, 4) if min(photo.shape[-2:]) >= 2 * side]
        found = edges(F.pad(photo, (1, 0, 1, 0), mode="replicate"))
        sample = found.flatten()[:: max(1, found.numel() // 2**16)]
        self.there = (found / torch.quantile(sample, 0.95).clamp_min(1e-4)).clamp(0, 1)
        self._detail = _detail(photo) / photo.std().clamp_min(FAINTEST)

    def kept(self, picture: Tensor) -> float:
        """The mean correlation of edges."""
        found = [edges(F.avg_pool2d(picture, 2 ** (n + 1))) for n in range(len(self._wanted))]
        return sum(float(correlation(a, b)) for a, b in zip(found, self._wanted, strict=True)) / max(1, len(found))

    def brought_back(self, picture: Tensor, least: float) -> Tensor:
        """`picture` with so much of the photo's detail, where that has edges, as makes them `least` clear, or all."""
        lost = self.there * (self._detail * picture.std() - _detail(picture))
        return picture + (1 - self.share(picture + lost, -lost, least)) * lost

    def share(self, picture: Tensor, change: Tensor, floor: float) -> float:
        """Of `change`, what can be made without losing more edges than `floor` allows."""
        if not self._wanted or self.kept(picture + change) >= floor:
            return 1.0
        low, high = 0.0, 1.0
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.kept(picture + middle * change) >= floor else (low, middle)
        return low


def _detail(light: Tensor) -> Tensor:
    return light - box(light, WINDOW)


def _wanted(task: Task) -> list[Wanted]:
    left, parts = shared_out(task.regions) if task.regions else (None, [])
    found: list[Wanted] = []
    for style, part in zip(styles(task), (left, *parts), strict=True):
        flat = strokes.blended(style)
        if flat is not None:
            found.append(Wanted(strokes.table(flat, style.label), None if part is None else part[None]))
    return found


def _noise(light: Tensor, seed: int) -> Tensor:
    """Of the size of `light`, drawn on the CPU, at a few scales."""
    random, (height, width) = torch.Generator().manual_seed(seed), light.shape[-2:]
    drawn = [torch.randn(1, 1, -(-height // s), -(-width // s), generator=random) for s in NOISE_SCALES]
    return torch.stack([F.interpolate(d, size=(height, width), mode="bilinear") for d in drawn]).sum(0)


def _toward(light: Tensor, wanted: Sequence[Wanted], contrast: Tensor, n: int) -> Tensor:
    """(1, 1, h, w): the change that takes patches where those wanted are, the mean over all patches of a pixel."""
    total, seen, scales = torch.zeros_like(light), light, 0
    for scale in range(SCALES):
        seen = F.avg_pool2d(seen, 2) if scale else seen
        if min(seen.shape[-2:]) < 2 * SIDE:
            break
        if scale >= FINEST:
            tables = [Wanted(w.table[scale] * contrast, w.part) for w in wanted]
            total += F.interpolate(_carried(seen, tables, n), size=light.shape[-2:], mode="bilinear")
            scales += 1
    return total / max(1, scales) ** 0.5


def _carried(seen: Tensor, wanted: Sequence[Wanted], n: int) -> Tensor:
    """The change at one scale. Patches lie a stride apart, elsewhere in each round `n`."""
    height, width = seen.shape[-2:]
    step, half = strokes.stride(height, width), SIDE // 2
    down, across = divmod(n * 5 % step**2, step)
    sides = (half + across, half + step, half + down, half + step)
    framed = F.pad(seen, sides, mode="replicate")
    rows, columns = ((s - SIDE) // step + 1 for s in framed.shape[-2:])
    parts = [_at_patches(w.part, (height, width), sides, (rows, columns), step) for w in wanted]
    change = torch.zeros(1, 1, (rows - 1) * step + SIDE, (columns - 1) * step + SIDE)
    bank, at_once = kernels(), max(1, MAP // (rows * columns))
    for first in range(0, KERNELS, at_once):
        some = bank[first : first + at_once]
        found = F.conv2d(framed, some, stride=step)[0].flatten(1)
        moved = torch.zeros_like(found)
        for w, part in zip(wanted, parts, strict=True):
            there = found if part is None else found[:, part > 0.5]
            if there.shape[1] > QUANTILES:
                by = _mapped(found, strokes.quantiles(there, SAMPLES), w.table[first : first + at_once]) - found
                moved += by if part is None else by * part
        change += F.conv_transpose2d(moved.view(1, -1, rows, columns), some, stride=step)
    change /= F.conv_transpose2d(torch.ones(1, 1, rows, columns), torch.ones(1, 1, SIDE, SIDE), stride=step)
    return change[..., half + down : half + down + height, half + across : half + across + width]


def _at_patches(
    part: Tensor | None, size: tuple[int, int], sides: tuple[int, ...], grid: tuple[int, int], step: int
) -> Tensor | None:
    """(rows * columns,): how far the middle of each patch is in a part of the picture."""
    if part is None:
        return None
    framed = F.pad(F.interpolate(part, size=size, mode="area"), sides, mode="replicate")[0, 0]
    half = SIDE // 2
    return framed[half::step, half::step][: grid[0], : grid[1]].flatten()


def _mapped(values: Tensor, have: Tensor, want: Tensor) -> Tensor:
    """`values` (n, m) of distributions with the quantiles `have` (n, q) at the same ranks of `want`, to within a
    thousandth of their range: it is much quicker to look them up at even distances than at uneven ones.
    """
    low, width = have[:, :1], (have[:, -1:] - have[:, :1]).clamp_min(1e-6)
    even = _at_ranks(low + width * torch.linspace(0, 1, PLACES), have, want)
    place = ((values - low) * ((PLACES - 1) / width)).round_().clamp_(0, PLACES - 1)
    return even.gather(1, place.long())


def _at_ranks(values: Tensor, have: Tensor, want: Tensor) -> Tensor:
    """The same, exactly."""
    above = torch.searchsorted(have, values).clamp_(1, have.shape[1] - 1)
    low, high = have.gather(1, above - 1), have.gather(1, above)
    share = ((values - low) / (high - low).clamp_min(1e-6)).clamp_(0, 1)
    return torch.lerp(want.gather(1, above - 1), want.gather(1, above), share)
