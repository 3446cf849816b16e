"""Training of the preview network: `python -m diffstyle.training preview DATA`.

Three stages of growing crops over one schedule of wall-clock time, so a second run gives similar weights, not equal
ones. Each batch repaints every style on two contents; every fourth step also asks that a picture in its own style comes
back unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diffstyle.core.device import mixed_precision
from diffstyle.encoders.squeezenet import ARRANGEMENT_LAYERS, CONTENT_LAYER, STYLE_LAYERS, SqueezeNet
from diffstyle.engines.adain.network import PreviewNetwork, StyleStatistics
from diffstyle.ops import losses
from diffstyle.ops.gram import gram
from diffstyle.training.loop import Budget, Run, Trainer, cosine_rate, fit
from diffstyle.training.preview.data import PreviewPictures
from diffstyle.training.preview.sheet import write_sample_sheet


@dataclass(frozen=True, slots=True)
class Stage:
    """From the share `start` of the schedule on: styles of `style_size` pixels, each on two contents of `size`."""

    start: float
    size: int
    style_size: int
    styles: int


@dataclass(frozen=True, slots=True)
class PreviewRecipe:
    seed: int = 0
    learning_rate: float = 1e-3
    last_learning_rate: float = 2e-5
    warmup_steps: int = 200
    ema: float = 0.9985
    style_weight: float = 12.0
    moment_weight: float = 2.0
    content_weight: float = 1.4
    arrangement_weight: float = 1.0
    variation_weight: float = 0.3
    flat_weight: float = 10.0
    lattice_weight: float = 150.0
    range_weight: float = 4.0
    identity_weight: float = 20.0
    stages: tuple[Stage, ...] = (Stage(0, 128, 192, 4), Stage(0.22, 192, 256, 3), Stage(0.42, 256, 256, 2))

    def stage(self, progress: float) -> Stage:
        return [s for s in self.stages if s.start <= progress][-1]

    def style_share(self, progress: float) -> float:
        """Weight of the style losses, which grows at first: at full weight from the start, one motif takes over."""
        return min(1.0, 0.2 + 20 * progress)


class Criterion(nn.Module):
    """The weighted losses of a repainted batch by name."""

    def __init__(self, teacher: SqueezeNet, recipe: PreviewRecipe) -> None:
        super().__init__()
        self.teacher = teacher
        self.recipe = recipe

    def forward(self, out: Tensor, content: Tensor, style: Tensor) -> dict[str, Tensor]:
        r = self.recipe
        with torch.no_grad():
            targets = self.teacher(style)
            wanted = self.teacher(content, CONTENT_LAYER)
        features = self.teacher(out)
        grams: list[Tensor] = []
        moment: list[Tensor] = []
        for layer in STYLE_LAYERS:  # each style serves two contents
            grams.append(losses.gram_loss(features[layer], gram(targets[layer]).repeat_interleave(2, 0)).mean())
            mean, std = losses.moments(targets[layer])
            both = mean.repeat_interleave(2, 0), std.repeat_interleave(2, 0)
            moment.append(losses.moment_loss(features[layer], *both).mean())
        arrangement = [losses.arrangement_loss(features[k], wanted[k]).mean() for k in ARRANGEMENT_LAYERS]
        return {
            "style": r.style_weight * torch.stack(grams).mean(),
            "moment": r.moment_weight * torch.stack(moment).mean(),
            "content": r.content_weight * losses.relative_square(features[CONTENT_LAYER], wanted[CONTENT_LAYER]).mean(),
            "arrangement": r.arrangement_weight * torch.stack(arrangement).mean(),
            "variation": r.variation_weight * losses.total_variation(out).mean(),
            "flat": r.flat_weight * losses.flat_variation(out, content).mean(),
            "lattice": r.lattice_weight * losses.lattice(out, content).mean(),
            "range": r.range_weight * (out - out.clamp(0, 1)).abs().mean(),
        }


class PreviewTrainer(Trainer[tuple[Tensor, Tensor]]):
    """Trains a new PreviewNetwork, `net`, on batches of contents and styles."""

    def __init__(self, teacher: SqueezeNet, recipe: PreviewRecipe, budget: Budget, run: Run) -> None:
        self.recipe, self.device = recipe, torch.device(run.device)
        with torch.random.fork_rng():
            torch.manual_seed(recipe.seed)
            net = PreviewNetwork()
        self.net = net.to(self.device).to(memory_format=torch.channels_last)
        criterion = Criterion(teacher.to(self.device).to(memory_format=torch.channels_last), recipe)
        self.criterion = run.compile(criterion)
        optimizer = torch.optim.AdamW(self.net.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=1e-4)
        tensors = self.net.state_dict(keep_vars=True)
        super().__init__(tensors, optimizer, budget=budget, ema=recipe.ema, largest_norm=5.0)

    def rate(self) -> float:
        r = self.recipe
        first, last = r.learning_rate, r.last_learning_rate
        return cosine_rate(self.step, self.progress, first=first, last=last, warmup=r.warmup_steps)

    def losses(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        """The weighted terms: a function of weights, batch, step and progress."""
        content, style = (x.to(self.device) for x in batch)
        generator = torch.Generator().manual_seed(self.recipe.seed * 1_000_003 + self.step)
        with mixed_precision(self.device):
            out = self._repaint(content, style)
            # the teacher's stem has stride 2 and sees one phase only: shift the pictures, so that it sees both
            dy, dx = (int(v) for v in torch.randint(0, 2, (2,), generator=generator))
            shifted, shifted_content = (F.pad(x, (dx, 1 - dx, dy, 1 - dy), mode="replicate") for x in (out, content))
            terms: dict[str, Tensor] = self.criterion(shifted, shifted_content, style)
            if self.step % 4 == 0:
                same = content[::2].contiguous(memory_format=torch.channels_last)
                terms["identity"] = self.recipe.identity_weight * (self._repaint(same, same) - same).abs().mean()
        share = self.recipe.style_share(self.progress)
        return terms | {k: terms[k] * share for k in ("style", "moment")}

    def _repaint(self, content: Tensor, style: Tensor) -> Tensor:
        """Contents (b, 3, h, w) in the styles (n, 3, h, w), b / n contents in each."""
        statistics = self.net.measure(style)
        each = content.shape[0] // style.shape[0]
        repeated = StyleStatistics(*(s.repeat_interleave(each, 0) for s in statistics))
        return self.net.render(self.net.encode(content), repeated)


def train_preview(
    pictures: PreviewPictures, teacher: SqueezeNet, recipe: PreviewRecipe, run: Run, *, minutes: float
) -> PreviewNetwork:
    """Train for `minutes`, going on from the run's preview.pt if it exists; the averaged network.

    At each checkpoint, the sample sheet `sheet.jpg` is painted anew.
    """
    trainer = PreviewTrainer(teacher, recipe, Budget(minutes), run)

    def make(step: int, progress: float) -> tuple[Tensor, Tensor]:
        stage = recipe.stage(progress)
        return pictures.batch(step, size=stage.size, style_size=stage.style_size, styles=stage.styles, seed=recipe.seed)

    def sheet(out: Path) -> None:
        styles = pictures.styles + pictures.procedural
        write_sample_sheet(out / "sheet.jpg", trainer.averaged(), pictures.contents, styles)

    fit(trainer, make, run, name="preview", on_save=partial(sheet, run.out) if run.out is not None else None)
    trainer.load(trainer.averaged())
    return trainer.net
