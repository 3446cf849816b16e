"""What the strokes of a picture are, in numbers: the distributions of its patches along fixed directions.

At each of a few scales, luminance is seen through an orthonormal bank of kernels that are blind to its mean (Rabin et
al. 2011 project at random; Elnekave and Weiss 2022 on patches). Of what each kernel finds, the quantiles are kept, in
units of the picture's own contrast: colour and contrast are not strokes. A mean of such tables is the table of the
distribution half way (a Wasserstein barycentre, kernel by kernel), so that styles mix.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diffstyle.assets.manifest import verified
from diffstyle.core.cache import Latest
from diffstyle.core.errors import InputError
from diffstyle.core.picture import Picture
from diffstyle.core.style import Reference, Style
from diffstyle.formats.safetensors import read_safetensors, write_safetensors
from diffstyle.ops.luma import luma

SPACE = "strokes-1"
WEIGHTS = "starter/strokes/strokes.safetensors"
SCALES, SIDE, KERNELS, QUANTILES = 4, 7, 48, 33
MEASURED_AREA = 512 * 512
FAINTEST = 0.01  # contrast, as the deviation of luminance: what is flatter has noise, not strokes
SAMPLES = 2**14  # of a scale's patches
WIDEST_STRIDE = 4
FINENESS = 64  # of a unit of contrast
KEPT = 256  # styles, of 25 KB each


@cache
def kernels() -> Tensor:
    """(KERNELS, 1, SIDE, SIDE), orthonormal, each of mean 0; the same for ever."""
    drawn = np.random.default_rng(1).standard_normal((SIDE * SIDE, KERNELS))
    basis, triangle = np.linalg.qr(drawn - drawn.mean(0))
    basis = basis * np.sign(np.diag(triangle))  # one decomposition, whoever computes it
    return torch.from_numpy(np.ascontiguousarray(basis.T, np.float32)).view(KERNELS, 1, SIDE, SIDE)


def quantiles(values: Tensor, samples: int = SAMPLES) -> Tensor:
    """(n, QUANTILES) of (n, m), of which so many are looked at: from the least to the greatest, denser towards both."""
    step = max(1, values.shape[1] // samples)
    ordered = torch.from_numpy(np.sort(values[:, ::step].numpy(), 1))  # several times as quick as torch's
    return ordered[:, _ranks(ordered.shape[1])]


@cache
def _ranks(count: int) -> Tensor:
    even = torch.linspace(-1, 1, QUANTILES, dtype=torch.float64)
    share = (1 + even + torch.sin(torch.pi * even) / (2 * torch.pi)) / 2
    return (share * (count - 1)).round().long()


def stride(height: int, width: int) -> int:
    """How far apart patches may lie where there are plenty."""
    return min(WIDEST_STRIDE, max(1, round((height * width) ** 0.5 / 128)))


@torch.no_grad()
def measured(picture: Picture) -> Tensor:
    """The flat table (SCALES * KERNELS * QUANTILES,) of a picture, seen at one area whatever its size."""
    factor = (MEASURED_AREA / (picture.width * picture.height)) ** 0.5
    least = SIDE * 2 ** (SCALES - 1)
    sides = (max(least, round(picture.width * factor)), max(least, round(picture.height * factor)))
    seen = luma(picture.resized(sides).opaque())[None]
    contrast = seen.std().clamp_min(FAINTEST)
    rows: list[Tensor] = []
    with torch.autocast(seen.device.type, enabled=False):  # bfloat16 would not tell quantiles apart
        for scale in range(SCALES):
            seen = F.avg_pool2d(seen, 2) if scale else seen
            found = F.conv2d(seen, kernels(), stride=stride(*seen.shape[-2:]))[0].flatten(1)
            rows.append(quantiles(found) / contrast)
    return _rounded(torch.stack(rows).flatten())


def _rounded(flat: Tensor) -> Tensor:
    """So exact as makes sense, or recipes would be twice as long."""
    return flat.mul(FINENESS).round().div(FINENESS)


def table(flat: Tensor, name: str) -> Tensor:
    """(SCALES, KERNELS, QUANTILES) of a flat one; InputError if it is not a finite one of the right length."""
    if flat.shape != (SCALES * KERNELS * QUANTILES,) or not bool(torch.isfinite(flat).all()):
        raise InputError(f"The strokes of the style {name} are damaged: make it again from its picture.")
    return flat.view(SCALES, KERNELS, QUANTILES)


def blended(style: Style) -> Tensor | None:
    """The flat table of a measured style, a blend of its references'; None if one of them has none."""
    if any(SPACE not in r.statistics for r in style.references):
        return None
    return torch.stack([r.statistics[SPACE] * r.weight for r in style.references]).sum(0)


class StrokesAdapter(nn.Module):
    """(b, d) unit embeddings in `space` -> (b, SCALES * KERNELS * QUANTILES) flat tables, so that words have strokes
    too: a linear map to the principal components of the tables of many pictures.
    """

    def __init__(self, dim: int, components: int, *, space: str) -> None:
        super().__init__()
        self.space = space
        self.enter = nn.Linear(dim, components)
        self.leave = nn.Linear(components, SCALES * KERNELS * QUANTILES)

    def forward(self, embeddings: Tensor) -> Tensor:
        found = self.leave(self.enter(embeddings)).view(-1, SCALES, KERNELS, QUANTILES)
        return _rounded(found.sort(-1).values.flatten(1))  # quantiles rise

    @classmethod
    def load(cls, path: Path | None = None) -> StrokesAdapter:
        """Read `path`, or the starter's. Raises InputError if it is no such adapter."""
        path = verified(WEIGHTS)[0] if path is None else path
        metadata, tensors = read_safetensors(path)
        try:
            components, dim = tensors["enter.weight"].shape
            adapter = cls(dim, components, space=metadata["space"])
            adapter.load_state_dict({k: v.float() for k, v in tensors.items()})
        except (KeyError, ValueError, RuntimeError) as error:
            raise InputError(f"Cannot use {path}: it is not a strokes adapter of diffstyle.") from error
        return adapter.eval().requires_grad_(False)

    def save(self, path: Path) -> None:
        metadata = {"format": "diffstyle.strokes/1", "space": self.space}
        write_safetensors(path, {k: v.half() for k, v in self.state_dict().items()}, metadata)


class Strokes:
    """Measures the strokes of pictures, and imagines those of styles that are known by an embedding alone."""

    def __init__(self) -> None:
        self._seen: Latest[Tensor] = Latest(KEPT)

    @cached_property
    def adapter(self) -> StrokesAdapter:
        return StrokesAdapter.load()

    def measure(self, style: Style) -> Style:
        """With the strokes of every reference that has a picture, or an embedding in the adapter's space."""
        return replace(style, references=tuple(self._measured(r) for r in style.references))

    def _measured(self, reference: Reference) -> Reference:
        if SPACE in reference.statistics:
            return reference
        picture = reference.picture
        if picture is not None:
            flat = self._seen.get(reference.digest, lambda: measured(picture))
        elif len(reference.embeddings.get(self.adapter.space, ())) == self.adapter.enter.in_features:
            flat = self.adapter(reference.embeddings[self.adapter.space][None])[0]
        else:
            return reference
        return replace(reference, statistics=MappingProxyType({**reference.statistics, SPACE: flat}))
