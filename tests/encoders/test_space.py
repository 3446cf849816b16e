"""The space of named styles, on those that ship."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from diffstyle import InputError, Style, StyleEncoder, StyleSpace
from diffstyle.adapters.stats import StatsAdapter
from diffstyle.assets.zoo import named_style, style_files


@pytest.fixture(scope="module")
def space() -> StyleSpace:
    return StyleSpace.presets()


@pytest.fixture(scope="module")
def encoder() -> StyleEncoder:
    return StyleEncoder.load()


@pytest.mark.parametrize("name", style_files())
def test_every_named_style_is_complete(name: str, encoder: StyleEncoder) -> None:
    style = named_style(name)
    assert style.name == name
    assert style.card
    assert style.licence in ("public domain", "CC0")
    assert style.space == encoder.space
    assert all(StatsAdapter.load().statistics in r.statistics for r in style.references)
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
