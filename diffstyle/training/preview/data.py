"""Batches for the preview network: crops of photos, of art and of procedural renderings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from diffstyle.data.procedural import MEDIA, render
from diffstyle.training.data import Pixels, Sample, random_crop, to_batch

CONTENT_ZOOM = (1.0, 4.0)  # up to the whole photo
STYLE_ZOOM = (0.6, 1.6)  # below 1 enlarges: small pictures of large strokes are styles too
PROCEDURAL_SHARE = 0.2  # of the styles
ART_SHARE = 0.1  # of the contents, since people repaint paintings too


@dataclass(frozen=True, slots=True)
class PreviewPictures:
    """Photos, art, and renderings in procedural media."""

    contents: list[Sample]
    styles: list[Sample]
    procedural: list[Sample]

    def batch(self, step: int, *, size: int, style_size: int, styles: int, seed: int) -> tuple[Tensor, Tensor]:
        """Contents (2 * styles, 3, size, size) and styles (styles, 3, style_size, style_size) in [0, 1].

        Content 2 n and 2 n + 1 go with style n. Equal seed and step give an equal batch.
        """
        rng = np.random.default_rng((seed, step))

        def style() -> list[Sample]:
            return self.procedural if self.procedural and rng.random() < PROCEDURAL_SHARE else self.styles

        def crop(samples: list[Sample], size: int, zoom: tuple[float, float]) -> Pixels:
            return random_crop(samples[int(rng.integers(len(samples)))].pixels, size, zoom=zoom, rng=rng)

        contents = [
            crop(self.styles if rng.random() < ART_SHARE else self.contents, size, CONTENT_ZOOM)
            for _ in range(2 * styles)
        ]
        return to_batch(contents), to_batch([crop(style(), style_size, STYLE_ZOOM) for _ in range(styles)])


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
