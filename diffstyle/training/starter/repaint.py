"""The second stage of the starter's diffusion model: it learns to paint photos, from pairs that the painter made.

Conditional latent diffusion with v-prediction (Salimans and Ho 2022) and min-SNR weights (Hang et al. 2023), down to
pure noise. img2img begins from the noised photo or a draft and not from the noised painting: so in part of the rows the
noise is added to the photo's latents, or to a mixture, while the target stays the painting. Style and structure are
left out of some rows, each by itself, so that their scales and guidance act.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from diffstyle.core.device import mixed_precision
from diffstyle.training.diffusion import min_snr_weight, velocity_towards
from diffstyle.training.loop import Budget, Run, Trainer, cosine_rate, fit
from diffstyle.training.pairs.dataset import Pair, PairBatch, draw
from diffstyle.training.starter.conditioned_unet import ConditionedUNet

LEVELS = 1000
LEAST_WEIGHT = 0.1  # added to the min-SNR weight, which is 0 for pure noise


@dataclass(frozen=True, slots=True)
class Stage:
    """From the share `start` of the schedule on: `count` crops of `side` latents."""

    start: float
    side: int
    count: int


@dataclass(frozen=True, slots=True)
class RepaintRecipe:
    seed: int = 0
    stages: tuple[Stage, ...] = (Stage(0, 32, 16), Stage(0.75, 48, 7))
    learning_rate: float = 6e-4
    last_learning_rate: float = 3e-5
    warmup_steps: int = 100
    ema: float = 0.999
    snr_limit: float = 20.0  # higher than usual: a painting's detail is decided at low levels
    usual_levels: int = 600  # below which most rows are; the others have any
    low: float = 1.5  # exponent by which low levels are preferred: a draft is noised to 400 at most
    any_level: float = 0.1
    from_photo: float = 0.15  # share of rows that begin from the photo
    from_between: float = 0.15  # and from a mixture with the painting
    begins_above: int = 200  # the level from which on such rows are
    no_style: float = 0.1
    no_features: float = 0.15
    no_embedding: float = 0.1
    no_structure: float = 0.15
    embedding_noise: float = 0.02

    def times(self, factor: int) -> RepaintRecipe:
        """The same with `factor` times the crops, for larger devices."""
        return replace(self, stages=tuple(replace(s, count=s.count * factor) for s in self.stages))

    def stage(self, progress: float) -> Stage:
        return [s for s in self.stages if s.start <= progress][-1]


class RepaintTrainer(Trainer[PairBatch]):
    """Trains `net`; `nothing` (n, width) are the features that stand for no style."""

    def __init__(self, net: ConditionedUNet, nothing: Tensor, recipe: RepaintRecipe, budget: Budget, run: Run) -> None:
        self.recipe, self.device = recipe, torch.device(run.device)
        self.net = net.to(self.device).to(memory_format=torch.channels_last)
        self.nothing = nothing.to(self.device)
        optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4, betas=(0.9, 0.99), weight_decay=1e-2, fused=True)
        tensors = self.net.state_dict(keep_vars=True)
        super().__init__(tensors, optimizer, budget=budget, ema=recipe.ema, largest_norm=1.0)

    def rate(self) -> float:
        r = self.recipe
        first, last = r.learning_rate, r.last_learning_rate
        return cosine_rate(self.step, self.progress, first=first, last=last, warmup=r.warmup_steps)

    def losses(self, batch: PairBatch) -> dict[str, Tensor]:
        r, scheduler, count = self.recipe, self.net.scheduler, len(batch.paintings)
        generator = torch.Generator().manual_seed(r.seed * 1_000_003 + self.step)

        def chance(share: float) -> Tensor:
            return torch.rand(count, generator=generator) < share

        usual = (r.usual_levels * torch.rand(count, generator=generator) ** r.low).long()
        t = torch.where(chance(r.any_level), torch.randint(0, LEVELS, (count,), generator=generator), usual)
        start = _starts(batch, t, r, generator)
        noise = torch.randn(start.shape, generator=generator)
        noisy = scheduler.add_noise(start, noise, t)
        target = velocity_towards(scheduler, noisy, batch.paintings, t)
        unstyled = chance(r.no_style)
        jitter = torch.randn(batch.embeddings.shape, generator=generator)
        embeddings = batch.embeddings + r.embedding_noise * jitter
        embeddings = embeddings * ~(unstyled | chance(r.no_embedding))[:, None]
        blind = (unstyled | chance(r.no_features))[:, None, None]
        scale = (~chance(r.no_structure)).float()
        with mixed_precision(self.device):
            predicted = self.net.velocity(
                noisy.to(self.device),
                t.to(self.device),
                embeddings.to(self.device),
                torch.where(blind.to(self.device), self.nothing, batch.features.to(self.device)),
                batch.hints.to(self.device),
                scale.to(self.device),
            ).float()
        error = (predicted - target.to(self.device)).square().mean((1, 2, 3))
        weight = min_snr_weight(scheduler, t.to(self.device), r.snr_limit) + LEAST_WEIGHT
        return {"velocity": (error * weight).mean()}


def _starts(batch: PairBatch, t: Tensor, recipe: RepaintRecipe, generator: torch.Generator) -> Tensor:
    """(b, c, h, w): what noise is added to: the paintings; in some rows of high levels the photos, or between."""
    kind = torch.rand(len(t), generator=generator)
    share = torch.where(kind < recipe.from_photo, 1.0, torch.rand(len(t), generator=generator))
    begins = (kind < recipe.from_photo + recipe.from_between) & (t >= recipe.begins_above)
    return torch.lerp(batch.paintings, batch.photos, (share * begins).view(-1, 1, 1, 1))


def train_repainter(
    pairs: list[Pair], net: ConditionedUNet, nothing: Tensor, recipe: RepaintRecipe, run: Run, *, minutes: float
) -> ConditionedUNet:
    """Train `net`, going on from the run's repaint.pt if it exists; the averaged networks."""
    trainer = RepaintTrainer(net, nothing, recipe, Budget(minutes), run)

    def make(step: int, progress: float) -> PairBatch:
        stage = recipe.stage(progress)
        return draw(pairs, side=stage.side, count=stage.count, rng=np.random.default_rng((recipe.seed, step)))

    fit(trainer, make, run, name="repaint")
    trainer.load(trainer.averaged())
    return net
