"""The space of named styles, on those that ship."""

from __future__ import annotations

from io import BytesIO
from typing import get_args

import numpy as np
import pytest
import torch
from PIL import Image

from diffstyle import InputError, Picture, Style, StyleEncoder, StyleSpace, Stylizer
from diffstyle.assets.zoo import named_style, style_files
from diffstyle.core.task import EngineName
from diffstyle.ops.lab import to_lab
from tests.conftest import waves


@pytest.fixture(scope="module")
def space() -> StyleSpace:
    return StyleSpace.presets()


@pytest.fixture(scope="module")
def encoder() -> StyleEncoder:
    return StyleEncoder.load()


@pytest.mark.parametrize("name", style_files())
def test_every_named_style_is_complete(name: str, stylizer: Stylizer, encoder: StyleEncoder) -> None:
    style = named_style(name)
    assert style.name == name
    assert style.card
    assert style.licence in ("public domain", "CC0")
    assert style.space == encoder.space
    assert all(stylizer.engine("adain").space in r.statistics for r in style.references)
    with Image.open(BytesIO(style.thumbnail)) as thumbnail:
        assert thumbnail.format == "JPEG"
        assert max(thumbnail.size) == 192


def test_a_style_is_nearest_to_itself(space: StyleSpace) -> None:
    for name, style in space.styles.items():
        (first, cosine), *others = space.nearest(style, 4)
        assert first == name
        assert cosine == pytest.approx(1, abs=1e-4)
        assert [c for _, c in others] == sorted((c for _, c in others), reverse=True)
    style = space.styles["mosaic"]
    assert len(space.nearest(style, 1000)) == len(space.styles)
    with pytest.raises(InputError, match="k is 0"):
        space.nearest(style, 0)


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("mosaic", {"mosaic"}),
        ("blueprint", {"blueprint"}),
        ("stained glass window", {"stained-glass"}),
        ("pixel art", {"pixel-art"}),
        ("charcoal drawing", {"charcoal"}),
        ("glowing neon lines", {"neon"}),
        ("pen and ink drawing", {"ink-line", "cross-hatching", "pencil"}),
        ("impressionist oil painting", {"monet-sunrise", "renoir-terrace", "cezanne-auvers", "degas-yellow-dancers"}),
    ],
)
def test_words_lie_by_their_styles(words: str, names: set[str], space: StyleSpace, encoder: StyleEncoder) -> None:
    near = {name for name, _ in space.nearest(encoder.encode(Style.from_text(words)), 4)}
    assert near & names


def test_the_map_is_a_plane_that_stays(space: StyleSpace) -> None:
    places = space.map()
    assert list(places) == list(space.styles)
    assert places == StyleSpace.presets().map()
    array = np.array(list(places.values()))
    assert np.abs(array).max(0) == pytest.approx([1, 1])
    for name, style in space.styles.items():
        assert space.place(style) == pytest.approx(places[name], abs=1e-4)


def test_the_mean_is_in_the_middle(space: StyleSpace) -> None:
    middle = space.mean().embedding_in(space.space)
    spread = [float(middle @ s.embedding_in(space.space)) for s in space.styles.values()]
    assert min(spread) > -0.3
    assert np.mean(spread) > 0.2


def test_unknown_words_are_answered_with_what_is_known(space: StyleSpace, encoder: StyleEncoder) -> None:
    hint = space.hint(encoder.encode(Style.from_text("qwertz asdfg hjkl")))
    assert hint is not None
    assert "qwertz asdfg hjkl" in hint
    assert sum(name in hint for name in space.styles) >= 3
    assert space.hint(encoder.encode(Style.from_text("mosaic"))) is None


def test_words_paint_what_they_say(stylizer: Stylizer, photo: Picture) -> None:
    def painted(words: str) -> Picture:
        return stylizer.stylize(photo, Style.from_text(words)).picture

    def mean(picture: Picture) -> tuple[float, ...]:
        pixels = picture.pixels.permute(1, 2, 0).numpy()
        return tuple(float(v) for v in to_lab(pixels).mean((0, 1)))

    dark, light = mean(painted("a dark oil painting, black and brown")), mean(painted("pale watercolour on white"))
    assert light[0] > dark[0] + 20
    blue, red = mean(painted("a blue painting")), mean(painted("a red painting"))
    assert red[1] > blue[1] + 15
    assert red[2] > blue[2] + 15


@pytest.mark.parametrize("engine", get_args(EngineName))
def test_words_pictures_and_names_blend(engine: EngineName, stylizer: Stylizer, photo: Picture) -> None:
    words, picture = Style.from_text("mosaic"), Style.from_image(waves(120, 90, seed=4))
    blend = Style.mix({words: 1, picture: 1, named_style("woodcut-indigo"): 1})
    result = stylizer.stylize(photo, blend, engine=engine)
    assert result.picture.size == photo.size
    measured = result.task.style  # what a recipe keeps: it needs neither encoder nor pictures
    assert stylizer.engine(engine).render(result.task) == result.picture
    assert all(r.statistics for r in measured.references)


@pytest.mark.parametrize(
    ("start", "end"),
    [("woodcut-indigo", "impasto"), ("dark charcoal drawing", "stained glass"), ("neon", "watercolour")],
)
def test_along_a_path_the_picture_moves_steadily(start: str, end: str, stylizer: Stylizer, photo: Picture) -> None:
    def style(name: str) -> Style:
        found = named_style(name) if name in style_files() else Style.from_text(name)
        return stylizer.measure(stylizer.encoder.encode(found), "adain")

    path = Style.path(style(start), style(end), 7)
    pictures = [stylizer.stylize(photo, s, engine="adain").picture.pixels for s in path]
    to_end = [float((p - pictures[-1]).abs().mean()) for p in pictures]
    from_start = [float((p - pictures[0]).abs().mean()) for p in pictures]
    order = torch.arange(7).float()
    for distances, sign in ((to_end, -1), (from_start, 1)):
        ranks = torch.tensor(distances).argsort().argsort().float()
        spearman = float(torch.corrcoef(torch.stack([order, ranks]))[0, 1])
        assert sign * spearman >= 0.9
