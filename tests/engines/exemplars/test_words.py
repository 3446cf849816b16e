"""Styles in words, painted from the atlas."""

from __future__ import annotations

import numpy as np
import pytest

from diffstyle import Picture, Style, Stylizer
from diffstyle.assets.atlas import Atlas, Facts
from diffstyle.data.colour_names import coverage
from diffstyle.data.words.parse import parse
from diffstyle.encoders.clip import StyleEncoder
from diffstyle.engines.exemplars.exemplars import with_exemplars
from diffstyle.engines.exemplars.words import Source, adjusted
from diffstyle.formats.exemplar import LARGEST, decode_exemplar
from diffstyle.ops.lab import Array, to_lab


@pytest.fixture(scope="module")
def exemplar() -> bytes:
    atlas = Atlas.load()
    return atlas.exemplar(next(e for e in atlas.entries if e.name == "monet-haystacks"))


def pixels(exemplar: bytes) -> Array:
    return decode_exemplar(exemplar, name="x").pixels.permute(1, 2, 0).contiguous().numpy()


def test_words_are_painted_from_what_they_name(stylizer: Stylizer, small_photo: Picture) -> None:
    result = stylizer.stylize(small_photo, Style.from_text("Van Gogh"))
    assert result.task.engine.name == "nnst"
    (reference,) = result.task.style.references
    atlas = Atlas.load()
    assert reference.exemplars in [(atlas.exemplar(e),) for e in atlas.entries if "Vincent van Gogh" in e.artists]
    assert stylizer.render(result.task).picture == result.picture


def test_what_was_taken_for_something_else_is_said(stylizer: Stylizer, small_photo: Picture) -> None:
    def notes(words: str) -> tuple[str, ...]:
        return stylizer.stylize(small_photo, Style.from_text(words)).picture.notes

    assert "'monnet' was read as monet." in notes("monnet")
    assert any(n.startswith("No exemplar of J. M. W. Turner: painted from Romanticism") for n in notes("Turner"))
    assert not notes("Monet")


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("oil painting in red", ["red"]),
        ("Monet in blue and gold", ["blue", "gold"]),
        ("gouache in teal and cream", ["teal", "cream"]),
    ],
)
def test_the_named_colours_dominate_the_painting(
    words: str, names: list[str], stylizer: Stylizer, photo: Picture
) -> None:
    painted = stylizer.stylize(photo, Style.from_text(words), engine="nnst").picture
    found = coverage((painted.pixels.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8))
    assert sum(found[n] for n in names) > 0.5


def test_media_without_colours_of_their_own_keep_the_hues(stylizer: Stylizer, photo: Picture) -> None:
    def hues(picture: Picture) -> Array:
        return to_lab(picture.resized((32, 24)).pixels.permute(1, 2, 0).contiguous().numpy())[..., 1:]

    def distance(words: str) -> float:
        painted = stylizer.stylize(photo, Style.from_text(words), engine="nnst").picture
        return float(np.abs(hues(painted) - hues(photo)).mean())

    assert max(distance("gouache"), distance("oil pastel")) < 6
    assert min(distance("Van Gogh"), distance("gouache in red")) > 9


def test_dark_words_darken_the_painting(stylizer: Stylizer, photo: Picture) -> None:
    def light(words: str) -> float:
        return float(stylizer.stylize(photo, Style.from_text(words), engine="nnst").picture.pixels.mean())

    assert light("dark oil painting") < light("oil painting") - 0.05
    assert light("light gouache") > light("dark gouache") + 0.1


def test_tone_and_saturation_act_on_the_exemplar(exemplar: bytes) -> None:
    def lab(words: str) -> tuple[float, float]:
        values = to_lab(pixels(adjusted(exemplar, parse(words))))
        return float(values[..., 0].mean()), float(np.hypot(values[..., 1], values[..., 2]).mean())

    light, chroma = lab("oil painting")
    assert lab("dark oil painting")[0] < light - 8
    assert lab("light oil painting")[0] > light + 5
    assert lab("vivid oil painting")[1] > 1.2 * chroma
    assert lab("black and white oil painting")[1] < 4


def test_grain_scales_the_marks(exemplar: bytes) -> None:
    def steepness(words: str) -> float:
        light = to_lab(pixels(adjusted(exemplar, parse(words))))[..., 0]
        return float(np.abs(np.diff(light, axis=1)).mean())

    plain = steepness("oil painting")
    assert steepness("coarse oil painting") < plain < steepness("oil painting with fine marks")


def test_what_says_no_more_leaves_the_exemplar_as_it_is(exemplar: bytes) -> None:
    assert adjusted(exemplar, parse("Monet")) is exemplar
    assert len(adjusted(exemplar, parse("Monet in red, coarse"))) <= LARGEST


NAMED = (
    "Van Gogh",
    "impressionist oil painting by Monet",
    "Klimt, no gold, fine",
    "dark gouache in teal on cream",
    "neon",
)
OPEN = ("dark Van Gogh", "vangoh", "Monet with qwertz", "dreamy", "collage")


@pytest.mark.parametrize("words", NAMED)
def test_names_alone_load_no_encoder(words: str, stylizer: Stylizer, monkeypatch: pytest.MonkeyPatch) -> None:
    style = Style.from_text(words)
    encoded = with_exemplars(stylizer.encoder.encode(style), stylizer.encoder)
    with monkeypatch.context() as patch:
        patch.setattr(StyleEncoder, "encode", None)
        (reference,) = with_exemplars(style, stylizer.encoder).references
    assert reference.exemplars == encoded.references[0].exemplars
    assert (reference.confidence, reference.embeddings) == (1.0, {})


@pytest.mark.parametrize("words", OPEN)
def test_words_that_leave_the_choice_open_are_embedded(words: str, stylizer: Stylizer) -> None:
    (reference,) = with_exemplars(Style.from_text(words), stylizer.encoder).references
    assert stylizer.encoder.space in reference.embeddings
    blend = Style.mix({Style.from_text("Van Gogh"): 1, Style.from_text("Monet"): 1})
    assert with_exemplars(blend, stylizer.encoder).space == stylizer.encoder.space


@pytest.mark.parametrize("words", ["collage", "knitted"])
def test_a_medium_without_an_exemplar_is_painted_from_the_nearest(words: str, stylizer: Stylizer) -> None:
    atlas, nameless = Atlas.load(), Facts()
    vector = stylizer.encoder.encode(Style.from_text(words)).embedding_in(atlas.space)
    source = Source.of(words, vector, atlas)
    assert not source.found.named
    assert source.found.entries == atlas.find(nameless, vector).entries


def test_words_painted_by_name_serve_other_engines(stylizer: Stylizer, small_photo: Picture) -> None:
    painted = stylizer.stylize(small_photo, Style.from_text("Van Gogh")).task.style
    assert not painted.spaces
    previewed = stylizer.stylize(small_photo, painted, engine="adain").picture
    assert previewed == stylizer.stylize(small_photo, Style.from_text("Van Gogh"), engine="adain").picture


def test_words_blend_with_words_and_pictures(stylizer: Stylizer, small_photo: Picture, painting: Style) -> None:
    blend = Style.mix({Style.from_text("Klimt in gold"): 2, Style.from_text("dreamy"): 1, painting: 1})
    result = stylizer.stylize(small_photo, blend)
    assert all(r.exemplars for r in result.task.style.references)
    assert stylizer.render(result.task).picture == result.picture
