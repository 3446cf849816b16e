"""The style's side of the painter: what can be copied from its exemplars, at every scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.encoders.features import EfficientNetLite0, FeatureNet
from diffstyle.engines.nnst.decoder import CELL, STRIDE, Decoder, Maps
from diffstyle.engines.nnst.looks import Looks, with_looks
from diffstyle.ops.colour_transfer import ColourMoments, colour_moments, mean_moments
from diffstyle.ops.luma import luma
from diffstyle.ops.neighbours import to_keys

LEVELS = (4, 2, 1)  # the working size divided by these: the scales of a painting, coarse to fine
SIDE = 384  # pixels, of an exemplar's longest side at the finest scale
TONES = 17  # quantiles of luma
MOST, MOST_DEEP = 8_192, 6_144  # places of a style at one scale, fine and deep
HUE_OF_SEVERAL = 40.0  # as `Bank.hue`: equal texture has other colours in every picture, and calm places get mottled
MARGIN = 32  # pixels of reflected border around what is read, cut off the maps again


@dataclass(frozen=True, slots=True, eq=False)
class Painter:
    """The networks: perceptual features and the decoder, frozen, on one device and in one dtype."""

    net: FeatureNet
    decoder: Decoder

    @classmethod
    def load(cls, weights: Path, *, dtype: torch.dtype = torch.bfloat16) -> Painter:
        return cls(EfficientNetLite0.load(dtype=dtype), Decoder.load(weights, dtype=dtype))

    def read(self, pictures: Tensor) -> Maps:
        """Maps of pictures (b, 3, h, w) whose sides are multiples of 16."""
        return self.decoder.maps(self.net(pictures))


@dataclass(frozen=True, slots=True, eq=False)
class Bank:
    """Features to copy from exemplars and their mirror images at one scale, and the keys by which they are found.

    fine (k, 272) with keys (k, 64), deep (m, 864) with keys (m, 96), of which the last 7 are looks. `hue`: how many
    times as much as in one picture likeness of hue counts in matches.
    """

    fine: Tensor
    deep: Tensor
    fine_keys: Tensor
    deep_keys: Tensor
    hue: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class StyleBanks:
    """The exemplars of one style, read: a bank for every level, and their colours.

    `tones`: quantiles (TONES,) of luma, evenly spaced. `midtones`: which share of a picture lies in the middle half of
    its range, hardly any in a drawing of lines.
    """

    levels: Mapping[int, Bank]
    colours: ColourMoments
    tones: Tensor
    midtones: float


@torch.inference_mode()
def read_style(painter: Painter, *exemplars: Tensor, size: int = 512) -> StyleBanks:
    """Read exemplars (3, h, w) for paintings of a working size of `size` pixels.

    Several make one style with the marks of all. Its colours and tones are their mean, those of a typical exemplar: the
    variance between one and the next is no contrast that any of them has.
    """
    levels = {level: _bank(painter, [_at_level(e, size / level) for e in exemplars]) for level in LEVELS}
    read = [_tones(e[None]) for e in exemplars]
    return StyleBanks(
        levels,
        mean_moments([colour_moments(e[None]) for e in exemplars]),
        torch.stack([tones for tones, _ in read]).mean(0),
        sum(midtones for _, midtones in read) / len(read),
    )


def _tones(picture: Tensor) -> tuple[Tensor, float]:
    """Quantiles (TONES,) of the luma of (1, 3, h, w), and the share of its mid-tones."""
    y = luma(picture)
    tones = luma_quantiles(y)
    darkest, lightest = float(tones[0]), float(tones[-1])
    quarter = (lightest - darkest) / 4
    return tones, float(((y > darkest + quarter) & (y < lightest - quarter)).float().mean())


def _at_level(exemplar: Tensor, size: float) -> Tensor:
    """The exemplar (3, h, w) as large as marks at this scale are wanted; at most a little enlarged."""
    longest = max(exemplar.shape[1:])
    wanted = min(size, max(longest, SIDE))
    scale = min(max(wanted, 64), 640) / longest
    h, w = (max(STRIDE, round(side * scale)) for side in exemplar.shape[1:])
    return F.interpolate(exemplar[None], (h, w), mode="bicubic", antialias=True).clamp(0, 1)[0]


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """What the networks see of one exemplar and its mirror image, fine and deep: maps (2, c, h, w) and their looks."""

    maps: Maps
    looks: Looks

    @classmethod
    def of(cls, painter: Painter, exemplar: Tensor) -> _Read:
        both = torch.stack((exemplar, exemplar.flip(2)))
        padded, (h, w) = pad_to_stride(both, MARGIN)
        maps, looks = painter.read(padded), Looks.of(padded)
        fine, fine_looks = (_inner(m, MARGIN // CELL, h // CELL, w // CELL) for m in (maps.fine, looks.fine))
        deep, deep_looks = (_inner(m, MARGIN // 8, h // 8, w // 8) for m in (maps.deep, looks.deep))
        return cls(Maps(fine, deep), Looks(fine_looks, deep_looks))


def _bank(painter: Painter, exemplars: Sequence[Tensor]) -> Bank:
    read = [_Read.of(painter, e) for e in exemplars]
    fine, fine_keys = _joined([(r.maps.fine, r.looks.fine) for r in read], painter.decoder.fine_keys, MOST)
    deep, deep_keys = _joined([(r.maps.deep, r.looks.deep) for r in read], painter.decoder.deep_keys, MOST_DEEP)
    return Bank(fine, deep, fine_keys, deep_keys, 1.0 if len(exemplars) == 1 else HUE_OF_SEVERAL)


def _joined(read: Sequence[tuple[Tensor, Tensor]], projection: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """Rows (k, c) and keys (k, d + 7) of at most `most` places of all exemplars, relative to the mean of them all."""
    mean = None if len(read) == 1 else torch.stack([maps.float().mean((0, 2, 3)) for maps, _ in read]).mean(0)[None]
    rows: list[Tensor] = []
    keys: list[Tensor] = []
    counts = [maps.shape[0] * maps[0, 0].numel() for maps, _ in read]
    for (maps, looks), count, share in zip(read, counts, _shares(counts, most), strict=True):
        some = _spread(count, share)
        rows.append(maps.permute(0, 2, 3, 1).flatten(0, 2)[some])
        keys.append(with_looks(to_keys(maps, projection, mean), looks).flatten(0, 1)[some])
    return torch.cat(rows), torch.cat(keys)


def _shares(counts: Sequence[int], most: int) -> list[int]:
    """How many of each of `counts` to keep, `most` in all: as many of each, where there are so many."""
    shares = list(counts)
    for n, k in enumerate(sorted(range(len(counts)), key=counts.__getitem__)):
        shares[k] = min(counts[k], most // (len(counts) - n))
        most -= shares[k]
    return shares


def _spread(count: int, most: int) -> Tensor:
    """Index (n,) of at most `most` of `count` rows, always the same ones."""
    if count <= most:
        return torch.arange(count)
    return torch.randperm(count, generator=torch.Generator().manual_seed(0))[:most].sort().values


def pad_to_stride(pictures: Tensor, margin: int) -> tuple[Tensor, tuple[int, int]]:
    """Pictures (b, 3, h, w) with a reflected border of `margin`, and more at the right and below to multiples of 16;
    and the size that they had.
    """
    h, w = pictures.shape[2:]
    down, right = (-(side + 2 * margin) % STRIDE + margin for side in (h, w))
    return reflect(pictures, margin, right, margin, down), (h, w)


def reflect(x: Tensor, left: int, right: int, top: int, bottom: int) -> Tensor:
    """Reflected padding by any width, also beyond the picture's own size."""
    h, w = x.shape[2:]
    rows, columns = (_mirrored(n, a, b, x.device) for n, a, b in ((h, top, bottom), (w, left, right)))
    return x[:, :, rows][:, :, :, columns]


def _mirrored(n: int, before: int, after: int, device: torch.device) -> Tensor:
    k = torch.arange(-before, n + after, device=device).remainder(max(1, 2 * n))
    return torch.where(k < n, k, 2 * n - 1 - k)


def _inner(maps: Tensor, margin: int, h: int, w: int) -> Tensor:
    return maps[:, :, margin : margin + max(1, h), margin : margin + max(1, w)]


def luma_quantiles(values: Tensor) -> Tensor:
    """(TONES,) from the first to the 99th percentile, evenly spaced."""
    flat = values.flatten()
    return flat[:: max(1, len(flat) // 50_000)].float().quantile(torch.linspace(0.01, 0.99, TONES))
