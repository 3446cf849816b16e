"""The techniques in which a photo is rendered before the painter paints it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from diffstyle import Cancelled, Picture, Style, Stylizer, Task
from diffstyle.data.painterly.techniques import ARTISTS, MEDIA, MOVEMENTS, WASHES, render, technique_of
from diffstyle.data.painterly.washes import RENDERINGS
from diffstyle.data.words.artists import ARTISTS as PAINTERS
from diffstyle.engines.base import Step
from diffstyle.engines.nnst.underpainting import technique_of_words
from diffstyle.ops.luma import luma


@pytest.mark.parametrize("name", [*MEDIA, *WASHES])
def test_a_technique_keeps_size_and_subject(name: str, small_photo: Picture) -> None:
    technique = technique_of(name)
    assert technique is not None
    pixels = np.ascontiguousarray(small_photo.pixels.permute(1, 2, 0).numpy())
    once, again = (render(pixels, technique, np.random.default_rng(1), lambda: None) for _ in range(2))
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
        ("gouache in teal", MEDIA["gouache"]),
        ("watercolour", RENDERINGS["watercolour"]),
        ("impressionist painting by Monet", MOVEMENTS["Impressionism"]),
        ("an oil painting", MEDIA["oil painting"]),
        ("van Gogh, watercolour", RENDERINGS["watercolour"]),
        ("a quiet afternoon", None),
    ],
)
def test_words_name_a_technique(words: str, expected: object) -> None:
    assert technique_of_words(Style.from_text(words).references[0]) == expected


def test_the_techniques_of_artists_are_of_artists() -> None:
    assert set(ARTISTS) <= set(PAINTERS)


def test_coarse_words_lay_broader_strokes() -> None:
    reference = Style.from_text("coarse gouache").references[0]
    found = technique_of_words(reference)
    assert getattr(found, "widths", ()) == tuple(1.5 * w for w in MEDIA["gouache"].widths)


def test_a_picture_has_no_technique(painting: Style) -> None:
    assert all(technique_of_words(reference) is None for reference in painting.references)


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
