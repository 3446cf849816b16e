"""Hands that lay the photo before the painter paints it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from diffstyle import Cancelled, Picture, Style, Stylizer, Task
from diffstyle.data.hands.table import ARTISTS, HANDS, MOVEMENTS, hand, laid
from diffstyle.data.hands.washes import WASHES
from diffstyle.data.words.artists import ARTISTS as PAINTERS
from diffstyle.engines.base import Step
from diffstyle.engines.nnst.underpainting import hand_of
from diffstyle.ops.luma import luma


@pytest.mark.parametrize("name", [*HANDS, *WASHES])
def test_a_hand_keeps_size_and_subject(name: str, small_photo: Picture) -> None:
    by = hand(name)
    assert by is not None
    pixels = np.ascontiguousarray(small_photo.pixels.permute(1, 2, 0).numpy())
    once, again = (laid(pixels, by, np.random.default_rng(1), lambda: None) for _ in range(2))
    assert once.shape == pixels.shape
    assert once.min() >= 0
    assert once.max() <= 1
    assert np.array_equal(once, again)
    if name != "suprematist":
        tones = [luma(torch.from_numpy(p).permute(2, 0, 1)[None]) for p in (pixels, once)]
        soft = torch.stack([torch.nn.functional.avg_pool2d(t, 8).flatten() for t in tones])
        assert float(torch.corrcoef(soft)[0, 1]) > 0.3


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("in the style of van Gogh", ARTISTS["Vincent van Gogh"]),
        ("Claude Monet", MOVEMENTS["Impressionism"]),
        ("an impressionist garden", MOVEMENTS["Impressionism"]),
        ("gouache in teal", HANDS["gouache"]),
        ("watercolour", WASHES["watercolour"]),
        ("van Gogh, watercolour", WASHES["watercolour"]),
        ("a quiet afternoon", None),
    ],
)
def test_words_name_a_hand(words: str, expected: object) -> None:
    assert hand_of(Style.from_text(words).references[0]) == expected


def test_the_hands_of_painters_are_of_painters() -> None:
    assert set(ARTISTS) <= set(PAINTERS)


def test_coarse_words_lay_broader_strokes() -> None:
    reference = Style.from_text("coarse gouache").references[0]
    found = hand_of(reference)
    assert getattr(found, "widths", ()) == tuple(1.5 * w for w in HANDS["gouache"].widths)


def test_a_picture_has_no_hand(painting: Style) -> None:
    assert all(hand_of(reference) is None for reference in painting.references)


def test_strokes_are_seen(stylizer: Stylizer, photo: Picture) -> None:
    style = Style.from_text("van Gogh")
    bold = stylizer.stylize(photo, style, engine="nnst").picture.pixels
    held = stylizer.stylize(photo, style, engine="nnst", structure=1.0).picture.pixels
    other = stylizer.stylize(photo, style, engine="nnst", seed=5).picture.pixels
    assert float((bold - held).abs().mean()) > 0.03
    assert float((bold - other).abs().mean()) > 0.01


def test_cancelling_acts_between_layers(stylizer: Stylizer, photo: Picture) -> None:
    seen: list[int] = []

    def stop(step: Step) -> None:
        seen.append(step.done)
        if len(seen) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        stylizer.render(Task(photo, Style.from_text("van Gogh"), engine="nnst"), on_step=stop)
    assert seen == [0, 0, 0]
