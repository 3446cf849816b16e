"""What a personal adapter is trained for: to denoise the artist's pictures, as the model was trained itself."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from diffstyle.adapters.tokens import TokensAdapter
from diffstyle.engines.diffusion.engine import DiffusionEngine
from diffstyle.engines.diffusion.prompts import PromptCache
from diffstyle.training.diffusion import min_snr_weight, prediction_target, training_scheduler
from diffstyle.training.personal.batches import ArtistPictures, DenoisingBatch

B = TypeVar("B")


class Objective(Protocol[B]):
    """Losses by name of a batch; `generator` decides all that is drawn."""

    def batch(self, rng: np.random.Generator) -> B: ...

    def __call__(self, batch: B, generator: torch.Generator) -> dict[str, Tensor]: ...


class Denoise(nn.Module):
    """The artist's pictures and plain photos from their noise, given a style and sometimes a caption."""

    def __init__(self, engine: DiffusionEngine, pictures: ArtistPictures, *, size: int, count: int) -> None:
        super().__init__()
        self.unet: nn.Module = engine.backbone.unet
        self._engine, self._pictures = engine, pictures
        self._size, self._count = size, count
        self._scheduler = training_scheduler(engine.backbone.pipeline.scheduler)
        self._prompts = PromptCache(engine.backbone)

    def on(self, pictures: ArtistPictures) -> Denoise:
        """The same objective on other pictures of the artist."""
        return Denoise(self._engine, pictures, size=self._size, count=self._count)

    def batch(self, rng: np.random.Generator) -> DenoisingBatch:
        multiple = 8 * self._engine.backbone.multiple
        return self._pictures.denoising(size=self._size, count=self._count, multiple=multiple, rng=rng)

    def forward(self, batch: DenoisingBatch, generator: torch.Generator) -> dict[str, Tensor]:
        backbone, scheduler = self._engine.backbone, self._scheduler
        with torch.no_grad():
            latents = backbone.encode(batch.pictures.to(backbone.device), generator=generator)
            levels = len(scheduler.alphas_cumprod)
            t = torch.randint(levels, (len(batch.pictures),), generator=generator).to(backbone.device)
            noise = torch.randn(latents.shape, generator=generator).to(backbone.device)
            conditioning = self._conditioning(batch)
        noisy = scheduler.add_noise(latents, noise, t).to(backbone.dtype)
        predicted = self.unet(noisy, t, return_dict=False, **conditioning)[0].float()
        error = (predicted - prediction_target(scheduler, latents, noise, t)).square().mean((1, 2, 3))
        return {"denoising": (error * min_snr_weight(scheduler, t)).mean()}

    def _conditioning(self, batch: DenoisingBatch) -> dict[str, Any]:
        """Captions, styles and, for SDXL, sizes as the UNet takes them."""
        backbone = self._engine.backbone
        prompts = [self._prompts.get(caption, "", guided=False) for caption in batch.captions]
        found: dict[str, Any] = {"encoder_hidden_states": torch.cat([p["prompt_embeds"] for p in prompts])}
        added: dict[str, Any] = {}
        if self._engine.adapters:
            inputs = [_read_by(adapter, batch)[:, None] for adapter, _ in self._engine.adapters]
            added["image_embeds"] = [i.to(backbone.device, backbone.dtype) for i in inputs]
        if "pooled_prompt_embeds" in prompts[0]:
            height, width = batch.pictures.shape[-2:]
            sizes = torch.tensor([[height, width, 0, 0, height, width]], device=backbone.device, dtype=backbone.dtype)
            added["text_embeds"] = torch.cat([p["pooled_prompt_embeds"] for p in prompts])
            added["time_ids"] = sizes.expand(len(prompts), -1)
        return found | ({"added_cond_kwargs": added} if added else {})


def _read_by(adapter: TokensAdapter, batch: DenoisingBatch) -> Tensor:
    """What an adapter reads of a batch's styles: (b, d), or (b, n, w) for a plus adapter."""
    if adapter.variant != "plus":
        return batch.embeddings * (adapter.norm or 1.0)
    assert batch.features is not None
    return batch.features
