"""Large pictures in horizontal strips: equal to the whole, in the memory of one strip.

Operations that need the whole picture work on moments, at 1/8 and at 1/4. The others are local: each strip is computed
with a margin as wide as its receptive field, and the margin is cut off.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from diffstyle.engines.adain.maths import colour_factor, colour_moments, mix_colours, whitening
from diffstyle.engines.adain.network import STRIDE, WIDTHS, ContentFeatures, PreviewNetwork, StyleStatistics
from diffstyle.ops.strips import Strip, strips

WHOLE_PIXELS = 3 * 2**20  # up to here one pass is faster and fits
STRIP_PIXELS = 2**19
MARGIN = 2 * STRIDE  # the receptive field is 8 pixels on the way down and 6 on the way up


@dataclass(frozen=True, slots=True)
class EncodedContent:
    """A padded picture (3, h, w) with its features at 1/8, and those at full size where it is small."""

    pixels: Tensor
    mean: Tensor  # (1, 3)
    whitening: Tensor  # (1, 3, 3)
    eighth: Tensor  # (1, 128, h/8, w/8)
    quarter: Tensor  # (1, 64, h/4, w/4)
    whole: ContentFeatures | None


def content_strips(height: int, width: int) -> Iterator[Strip]:
    """Strips that cover a picture whose height is a multiple of the stride."""
    return strips(height, width, pixels=STRIP_PIXELS, margin=MARGIN, multiple=STRIDE)


def encode(network: PreviewNetwork, pixels: Tensor) -> EncodedContent:
    """Encode a padded picture (3, h, w)."""
    mean, covariance = colour_moments(pixels[None])
    whiten = whitening(colour_factor(covariance))
    _, h, w = pixels.shape
    if h * w <= WHOLE_PIXELS:
        whole = _features(network, pixels, mean, whiten)
        return EncodedContent(pixels, mean, whiten, whole.eighth, whole.quarter, whole)
    shapes = ((WIDTHS[2], h // 8, w // 8), (WIDTHS[1], h // 4, w // 4))
    eighth, quarter = (
        torch.empty((1, *shape), dtype=network.picture_dtype, device=pixels.device, memory_format=torch.channels_last)
        for shape in shapes
    )
    for strip in content_strips(h, w):
        features = _features(network, pixels[:, strip.rows()], mean, whiten)
        for scale, kept, found in ((8, eighth, features.eighth), (4, quarter, features.quarter)):
            kept[:, :, strip.target(scale)] = found[:, :, strip.kept(scale)]
    return EncodedContent(pixels, mean, whiten, eighth, quarter, None)


def paint(network: PreviewNetwork, content: EncodedContent, style: StyleStatistics) -> Tensor:
    """The repainted picture (3, h, w), not clamped."""
    _, h, w = content.pixels.shape
    modulation = network.modulate(style, content.eighth.dtype)
    x = network.transform(content.eighth, content.quarter, modulation)
    if (whole := content.whole) is not None:
        return network.paint(x, whole.whitened, whole.half, modulation)[0]
    out = torch.empty_like(content.pixels)
    for strip in content_strips(h, w):
        f = _features(network, content.pixels[:, strip.rows()], content.mean, content.whitening)
        painted = network.paint(x[:, :, strip.rows(4)], f.whitened, f.half, modulation)
        out[:, strip.target()] = painted[0][:, strip.kept()]
    return out


def _features(network: PreviewNetwork, pixels: Tensor, mean: Tensor, whiten: Tensor) -> ContentFeatures:
    batch = pixels[None].contiguous(memory_format=torch.channels_last)
    whitened = mix_colours(whiten, pixels[None] - mean[..., None, None])
    return ContentFeatures(whitened, *network.content_encoder(batch.to(network.picture_dtype)))
