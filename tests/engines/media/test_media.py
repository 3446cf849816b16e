"""What every medium that is drawn by rule promises."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, cast

import cv2 as untyped
import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from diffstyle import InputError, Picture, Style, Stylizer, Task, read_recipe
from diffstyle.data.words import lexicon
from diffstyle.engines.media import photo as photo_module
from diffstyle.engines.media.canvas import Array, Window, draw_all, units_of
from diffstyle.engines.media.choose import adjusted, layers_of, look_of
from diffstyle.engines.media.look import Look, rgb
from diffstyle.engines.media.photo import Photo
from diffstyle.engines.media.registry import MEDIA
from diffstyle.engines.media.screens import dots
from diffstyle.engines.media.together import FINEST_FIRST, Part, together
from diffstyle.engines.replay import task_of
from diffstyle.ops.faces import find_faces
from tests.helpers.pictures import mean_difference, waves
from tests.helpers.quick import some_quick

cv2: Any = untyped
LINES_ALONE = {"ink line drawing", "blueprint", "neon", "ascii", "contour lines", "pencil drawing"}  # keep no mean tone
every_medium = pytest.mark.parametrize("name", some_quick(list(MEDIA)))


def ignored(done: int, total: int) -> None:
    del done, total


def drawn(name: str, photo: Array, *, seed: int = 1, size: tuple[int, int] | None = None) -> Array:
    """`photo` (h, w, 3) in a medium, at its own size or at `size` (h, w)."""
    medium = MEDIA[name]
    draw = medium.rule(Photo.of(photo), medium.look, np.random.default_rng(seed))
    height, width = size or photo.shape[:2]
    return draw_all(draw, height, width, ignored)


@pytest.fixture(scope="module")
def face() -> Array:
    """An astronaut, 192 pixels square."""
    from skimage import data

    whole = Picture.from_array(cast("npt.NDArray[np.uint8]", data.astronaut()))
    return whole.resized((192, 192)).pixels.permute(1, 2, 0).contiguous().numpy()


@every_medium
def test_equal_seeds_give_equal_pictures_and_others_do_not(name: str, face: Array) -> None:
    one = drawn(name, face)
    assert np.array_equal(drawn(name, face), one)
    assert not np.array_equal(drawn(name, face, seed=2), one)


@every_medium
def test_it_looks_alike_at_every_size(name: str, face: Array) -> None:
    """Drawn at twice the size and averaged down it has the same colours in the same places."""
    small, large = drawn(name, face, size=(240, 240)), drawn(name, face, size=(480, 480))
    halved = large.reshape(240, 2, 240, 2, 3).mean((1, 3))
    assert abs(float(halved.mean() - small.mean())) < 0.015
    assert float(np.abs(halved - small).mean()) < 0.03


@every_medium
def test_it_keeps_the_tones(name: str, face: Array) -> None:
    out = drawn(name, face)
    assert abs(float(out.mean() - face.mean())) < (0.32 if name in LINES_ALONE else 0.15)
    if name not in ("warhol", "neon"):
        blocks = [p.reshape(8, 24, 8, 24, 3).mean((1, 3, 4)).ravel() for p in (out, face)]
        assert np.corrcoef(*blocks)[0, 1] > (0.2 if name in LINES_ALONE else 0.75)


@every_medium
@pytest.mark.parametrize("shape", [(16, 211), (40, 1)])
def test_small_narrow_and_odd_pictures(name: str, shape: tuple[int, int]) -> None:
    photo = waves(shape[1], shape[0]).astype(np.float32) / np.float32(255)
    out = drawn(name, photo)
    assert out.shape == photo.shape
    assert np.isfinite(out).all()


@every_medium
@pytest.mark.parametrize("level", [0.0, 0.6])
def test_flat_photos(name: str, level: float) -> None:
    assert np.isfinite(drawn(name, np.full((40, 60, 3), level, np.float32))).all()


@every_medium
def test_strips_have_no_seams(name: str, face: Array) -> None:
    medium = MEDIA[name]
    draw = medium.rule(Photo.of(face), medium.look, np.random.default_rng(1))
    units = units_of(192, 192)
    whole = draw(Window(0, 900, 900, 900, units))
    parts = [draw(Window(top, 300, 900, 900, units)) for top in (0, 300, 600)]
    assert float(np.abs(np.concatenate(parts) - whole).mean()) < 2e-3
    for row in (300, 600):
        assert float(np.abs(parts[row // 300][0] - whole[row]).mean()) < 0.03


@every_medium
def test_words_choose_it(name: str) -> None:
    assert [layer.name for layer in layers_of(Style.from_text(name))] == [name]


@every_medium
def test_named_colours_are_its_inks(name: str, face: Array) -> None:
    """In blue it is bluer than in red, and both say so."""
    medium, means = MEDIA[name], dict[str, npt.NDArray[np.float32]]()
    for colour in ("red", "blue"):
        layer = layers_of(Style.from_text(f"{name} in {colour}"))[0]
        draw = medium.rule(Photo.of(face), look_of(medium, layer.words, stroke=1), np.random.default_rng(1))
        means[colour] = np.asarray(draw_all(draw, 96, 96, ignored).mean((0, 1)), np.float32)
    assert means["blue"][2] - means["blue"][0] > means["red"][2] - means["red"][0] + 0.1


INKED = [name for name, medium in MEDIA.items() if medium.colouring == "ink and paper"]


@pytest.mark.parametrize("name", INKED)
def test_a_second_ink_prints_the_lighter_tones(name: str, stylizer: Stylizer, photo: Picture) -> None:
    one, two = (
        stylizer.stylize(photo, Style.from_text(f"{name} in {inks} on white paper"), seed=2).picture.pixels
        for inks in ("dark blue", "dark blue and orange")
    )
    orange = two[0] - two[2] > 0.25
    assert 0.005 < float(orange.float().mean()) < 0.9 * float((one.mean(0) < 0.9).float().mean())
    assert float((two[2] - two[0] > 0.05).float().mean()) > 0.005
    paper = one.min(0).values > 0.97
    assert float((one - two).abs()[:, paper].max()) < 0.1


def test_a_comic_has_no_pattern_in_black(face: Array) -> None:
    photo = face.copy()
    grain = np.random.default_rng(3).uniform(0, 0.03, photo.shape).astype(np.float32)
    photo[:, : photo.shape[1] // 2] = grain[:, : photo.shape[1] // 2]
    black = drawn("comic", photo)[:, : photo.shape[1] // 2 - 12]
    assert float(black.std(axis=(0, 1)).max()) < 0.008


def test_there_is_a_rule_for_every_medium_that_the_lexicon_says_follows_one() -> None:
    assert set(MEDIA) == set(lexicon.DRAWN)
    assert len(MEDIA) >= 25


@every_medium
@pytest.mark.long
def test_it_is_quick(name: str) -> None:
    from skimage import data

    photo = cast("npt.NDArray[np.uint8]", data.astronaut()).astype(np.float32) / np.float32(255)
    begun = time.process_time()
    drawn(name, photo)
    assert time.process_time() - begun < 2  # 0.1 to 1 second on an idle core


def test_a_screen_covers_what_it_is_asked_to() -> None:
    window = Window(0, 400, 400, 400, (400, 400))
    for share in (0.05, 0.3, 0.5, 0.8, 1.0):
        asked = np.full((400, 400), share, np.float32)
        assert float(dots(window, asked, 9.0, 30.0, (0.3, 1.0)).mean()) == pytest.approx(share, abs=0.02)


def test_ink_shows_on_any_paper() -> None:
    halftone = MEDIA["halftone"]

    def look(words: str) -> Look:
        return look_of(halftone, layers_of(Style.from_text(words))[0].words, stroke=1)

    assert not look("halftone").light_on_dark
    assert look("halftone on black paper").light_on_dark
    assert look("white halftone on navy").light_on_dark
    assert not look("halftone in blue and white").light_on_dark
    assert look("coarse halftone").grain > 1 > look("fine halftone").grain
    assert np.array_equal(look("halftone").ink, rgb("#141214"))


def test_stroke_scales_the_marks(stylizer: Stylizer, photo: Picture) -> None:
    style = Style.from_text("halftone")
    pictures = [stylizer.stylize(photo, style, engine="media", stroke=s).picture for s in (None, 1.0, 3.0)]
    assert pictures[0] == pictures[1]
    assert pictures[2].size == photo.size
    assert mean_difference(pictures[0], pictures[2]) > 0.03
    finest = stylizer.stylize(photo, style, engine="media", stroke=0.1).picture
    assert finest.notes == ("Marks are drawn at 0.4 of their usual size, the smallest.",)


def test_structure_changes_the_picture(stylizer: Stylizer, photo: Picture) -> None:
    soft, own, firm = (
        stylizer.stylize(photo, Style.from_text("stipple"), engine="media", structure=s).picture for s in (0, 0.5, 1)
    )
    assert mean_difference(soft, own) > 0.01
    assert mean_difference(firm, own) > 0.01


PAIRS = [
    ("halftone", "mosaic"),
    ("chalk", "low-poly"),
    ("neon", "bricks"),
    ("stipple", "hatching"),
    ("mosaic", "comic"),
]


@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_two_media_share_the_picture_by_weight(pair: tuple[str, str], stylizer: Stylizer, photo: Picture) -> None:
    """In any order; from the one medium alone to the other alone, and nearer to a medium the larger its share."""
    one, other = (Style.from_text(name) for name in pair)

    def paint(share: float) -> torch.Tensor:
        style = Style.mix([(one, share), (other, 1 - share)]) if 0 < share < 1 else one if share else other
        return stylizer.stylize(photo, style, engine="media").picture.pixels

    pictures = [paint(share) for share in (0.0, 0.3, 0.8, 1.0)]
    to_one, to_other = ([float((p - end).abs().mean()) for p in pictures] for end in (pictures[-1], pictures[0]))
    assert to_one == sorted(to_one, reverse=True)
    assert to_other == sorted(to_other)
    assert torch.equal(
        pictures[1], stylizer.stylize(photo, Style.mix([(other, 7), (one, 3)]), engine="media").picture.pixels
    )


def test_media_together_are_no_double_exposure(stylizer: Stylizer, photo: Picture) -> None:
    """Where media have colours each pixel is of one or the other, but for a narrow border."""

    def paint(style: str) -> torch.Tensor:
        return stylizer.stylize(photo, Style.from_text(style), engine="media").picture.pixels

    both, one, other = paint("75% mosaic, 25% comic"), paint("mosaic"), paint("comic")
    is_one, is_other = ((both - alone).abs().amax(0) < 1e-4 for alone in (one, other))
    assert float((is_one | is_other).float().mean()) > 0.85
    assert 0.6 < float(is_one.float().mean()) < 0.85


def test_shares_are_shares_of_the_area(face: Array) -> None:
    names = ("mosaic", "comic", "low-poly")
    white, window = np.ones((192, 192, 3), np.float32), Window(0, 192, 192, 192, units_of(192, 192))
    for shares in ((0.2, 0.5, 0.3), (0.7, 0.05, 0.25)):
        for n, name in enumerate(names):
            parts = [
                Part(m, lambda _, on=m == name: white * on, MEDIA[m].look, s, ink=False)
                for m, s in zip(names, shares, strict=True)
            ]
            assert float(together(parts, Photo.of(face))(window).mean()) == pytest.approx(shares[n], abs=0.04)


@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_media_together_look_alike_at_every_size_and_have_no_seams(pair: tuple[str, str], face: Array) -> None:
    photo, units = Photo.of(face), units_of(192, 192)
    parts = [
        Part(n, MEDIA[n].rule(photo, MEDIA[n].look, np.random.default_rng(1)), MEDIA[n].look, 0.5, MEDIA[n].lies_over)
        for n in pair
    ]
    draw = together(parts, photo)
    small, large = (draw_all(draw, side, side, ignored) for side in (240, 480))
    halved = large.reshape(240, 2, 240, 2, 3).mean((1, 3))
    assert float(np.abs(halved - small).mean()) < 0.03
    whole = draw(Window(0, 900, 900, 900, units))
    halves = np.concatenate([draw(Window(top, 450, 900, 900, units)) for top in (0, 450)])
    assert float(np.abs(halves - whole).mean()) < 2e-3


def test_every_medium_has_a_place_among_the_others() -> None:
    assert sorted(FINEST_FIRST) == sorted(MEDIA)


def test_faces_are_found_where_they_are(face: Array) -> None:
    found = find_faces(face)
    y, x = np.argwhere(found > 0.9).mean(0)
    assert (y, x) == pytest.approx((46, 84), abs=10)
    assert 0.01 < float(found.mean()) < 0.12
    assert np.array_equal(found, find_faces(face))
    assert not find_faces(waves(200, 150).astype(np.float32) / np.float32(255)).any()
    assert not find_faces(np.zeros((10, 10, 3), np.float32)).any()


def test_the_subject_is_cut_out_along_its_silhouette() -> None:
    y, x = np.indices((120, 160), np.float32)
    disc = np.hypot(y - 60, x - 80) < 28
    photo = np.where(disc[..., None], (0.7, 0.2, 0.1), (0.75, 0.8, 0.7)).astype(np.float32)
    found = Photo.of(photo)
    inside = Photo.of(np.repeat(disc[..., None], 3, 2).astype(np.float32)).rgb[..., 0] > 0.5
    assert float(np.abs(found.subject - inside).mean()) < 0.05
    assert np.array_equal(found.subject, Photo.of(photo).subject)


def test_faces_get_smaller_cells(face: Array, monkeypatch: pytest.MonkeyPatch) -> None:
    """More contours on the face than without its being found."""

    def contours(name: str, photo: Array) -> float:
        out = drawn(name, photo, size=(800, 800))
        here = cv2.resize(found, (799, 799)) > 0.5
        return float((np.abs(np.diff(out, axis=1)[:-1]).max(2) > 0.02)[here].mean())

    found = find_faces(face)
    with_face = {name: contours(name, face) for name in ("low-poly", "mosaic", "bricks")}

    def none(rgb: Array) -> Array:
        return np.zeros(rgb.shape[:2], np.float32)

    monkeypatch.setattr(photo_module, "find_faces", none)
    for name, more in with_face.items():
        assert more > 1.1 * contours(name, face * np.float32(0.999))  # another photo: what was read of this one is kept


def test_a_photo_is_read_once_for_many_media(face: Array) -> None:
    words = layers_of(Style.from_text("halftone"))[0].words
    once = Photo.of(face)
    assert adjusted(Photo.of(face.copy()), words, structure=0.5) is once
    assert adjusted(once, words, structure=0.8).origin is once


def test_references_that_say_the_same_are_drawn_once() -> None:
    one, other = (Style.from_text(words) for words in ("halftone", "mosaic"))
    alike = Style((*one.references, *one.references, *other.references))
    assert [(layer.name, round(layer.weight, 3)) for layer in layers_of(alike)] in (
        [("halftone", 0.667), ("mosaic", 0.333)],
        [("mosaic", 0.333), ("halftone", 0.667)],
    )


@pytest.mark.parametrize("medium", ["halftone", "mosaic", "neon"])
def test_a_blend_lies_over_what_the_painter_makes_of_the_rest(
    medium: str, stylizer: Stylizer, photo: Picture, painting: Style
) -> None:
    drawn, painted = (stylizer.stylize(photo, style).picture.pixels for style in (Style.from_text(medium), painting))

    def mixed(share: float) -> Tensor:
        mix = Style.mix([(Style.from_text(medium), share), (painting, 1 - share)])
        result = stylizer.stylize(photo, mix)
        assert result.task.engine.name == "media"
        return result.picture.pixels

    shares = [mixed(share) for share in (0.02, 0.3, 0.7, 0.98)]
    to_painted = [float((p - painted).abs().mean()) for p in shares]
    to_drawn = [float((p - drawn).abs().mean()) for p in shares]
    assert to_painted == sorted(to_painted)
    assert min(to_drawn) == to_drawn[-1]
    assert max(to_painted[0], to_drawn[-1]) < 0.5 * float((drawn - painted).abs().mean())  # tiles lie elsewhere


def test_a_blend_is_replayed_without_its_pictures(
    stylizer: Stylizer, photo: Picture, painting: Style, tmp_path: Path
) -> None:
    mix = Style.mix([(Style.from_text("comic"), 1), (painting, 1)])
    result = stylizer.stylize(photo, mix, seed=3)
    result.save(tmp_path / "mix.png")
    recipe = read_recipe(tmp_path / "mix.png")
    again = stylizer.render(task_of(recipe, photo))
    assert torch.equal(again.picture.pixels, result.picture.pixels)


def test_what_was_not_understood_is_said(stylizer: Stylizer, photo: Picture) -> None:
    said = stylizer.stylize(photo, Style.from_text("mosaic with blorptang"), engine="media").picture.notes
    assert said == ("'blorptang': not understood.",)
    said = stylizer.stylize(photo, Style.from_text("halftne and watercolour"), engine="media").picture.notes
    assert said == ("'halftne' was read as halftone.", "No rule draws watercolour: left out.")


@pytest.mark.parametrize("words", ["watercolour", "Van Gogh", "blue and white", "mosaicism of the soul, no mosaic"])
def test_words_without_a_medium_are_refused_with_those_there_are(
    words: str, stylizer: Stylizer, photo: Picture
) -> None:
    with pytest.raises(InputError, match=r"names no medium that is drawn by rule: say .*mosaic.*another engine\.$"):
        stylizer.prepare(Task(photo, Style.from_text(words), engine="media"))
