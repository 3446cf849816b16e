"""Pictures made by rule, and how far apart two pictures are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from diffstyle import Picture


def waves(width: int, height: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    """A colourful picture of sine waves, (height, width, 3) uint8: smooth, different in every channel, never flat."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    channels: list[npt.NDArray[np.float64]] = []
    for _ in range(3):
        angle, frequency = rng.uniform(0, np.pi), rng.uniform(4, 40)
        wave = np.sin(frequency * (x * np.cos(angle) + y * np.sin(angle)) + rng.uniform(0, 6))
        channels.append(0.5 + 0.3 * wave + 0.2 * (x + y - 1))
    return (np.stack(channels, -1).clip(0, 1) * 255).astype(np.uint8)


def grainy(width: int, height: int, grain: int = 20) -> Picture:
    """Waves with grain, as a photo has: of up to `grain` 255ths in every channel."""
    noise = np.random.default_rng(0).integers(-grain, grain, (height, width, 3))
    return Picture.from_array((waves(width, height) + noise).clip(0, 255).astype(np.uint8))


def with_alpha(picture: Picture) -> Picture:
    """`picture` with a soft alpha channel and a corner that is fully transparent."""
    alpha = waves(picture.width, picture.height, seed=5)[..., :1].clip(1)
    alpha[:16, :16] = 0
    return Picture.from_array(np.dstack([Picture(picture.pixels).to_array(), alpha]))


def largest_difference(one: Picture, other: Picture) -> float:
    """The largest difference between two pictures of one size, in any channel of any pixel, from 0 to 1."""
    return float((one.pixels - other.pixels).abs().max())


def mean_difference(one: Picture, other: Picture) -> float:
    """The mean difference between two pictures of one size over all channels and pixels, from 0 to 1."""
    return float((one.pixels - other.pixels).abs().mean())
