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
        pixels = x.flatten(2)  # (b, 3, n)
        # float64, in pieces to spare memory: the covariance of a poster in two colours is a small difference of sums
        total, square = torch.zeros_like(pixels[..., 0], dtype=torch.float64), 0
        for piece in torch.split(pixels, 2**18, 2):
            exact = piece.double()
            total = total + exact.sum(2) / pixels.shape[2]
            square = square + exact @ exact.mT / pixels.shape[2]
        covariance = square - total[:, :, None] * total[:, None, :]
        return total.float(), covariance.float()


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
