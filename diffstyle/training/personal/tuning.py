"""The preview's part of a personal adapter: its statistics of the artist, tuned through the frozen network."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from diffstyle.adapters.stats import COLOURS
from diffstyle.training.loop import Budget, Run, Trainer, cosine_rate, fit
from diffstyle.training.personal.artist_loss import ArtistLoss, kept_edges
from diffstyle.training.personal.batches import ArtistPictures, PaintingBatch
from diffstyle.training.personal.previewer import Previewer

RATE = 0.02
EMA = 0.9
EVALUATIONS = 5  # on the held-out pictures
HELD_BATCHES = 4


class TuningTrainer(Trainer[PaintingBatch]):
    """Trains the statistics behind the colours, which stay as measured."""

    def __init__(self, previewer: Previewer, measured: Tensor, budget: Budget, seed: int) -> None:
        self.previewer, self.measured, self.seed = previewer, measured, seed
        self.code = nn.Parameter(measured[COLOURS:].clone())
        self.criterion = ArtistLoss(measured.device)
        optimizer = torch.optim.Adam([self.code], lr=RATE)
        super().__init__({"code": self.code}, optimizer, budget=budget, ema=EMA)

    def rate(self) -> float:
        return cosine_rate(self.step, self.progress, first=RATE, last=RATE / 20, warmup=5)

    def statistics(self) -> Tensor:
        """(s,): measured colours and the code in training."""
        return torch.cat((self.measured[:COLOURS], self.code))

    def losses(self, batch: PaintingBatch) -> dict[str, Tensor]:
        return self.losses_of(batch, self.step)

    def losses_of(self, batch: PaintingBatch, draw: int) -> dict[str, Tensor]:
        """The terms of a batch, with the random directions of number `draw`."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + draw)
        with torch.no_grad():
            untrained = kept_edges(self.previewer(batch.photos, self.measured), batch.photos)
        return self.criterion(self.previewer(batch.photos, self.statistics()), batch, untrained, generator)


def tune_preview(
    previewer: Previewer,
    measured: Tensor,
    pictures: ArtistPictures,
    held: ArtistPictures,
    *,
    steps: int,
    size: int,
    seed: int,
    seconds: float | None = None,
) -> Tensor:
    """Statistics (s,) tuned from `measured` towards the artist's pictures, with crops of `size` pixels.

    Ends after `steps` steps, or after `seconds`. Returns the averaged statistics that have the lowest loss on `held`,
    `measured` among them; the last if `held` has no pictures. Equal steps, size and seed give equal statistics.
    """
    trainer = TuningTrainer(previewer, measured, Budget(None if seconds is None else seconds / 60, steps), seed)

    def batch(of: ArtistPictures, draw: int, number: int) -> PaintingBatch:
        return of.painting(size=size, count=2, rng=np.random.default_rng((seed, draw, number)))

    @torch.no_grad()
    def held_loss() -> float:
        if not held.pictures:
            return 0.0
        with trainer.average_in_place():
            found = [trainer.losses_of(batch(held, 5, n), n) for n in range(HELD_BATCHES)]
        return sum(float(v) for terms in found for v in terms.values())

    best, least, evaluated = measured, held_loss(), 0

    def evaluate(_: object) -> None:
        nonlocal best, least, evaluated
        due = int(trainer.progress * EVALUATIONS)
        if due > evaluated:
            evaluated, loss = due, held_loss()
            if loss <= least:
                with trainer.average_in_place():
                    best, least = trainer.statistics().detach(), loss

    fit(
        trainer,
        lambda number, _: batch(pictures, 1, number),
        Run(workers=None, log_every=0),
        name="tuning",
        on_step=evaluate,
    )
    return best
