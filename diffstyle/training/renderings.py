"""Procedural styles as training samples."""

from __future__ import annotations

import numpy as np

from diffstyle.data.procedural import MEDIA, render
from diffstyle.training.data import Sample


def render_samples(photos: list[Sample], count: int, *, seed: int) -> list[Sample]:
    """`count` renderings of random photos, the media in turn; `medium` and `words` are in each sample's info."""
    rng = np.random.default_rng(seed)
    media = list(MEDIA)
    chosen = rng.integers(0, len(photos), count)
    samples: list[Sample] = []
    for n, index in enumerate(chosen):
        medium = media[n % len(media)]
        rendering = render(photos[int(index)].pixels, medium, np.random.default_rng((seed, n)))
        samples.append(Sample(rendering.pixels, {"medium": medium, "words": rendering.words}))
    return samples
