"""The recipe of the preview network: `python -m diffstyle.training preview --data DIR --out DIR --minutes N`.

Three stages of growing crops over one schedule of wall-clock time (so a
rerun is alike, not equal, unless nothing else runs). Each batch repaints every style on two contents; every fourth step
also asks that a picture in its own style comes back unchanged.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from diffstyle.core.device import mixed_precision
from diffstyle.encoders.squeezenet import ARRANGEMENT_LAYERS, CONTENT_LAYER, STYLE_LAYERS, SqueezeNet
from diffstyle.engines.adain.network import PreviewNetwork, StyleStatistics
from diffstyle.ops import losses
from diffstyle.training import checkpoint
from diffstyle.training.data import Pixels, Sample, prefetch, random_crop, to_batch
from diffstyle.training.log import Log
from diffstyle.training.schedule import cosine_rate, descend, follow
from diffstyle.training.sheet import write_sheet

CONTENT_ZOOM = (1.0, 4.0)  # up to the whole photo
PROCEDURAL_SHARE = 0.2  # of the styles
STYLE_ZOOM = (0.6, 1.6)  # enlarged too: small pictures of large strokes are styles as well


@dataclass(frozen=True, slots=True)
class Stage:
    """From share `start` of the schedule on: `styles` styles of `style_size` pixels, each on two contents of `size`."""

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
        """The style loss grows in over the first minutes; at full weight from the start one motif takes over."""
        return min(1.0, 0.2 + 20 * progress)

    def rate(self, step: int, progress: float) -> float:
        first, last = self.learning_rate, self.last_learning_rate
        return cosine_rate(step, progress, first=first, last=last, warmup=self.warmup_steps)


@dataclass(frozen=True, slots=True)
class Material:
    contents: list[Sample]
    styles: list[Sample]
    procedural: list[Sample]

    def batch(self, step: int, stage: Stage, seed: int) -> tuple[Tensor, Tensor]:
        """Contents (2 n, 3, size, size) and styles (n, 3, style_size, style_size), a function of seed and step."""
        rng = np.random.default_rng((seed, step))

        def style() -> list[Sample]:
            return self.procedural if self.procedural and rng.random() < PROCEDURAL_SHARE else self.styles

        def crop(samples: list[Sample], size: int, zoom: tuple[float, float]) -> Pixels:
            return random_crop(samples[int(rng.integers(len(samples)))].pixels, size, zoom=zoom, rng=rng)

        # one content in ten is art: people repaint paintings too
        contents = [
            crop(self.styles if rng.random() < 0.1 else self.contents, stage.size, CONTENT_ZOOM)
            for _ in range(2 * stage.styles)
        ]
        styles = [crop(style(), stage.style_size, STYLE_ZOOM) for _ in range(stage.styles)]
        return to_batch(contents), to_batch(styles)


class Criterion(nn.Module):
    """What a repainted batch is judged by: named terms, already weighted, that sum to the loss."""

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
        gram: list[Tensor] = []
        moment: list[Tensor] = []
        for layer in STYLE_LAYERS:  # each style serves two contents
            gram.append(losses.gram_loss(features[layer], losses.gram(targets[layer]).repeat_interleave(2, 0)).mean())
            mean, std = losses.moments(targets[layer])
            both = mean.repeat_interleave(2, 0), std.repeat_interleave(2, 0)
            moment.append(losses.moment_loss(features[layer], *both).mean())
        arrangement = [losses.arrangement_loss(features[k], wanted[k]).mean() for k in ARRANGEMENT_LAYERS]
        return {
            "style": r.style_weight * torch.stack(gram).mean(),
            "moment": r.moment_weight * torch.stack(moment).mean(),
            "content": r.content_weight * losses.relative_square(features[CONTENT_LAYER], wanted[CONTENT_LAYER]).mean(),
            "arrangement": r.arrangement_weight * torch.stack(arrangement).mean(),
            "variation": r.variation_weight * losses.total_variation(out).mean(),
            "flat": r.flat_weight * losses.flat_variation(out, content).mean(),
            "lattice": r.lattice_weight * losses.lattice(out, content).mean(),
            "range": r.range_weight * (out - out.clamp(0, 1)).abs().mean(),
        }


class Trainer:
    """The state of one run: network, its moving average, optimiser, step and seconds spent."""

    def __init__(self, teacher: SqueezeNet, recipe: PreviewRecipe, *, device: torch.device, compiled: bool) -> None:
        self.recipe, self.device = recipe, device
        with torch.random.fork_rng():
            torch.manual_seed(recipe.seed)
            net = PreviewNetwork()
        self.net = net.to(device).to(memory_format=torch.channels_last)
        self.average = {k: v.detach().clone() for k, v in self.net.state_dict().items()}
        self.optimiser = torch.optim.AdamW(self.net.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=1e-4)
        self.step, self.seconds = 0, 0.0
        criterion = Criterion(teacher.to(device).to(memory_format=torch.channels_last), recipe)
        self.criterion: Callable[[Tensor, Tensor, Tensor], dict[str, Tensor]] = criterion
        self.repaint: Callable[[Tensor, Tensor], Tensor] = self._repaint
        if compiled:
            self.criterion = torch.compile(criterion, dynamic=False)

    def _repaint(self, content: Tensor, style: Tensor) -> Tensor:
        statistics = self.net.measure(style)
        shared = content.shape[0] // style.shape[0]
        repeated = StyleStatistics(*(s.repeat_interleave(shared, 0) for s in statistics))
        return self.net.render(self.net.encode(content), repeated)

    def losses(self, content: Tensor, style: Tensor) -> dict[str, Tensor]:
        """The weighted terms for one batch, a function of weights, batch and step."""
        generator = torch.Generator().manual_seed(self.recipe.seed * 1_000_003 + self.step)
        with mixed_precision(self.device):
            out = self.repaint(content, style)
            # the teacher's stem has stride 2 and would be blind to one phase: let it see both
            dy, dx = (int(v) for v in torch.randint(0, 2, (2,), generator=generator))
            shift = nn.functional.pad(out, (dx, 1 - dx, dy, 1 - dy), mode="replicate")
            moved = nn.functional.pad(content, (dx, 1 - dx, dy, 1 - dy), mode="replicate")
            terms = self.criterion(shift, moved, style)
            if self.step % 4 == 0:
                same = content[::2].contiguous(memory_format=torch.channels_last)
                back = self.repaint(same, same)
                terms["identity"] = self.recipe.identity_weight * (back - same).abs().mean()
        return terms

    def advance(self, content: Tensor, style: Tensor, *, rate: float, style_share: float) -> dict[str, float]:
        """One optimiser step; returns the terms."""
        terms = self.losses(content, style)
        terms["style"] = terms["style"] * style_share
        terms["moment"] = terms["moment"] * style_share
        norm = descend(terms, self.net.parameters(), self.optimiser, rate=rate, largest_norm=5.0)
        follow(self.average, self.net.state_dict(), self.step, self.recipe.ema)
        self.step += 1
        return {k: float(v.detach()) for k, v in terms.items()} | {"norm": norm}

    def state(self) -> dict[str, Any]:
        return {
            "net": self.net.state_dict(),
            "average": self.average,
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.net.load_state_dict(state["net"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average = {k: v.to(self.device) for k, v in state["average"].items()}
        self.step, self.seconds = state["step"], state["seconds"]


def train(
    material: Material,
    teacher: SqueezeNet,
    recipe: PreviewRecipe,
    *,
    out: Path,
    minutes: float,
    device: str,
    compiled: bool,
    save_every: float = 120.0,
) -> PreviewNetwork:
    """Train until `minutes` are spent, going on from `out/checkpoint.pt` if it is there; the averaged network."""
    trainer = Trainer(teacher, recipe, device=torch.device(device), compiled=compiled)
    if state := checkpoint.load(out / "checkpoint.pt"):
        trainer.restore(state)
    log = Log(out / "log.csv")

    def make(step: int) -> tuple[Tensor, Tensor]:
        return material.batch(step, recipe.stage(progress()), recipe.seed)

    def progress() -> float:
        return trainer.seconds / (60 * minutes)

    begun = saved = time.monotonic()
    before = trainer.seconds
    for step, (content, style) in prefetch(make, trainer.step):
        rate, share = recipe.rate(step, progress()), recipe.style_share(progress())
        terms = trainer.advance(content.to(device), style.to(device), rate=rate, style_share=share)
        now = time.monotonic()
        trainer.seconds = before + now - begun
        log.add(step, trainer.seconds, terms)
        over = progress() >= 1
        if over or now - saved > save_every:
            checkpoint.save(out / "checkpoint.pt", trainer.state())
            write_sheet(out / "sheet.jpg", trainer.average, material.contents, material.styles + material.procedural)
            saved = time.monotonic()
        if over:
            break
    trainer.net.load_state_dict(trainer.average)
    return trainer.net
