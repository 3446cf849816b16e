"""What a style's pictures show is taken out of its embedding, and measured in the result."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from diffstyle import Diffusion, Picture, Style, StyleEncoder, Stylizer
from diffstyle.engines.diffusion.style_content import leakage, without_content
from tests.helpers.pictures import largest_difference

WORDS = "oil painting"


@pytest.fixture(scope="module")
def encoder() -> StyleEncoder:
    return StyleEncoder.load()


def test_the_words_share_is_gone_and_others_are_left_alone(encoder: StyleEncoder) -> None:
    of_words = encoder.texts([WORDS])[0]
    across = F.normalize(torch.randn(len(of_words), generator=torch.Generator().manual_seed(0)), dim=0)
    across = F.normalize(across - (across @ of_words) * of_words, dim=0)
    with_it = F.normalize(across + 0.5 * of_words, dim=0)
    found = without_content(torch.stack([with_it, across, -of_words]), encoder, WORDS)
    assert torch.allclose(found[0], across, atol=1e-5)
    assert torch.allclose(found[1], across, atol=1e-5)
    assert torch.allclose(found[2], -of_words, atol=1e-5)  # nothing of it to take out


def test_the_photo_itself_leaks_nothing(encoder: StyleEncoder, small_photo: Picture) -> None:
    assert leakage(encoder, small_photo, small_photo, WORDS) == pytest.approx(0, abs=1e-6)


def test_leakage_grows_with_what_the_words_name(encoder: StyleEncoder, stylizer: Stylizer, photo: Picture) -> None:
    drawn = stylizer.stylize(photo, Style.from_text("halftone")).picture
    assert leakage(encoder, drawn, photo, "halftone") > 0.1 > leakage(encoder, drawn, photo, WORDS)


def test_results_say_how_much_leaked(worded: Stylizer, small_photo: Picture, painting: Style) -> None:
    engine = Diffusion(steps=2, style_content=WORDS)
    measured = worded.stylize(small_photo, painting, engine=engine).picture
    assert -2 <= measured.measures["leakage"] <= 2
    plain = worded.stylize(small_photo, painting, engine=Diffusion(steps=2)).picture
    assert "leakage" not in plain.measures
    assert largest_difference(measured, plain) > 0
