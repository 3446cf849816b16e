"""The warping error, on clips whose error is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from diffstyle.evaluation.warping import warping_errors
from diffstyle.ops.flow import Array
from tests.helpers.motion import pan


def test_the_error_is_that_of_the_noise() -> None:
    """Independent noise of deviation s in both frames: E = 2 s², less what sampling between pixels smooths away."""
    clip, rng = pan(4, step=(2, 1)), np.random.default_rng(1)
    noisy: list[Array] = [np.asarray(f + rng.normal(0, 0.05, f.shape), np.float32) for f in clip]
    (clean, dirty) = warping_errors(clip, [clip, noisy])
    assert clean[1] < 0.0005
    assert dirty[1] == pytest.approx(2 * 0.05**2, rel=0.25)


def test_a_still_clip_that_blinks() -> None:
    still = [pan(1)[0]] * 6
    blinking: list[Array] = [np.full_like(still[0], 0.4 + 0.2 * (n % 2)) for n in range(6)]
    (found,) = warping_errors(still, [blinking], (1, 2))
    assert found[1] == pytest.approx(0.04, rel=1e-3)
    assert found[2] == pytest.approx(0, abs=1e-9)


def test_a_cut_is_left_out() -> None:
    clip = [*pan(3), *pan(3, name="chelsea")]
    (found,) = warping_errors(clip, [clip])
    assert found[1] < 0.001


def test_too_few_frames_have_none() -> None:
    clip = pan(3)
    (found,) = warping_errors(clip, [clip], (1, 10))
    assert not math.isnan(found[1])
    assert math.isnan(found[10])


def test_clips_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        warping_errors(pan(3), [pan(2)])


def test_a_larger_version_is_compared_at_the_size_of_the_photos() -> None:
    small, large = pan(3, size=(100, 80)), [np.repeat(np.repeat(f, 2, 0), 2, 1) for f in pan(3, size=(100, 80))]
    (a, b) = warping_errors(small, [small, large])
    assert b[1] == pytest.approx(a[1], rel=0.05)
