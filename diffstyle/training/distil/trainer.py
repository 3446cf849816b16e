"""The training of a student: a `Trainer` on the one loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from diffstyle.core.device import mixed_precision
from diffstyle.encoders.features import FeatureNet
from diffstyle.engines.feedforward.network import StudentNetwork
from diffstyle.training.data import to_unit
from diffstyle.training.distil.examples import Example, Lesson, draw
from diffstyle.training.distil.motion import Motion, grained, steady_losses
from diffstyle.training.distil.objective import Weights, losses, places
from diffstyle.training.distil.recipe import DistilRecipe
from diffstyle.training.loop import Budget, Trainer, cosine_rate

EMA = 0.995
WARMUP = 30  # steps
LARGEST_NORM = 5.0
LAST_RATE = 0.01  # of the first
ROWS_RATE = 5  # learning rate of the styles' rows over that of the convolutions: each sees few of the pictures
HELD_LESSONS = 6  # batches in a held-out loss


class DistilTrainer(Trainer[Lesson]):
    """Trains a new `network` for as many styles as the examples have, or the one that is given."""

    def __init__(
        self,
        features: FeatureNet,
        styles: int,
        recipe: DistilRecipe,
        *,
        budget: Budget,
        device: torch.device,
        network: StudentNetwork | None = None,
    ) -> None:
        self.recipe, self.device, self.features, self.weights = recipe, device, features, Weights()
        if network is None:
            with torch.random.fork_rng():
                torch.manual_seed(recipe.seed)
                network = StudentNetwork(recipe.size, styles)
        self.network = network.to(device).to(memory_format=torch.channels_last)
        rows = [self.network.rows, self.network.neutral]
        shared = [p for p in self.network.parameters() if all(p is not row for row in rows)]
        groups = [{"params": shared}, {"params": rows}]
        optimizer = torch.optim.Adam(groups, lr=recipe.learning_rate, betas=(0.9, 0.99))
        tensors = self.network.state_dict(keep_vars=True)
        super().__init__(tensors, optimizer, budget=budget, ema=EMA, largest_norm=LARGEST_NORM)

    def rate(self) -> tuple[float, float]:
        first = self.recipe.learning_rate
        shared = cosine_rate(self.step, self.progress, first=first, last=LAST_RATE * first, warmup=WARMUP)
        return shared, ROWS_RATE * shared

    def losses(self, batch: Lesson) -> dict[str, Tensor]:
        """The weighted terms; with `video` of two frames, so that what is painted keeps still on what moves."""
        lesson = self._here(batch)
        photo, target = to_unit(lesson.photos), to_unit(lesson.paintings)
        strength = lesson.strengths[..., None, None]
        target = torch.lerp(photo, target, strength)
        rng = np.random.default_rng((self.recipe.seed, self.step))
        at = places(rng)
        with mixed_precision(self.device):
            row = self._rows(lesson)
            if not self.recipe.video:
                return losses(self.features, self.network.paint(photo, row), target, self.weights, at)
            motion = Motion.random(photo, rng)
            frames = grained(torch.cat((photo, motion.frame)), rng)
            painted, inner = self.network.paint_with_features(frames, torch.cat((row, row)))
            out, _ = painted.chunk(2)
            terms = losses(self.features, out, target, self.weights, at)
            return terms | steady_losses(painted, inner, photo, motion)

    def _here(self, lesson: Lesson) -> Lesson:
        moved = (t.to(self.device) for t in (lesson.photos, lesson.paintings, lesson.rows, lesson.strengths))
        return Lesson(*moved)

    def _rows(self, lesson: Lesson) -> Tensor:
        """(b, r): the row that paints each picture."""
        weights = torch.nn.functional.one_hot(lesson.rows, self.network.styles).float()
        return self.network.mixed(weights, lesson.strengths)

    @torch.no_grad()
    def loss_on(self, examples: Sequence[Example]) -> float:
        """The mean loss of the averaged network on examples at full strength; the same crops each time."""
        rng = np.random.default_rng(self.recipe.seed)
        total = 0.0
        with self.average_in_place(), mixed_precision(self.device):
            for _ in range(HELD_LESSONS):
                batch = draw(examples, crop=self.recipe.crop // 16 * 16, count=self.recipe.batch, rng=rng)
                lesson = self._here(replace(batch, strengths=torch.ones_like(batch.strengths)))
                photo, target = to_unit(lesson.photos), to_unit(lesson.paintings)
                out = self.network.paint(photo, self._rows(lesson))
                terms = losses(self.features, out, target, self.weights, places(rng))
                total += float(torch.stack(list(terms.values())).sum())
        return total / HELD_LESSONS
