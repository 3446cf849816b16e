"""What a personal adapter is trained for.

A model that refines the preview in a step or two is trained on its own output: photos are previewed, refined, decoded
and compared with the artist's pictures, which is affordable because its VAE is small. Any other model learns to denoise
the artist's pictures, as it was trained itself.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from diffstyle.adapters.tokens import TokensAdapter
from diffstyle.engines.diffusion.colours import in_colours_of
from diffstyle.engines.diffusion.engine import DiffusionEngine
from diffstyle.engines.diffusion.prompts import PromptCache
from diffstyle.ops.latents import clean_latents
from diffstyle.training.diffusion import min_snr_weight, prediction_target, training_scheduler
from diffstyle.training.personal.artist_loss import ArtistLoss, kept_edges
from diffstyle.training.personal.batches import ArtistPictures, DenoisingBatch, PaintingBatch
from diffstyle.training.personal.init_images import BATCHES, InitImageCache, InitImages

CALIBRATION_BATCHES = 4
LEVELS = (5, 60)  # noise levels of 1,000, around those from which previews are refined

B = TypeVar("B")


class Objective(Protocol[B]):
    """Losses by name of a batch; `generator` decides all that is drawn."""

    def batch(self, rng: np.random.Generator) -> B: ...

    def __call__(self, batch: B, generator: torch.Generator) -> dict[str, Tensor]: ...


@dataclass(frozen=True, slots=True)
class RefiningBatch:
    """Init images, and the crops that they are to be painted like."""

    init: InitImages
    painting: PaintingBatch


class Refine(nn.Module):
    """From the noised preview of a photo to the artist's style in one step, as the model paints."""

    def __init__(
        self, engine: DiffusionEngine, init_images: InitImageCache, pictures: ArtistPictures, *, size: int, count: int
    ) -> None:
        super().__init__()
        self.unet: nn.Module = engine.backbone.unet
        self._backbone, self._init_images, self._pictures = engine.backbone, init_images, pictures
        self._size, self._count = size, count
        self._scheduler = training_scheduler(engine.backbone.pipeline.scheduler)
        self._prompt: Tensor = PromptCache(engine.backbone).get("", "", guided=False)["prompt_embeds"]
        self._keeps_colours = engine.policy.keeps_colours
        self._loss = ArtistLoss(engine.backbone.device)
        self._cost = self._edge_cost()

    def on(self, pictures: ArtistPictures) -> Refine:
        """The same objective on other pictures of the artist."""
        other = copy(self)
        other._pictures = pictures
        return other

    def batch(self, rng: np.random.Generator) -> RefiningBatch:
        return self._batch(self._init_images[int(rng.integers(BATCHES))], rng)

    def forward(self, batch: RefiningBatch, generator: torch.Generator) -> dict[str, Tensor]:
        out = self._refined(batch, generator)
        with torch.autocast(self._backbone.device.type, enabled=False):
            return self._loss(out, batch.painting, batch.init.untrained - self._cost, generator)

    def _batch(self, init: InitImages, rng: np.random.Generator) -> RefiningBatch:
        painting = self._pictures.painting(size=self._size, count=self._count, rng=rng, photos=init.photos)
        return RefiningBatch(init, painting)

    @torch.no_grad()
    def _edge_cost(self) -> float:
        """How much edge correlation the untrained model loses when it refines a preview."""
        lost: list[Tensor] = []
        for n in range(CALIBRATION_BATCHES):
            batch = self._batch(self._init_images.untuned(n), np.random.default_rng((4, n)))
            refined = self._refined(batch, torch.Generator().manual_seed(n))
            lost.append((batch.init.untrained - kept_edges(refined, batch.init.photos)).mean())
        return float(torch.stack(lost).mean())

    def _refined(self, batch: RefiningBatch, generator: torch.Generator) -> Tensor:
        """(b, 3, s, s): the init images, noised and denoised in one step."""
        backbone, init = self._backbone, batch.init
        device, count = backbone.device, len(init.photos)
        with torch.no_grad():
            t = torch.randint(*LEVELS, (count,), generator=generator).to(device)
            noise = torch.randn(init.latents.shape, generator=generator).to(device)
            noisy: Tensor = self._scheduler.add_noise(init.latents, noise, t)
            prompt = self._prompt.expand(count, -1, -1)
            residuals = self._controlnet(noisy, t, prompt, init.hints)
        embeddings = {"image_embeds": [batch.painting.embeddings[:, None].to(device, backbone.dtype)]}
        predicted = self.unet(
            noisy.to(backbone.dtype), t, prompt, added_cond_kwargs=embeddings, return_dict=False, **residuals
        )[0].float()
        kind = self._scheduler.config.prediction_type
        out = backbone.decode(clean_latents(self._scheduler.alphas_cumprod, kind, noisy, predicted, t))
        return in_colours_of(init.previews, out) if self._keeps_colours else out

    def _controlnet(self, noisy: Tensor, t: Tensor, prompt: Tensor, hints: Tensor | None) -> dict[str, Any]:
        """The residuals of the model's ControlNet, if it has one and no other."""
        net = getattr(self._backbone.pipeline, "controlnet", None)
        if net is None or hints is None:
            return {}
        shown = hints.to(noisy.device, self._backbone.dtype)
        down, middle = net(noisy.to(shown.dtype), t, prompt, shown, return_dict=False)
        return {"down_block_additional_residuals": list(down), "mid_block_additional_residual": middle}


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
