"""The first and the last stage of the starter's diffusion model: its VAE.

The losses are L1, squared error, a perceptual term through the teacher, and unit variance of the latents. A little
noise is added to the latents, because those of the UNet are never exact. The last stage, `polish`, trains for fidelity
alone and anchors the latents where the UNet has learned to read them.
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
from diffstyle.training.loop import Budget, Run, Trainer, cosine_rate, fit

PERCEPTUAL_LAYERS = ("relu1", "fire3")


@dataclass(frozen=True, slots=True)
class VaeRecipe:
    seed: int = 0
    size: int = 128
    batch: int = 12
    factor: int = 1  # multiplies the batch, for larger devices
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


POLISH = VaeRecipe(
    batch=10,
    learning_rate=1e-3,
    square_weight=8.0,
    perceptual_weight=0.0,
    variance_weight=0.0,
    anchor_weight=0.02,
    latent_noise=0.02,
)


class VaeTrainer(Trainer[Tensor]):
    """Trains `vae` on pictures (b, 3, h, w) uint8; its encoder as it is at first anchors the latents."""

    def __init__(self, vae: Any, teacher: SqueezeNet, recipe: VaeRecipe, budget: Budget, run: Run) -> None:
        self.recipe, self.device = recipe, torch.device(run.device)
        self.vae: Any = vae.to(self.device).to(memory_format=torch.channels_last)
        self.anchor: nn.Module = copy.deepcopy(self.vae.encoder).requires_grad_(False)
        self.teacher = teacher.to(self.device).to(memory_format=torch.channels_last)
        optimizer = torch.optim.AdamW(self.vae.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=1e-5, fused=True)
        tensors = self.vae.state_dict(keep_vars=True)
        super().__init__(tensors, optimizer, budget=budget, ema=recipe.ema, largest_norm=1.0)

    def rate(self) -> float:
        r = self.recipe
        first, last = r.learning_rate, r.last_learning_rate
        return cosine_rate(self.step, self.progress, first=first, last=last, warmup=r.warmup_steps)

    def losses(self, batch: Tensor) -> dict[str, Tensor]:
        r, pictures = self.recipe, to_unit(batch.to(self.device))
        with mixed_precision(self.device):
            latents = self.vae.encoder(pictures * 2 - 1)
            noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(self.step)).to(self.device)
            out = self.vae.decoder(latents + r.latent_noise * noise).float() / 2 + 0.5
        terms = {"absolute": F.l1_loss(out, pictures), "square": r.square_weight * F.mse_loss(out, pictures)}
        spread = latents.float()
        if r.perceptual_weight:
            terms["perceptual"] = r.perceptual_weight * self._perceptual(out, pictures)
        if r.variance_weight:
            variance = spread.var((0, 2, 3)).log().square().mean() + spread.mean((0, 2, 3)).square().mean()
            terms["variance"] = r.variance_weight * variance
        if r.anchor_weight:
            with torch.no_grad(), mixed_precision(self.device):
                anchor = self.anchor(pictures * 2 - 1).float()
            terms["anchor"] = r.anchor_weight * F.mse_loss(spread, anchor)
        return terms

    def _perceptual(self, out: Tensor, pictures: Tensor) -> Tensor:
        """Distance of the teacher's features, on half of the pictures to save time."""
        half = len(out) // 2
        with mixed_precision(self.device):
            found, wanted = (self.teacher(x[:half], PERCEPTUAL_LAYERS[-1]) for x in (out, pictures))
        return torch.stack(
            [losses.relative_square(found[k].float(), wanted[k].float()).mean() for k in PERCEPTUAL_LAYERS]
        ).mean()


def train_vae(
    vae: Any,
    pictures: Sequence[Pixels],
    teacher: SqueezeNet,
    recipe: VaeRecipe,
    run: Run,
    *,
    minutes: float,
    name: str,
) -> Any:
    """Train `vae`, going on from `NAME.pt` of the run if it exists; the averaged network."""
    trainer = VaeTrainer(vae, teacher, recipe, Budget(minutes), run)

    def make(step: int, progress: float) -> Tensor:
        rng = np.random.default_rng((recipe.seed, step))
        late = progress >= 1 - recipe.last_share
        size, count = (2 * recipe.size, recipe.batch // 4) if late else (recipe.size, recipe.batch)
        chosen = rng.integers(0, len(pictures), count * recipe.factor)
        return to_bytes([random_crop(pictures[int(n)], size, zoom=recipe.zoom, rng=rng) for n in chosen])

    fit(trainer, make, run, name=name)
    trainer.load(trainer.averaged())
    return trainer.vae


@torch.no_grad()
def fidelity(vae: Any, pictures: Sequence[Sample], side: int = 256) -> float:
    """Mean PSNR in dB of encoding and decoding the middle squares of pictures at `side` pixels."""
    found: list[float] = []
    for sample in pictures:
        x = to_batch([random_crop(sample.pixels, side, zoom=(9, 9), rng=np.random.default_rng(0))])
        back = vae.decoder(vae.encoder(x * 2 - 1)).float().clamp(-1, 1) / 2 + 0.5
        found.append(float(-10 * (back - x).square().mean().log10()))
    return float(np.mean(found))
