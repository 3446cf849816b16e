"""The preview network as it is exported: a photo of any size and the statistics of a style in, the painting out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from diffstyle.assets.manifest import load_weights
from diffstyle.engines.adain.maths import COLOUR_FLOOR
from diffstyle.engines.adain.network import CODE, STRIDE, WEIGHTS, ContentFeatures, PreviewNetwork, StyleStatistics
from diffstyle.runtimes.exportable import Exportable, Input, Side

_SIZES = ((64, 96), (75, 101), (128, 88))


class PreviewExport(nn.Module):
    """`forward(photo, mean, factor, code)` is the painting (1, 3, h, w), not clamped.

    What torch computes by LAPACK and in float64 is written out here, for ONNX has neither factorisations nor, in a
    browser, float64: the covariance is that of centred colours, and its factor one of 3 x 3.
    """

    def __init__(self, network: PreviewNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, photo: Tensor, mean: Tensor, factor: Tensor, code: Tensor) -> Tensor:
        h, w = photo.shape[2:]
        x = _padded(photo)
        features = ContentFeatures(_whitened(x), *self.network.content_encoder(x))
        painted = self.network.render(features, StyleStatistics(mean, factor, code))
        return _part(painted, torch.arange(h, device=x.device), torch.arange(w, device=x.device))


def exportable(network: PreviewNetwork, digest: str) -> Exportable:
    """The preview network with weights of sha256 `digest`, which must be float32."""

    def from_photo(photo: Tensor, number: int) -> tuple[Tensor, ...]:
        generator = torch.Generator().manual_seed(number)
        coarse = torch.rand((1, 3, 12, 12), generator=generator)
        picture = torch.nn.functional.interpolate(coarse, (96, 96), mode="nearest")
        statistics = network.measure(picture)
        return photo, statistics.mean, statistics.factor, statistics.code

    return Exportable(
        name="preview",
        title="diffstyle's preview network (AdaIN)",
        module=PreviewExport(network),
        inputs=(
            Input(
                name="photo",
                meaning="(1, 3, height, width) sRGB from 0 to 1, any size from 9 pixels",
                sides={2: Side("height"), 3: Side("width")},
            ),
            Input(name="mean", meaning="(1, 3) mean sRGB of the style, from 0 to 1"),
            Input(name="factor", meaning="(1, 3, 3) lower triangular L, the covariance of the style's sRGB is L @ L.T"),
            Input(name="code", meaning=f"(1, {CODE}) the style's code, as the style encoder gives it"),
        ),
        outputs={"painting": "(1, 3, height, width) sRGB, to be clipped to 0 and 1"},
        from_photo=from_photo,
        sizes=_SIZES,
        digest=digest,
        quantisable=True,
    )


def starter() -> Exportable:
    """The starter's preview network."""
    tensors, digest = load_weights(WEIGHTS)
    network = PreviewNetwork()
    network.load_state_dict({k: v.float() for k, v in tensors.items()})
    return exportable(network.freeze(torch.float32), digest)


def _padded(photo: Tensor) -> Tensor:
    """The photo extended by its last row and column to multiples of the stride."""
    h, w = photo.shape[2:]
    rows = torch.arange((h + STRIDE - 1) // STRIDE * STRIDE, device=photo.device).clamp(max=h - 1)
    columns = torch.arange((w + STRIDE - 1) // STRIDE * STRIDE, device=photo.device).clamp(max=w - 1)
    return _part(photo, rows, columns)


def _part(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """These rows and columns of `x`. A slice would tie `torch.export` to sizes like the traced one: whether it is the
    whole of `x` becomes a condition of the program.
    """
    return x.index_select(2, rows).index_select(3, columns)


def _whitened(x: Tensor) -> Tensor:
    """(1, 3, h, w): colours of zero mean and unit covariance; `colour_moments` and `whitening` of `maths.py`."""
    centred = x - x.mean(3, keepdim=True).mean(2, keepdim=True)  # rows first: float32 sums of few numbers are exact
    r, g, b = centred.unbind(1)  # (1, h, w) each

    def covariance(one: Tensor, other: Tensor) -> Tensor:
        return (one * other).mean(2, keepdim=True).mean(1, keepdim=True)

    floor = COLOUR_FLOOR**2
    rr = (covariance(r, r) + floor).sqrt()
    gr, br = covariance(g, r) / rr, covariance(b, r) / rr
    gg = (covariance(g, g) + floor - gr * gr).sqrt()
    bg = (covariance(b, g) - br * gr) / gg
    bb = (covariance(b, b) + floor - br * br - bg * bg).sqrt()
    first = r / rr
    second = (g - gr * first) / gg
    return torch.stack((first, second, (b - br * first - bg * second) / bb), 1)
