"""The measures say what they claim to say."""

from __future__ import annotations

import numpy as np
import pytest

from diffstyle.evaluation.measures import Array, measure, texture_distance, texture_distance_of_all
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


def test_patches_of_several_pictures_are_one_set() -> None:
    fine, coarse = picture(1), np.kron(picture(2)[:64, :64], np.ones((2, 2, 1), np.float32))
    mixed = np.concatenate([fine[:, :64], coarse[:, :64]], 1)
    alone = [texture_distance(p, mixed) for p in (fine, coarse)]
    assert texture_distance_of_all([fine], mixed) == alone[0]
    assert texture_distance_of_all([fine, coarse], mixed) < min(alone)
