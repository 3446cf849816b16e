"""The preview network: AdaIN (Huang & Belongie 2017) small enough for a live slider.

    content ─► encoder 1/2, 1/4, 1/8 ─► residual blocks, AdaIN at every convolution ─► up, up, up ─► colour head
    style   ─► StyleStatistics (colour mean and Cholesky factor, and a code) ─► gamma, beta of every site

Departures from the paper, and why. The style enters as a learned affine of a short code rather than as raw
feature moments: a code can be mixed, stored in a file and predicted from a CLIP embedding. Instance statistics are
taken at 1/8 resolution only, so everything at picture resolution is local and can be tiled exactly. A colour head
puts out `mean + L @ y`, so the palette is right by construction. A field of noise at 1/8 and 1/4 gives flat areas
something to grow strokes from; a convolution alone can only repeat one stipple there.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diffstyle.engines.adain.maths import colour_factor, colour_moments, instance_moments, mix_colours, whitening

WIDTHS = (32, 64, 128)
BLOCKS = 4
STYLE_WIDTHS = (32, 48, 64, 96, 128)
CODE = 256
STRIDE = 8
NOISY_BLOCKS = (0, 2)


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

    blocks: list[tuple[Tensor, ...]]
    quarter: tuple[Tensor, ...]
    half: tuple[Tensor, ...]
    colour: Tensor
    mean: Tensor
    factor: Tensor


def _conv(i: int, o: int, k: int = 3, stride: int = 1) -> nn.Conv2d:
    # replicate: zero padding leaves pale frames, reflection makes cut strokes symmetric
    return nn.Conv2d(i, o, k, stride, k // 2, padding_mode="replicate")


class UpConv(nn.Module):
    """Nearest x2 then a 3x3 convolution, computed before the enlargement: equal result, a quarter of the memory.

    Each of the four pixels of an enlarged cell sees a 2x2 or 2x1 neighbourhood of cells, so the 3x3 kernel folds
    into four 3x3 kernels on the small grid (Shi et al. 2016 read backwards). Free of checkerboards, which a freely
    trained pixel shuffle is not.
    """

    fold: Tensor

    def __init__(self, i: int, o: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(o, i, 3, 3))
        self.bias = nn.Parameter(torch.zeros(o))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)
        line = torch.tensor(  # (phase, small-grid tap, large-grid tap)
            [[[1.0, 0, 0], [0, 1, 1], [0, 0, 0]], [[0, 0, 0], [1, 1, 0], [0, 0, 1]]]
        )
        self.register_buffer("fold", line, persistent=False)

    def folded(self) -> tuple[Tensor, Tensor]:
        """Weight (4 o, i, 3, 3) and bias (4 o,) on the small grid, in pixel-shuffle order."""
        fold = self.fold.to(self.weight.dtype)
        weight = torch.einsum("ptk,qsl,oikl->opqits", fold, fold, self.weight)
        return weight.flatten(0, 2), self.bias.repeat_interleave(4)

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.folded()
        x = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), weight, bias)
        return F.pixel_shuffle(x, 2)  # (b, 4 o, h, w) -> (b, o, 2 h, 2 w)


class ContentEncoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        half, quarter, eighth = WIDTHS
        self.down2 = _conv(3, half, 5, stride=2)
        self.down4 = _conv(half, quarter, stride=2)
        self.down8 = _conv(quarter, eighth, stride=2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        half = F.relu(self.down2(x - 0.5))
        quarter = F.relu(self.down4(half))
        return half, quarter, F.relu(self.down8(quarter))


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
        self.squeeze = nn.Sequential(nn.LayerNorm(moments), nn.Linear(moments, 384), nn.SiLU(), nn.Linear(384, CODE))

    def forward(self, style: Tensor) -> StyleStatistics:
        mean, covariance = colour_moments(style)
        factor = colour_factor(covariance)
        moments: list[Tensor] = [mean, factor[:, (0, 1, 1, 2, 2, 2), (0, 0, 1, 0, 1, 2)]]
        x = style - 0.5
        for stage in self.stages.values():
            x = F.relu(stage(x))
            m, s = instance_moments(x)
            moments += [m.flatten(1), s.flatten(1)]
        return StyleStatistics(mean, factor, self.squeeze(torch.cat([m.float() for m in moments], 1)))


class AdaINBlock(nn.Module):
    """x + AdaIN(conv(relu(AdaIN(conv(x))))), Huang & Belongie's normalisation at both convolutions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = _conv(width, width)
        self.conv2 = _conv(width, width)

    def forward(self, x: Tensor, affine: tuple[Tensor, ...], noise: Tensor | None) -> Tensor:
        gamma1, beta1, gamma2, beta2 = affine[:4]
        y = _adain(self.conv1(x), gamma1, beta1)
        if noise is not None:
            y = y + noise * affine[4]
        return x + _adain(self.conv2(F.relu(y)), gamma2, beta2)


def noise_fields(batch: int, height: int, width: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """What strokes grow from: normal fields (b, 1, h/8, w/8) and (b, 1, h/4, w/4), drawn on the CPU in float32."""
    eighth = torch.randn((batch, 1, height // 8, width // 8), generator=generator)
    return eighth, torch.randn((batch, 1, height // 4, width // 4), generator=generator)


def _adain(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    mean, std = instance_moments(x)
    scale = (gamma + 1) / std
    return torch.addcmul((beta - mean * scale).to(x.dtype), x, scale.to(x.dtype))


class PreviewNetwork(nn.Module):
    """`render(encode(content), statistics, noise)`; (b, 3, h, w) sRGB in and out, h and w multiples of 8."""

    def __init__(self) -> None:
        super().__init__()
        half, quarter, eighth = WIDTHS
        self.content_encoder = ContentEncoder()
        self.style_encoder = StyleEncoder()
        self.blocks = nn.ModuleList(AdaINBlock(eighth) for _ in range(BLOCKS))
        self.up_quarter = UpConv(eighth, quarter)
        self.up_half = UpConv(quarter, half)
        self.up_full = UpConv(half, 3)
        self.skip_quarter = nn.Conv2d(quarter, quarter, 1)
        self.skip_half = nn.Conv2d(half, half, 1)
        block = [4 * eighth + (eighth if n in NOISY_BLOCKS else 0) for n in range(BLOCKS)]
        self.sites = [w for total in block for w in [eighth] * (total // eighth)]
        self.sites += [quarter] * 4 + [half] * 3 + [3]  # gamma, beta, skip (and noise) of the ups; colour skip
        self.affine = nn.Sequential(nn.SiLU(), nn.Linear(CODE, CODE), nn.SiLU(), nn.Linear(CODE, sum(self.sites)))
        last = self.affine[-1]
        assert isinstance(last, nn.Linear)
        nn.init.normal_(last.weight, std=0.01)
        nn.init.zeros_(last.bias)

    def set_picture_dtype(self, dtype: torch.dtype) -> None:
        """Compute the maps of pictures in `dtype`; what is measured of a style stays float32."""
        for name, module in self.named_children():
            if name not in ("style_encoder", "affine"):
                module.to(dtype)

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

        blocks = [take(5 if n in NOISY_BLOCKS else 4) for n in range(BLOCKS)]
        return Modulation(blocks, take(4), take(3), next(sites).float() + 0.5, statistics.mean, statistics.factor)

    def transform(self, eighth: Tensor, modulation: Modulation, noise: Tensor) -> Tensor:
        """The residual blocks at 1/8: the only part that sees the whole picture."""
        x = eighth
        for n, block in enumerate(self.blocks):
            x = block(x, modulation.blocks[n], noise if n in NOISY_BLOCKS else None)
        return x

    def paint(
        self, x: Tensor, whitened: Tensor, half: Tensor, quarter: Tensor, modulation: Modulation, noise: Tensor
    ) -> Tensor:
        """From 1/8 back to sRGB (b, 3, h, w), not clamped. Local, so any strip of a picture can be painted alone."""
        gamma, beta, skip, grain = modulation.quarter
        x = torch.addcmul(beta + noise * grain, self.up_quarter(x), gamma + 1)
        x = F.relu_(x.addcmul_(self.skip_quarter(quarter), skip + 1))
        gamma, beta, skip = modulation.half
        x = torch.addcmul(beta, self.up_half(x), gamma + 1)
        x = F.relu_(x.addcmul_(self.skip_half(half), skip + 1))
        y = torch.addcmul(self.up_full(x).float(), whitened, modulation.colour)
        return modulation.mean[..., None, None] + mix_colours(modulation.factor, y)

    def render(self, features: ContentFeatures, statistics: StyleStatistics, noise: tuple[Tensor, Tensor]) -> Tensor:
        modulation = self.modulate(statistics, features.eighth.dtype)
        x = self.transform(features.eighth, modulation, noise[0])
        return self.paint(x, features.whitened, features.half, features.quarter, modulation, noise[1])

    def forward(self, content: Tensor, style: Tensor, noise: tuple[Tensor, Tensor]) -> Tensor:
        return self.render(self.encode(content), self.measure(style), noise)
