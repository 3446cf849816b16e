"""Synthetic motion with exact flow, and the temporal losses of ReCoNet (Gao et al. 2018) on it.

The second frame shows the photo moved: turned, enlarged and shifted as by a camera, with one part that moves by itself,
and under another light. Its flow is known exactly, so that no flow has to be searched for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.ops.luma import luma

SHIFT, TURN, ZOOM = 0.04, 0.04, 0.05  # largest, in shares of the picture, radians, and shares of its size
OBJECT = (0.2, 0.45)  # sides of the part that moves by itself, in shares of the picture
LIGHT = 0.08  # largest change of brightness
GRAIN = 0.015  # largest deviation of a camera's noise
OUTPUT_WEIGHT, FEATURE_WEIGHT = 600.0, 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """The second `frame` (b, 3, s, s), where its pixels lie in the first, `grid` (b, s, s, 2) in units of grid_sample,
    and where they are seen in both, `seen` (b, 1, s, s).
    """

    frame: Tensor
    grid: Tensor
    seen: Tensor

    @classmethod
    def random(cls, photo: Tensor, rng: np.random.Generator) -> Motion:
        """How `photo` (b, 3, s, s) may look a moment later."""
        b, _, h, w = photo.shape
        grid = _camera(b, h, w, rng).to(photo)
        part = torch.zeros(b, 1, h, w, device=photo.device)
        for n in range(b):
            side_y, side_x = (int(v * s) for v, s in zip(rng.uniform(*OBJECT, 2), (h, w), strict=True))
            y, x = int(rng.integers(h - side_y)), int(rng.integers(w - side_x))
            part[n, :, y : y + side_y, x : x + side_x] = 1
        own = torch.tensor(rng.uniform(-2 * SHIFT, 2 * SHIFT, (b, 1, 1, 2)), dtype=photo.dtype, device=photo.device)
        grid = grid + part[:, 0, ..., None] * own
        seen = (grid.abs().amax(-1) <= 1).to(photo.dtype)[:, None]
        seen = seen * (1 - _edges(part))  # beside an object that moves, one of the frames hides what the other shows
        light = 1 + torch.tensor(rng.uniform(-LIGHT, LIGHT, (b, 1, 1, 1)), dtype=photo.dtype, device=photo.device)
        frame = (warped(photo, grid) * light).clamp(0, 1)
        return cls(frame.contiguous(memory_format=torch.channels_last), grid, seen)


def grained(photos: Tensor, rng: np.random.Generator) -> Tensor:
    """Photos (b, 3, h, w) with the noise of a camera, that of each its own: what is painted must not follow it (Zheng
    et al. 2016, "Improving the robustness of deep neural networks via stability training").
    """
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    noise = torch.randn(photos.shape, generator=generator)
    deviation = torch.from_numpy(rng.uniform(0, GRAIN, (len(photos), 1, 1, 1)).astype(np.float32))
    return (photos + (noise * deviation).to(photos)).clamp(0, 1)


def warped(x: Tensor, grid: Tensor) -> Tensor:
    """Maps of the first frame (b, c, h, w) as they lie in the second, at any size of map; in float32."""
    with torch.autocast(x.device.type, enabled=False):
        if grid.shape[1:3] != x.shape[2:]:
            grid = F.interpolate(grid.permute(0, 3, 1, 2), x.shape[2:], mode="area").permute(0, 2, 3, 1)
        return F.grid_sample(x.float(), grid, padding_mode="border", align_corners=False)


def steady_losses(painted: Tensor, inner: Tensor, photo: Tensor, motion: Motion) -> dict[str, Tensor]:
    """The weighted temporal terms of both frames painted (2b, 3, s, s) and of their features `inner` (2b, c, .., ..).

    Paintings may change as far as the photo's luminance does (equation 7), features not at all (equation 8).
    """
    first, second = painted.chunk(2)
    inner_first, inner_second = inner.chunk(2)
    lighter = luma(motion.frame - warped(photo, motion.grid))
    change = second.float() - warped(first, motion.grid) - lighter
    output = (motion.seen * change.square()).mean()
    seen = F.interpolate(motion.seen, inner.shape[2:], mode="area")
    scale = inner_first.float().square().mean().clamp_min(1e-6)
    feature = (seen * (inner_second.float() - warped(inner_first, motion.grid)).square()).mean() / scale
    return {"steady": OUTPUT_WEIGHT * output, "steady_features": FEATURE_WEIGHT * feature}


def _camera(b: int, h: int, w: int, rng: np.random.Generator) -> Tensor:
    """(b, h, w, 2): where pixels of the second frame lie in the first, by a random similarity."""
    turn, zoom = rng.uniform(-TURN, TURN, b), 1 + rng.uniform(-ZOOM, ZOOM, b)
    cosine, sine = np.cos(turn) * zoom, np.sin(turn) * zoom
    x, y = rng.uniform(-2 * SHIFT, 2 * SHIFT, (2, b))
    theta = np.stack((cosine, -sine, x, sine, cosine, y), -1).reshape(b, 2, 3).astype(np.float32)
    return F.affine_grid(torch.from_numpy(theta), [b, 1, h, w], align_corners=False)


def _edges(part: Tensor, width: int = 5) -> Tensor:
    """(b, 1, h, w): 1 within `width` pixels of the border of a part."""
    return _widened(part, width) + _widened(1 - part, width) - 1


def _widened(part: Tensor, width: int) -> Tensor:
    tall = F.max_pool2d(part, (2 * width + 1, 1), 1, (width, 0))
    return F.max_pool2d(tall, (1, 2 * width + 1), 1, (0, width))
