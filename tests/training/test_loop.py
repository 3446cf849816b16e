"""The loop that every recipe trains in: resuming, averaging, accumulating, saving, stopping."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diffstyle import Cancelled
from diffstyle.training.loop import Budget, Run, Trainer, cosine_rate, fit, load_checkpoint, save_checkpoint
from tests.helpers.fresh_process import in_fresh_process


class Line(Trainer[Tensor]):
    """Fits a line to y = 2 x with batch normalisation before it, so that there are buffers as well."""

    def __init__(self, *, steps: int | None = None, minutes: float | None = None, accumulate: int = 1) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.net = nn.Sequential(nn.BatchNorm1d(1), nn.Linear(1, 1))
        optimizer = torch.optim.AdamW(self.net.parameters(), lr=0.1)
        super().__init__(
            self.net.state_dict(keep_vars=True),
            optimizer,
            budget=Budget(minutes, steps),
            ema=0.9,
            largest_norm=1.0,
            accumulate=accumulate,
        )

    def rate(self) -> float:
        return cosine_rate(self.step, self.progress, first=0.1, warmup=2)

    def losses(self, batch: Tensor) -> dict[str, Tensor]:
        return {"error": F.mse_loss(self.net(batch), 2 * batch)}


def make(number: int, _: float = 0.0) -> Tensor:
    return torch.randn(8, 1, generator=torch.Generator().manual_seed(number))


QUIET = Run(workers=None, log_every=0)


def test_a_resumed_training_equals_one_that_never_stopped(tmp_path: Path) -> None:
    straight, first, second = Line(steps=6), Line(steps=6), Line(steps=6)
    fit(straight, make, QUIET, name="line")
    run = Run(tmp_path, workers=None, log_every=0)
    with pytest.raises(Cancelled):
        fit(first, make, run, name="line", on_step=lambda _: first.step < 3)
    assert first.step == 3
    fit(second, make, run, name="line")
    assert second.step == 6
    for name, value in straight.tensors.items():
        assert torch.equal(second.tensors[name], value)
        assert torch.equal(second.averaged()[name], straight.averaged()[name])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["line.pt"]


def test_a_finished_training_takes_no_more_steps(tmp_path: Path) -> None:
    run = Run(tmp_path, workers=None, log_every=0)
    fit(Line(steps=2), make, run, name="line")
    again = Line(steps=2)
    fit(again, make, run, name="line")
    assert again.step == 2


def test_the_average_follows_parameters_and_copies_buffers() -> None:
    trainer = Line(steps=5)
    fit(trainer, make, QUIET, name="line")
    average, weight = trainer.averaged(), trainer.net.get_parameter("1.weight")
    assert not torch.equal(average["1.weight"], weight)
    assert torch.equal(average["0.running_mean"], trainer.net.get_buffer("0.running_mean"))
    kept = weight.detach().clone()
    with trainer.average_in_place():
        assert torch.equal(weight, average["1.weight"])
    assert torch.equal(weight, kept)


def test_accumulated_batches_count_as_one() -> None:
    """Two batches of 8 give the gradient of one batch of 16."""

    class Plain(Line):
        def losses(self, batch: Tensor) -> dict[str, Tensor]:
            return {"error": F.mse_loss(self.net[1](batch), 2 * batch)}

    parts, whole = Plain(steps=1, accumulate=2), Plain(steps=1)
    parts.advance([make(0), make(1)])
    whole.advance([torch.cat([make(0), make(1)])])
    assert torch.allclose(parts.tensors["1.weight"], whole.tensors["1.weight"], atol=1e-6)


def test_a_gradient_that_is_not_finite_is_left_out() -> None:
    trainer = Line(steps=3)
    before = trainer.net.get_parameter("1.weight").detach().clone()
    assert not math.isfinite(trainer.advance([torch.full((8, 1), torch.inf)])["norm"])
    assert torch.equal(trainer.net.get_parameter("1.weight"), before)
    assert trainer.step == 1


def test_a_budget_ends_with_its_time_or_its_steps() -> None:
    assert Budget(minutes=2).progress(10**6, 60) == 0.5
    assert Budget(steps=4).progress(1, 10**6) == 0.25
    assert Budget(minutes=1, steps=10).progress(5, 45) == 0.75
    assert Budget().progress(5, 5) == 0
    trainer = Line(minutes=0.002)
    fit(trainer, make, QUIET, name="line")
    assert trainer.step > 0
    assert trainer.seconds >= 0.12


def test_losses_are_logged_and_sheets_are_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved: list[int] = []
    trainer = Line(steps=6)
    run = Run(tmp_path, workers=None, log_every=3, save_every=0)
    fit(trainer, make, run, name="line", on_save=lambda: saved.append(trainer.step))
    header, *rows = (tmp_path / "line.csv").read_text().splitlines()
    assert header == "step,seconds,error,norm"
    assert [row.split(",")[0] for row in rows] == ["3", "6"]
    assert saved == [1, 2, 3, 4, 5, 6]
    assert "step 3" in capsys.readouterr().out


def test_processes_that_do_not_write_leave_no_files(tmp_path: Path) -> None:
    fit(Line(steps=2), make, Run(tmp_path, workers=None, writes=False), name="line")
    assert not list(tmp_path.iterdir())


def progress_seen(out: Path, workers: int) -> list[float]:
    """What the batches of a run that are made ahead know of its progress."""
    seen: list[float] = []

    class Slow(Line):
        def losses(self, batch: Tensor) -> dict[str, Tensor]:
            time.sleep(0.01)
            seen.append(float(batch[0]))
            return super().losses(batch)

    def progress_of(_: int, progress: float) -> Tensor:
        return torch.full((8, 1), progress)

    fit(Slow(steps=40), progress_of, Run(out, workers=workers, log_every=0), name="line")
    return seen


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_made_ahead_know_the_progress(workers: int, tmp_path: Path) -> None:
    """From a thread or from a process."""
    seen = in_fresh_process(progress_seen, tmp_path, workers) if workers else progress_seen(tmp_path, workers)
    assert len(seen) == 40
    assert seen[0] == 0
    assert seen[-1] > 0.5
    assert seen == sorted(seen)


def test_checkpoints_hold_no_code(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "a" / "state.pt", {"step": 3, "values": torch.ones(2)})
    state = load_checkpoint(tmp_path / "a" / "state.pt")
    assert state is not None
    assert state["step"] == 3
    assert load_checkpoint(tmp_path / "none.pt") is None
    torch.save({"run": time.sleep}, tmp_path / "code.pt")
    with pytest.raises(Exception, match=r"(?i)weights.?only"):
        load_checkpoint(tmp_path / "code.pt")
