"""Moments and colour factors of feature maps: pure functions on tensors."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_cholesky: Callable[..., Tensor] = torch.linalg.cholesky  # pyright: ignore[reportUnknownVariableType]
_solve: Callable[..., Tensor] = torch.linalg.solve_triangular  # pyright: ignore[reportUnknownVariableType]
COLOUR_FLOOR = 0.01  # a deviation below this is noise of the camera, not colour: whitening must not enlarge it


def instance_moments(x: Tensor, eps: float = 1e-4) -> tuple[Tensor, Tensor]:
    """Mean and deviation over the pixels of each channel: (b, c, h, w) -> two (b, c, 1, 1), in float32.

    Two plain means are much faster on a CPU than `torch.std_mean` on channels-last maps (4.7 ms against 0.2 ms).
    """
    mean = x.mean((2, 3), keepdim=True, dtype=torch.float32)
    square = (x * x).mean((2, 3), keepdim=True, dtype=torch.float32)
    return mean, ((square - mean * mean).clamp_min(0) + eps).sqrt()


def colour_moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (b, 3) and covariance (b, 3, 3) of the colours of (b, 3, h, w), in float32."""
    with torch.autocast(x.device.type, enabled=False):
        pixels = x.float().flatten(2) - 0.5  # (b, 3, n); centred for the sake of the difference below
        # in pieces, summed in float64: sixteen million pixels are too many for one float32 sum
        pieces: list[Tensor] = list(torch.split(pixels, 2**20, 2))
        total = torch.stack([p.sum(2).double() for p in pieces]).sum(0) / pixels.shape[2]
        square = torch.stack([(p @ p.mT).double() for p in pieces]).sum(0) / pixels.shape[2]
        covariance = square - total[:, :, None] * total[:, None, :]
        return (total + 0.5).float(), covariance.float()


def colour_factor(covariance: Tensor, floor: float = COLOUR_FLOOR) -> Tensor:
    """Lower L (b, 3, 3) with covariance + floor² = L @ L.T."""
    with torch.autocast(covariance.device.type, enabled=False):
        return _cholesky(covariance + floor**2 * torch.eye(3, device=covariance.device))


def whitening(factor: Tensor) -> Tensor:
    """Inverse of the lower factor L, (b, 3, 3)."""
    identity = torch.eye(3, device=factor.device).expand_as(factor)
    return _solve(factor, identity, upper=False)


def mix_colours(matrix: Tensor, x: Tensor) -> Tensor:
    """M @ x at each pixel, for M (b, 3, 3) and x (b, 3, h, w)."""
    with torch.autocast(x.device.type, enabled=False):
        return (matrix @ x.contiguous().flatten(2)).view(x.shape)
