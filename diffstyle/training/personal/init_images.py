"""Init images: the previews of photos from which a model paints, with their latents and what ControlNets see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from diffstyle.backbones.backbone import Backbone
from diffstyle.engines.adain.engine import unflatten_batch
from diffstyle.engines.adain.network import PreviewNetwork, StyleStatistics
from diffstyle.engines.diffusion.controlnet_hints import condition
from diffstyle.training.personal.artist_loss import kept_edges
from diffstyle.training.personal.batches import ArtistPictures

BATCHES = 16


class Previewer:
    """Photos (b, 3, h, w) repainted by the preview network, all with the same statistics (s,)."""

    def __init__(self, network: PreviewNetwork) -> None:
        self.network = network

    def __call__(self, photos: Tensor, statistics: Tensor) -> Tensor:
        flat = unflatten_batch(statistics[None].expand(len(photos), -1))
        return self.network.render(self.network.encode(photos), StyleStatistics(*flat)).float()


@dataclass(frozen=True, slots=True)
class InitImages:
    """Photos (b, 3, s, s) with what the model's ControlNet sees of them, their previews (b, 3, s, s) with latents, and
    `untrained` (b,), the edge correlation of previews in the style as it was measured. `hints` (b, 3, s, s) is None for
    a model without a ControlNet, or with several.
    """

    photos: Tensor
    hints: Tensor | None
    previews: Tensor
    latents: Tensor
    untrained: Tensor


class InitImageCache:
    """BATCHES batches of `count` init images, each made when it is first used: a new one every step takes a third of
    its time.
    """

    def __init__(
        self,
        backbone: Backbone,
        previewer: Previewer,
        pictures: ArtistPictures,
        measured: Tensor,
        tuned: Tensor,
        *,
        size: int,
        count: int,
    ) -> None:
        """`measured` and `tuned` (s,) are statistics of the artist before and after tuning; previews use the tuned."""
        self._backbone, self._previewer, self._pictures = backbone, previewer, pictures
        self._measured, self._tuned = measured, tuned
        self._size, self._count = size, count
        self._made: dict[int, InitImages] = {}

    def __getitem__(self, n: int) -> InitImages:
        """Batch `n`, from 0 to BATCHES - 1."""
        if n not in self._made:
            self._made[n] = self._init_images(n, self._tuned)
        return self._made[n]

    def untuned(self, n: int) -> InitImages:
        """Batch `n` in the style as it was measured."""
        return self._init_images(n, self._measured)

    @torch.no_grad()
    def _init_images(self, n: int, statistics: Tensor) -> InitImages:
        photos = self._pictures.photo_crops(size=self._size, count=self._count, rng=np.random.default_rng((5, n)))
        with torch.autocast(self._backbone.device.type, enabled=False):  # equal inside and outside of training
            measured, previews = (self._previewer(photos, s).clamp(0, 1) for s in (self._measured, statistics))
            untrained = kept_edges(measured, photos)
            previews = previews.to(self._backbone.device)
            return InitImages(photos, self._hints(photos), previews, self._backbone.encode(previews), untrained)

    def _hints(self, photos: Tensor) -> Tensor | None:
        controls = self._backbone.controls
        if len(controls) != 1:
            return None
        return torch.stack([condition(p.contiguous(), controls[0].conditioning) for p in photos])
