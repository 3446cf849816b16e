"""The second stage of the starter's diffusion model: its UNet learns to denoise, given a style and edges.

v-prediction (Salimans and Ho 2022) down to pure noise, with losses weighted by min-SNR (Hang et al. 2023). Style and
edges are left out of some pictures, so that classifier-free guidance works.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from diffstyle.core.device import mixed_precision
from diffstyle.training.data import to_unit
from diffstyle.training.diffusion import min_snr_weight, prediction_target
from diffstyle.training.loop import Budget, Run, Trainer, cosine_rate, fit
from diffstyle.training.starter.batches import DenoisingBatch, denoising_batch
from diffstyle.training.starter.conditioned_unet import ConditionedUNet
from diffstyle.training.starter.style_set import StyleSet

LEVELS = 1000
LEAST_WEIGHT = 0.1  # added to the min-SNR weight, which is 0 for pure noise


@dataclass(frozen=True, slots=True)
class DenoiseRecipe:
    seed: int = 0
    size: int = 128
    batch: int = 16
    factor: int = 1  # multiplies the batch, for larger devices
    learning_rate: float = 8e-4
    last_learning_rate: float = 2e-4
    warmup_steps: int = 60
    ema: float = 0.995
    snr_limit: float = 5.0
    no_style: float = 0.1
    no_edges: float = 0.15
    embedding_noise: float = 0.02


class DenoiseTrainer(Trainer[DenoisingBatch]):
    """Trains `net` on the latents of a frozen VAE."""

    def __init__(self, net: ConditionedUNet, vae: Any, recipe: DenoiseRecipe, budget: Budget, run: Run) -> None:
        self.recipe, self.device = recipe, torch.device(run.device)
        self.net = net.to(self.device).to(memory_format=torch.channels_last)
        self.vae = vae.to(self.device).to(memory_format=torch.channels_last).requires_grad_(False)
        optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4, betas=(0.9, 0.99), weight_decay=1e-2, fused=True)
        tensors = self.net.state_dict(keep_vars=True)
        super().__init__(tensors, optimizer, budget=budget, ema=recipe.ema, largest_norm=1.0)

    def rate(self) -> float:
        r = self.recipe
        first, last = r.learning_rate, r.last_learning_rate
        return cosine_rate(self.step, self.progress, first=first, last=last, warmup=r.warmup_steps)

    def losses(self, batch: DenoisingBatch) -> dict[str, Tensor]:
        r, scheduler = self.recipe, self.net.scheduler
        generator = torch.Generator().manual_seed(r.seed * 1_000_003 + self.step)
        count = len(batch.pictures)
        t = torch.randint(0, LEVELS, (count,), generator=generator)
        styled = torch.rand(count, 1, generator=generator) >= r.no_style
        scale = (torch.rand(count, generator=generator) >= r.no_edges).float()
        embeddings = batch.embeddings + r.embedding_noise * torch.randn(batch.embeddings.shape, generator=generator)
        with mixed_precision(self.device):
            with torch.no_grad():
                latents = self.vae.encoder(to_unit(batch.pictures.to(self.device)) * 2 - 1).float()
            noise = torch.randn(latents.shape, generator=generator).to(self.device)
            t = t.to(self.device)
            predicted = self.net.velocity(
                scheduler.add_noise(latents, noise, t),
                t,
                (embeddings * styled).to(self.device),
                batch.edges.to(self.device),
                scale.to(self.device),
            ).float()
        error = (predicted - prediction_target(scheduler, latents, noise, t)).square().mean((1, 2, 3))
        return {"velocity": (error * (min_snr_weight(scheduler, t, r.snr_limit) + LEAST_WEIGHT)).mean()}


def train_denoiser(styles: StyleSet, vae: Any, recipe: DenoiseRecipe, run: Run, *, minutes: float) -> ConditionedUNet:
    """Train, going on from the run's unet.pt if it exists; the averaged networks."""
    net = ConditionedUNet(recipe.seed, styles.embeddings.shape[1])
    trainer = DenoiseTrainer(net, vae, recipe, Budget(minutes), run)

    def make(step: int, _: float) -> DenoisingBatch:
        rng = np.random.default_rng((recipe.seed, step))
        return denoising_batch(styles, size=recipe.size, count=recipe.batch * recipe.factor, rng=rng)

    fit(trainer, make, run, name="unet")
    trainer.load(trainer.averaged())
    return net
