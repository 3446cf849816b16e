"""The student: the transformation network of Johnson et al. 2016 with conditional instance normalisation (Dumoulin et
al. 2017), small enough for video on a plain CPU.

    photo ─► unshuffle, stem 1/2 ─► 1/4 ─► 1/8, residual blocks ─► 1/4, residual blocks ─► 1/2 ─► full size
                       └──────────────┴── added on the way up ──────┴───────────────────────┘

Every style is one row of scales and shifts; rows are mixed by the weights of the styles, and lie nearer to the identity
row the smaller the strength. The identity row gives the photo itself.

Departures from the papers, and why. Most work is done at 1/8 and 1/4, and the stem reads an unshuffled picture, so that
little is computed at full size. Additions from the way down and a gain on the photo itself keep edges sharp. At 1/2 and
at full size a style scales and shifts without normalising: there a pass over the map costs more than it brings. As in
Johnson's supplement the picture is extended by reflection once, at the entrance; inside, convolutions pad with zeros,
which costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diffstyle.core.cancelling import check_cancelled
from diffstyle.engines.adain.maths import instance_moments
from diffstyle.engines.feedforward.settings import Size

STRIDE = 8
MARGIN = 32  # pixels of reflection around the picture: with 16, the padding showed as a frame in flat skies
SMALLEST = MARGIN + STRIDE  # pixels of a side: a reflection needs one more than its width
EPS = 1e-4
COLOUR = 9  # values of a row at full size: gains of the photo, scales and shifts of what is painted, 3 each


@dataclass(frozen=True, slots=True)
class Shape:
    """How many channels each map has, and by the number of inner widths how many residual blocks there are."""

    half: int  # of the stem, added on the way up
    quarter: int  # on the way down, added on the way up
    eighth: int  # that residual blocks add to
    inner_eighth: tuple[int, ...]  # inside each residual block at 1/8
    up_quarter: int  # that residual blocks add to, on the way up
    inner_quarter: tuple[int, ...]
    up_half: int
    separable: bool  # depthwise and 1x1 convolutions in place of full ones below 1/2 (Howard et al. 2017)

    @property
    def widths(self) -> tuple[int, ...]:
        """Every width, in the order of the fields."""
        down, up = (self.half, self.quarter, self.eighth, *self.inner_eighth), (*self.inner_quarter, self.up_half)
        return (*down, self.up_quarter, *up)

    def with_widths(self, widths: Sequence[int]) -> Shape:
        """As many blocks as this one has, with other `widths`."""
        half, quarter, eighth, *others = widths
        blocks = len(self.inner_eighth)
        inner_eighth, up_quarter, inner_quarter = others[:blocks], others[blocks], others[blocks + 1 : -1]
        inner = tuple(inner_eighth), up_quarter, tuple(inner_quarter)
        return Shape(half, quarter, eighth, *inner, others[-1], self.separable)

    @property
    def normalised(self) -> tuple[int, ...]:
        """The width of every normalised map, in the order in which they are computed."""
        blocks8 = [width for inner in self.inner_eighth for width in (inner, self.eighth)]
        blocks4 = [width for inner in self.inner_quarter for width in (inner, self.up_quarter)]
        return (self.quarter, self.eighth, *blocks8, self.up_quarter, *blocks4)


SIZES: dict[Size, Shape] = {
    "tiny": Shape(16, 32, 64, (64,) * 3, 32, (32,), 16, separable=True),
    "small": Shape(16, 32, 64, (64,) * 2, 32, (32,), 16, separable=False),
    "base": Shape(32, 64, 128, (128,) * 4, 64, (64,) * 2, 32, separable=False),
}


def _conv(i: int, o: int, *, stride: int = 1, separable: bool = False) -> nn.Module:
    """3x3 convolution without a bias: what follows shifts."""
    if separable:
        depthwise, pointwise = nn.Conv2d(i, i, 3, stride, 1, groups=i, bias=False), nn.Conv2d(i, o, 1, bias=False)
        for conv in (depthwise, pointwise):
            nn.init.kaiming_normal_(conv.weight, nonlinearity="linear")
        return nn.Sequential(depthwise, pointwise)
    conv = nn.Conv2d(i, o, 3, stride, 1, bias=False)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    return conv


class Residual(nn.Module):
    """x + CIN(conv(relu(CIN(conv(x)))))."""

    def __init__(self, width: int, inner: int, *, separable: bool) -> None:
        super().__init__()
        self.conv1 = _conv(width, inner, separable=separable)
        self.conv2 = _conv(inner, width, separable=separable)

    def forward(self, x: Tensor, affines: Iterator[tuple[Tensor, Tensor]]) -> Tensor:
        check_cancelled()
        y = F.relu(conditional_norm(self.conv1(x), *next(affines)))
        return x + conditional_norm(self.conv2(y), *next(affines))


class UpConv(nn.Module):
    """Nearest x2 and then a 3x3 convolution, folded into one on the small grid as in the preview's network, but without
    a bias and padded with zeros, as exported runtimes compute fastest.
    """

    fold: Tensor

    def __init__(self, i: int, o: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(o, i, 3, 3))
        nn.init.kaiming_normal_(self.weight, nonlinearity="linear")
        line = [[[1.0, 0, 0], [0, 1, 1], [0, 0, 0]], [[0, 0, 0], [1, 1, 0], [0, 0, 1]]]  # phase, small tap, large tap
        self.register_buffer("fold", torch.tensor(line), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(b, i, h, w) -> (b, o, 2h, 2w)."""
        fold = self.fold.to(self.weight.dtype)
        rows = torch.einsum("ptk,oikl->opitl", fold, self.weight)
        folded = torch.einsum("qsl,opitl->opqits", fold, rows).flatten(0, 2)  # (4 o, i, 3, 3)
        return F.pixel_shuffle(F.conv2d(x, folded, padding=1), 2)


class StudentNetwork(nn.Module):
    """`forward(photo, weights, strength)` paints photos in a mixture of `styles` styles.

    It can be exported with `torch.onnx.export(dynamo=True)` with dynamic height and width.
    """

    def __init__(self, size: Size, styles: int, shape: Shape | None = None) -> None:
        """A new network of `size`, or of the `shape` that pruning left of that size."""
        super().__init__()
        shape = shape or SIZES[size]
        half, quarter, eighth, separable = shape.half, shape.quarter, shape.eighth, shape.separable
        up4, up2 = shape.up_quarter, shape.up_half
        self.size: Size = size
        self.shape = shape
        self.stem = nn.Conv2d(12, half, 3, padding=1)
        self.down4 = _conv(half, quarter, stride=2)
        self.down8 = _conv(quarter, eighth, stride=2, separable=separable)
        self.blocks8 = nn.ModuleList(Residual(eighth, inner, separable=separable) for inner in shape.inner_eighth)
        self.enter4 = nn.Conv2d(eighth, quarter, 1, bias=False)
        self.conv4 = _conv(quarter, up4, separable=separable)
        self.blocks4 = nn.ModuleList(Residual(up4, inner, separable=separable) for inner in shape.inner_quarter)
        self.enter2 = nn.Conv2d(up4, half, 1, bias=False)
        self.conv2 = _conv(half, up2)
        self.head = UpConv(up2, 3)
        inner = 2 * (sum(shape.normalised) + up2)
        self.rows = nn.Parameter(torch.zeros(styles, inner + COLOUR))
        with torch.no_grad():  # a style begins with little of the photo, and something painted
            self.rows[:, inner : inner + 3], self.rows[:, inner + 3 : inner + 6] = -0.8, 0.5
        self.neutral = nn.Parameter(torch.zeros(inner))  # the identity row but for its colours, which are fixed

    @property
    def styles(self) -> int:
        return len(self.rows)

    @property
    def pruned(self) -> bool:
        """Whether it has fewer channels than its size."""
        return self.shape != SIZES[self.size]

    def freeze(self, dtype: torch.dtype) -> None:
        """Compute maps of pictures in `dtype`; rows stay in float32, so that strengths near 0 or 1 are exact."""
        for module in self.children():
            module.to(dtype)

    def forward(self, photo: Tensor, weights: Tensor, strength: Tensor) -> Tensor:
        """Photos (b, 3, h, w) in [0, 1] -> paintings of the same shape in [0, 1].

        `weights` (b or 1, styles) sum to one; `strength` (b or 1, 1) is from 0, the photo, to 1. Sides are SMALLEST
        pixels or more.
        """
        return self.paint(photo, self.mixed(weights, strength)).clamp(0, 1)

    def mixed(self, weights: Tensor, strength: Tensor) -> Tensor:
        """(b, r): the row of a mixture of styles. Rows hold differences from 1 for scales and 0 for shifts."""
        fixed = torch.zeros(COLOUR, dtype=self.neutral.dtype, device=self.neutral.device)
        identity = torch.cat((self.neutral, fixed))
        return identity + strength * (weights @ self.rows - identity)

    def paint(self, photo: Tensor, row: Tensor) -> Tensor:
        """(b, 3, h, w), not clamped: photos painted with `row` (b or 1, r)."""
        return self.paint_with_features(photo, row)[0]

    def paint_with_features(self, photo: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
        """As `paint`; and the maps behind the residual blocks at 1/8, without the margin, for temporal losses."""
        h, w = photo.shape[2:]
        below, beside = ((STRIDE - side % STRIDE) % STRIDE for side in (h, w))  # torch.export refuses -side % STRIDE
        extended = F.pad(photo, (MARGIN, MARGIN + beside, MARGIN, MARGIN + below), mode="reflect")
        affines = self._affines(row)
        x, quarter, half = self._read((extended - 0.5).to(self.stem.weight.dtype), affines)
        painted = self._painted(x, quarter, half, affines)[..., MARGIN:, MARGIN:]
        gain, scale, shift = torch.split(row[:, -COLOUR:, None, None], 3, 1)
        # gains are differences from that of the identity, 1; scales from 0, so that the identity row paints nothing
        out = photo + (photo - 0.5) * gain + painted[..., :h, :w].to(photo.dtype) * scale + shift
        edge = MARGIN // STRIDE
        return out, x[..., edge : edge + (h + below) // STRIDE, edge : edge + (w + beside) // STRIDE]

    def _read(self, x: Tensor, affines: Iterator[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor, Tensor]:
        """Maps at 1/8, 1/4 and 1/2 of (b, 3, h, w) in the network's dtype; sides are multiples of STRIDE."""
        half = F.relu(self.stem(F.pixel_unshuffle(x, 2)))
        check_cancelled()
        quarter = F.relu(conditional_norm(self.down4(half), *next(affines)))
        x = F.relu(conditional_norm(self.down8(quarter), *next(affines)))
        for block in self.blocks8:
            x = block(x, affines)
        return x, quarter, half

    def _painted(self, x: Tensor, quarter: Tensor, half: Tensor, affines: Iterator[tuple[Tensor, Tensor]]) -> Tensor:
        """(b, 3, h, w) of the maps on the way up."""
        x = _doubled(self.enter4(x)) + quarter
        x = F.relu(conditional_norm(self.conv4(x), *next(affines)))
        for block in self.blocks4:
            x = block(x, affines)
        x = self.conv2(_doubled(self.enter2(x)) + half)
        check_cancelled()
        scale, shift = next(affines)
        x = F.relu(x * scale.to(x.dtype) + shift.to(x.dtype))
        check_cancelled()
        return self.head(x)

    def _affines(self, row: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Scale and shift (b, width, 1, 1) of every site, in the order of need."""
        found: list[tuple[Tensor, Tensor]] = []
        at = 0
        widths = *self.shape.normalised, self.shape.up_half
        for width in widths:  # by slices: WebGPU has no split into more than seven
            scale, shift = (row[:, n : n + width, None, None] for n in (at, at + width))
            found.append((scale + 1, shift))
            at += 2 * width
        return iter(found)


def conditional_norm(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Each channel of (b, c, h, w) normalised by its own moments (Ulyanov et al. 2016), then scaled and shifted by
    (b or 1, c, 1, 1).
    """
    if torch.compiler.is_exporting():  # one operator, which other runtimes compute in fewer passes
        return F.instance_norm(x, eps=EPS) * scale.to(x.dtype) + shift.to(x.dtype)
    mean, deviation = instance_moments(x, EPS)
    scale = scale / deviation
    return x * scale.to(x.dtype) + (shift - mean * scale).to(x.dtype)


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")
