"""The second stage of the starter's diffusion model: its UNet learns to denoise, told a style and shown edges.

v-prediction (Salimans and Ho 2022) down to pure noise, losses weighed by min-SNR (Hang et al. 2023). Style and edges
are left out of some, so that guidance works.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from diffstyle.core.device import mixed_precision
from diffstyle.training.data import to_unit
from diffstyle.training.schedule import cosine_rate, descend, follow
from diffstyle.training.sitting import Run, Sitting, sit
from diffstyle.training.starter.looks import Looks
from diffstyle.training.starter.material import Pictures, pictures
from diffstyle.training.starter.painter import Painter

LEVELS = 1000


@dataclass(frozen=True, slots=True)
class DenoiseRecipe:
    seed: int = 0
    size: int = 128
    batch: int = 16
    factor: int = 1  # of the batch: what a larger device takes
    learning_rate: float = 8e-4
    last_learning_rate: float = 2e-4
    warmup_steps: int = 60
    ema: float = 0.995
    snr_limit: float = 5.0
    no_style: float = 0.1
    no_edges: float = 0.15
    embedding_noise: float = 0.02


class DenoiseTrainer(Run):
    def __init__(self, painter: Painter, vae: Any, recipe: DenoiseRecipe, device: torch.device) -> None:
        self.recipe = recipe
        self.painter = painter.to(device).to(memory_format=torch.channels_last)
        self.vae = vae.to(device).to(memory_format=torch.channels_last).requires_grad_(False)
        optimiser = torch.optim.AdamW(painter.parameters(), lr=1e-4, betas=(0.9, 0.99), weight_decay=1e-2, fused=True)
        super().__init__(self.painter, optimiser, device)

    def losses(self, batch: Pictures) -> dict[str, Tensor]:
        r, painter = self.recipe, self.painter
        generator = torch.Generator().manual_seed(r.seed * 1_000_003 + self.step)
        count = len(batch.pictures)
        t = torch.randint(0, LEVELS, (count,), generator=generator)
        styled = torch.rand(count, 1, generator=generator) >= r.no_style
        hold = (torch.rand(count, generator=generator) >= r.no_edges).float()
        embeddings = batch.embeddings + r.embedding_noise * torch.randn(batch.embeddings.shape, generator=generator)
        with mixed_precision(self.device):
            with torch.no_grad():
                latents = self.vae.encoder(to_unit(batch.pictures.to(self.device)) * 2 - 1).float()
            noise = torch.randn(latents.shape, generator=generator).to(self.device)
            t = t.to(self.device)
            noisy = painter.noised(latents, noise, t)
            found = painter.velocity(
                noisy,
                t,
                (embeddings * styled).to(self.device),
                batch.edges.to(self.device),
                hold.to(self.device),
            ).float()
        keep = painter.alphas[t].view(-1, 1, 1, 1)
        wanted = keep.sqrt() * noise - (1 - keep).sqrt() * latents
        ratio = (keep / (1 - keep)).flatten()
        weight = ratio.clamp_max(r.snr_limit) / (ratio + 1) + 0.1  # of v: that of the clean latents over SNR + 1
        return {"velocity": ((found - wanted).square().mean((1, 2, 3)) * weight).mean()}

    def advance(self, batch: Pictures, progress: float) -> dict[str, float]:
        r = self.recipe
        terms = self.losses(batch)
        rate = cosine_rate(self.step, progress, first=r.learning_rate, last=r.last_learning_rate, warmup=r.warmup_steps)
        norm = descend(terms, self.painter.parameters(), self.optimiser, rate=rate, largest_norm=1.0)
        follow(self.average, self.painter.state_dict(), self.step, r.ema)
        self.step += 1
        return {k: float(v.detach()) for k, v in terms.items()} | {"norm": norm}


def train_denoiser(looks: Looks, vae: Any, recipe: DenoiseRecipe, sitting: Sitting) -> Painter:
    """Train, going on from `unet.pt` of the sitting; the averaged networks."""
    painter = Painter(recipe.seed, looks.embeddings.shape[1])
    trainer = DenoiseTrainer(painter, vae, recipe, torch.device(sitting.device))

    def make(step: int, _: float) -> Pictures:
        rng = np.random.default_rng((recipe.seed, step))
        return pictures(looks, size=recipe.size, count=recipe.batch * recipe.factor, rng=rng)

    sit(trainer, make, sitting, name="unet")
    painter.load_state_dict(trainer.average)
    return painter
