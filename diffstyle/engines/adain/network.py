"""The preview network: AdaIN (Huang & Belongie 2017) small enough for a live slider.

    content ─► encoder 1/2, 1/4, 1/8 ─► AdaIN blocks at 1/8 ─► AdaIN blocks at 1/4 ─► up, up ─► colour head
    style   ─► StyleStatistics (colour mean and Cholesky factor, and a code) ─► gamma, beta of every site

Departures from the paper, and why. The style enters as a learned affine of a short code rather than as raw
feature moments: a code can be mixed, stored in a file and predicted from a CLIP embedding. Instance statistics are
taken at 1/8 and 1/4 only, so everything at higher resolution is local and can be tiled exactly. A colour head
puts out `mean + L @ y`, so the palette is right by construction.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diffstyle.core.cancelling import check_cancelled
from diffstyle.engines.adain.maths import colour_factor, colour_moments, instance_moments, mix_colours, whitening

WEIGHTS = "starter/preview/preview.safetensors"
WIDTHS = (32, 64, 128)
BLOCKS = (2, 2)  # at 1/8 and at 1/4
STYLE_WIDTHS = (32, 48, 64, 96, 128)
CODE = 256
STRIDE = 8
EPS = 1e-4


class StyleStatistics(NamedTuple):
    """What a style is to this network. Linear mixes of statistics are statistics."""

    mean: Tensor  # (b, 3) sRGB
    factor: Tensor  # (b, 3, 3) lower triangular L, covariance of sRGB = L @ L.T
    code: Tensor  # (b, CODE)


class ContentFeatures(NamedTuple):
    """A picture encoded once, for any number of styles."""

    whitened: Tensor  # (b, 3, h, w) zero mean, unit covariance
    half: Tensor  # (b, 32, h/2, w/2)
    quarter: Tensor  # (b, 64, h/4, w/4)
    eighth: Tensor  # (b, 128, h/8, w/8)


class Modulation(NamedTuple):
    """Scales and shifts for every site, (b, width, 1, 1) each, and the colour head's mean and factor."""

    eighth: list[tuple[Tensor, ...]]
    quarter: list[tuple[Tensor, ...]]
    join: tuple[Tensor, ...]
    half: tuple[Tensor, ...]
    colour: Tensor
    mean: Tensor
    factor: Tensor


def _conv(i: int, o: int, k: int = 3, stride: int = 1) -> nn.Conv2d:
    # replicate: zero padding leaves pale frames, reflection makes cut strokes symmetric
    conv = nn.Conv2d(i, o, k, stride, k // 2, padding_mode="replicate")
    # torch's default shrinks each layer's output, and moments of the fifth stage would start as nothing
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    nn.init.zeros_(conv.bias)  # pyright: ignore[reportArgumentType]
    return conv


def _named(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


def _pad(x: Tensor) -> Tensor:
    return F.pad(x, (1, 1, 1, 1), mode="replicate")


def _plain(conv: nn.Conv2d, padded: Tensor) -> Tensor:
    """`conv` on a map that was padded already, or needs no padding: torch copies a map that it pads by nothing."""
    return F.conv2d(padded, conv.weight, conv.bias)


class UpConv(nn.Module):
    """Nearest x2 then a 3x3 convolution, computed before the enlargement: equal result, 4/9 of the multiplications.

    Each of the four pixels of an enlarged cell sees 2x2 cells of the small grid: its own and its neighbours above or
    below, left or right. So the 3x3 kernel folds into four 2x2 kernels. Free of checkerboards, which a freely trained
    pixel shuffle is not.
    """

    fold: Tensor

    def __init__(self, i: int, o: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(o, i, 3, 3))
        self.bias = nn.Parameter(torch.zeros(o))
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        line = torch.tensor(  # (phase, small-grid tap, large-grid tap)
            [[[1.0, 0, 0], [0, 1, 1]], [[1, 1, 0], [0, 0, 1]]]
        )
        self.register_buffer("fold", line, persistent=False)
        self._folded: tuple[Tensor, Tensor] | None = None

    def folded(self) -> tuple[Tensor, Tensor]:
        """Weight (2 2 o, i, 2, 2) and bias (2 2 o,) on the small grid: row phase, column phase, channel."""
        if self._folded is not None and not torch.is_grad_enabled():
            return self._folded
        fold = self.fold.to(self.weight.dtype)
        weight = torch.einsum("ptk,qsl,oikl->pqoits", fold, fold, self.weight).flatten(0, 2)
        weight = weight.contiguous(memory_format=torch.channels_last)
        return weight, self.bias.repeat(4)

    def freeze(self) -> None:
        """Fold once for all renders to come; the weights must not change any more."""
        self._folded = None
        with torch.no_grad():
            self._folded = self.folded()

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.folded()
        b, _, h, w = x.shape
        # window (i, j) covers rows i - 1 and i, columns j - 1 and j: phase 0 of cell i is in window i, phase 1 in i + 1
        windows = F.conv2d(_pad(x), weight, bias).permute(0, 2, 3, 1)
        windows = windows.reshape(b, h + 1, w + 1, 2, 2, -1)  # (b, i, j, row phase, column phase, o)
        rows = [
            torch.stack([windows[:, p : p + h, q : q + w, p, q] for q in (0, 1)], 3)  # (b, h, w, column, o)
            for p in (0, 1)
        ]
        del windows  # for memory
        x = torch.stack(rows, 2)  # (b, h, row, w, column, o)
        return x.reshape(b, 2 * h, 2 * w, -1).permute(0, 3, 1, 2)  # (b, o, 2 h, 2 w), channels last in memory


class ContentEncoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        half, quarter, eighth = WIDTHS
        self.down2 = _conv(3, half, 5, stride=2)
        self.down4 = _conv(half, quarter, stride=2)
        self.down8 = _conv(quarter, eighth, stride=2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        half = F.relu_(self.down2(x - 0.5))
        quarter = F.relu_(self.down4(half))
        return half, quarter, F.relu_(self.down8(quarter))


class StyleEncoder(nn.Module):
    """A style picture -> `StyleStatistics`. Means and deviations of five stages, and of the colours, as one code."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, *STYLE_WIDTHS)
        self.stages = nn.ModuleDict(
            {
                f"stage{n + 1}": _conv(widths[n], widths[n + 1], 5 if n == 0 else 3, stride=2)
                for n in range(len(STYLE_WIDTHS))
            }
        )
        moments = 2 * sum(STYLE_WIDTHS) + 9
        self.norms = nn.ModuleDict(
            {name: nn.LayerNorm(2 * w) for name, w in zip(self.stages, STYLE_WIDTHS, strict=True)}
        )
        self.squeeze = _named(hidden=nn.Linear(moments, 384), silu=nn.SiLU(), code=nn.Linear(384, CODE))

    def forward(self, style: Tensor) -> StyleStatistics:
        mean, covariance = colour_moments(style)
        factor = colour_factor(covariance)
        moments: list[Tensor] = [mean * 4 - 2, factor[:, (0, 1, 1, 2, 2, 2), (0, 0, 1, 0, 1, 2)] * 8]
        x = style - 0.5
        for name, stage in self.stages.items():
            x = F.relu(stage(x))
            moments.append(self.norms[name](torch.cat(instance_moments(x), 1).flatten(1)))
        return StyleStatistics(mean, factor, self.squeeze(torch.cat(moments, 1)))


class AdaINBlock(nn.Module):
    """x + AdaIN(conv(relu(AdaIN(conv(x))))), Huang & Belongie's normalisation at both convolutions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = _conv(width, width)
        self.conv2 = _conv(width, width)

    def forward(self, x: Tensor, affine: tuple[Tensor, ...]) -> Tensor:
        gamma1, beta1, gamma2, beta2 = affine
        # one map a line, each freed by the next: at 4096 pixels a map at 1/4 is 134 MB
        check_cancelled()
        y = _plain(self.conv1, _pad(x))
        y = _adain(y, gamma1, beta1)
        check_cancelled()
        y = _pad(F.relu_(y))
        y = _plain(self.conv2, y)
        check_cancelled()
        return _adain(y, gamma2, beta2).add_(x)


def _adain(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    """Each channel normalised by its own mean and deviation, scaled by 1 + gamma, shifted by beta."""
    if x.shape[0] == 1 and not torch.is_grad_enabled():  # one fused pass, whose gradient would be slow
        return F.group_norm(x, x.shape[1], (gamma + 1).flatten(), beta.flatten(), EPS)
    mean, std = instance_moments(x, EPS)
    scale = (gamma + 1) / std
    return torch.addcmul((beta - mean * scale).to(x.dtype), x, scale.to(x.dtype))


class PreviewNetwork(nn.Module):
    """`render(encode(content), statistics)`; (b, 3, h, w) sRGB in and out, h and w multiples of 8."""

    def __init__(self) -> None:
        super().__init__()
        half, quarter, eighth = WIDTHS
        self.content_encoder = ContentEncoder()
        self.style_encoder = StyleEncoder()
        self.blocks_eighth = nn.ModuleDict({f"block{n + 1}": AdaINBlock(eighth) for n in range(BLOCKS[0])})
        self.blocks_quarter = nn.ModuleDict({f"block{n + 1}": AdaINBlock(quarter) for n in range(BLOCKS[1])})
        self.up_quarter = UpConv(eighth, quarter)
        self.up_half = UpConv(quarter, half)
        self.up_full = UpConv(half, 3)
        self.skip_quarter = _conv(quarter, quarter, 1)
        self.skip_half = _conv(half, half, 1)
        # gamma and beta of every normalisation; gamma, beta and skip at 1/2; the skip of the colours
        self.sites = [eighth] * 4 * BLOCKS[0] + [quarter] * 4 * (BLOCKS[1] + 1) + [half] * 3 + [3]
        hidden, sites = nn.Linear(CODE, CODE), nn.Linear(CODE, sum(self.sites))
        self.affine = _named(first=nn.SiLU(), hidden=hidden, second=nn.SiLU(), sites=sites)

    def freeze(self, dtype: torch.dtype) -> PreviewNetwork:
        """Ready to render and no more to train: maps of pictures in `dtype`, what is measured of styles float32."""
        self.eval().requires_grad_(False)
        for name, module in self.named_children():
            if name not in ("style_encoder", "affine"):
                module.to(dtype)
        for module in self.modules():
            if isinstance(module, UpConv):
                module.freeze()
        return self

    @property
    def picture_dtype(self) -> torch.dtype:
        return self.skip_half.weight.dtype

    def encode(self, content: Tensor) -> ContentFeatures:
        mean, covariance = colour_moments(content)
        whitened = mix_colours(whitening(colour_factor(covariance)), content.float() - mean[..., None, None])
        return ContentFeatures(whitened, *self.content_encoder(content.to(self.picture_dtype)))

    def measure(self, style: Tensor) -> StyleStatistics:
        return self.style_encoder(style)

    def modulate(self, statistics: StyleStatistics, dtype: torch.dtype) -> Modulation:
        """The affine parameters of every site for these styles."""
        affine = self.affine(statistics.code).to(dtype)
        sites = iter([a[..., None, None] for a in affine.split(self.sites, 1)])

        def take(n: int) -> tuple[Tensor, ...]:
            return tuple(next(sites) for _ in range(n))

        low, high = ([take(4) for _ in range(n)] for n in BLOCKS)
        return Modulation(low, high, take(4), take(3), next(sites).float(), statistics.mean, statistics.factor)

    def transform(self, eighth: Tensor, quarter: Tensor, modulation: Modulation) -> Tensor:
        """From 1/8 to 1/4, with instance statistics: the only part that sees the whole picture."""
        x = eighth
        for block, affine in zip(self.blocks_eighth.values(), modulation.eighth, strict=True):
            x = block(x, affine)
        gamma, beta, skip_gamma, skip_beta = modulation.join
        check_cancelled()
        x = _adain(self.up_quarter(x), gamma, beta)
        check_cancelled()
        x = F.relu_(x.add_(_adain(_plain(self.skip_quarter, quarter), skip_gamma, skip_beta)))
        for block, affine in zip(self.blocks_quarter.values(), modulation.quarter, strict=True):
            x = block(x, affine)
        return x

    def paint(self, x: Tensor, whitened: Tensor, half: Tensor, modulation: Modulation) -> Tensor:
        """From 1/4 back to sRGB (b, 3, h, w), not clamped. Local, so any strip of a picture can be painted alone."""
        gamma, beta, skip = modulation.half
        x = torch.addcmul(beta, self.up_half(x), gamma + 1)
        x = F.relu_(x.addcmul_(_plain(self.skip_half, half), skip + 1))
        y = torch.addcmul(self.up_full(x).float(), whitened, modulation.colour)
        return modulation.mean[..., None, None] + mix_colours(modulation.factor, y)

    def render(self, features: ContentFeatures, statistics: StyleStatistics) -> Tensor:
        modulation = self.modulate(statistics, features.eighth.dtype)
        x = self.transform(features.eighth, features.quarter, modulation)
        return self.paint(x, features.whitened, features.half, modulation)

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        return self.render(self.encode(content), self.measure(style))
