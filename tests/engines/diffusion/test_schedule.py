"""As many steps are run as were asked for, from the noise that was asked for, with every sampler."""

from __future__ import annotations

from typing import get_args

import pytest

from diffstyle.backbones.schedulers import make_scheduler
from diffstyle.core.model_options import SchedulerName
from diffstyle.engines.diffusion.schedule import LONGEST, schedule

BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}


@pytest.mark.parametrize("steps", [1, 4, 25])
@pytest.mark.parametrize("denoise", [0.05, 0.5, 1.0])
def test_as_many_steps_are_run_as_asked_for(steps: int, denoise: float) -> None:
    for name in get_args(SchedulerName):
        scheduler = make_scheduler(name, BETAS)
        plan = schedule(steps, denoise, scheduler, name)
        assert plan.run == steps or plan.total == LONGEST.get(name, 1000)
        assert min(int(plan.total * plan.strength), plan.total) == plan.run
        scheduler.set_timesteps(plan.total)
        first = float(scheduler.timesteps[plan.total - plan.run]) if plan.run else 0.0
        assert first < 1000 * denoise  # never more noise than asked for
        if plan.total < LONGEST.get(name, 1000):
            assert first > 1000 * denoise * (1 - 1.6 / steps) - 30  # and hardly less, whatever the sampler


def test_more_denoising_never_runs_fewer_steps() -> None:
    ddim, lcm = (make_scheduler(name, BETAS) for name in ("ddim", "lcm"))
    assert schedule(8, 0.0, ddim, "ddim").run == 0
    assert schedule(8, 0.0008, ddim, "ddim").run == 1
    assert schedule(8, 0.04, lcm, "lcm").total == 50
    runs = [schedule(8, d / 100, lcm, "lcm").run for d in range(101)]
    assert runs == sorted(runs)
