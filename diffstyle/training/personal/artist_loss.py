"""The distance of painted photos to an artist's pictures. It needs no perceptual network beside the style encoder."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diffstyle.encoders.clip_model import OpenClip
from diffstyle.encoders.source import STARTER, find
from diffstyle.ops import losses
from diffstyle.ops.edges import edge_correlation
from diffstyle.ops.patches import patch_distance, relative_texture_distance
from diffstyle.training.personal.batches import PHOTOS_PER_CROP, PaintingBatch

SCALES = 4  # of texture, each half the size of the one before
TINTS = 16  # directions along which colours are compared
TEXTURE, COLOUR, ARRANGEMENT, STRUCTURE, RANGE = 20.0, 4.0, 4.0, 40.0, 4.0  # weights
SLACK = 0.07  # of edge correlation that may be lost without a penalty


class ArtistLoss(nn.Module):
    """Texture and colours of the artist's crops, arrangement and edges of the photo, and values within [0, 1]."""

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self._encoder = OpenClip.load(find(STARTER), device, torch.float32)

    def forward(
        self, out: Tensor, batch: PaintingBatch, untrained: Tensor, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Weighted terms for the painted photos `out` (b, 3, s, s) of `batch`; `generator` draws the directions.

        `untrained` (b,) is the edge correlation of the photos as they were painted before training.
        """
        crops = batch.crops.repeat_interleave(PHOTOS_PER_CROP, 0)
        texture = relative_texture_distance(out, batch.photos, crops, generator, scales=SCALES)
        tints = F.normalize(torch.randn(TINTS, 3, generator=generator))[..., None, None].to(out.device)
        with torch.no_grad():
            wanted = self._features(batch.photos)
        arrangement = [losses.arrangement_loss(a, b) for a, b in zip(self._features(out), wanted, strict=True)]
        lost = (untrained - SLACK - kept_edges(out, batch.photos)).clamp_min(0)
        return {
            "texture": TEXTURE * texture.mean(),
            "colour": COLOUR * patch_distance(out, crops, tints, stride=3).mean(),
            "arrangement": ARRANGEMENT * torch.stack(arrangement).mean(),
            "structure": STRUCTURE * lost.mean(),
            "range": RANGE * (out - out.clamp(0, 1)).abs().mean(),
        }

    def _features(self, pictures: Tensor) -> list[Tensor]:
        """The first two stages of the starter's style encoder: (b, c, h/4, w/4) and (b, c, h/8, w/8)."""
        visual: Any = self._encoder.model.visual
        x = visual.trunk.stem((pictures - self._encoder.mean) / self._encoder.std)
        first = visual.trunk.s1(x)
        return [first, visual.trunk.s2(first)]


def kept_edges(out: Tensor, photos: Tensor) -> Tensor:
    """(b,): edge correlation of pictures (b, 3, h, w) with their photos, at a half and a quarter of the size."""
    return edge_correlation(*(x.mean(1, keepdim=True) for x in (out, photos)), halvings=(1, 2))
