"""The measures say what they claim to say."""

from __future__ import annotations

import numpy as np
import pytest

from diffstyle.evaluation.measures import Array, measure
from tests.conftest import waves


def picture(seed: int) -> Array:
    return waves(128, 128, seed).astype(np.float32) / np.float32(255)


def test_the_photo_scores_one_and_the_style_nothing() -> None:
    content, style = picture(1), picture(2)
    photo = measure(content, style, content)
    assert (photo.texture_ratio, photo.colour_ratio, photo.structure) == pytest.approx((1, 1, 1), abs=1e-6)
    copied = measure(content, style, style)
    assert copied.texture_ratio < 0.15  # sampling alone
    assert copied.colour_ratio < 0.35
    assert copied.structure < 0.5


def test_a_colour_transfer_is_no_texture() -> None:
    content, style = picture(1), picture(2)
    moved = (content - content.mean((0, 1))) / content.std((0, 1)) * style.std((0, 1)) + style.mean((0, 1))
    scores = measure(content, style, moved.astype(np.float32))
    assert scores.colour_ratio < 0.8
    assert scores.texture_ratio > 0.8
    assert scores.structure > 0.9
