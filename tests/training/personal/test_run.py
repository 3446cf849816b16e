"""Training an objective: held-out losses, an early end, samples, the number of steps, what is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from diffstyle import AdapterRecipe, Cancelled
from diffstyle.evaluation.measures import Measures
from diffstyle.training.personal import run
from diffstyle.training.personal.choice import keep_best_factor
from diffstyle.training.personal.run import AdapterTrainer, OnTrainingStep, Samples, TrainingStep, train_objective
from diffstyle.training.personal.trainable import Trainable


class Distance(nn.Module):
    """The distance of a value to a target."""

    def __init__(self, value: nn.Parameter, target: float) -> None:
        super().__init__()
        self.value, self.target = value, target

    def batch(self, rng: np.random.Generator) -> float:
        return self.target + 0.01 * float(rng.standard_normal())

    def forward(self, batch: float, generator: torch.Generator) -> dict[str, Tensor]:
        del generator
        return {"distance": (self.value - batch).square().mean()}


def trainable_of(value: nn.Parameter) -> Trainable:
    return Trainable({"value": value}, save=lambda path: path, ready=lambda: None)


def trained(
    folder: Path,
    *,
    held: float | None = None,
    recipe: AdapterRecipe,
    samples: Samples | None = None,
    on_step: OnTrainingStep | None = None,
    seconds: float = 60,
    value: nn.Parameter | None = None,
) -> tuple[AdapterTrainer, nn.Parameter]:
    """A value trained from 0 towards 1, with held-out pictures at `held`."""
    value = nn.Parameter(torch.zeros(1)) if value is None else value
    trainer = train_objective(
        Distance(value, 1.0),
        None if held is None else Distance(value, held),
        trainable_of(value),
        recipe,
        accelerator=Accelerator(cpu=True),
        state=folder / "state.pt",
        seconds_left=seconds,
        samples=samples,
        on_step=on_step,
    )
    return trainer, value


def recipe_of(steps: int | None = None) -> AdapterRecipe:
    return AdapterRecipe(steps=steps, learning_rate=0.05)


def test_the_best_held_out_state_is_kept_and_training_ends(tmp_path: Path) -> None:
    """Held-out pictures at 0.3: training towards 1 helps them at first, then hurts."""
    trainer, value = trained(tmp_path, held=0.3, recipe=recipe_of(80))
    assert trainer.history.stopped_early
    assert trainer.step < 80
    assert value.item() == pytest.approx(0.3, abs=0.15)
    least = min(loss for _, loss in trainer.history.held)
    assert (value.item() - 0.3) ** 2 == pytest.approx(least, abs=1e-2)


def test_an_adapter_that_only_hurts_is_not_kept(tmp_path: Path) -> None:
    _, value = trained(tmp_path, held=-1.0, recipe=recipe_of(40))
    assert value.item() == 0


def test_a_cancelled_training_resumes_as_if_never_stopped(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    whole, expected = trained(tmp_path / "whole", held=0.9, recipe=recipe_of(12))
    with pytest.raises(Cancelled):
        trained(tmp_path, held=0.9, recipe=recipe_of(12), on_step=lambda step: step.done < 7)
    seen: list[TrainingStep] = []
    resumed, value = trained(tmp_path, held=0.9, recipe=recipe_of(12), on_step=seen.append)
    assert [s.done for s in seen] == list(range(8, 13))
    assert seen[-1].left == 0
    assert torch.equal(value, expected)
    assert resumed.history.losses == whole.history.losses
    assert resumed.history.held == whole.history.held


def test_samples_are_painted_with_the_average_and_change_nothing(tmp_path: Path) -> None:
    for name in ("plain", "watched"):
        (tmp_path / name).mkdir()
    painted: list[float] = []
    value = nn.Parameter(torch.zeros(1))

    def paint() -> Path:
        painted.append(value.item())
        return tmp_path / "samples.jpg"

    seen: list[TrainingStep] = []
    plain, expected = trained(tmp_path / "plain", recipe=recipe_of(6))
    watched, _ = trained(
        tmp_path / "watched", recipe=recipe_of(6), samples=Samples(2, paint), on_step=seen.append, value=value
    )
    assert [s.done for s in seen if s.samples is not None] == [2, 4, 6]
    assert painted[-1] == pytest.approx(watched.averaged()["value"].item())
    assert painted == sorted(painted)
    assert torch.equal(value, expected)
    assert watched.history.losses == plain.history.losses


def test_minutes_become_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number is estimated from the first steps: here, of one second each by a clock of our own."""
    clock = iter(range(10**6))
    monkeypatch.setattr(run.time, "monotonic", lambda: float(next(clock)))
    seen: list[TrainingStep] = []
    trainer, _ = trained(tmp_path, recipe=recipe_of(), on_step=seen.append, seconds=400)
    assert seen[0].total is None
    assert seen[7].total is not None
    assert seen[-1].total == len(seen) == trainer.step > 20
    assert trainer.seconds == pytest.approx(400, rel=0.2)


@pytest.mark.parametrize(("nearest", "kept"), [(0.0, 0.0), (0.6, 0.5), (3.0, 1.0)])
def test_the_factor_with_the_lowest_texture_ratio_is_kept(nearest: float, kept: float) -> None:
    parameter = nn.Parameter(torch.ones(3))

    def measures_at(factor: float) -> Measures:
        assert parameter.tolist() == [factor] * 3
        return Measures(texture_ratio=abs(parameter[0].item() - nearest), colour_ratio=0.0, structure=0.7)

    assert keep_best_factor(trainable_of(parameter), {"value": torch.zeros(3)}, measures_at) == kept
    assert parameter.tolist() == [kept] * 3


def test_a_factor_that_costs_too_much_structure_is_not_kept() -> None:
    parameter = nn.Parameter(torch.ones(1))

    def measures_at(factor: float) -> Measures:
        return Measures(texture_ratio=1 - parameter.item(), colour_ratio=0.0, structure=0.7 - 0.08 * factor)

    assert keep_best_factor(trainable_of(parameter), {"value": torch.zeros(1)}, measures_at) == 0.5
