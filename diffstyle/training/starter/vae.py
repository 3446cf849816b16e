"""The first stage of the starter's diffusion model and the last: its VAE.

L1, squared error and a perceptual term through the teacher; latents of unit variance, made to bear a little noise,
because the UNet's are never exact. Last of all it is polished: trained for fidelity alone, with its latents held where
the UNet learned to read them.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diffstyle.core.device import mixed_precision
from diffstyle.encoders.squeezenet import SqueezeNet
from diffstyle.ops import losses
from diffstyle.training.data import Pixels, Sample, random_crop, to_batch, to_bytes, to_unit
from diffstyle.training.schedule import cosine_rate, descend, follow
from diffstyle.training.sitting import Run, Sitting, sit

PERCEIVED = ("relu1", "fire3")


@dataclass(frozen=True, slots=True)
class VaeRecipe:
    seed: int = 0
    size: int = 128
    batch: int = 12
    factor: int = 1  # of the batch: what a larger device takes
    last_share: float = 0.2  # of the schedule, at twice the size
    learning_rate: float = 3e-3
    last_learning_rate: float = 2e-5
    warmup_steps: int = 100
    ema: float = 0.998
    square_weight: float = 4.0
    perceptual_weight: float = 0.05
    variance_weight: float = 0.1
    anchor_weight: float = 0.0
    latent_noise: float = 0.05
    zoom: tuple[float, float] = (0.9, 3.0)

    def rate(self, step: int, progress: float) -> float:
        first, last = self.learning_rate, self.last_learning_rate
        return cosine_rate(step, progress, first=first, last=last, warmup=self.warmup_steps)


POLISH = VaeRecipe(
    batch=10,
    learning_rate=1e-3,
    square_weight=8.0,
    perceptual_weight=0.0,
    variance_weight=0.0,
    anchor_weight=0.02,
    latent_noise=0.02,
)


class VaeTrainer(Run):
    """Trains `vae`; what its encoder says at the beginning is what its latents are anchored to."""

    def __init__(self, vae: Any, teacher: SqueezeNet, recipe: VaeRecipe, device: torch.device) -> None:
        self.recipe = recipe
        self.vae: Any = vae.to(device).to(memory_format=torch.channels_last)
        self.first: nn.Module = copy.deepcopy(self.vae.encoder).requires_grad_(False)
        self.teacher = teacher.to(device).to(memory_format=torch.channels_last)
        optimiser = torch.optim.AdamW(self.vae.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=1e-5, fused=True)
        super().__init__(self.vae, optimiser, device)

    def losses(self, pictures: Tensor) -> dict[str, Tensor]:
        """Terms for pictures (b, 3, size, size) in [0, 1]."""
        r = self.recipe
        with mixed_precision(self.device):
            latents = self.vae.encoder(pictures * 2 - 1)
            noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(self.step)).to(self.device)
            out = self.vae.decoder(latents + r.latent_noise * noise).float() / 2 + 0.5
        terms = {"absolute": F.l1_loss(out, pictures), "square": r.square_weight * F.mse_loss(out, pictures)}
        spread = latents.float()
        if r.perceptual_weight:
            terms["perceptual"] = r.perceptual_weight * self._perceived(out, pictures)
        if r.variance_weight:
            variance = spread.var((0, 2, 3)).log().square().mean() + spread.mean((0, 2, 3)).square().mean()
            terms["variance"] = r.variance_weight * variance
        if r.anchor_weight:
            with torch.no_grad(), mixed_precision(self.device):
                anchor = self.first(pictures * 2 - 1).float()
            terms["anchor"] = r.anchor_weight * F.mse_loss(spread, anchor)
        return terms

    def _perceived(self, out: Tensor, pictures: Tensor) -> Tensor:
        """How otherwise the teacher sees half of the pictures."""
        half = len(out) // 2
        with mixed_precision(self.device):
            seen, wanted = (self.teacher(x[:half], PERCEIVED[-1]) for x in (out, pictures))
        return torch.stack(
            [losses.relative_square(seen[k].float(), wanted[k].float()).mean() for k in PERCEIVED]
        ).mean()

    def advance(self, batch: Tensor, progress: float) -> dict[str, float]:
        terms = self.losses(to_unit(batch.to(self.device)))
        rate = self.recipe.rate(self.step, progress)
        descend(terms, self.vae.parameters(), self.optimiser, rate=rate, largest_norm=1.0)
        follow(self.average, self.vae.state_dict(), self.step, self.recipe.ema)
        self.step += 1
        return {k: float(v.detach()) for k, v in terms.items()}


def train_vae(
    vae: Any, pictures: Sequence[Pixels], teacher: SqueezeNet, recipe: VaeRecipe, sitting: Sitting, *, name: str
) -> Any:
    """Train `vae`, going on from `NAME.pt` of the sitting; the averaged network."""
    trainer = VaeTrainer(vae, teacher, recipe, torch.device(sitting.device))

    def make(step: int, progress: float) -> Tensor:
        rng = np.random.default_rng((recipe.seed, step))
        late = progress >= 1 - recipe.last_share
        size, count = (2 * recipe.size, recipe.batch // 4) if late else (recipe.size, recipe.batch)
        chosen = rng.integers(0, len(pictures), count * recipe.factor)
        return to_bytes([random_crop(pictures[int(n)], size, zoom=recipe.zoom, rng=rng) for n in chosen])

    sit(trainer, make, sitting, name=name)
    trainer.vae.load_state_dict(trainer.average)
    return trainer.vae


@torch.no_grad()
def fidelity(vae: Any, pictures: Sequence[Sample], side: int = 256) -> float:
    """Mean PSNR in dB of pictures through the VAE, their middle squares at `side` pixels."""
    found: list[float] = []
    for sample in pictures:
        x = to_batch([random_crop(sample.pixels, side, zoom=(9, 9), rng=np.random.default_rng(0))])
        back = vae.decoder(vae.encoder(x * 2 - 1)).float().clamp(-1, 1) / 2 + 0.5
        found.append(float(-10 * (back - x).square().mean().log10()))
    return float(np.mean(found))
