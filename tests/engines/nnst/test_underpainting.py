"""The techniques in which a photo is rendered before the painter paints it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from diffstyle import Cancelled, Picture, Style, Stylizer, Task
from diffstyle.data.painterly.golden import golden
from diffstyle.data.painterly.prints import ukiyo_e
from diffstyle.data.painterly.techniques import ARTISTS, MEDIA, MOVEMENTS, WASHES, Technique, render, technique_of
from diffstyle.data.painterly.washes import RENDERINGS
from diffstyle.data.words.artists import ARTISTS as PAINTERS
from diffstyle.data.words.parse import parse
from diffstyle.engines.base import Step
from diffstyle.engines.exemplars.words import recoloured_as
from diffstyle.engines.nnst import underpainting
from diffstyle.engines.nnst.underpainting import KEPT, kept_of, technique_of_words
from diffstyle.ops.luma import luma
from tests.helpers.quick import some_quick


@pytest.mark.parametrize("name", some_quick([*MEDIA, *WASHES]))
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
        ("Klimt, golden", golden),
        ("woodblock by Hokusai", ukiyo_e),
        ("a quiet afternoon", None),
    ],
)
def test_words_name_a_technique(words: str, expected: object) -> None:
    assert technique_of_words(Style.from_text(words).references[0]) == expected


@pytest.mark.parametrize("technique", [golden, ukiyo_e, RENDERINGS["watercolour"], RENDERINGS["ink wash"]])
def test_a_subject_stays_readable(technique: Technique, small_photo: Picture) -> None:
    pixels = np.ascontiguousarray(small_photo.pixels.permute(1, 2, 0).numpy())
    subject = np.zeros((len(pixels), len(pixels[0])), np.float32)
    subject[:, : len(pixels[0]) // 2] = 1
    painted = render(pixels, technique, np.random.default_rng(1), lambda: None, subject)
    assert painted.shape == pixels.shape
    tones = [luma(torch.from_numpy(p).permute(2, 0, 1)[None])[0, 0].numpy()[subject > 0] for p in (pixels, painted)]
    assert float(np.corrcoef(tones)[0, 1]) > 0.6


def test_strokes_come_nearer_to_the_photo_on_the_subject(small_photo: Picture) -> None:
    pixels = np.ascontiguousarray(small_photo.pixels.permute(1, 2, 0).numpy())
    everywhere, nowhere = (np.full(pixels.shape[:2], value, np.float32) for value in (1, 0))
    finer, coarser = (
        np.abs(render(pixels, MEDIA["impasto"], np.random.default_rng(1), lambda: None, subject) - pixels).mean()
        for subject in (everywhere, nowhere)
    )
    assert finer < coarser


@pytest.mark.parametrize(("words", "kept"), [("gouache", KEPT), ("Klimt", KEPT), ("Monet", 0), ("dreamy", 0)])
def test_how_much_of_the_underpainting_is_kept(words: str, kept: float, photo: Picture, stylizer: Stylizer) -> None:
    assert kept_of(stylizer.prepare(Task(photo, Style.from_text(words), engine="nnst"))) == kept


def test_gold_is_the_colour_of_klimt_himself() -> None:
    picture = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert recoloured_as(picture, parse("Klimt, golden")) is picture
    assert recoloured_as(picture, parse("Klimt, blue")) is not picture


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
        stylizer.render(Task(photo, Style.from_text("van Gogh"), engine="nnst", seed=11), on_step=stop)
    assert seen == [0, 0, 0]


def test_painters_of_one_technique_share_an_underpainting(
    stylizer: Stylizer, photo: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted: list[object] = []
    first = stylizer.stylize(photo, Style.from_text("Claude Monet"), engine="nnst", seed=12).picture.pixels
    monkeypatch.setattr(underpainting, "render", lambda *given: painted.append(given))  # pyright: ignore
    again = stylizer.stylize(photo, Style.from_text("Claude Monet"), engine="nnst", seed=12).picture.pixels
    other = stylizer.stylize(photo, Style.from_text("Alfred Sisley"), engine="nnst", seed=12).picture.pixels
    assert not painted
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
