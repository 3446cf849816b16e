"""The wall's tiles, the example photos, and the facts that words say."""

from __future__ import annotations

import pytest
from diffstyle_ui.app.example_pairs import ExamplePair, example_pairs
from diffstyle_ui.app.facts import edited_words, facts_of
from diffstyle_ui.app.stills import STILLS, file_of
from diffstyle_ui.app.wall import FIRST, wall_tiles
from diffstyle_ui.widgets.style_wall import GROUPS, display_name

from diffstyle import InputError, Picture
from diffstyle.assets.style_spec import parse_style
from diffstyle.assets.zoo import style_files


@pytest.mark.parametrize("pair", example_pairs(), ids=lambda pair: pair.name)
def test_every_example_is_a_photo_its_painting_and_whose_it_is(pair: ExamplePair) -> None:
    assert Picture.open(pair.photo).size == Picture.open(pair.painted).size
    assert "CC0" in pair.credit or "public domain" in pair.credit
    assert parse_style([pair.style]).references


def test_every_tile_has_a_picture_to_begin_with() -> None:
    assert [tile.key for tile in wall_tiles() if not tile.thumbnail] == []
    assert [tile.key for tile in wall_tiles() if tile.group == "Painters" and not tile.artwork] == []
    files = {file_of(STILLS, tile.key).name for tile in wall_tiles()}
    assert {path.name for path in STILLS.iterdir()} == files
    assert len(files) == len(wall_tiles())


def test_every_style_is_on_the_wall_once() -> None:
    tiles = wall_tiles()
    keys = [tile.key for tile in tiles]
    assert len(set(keys)) == len(keys) > 150
    assert set(style_files()) <= set(keys)
    assert [tile.key for tile in tiles[: len(FIRST)]] == list(FIRST)
    assert {tile.group for tile in tiles} == set(GROUPS) - {"Mine"}
    labels = [tile.label.casefold() for tile in tiles]
    assert [label for label in labels if labels.count(label) > 1] == []


@pytest.mark.parametrize(
    ("name", "card", "shown"),
    [
        ("van-gogh-irises", "Vincent van Gogh, Irises, 1889", "Van Gogh, Irises"),
        (
            "bruegel-winter",
            "Pieter Bruegel the Elder, The Hunters in the Snow, 1565",
            "Bruegel, The Hunters in the Snow",
        ),
        ("vermeer", "Johannes Vermeer, a scholar at his desk, 1668", "Vermeer, A scholar at his desk"),
        ("rembrandt-night-watch", "Rembrandt, The Night Watch, 1642", "Rembrandt, The Night Watch"),
        ("ukiyo-e", "two Japanese woodblock prints of lakes, 19th century", "Ukiyo-e"),
        ("low-poly", "", "Low poly"),
    ],
)
def test_styles_have_names_for_people(name: str, card: str, shown: str) -> None:
    assert display_name(name, card) == shown


def test_facts_are_read_and_edited() -> None:
    facts = facts_of("woodcut, indigo on cream, no mosaic, blorp")
    assert [(f["kind"], f["value"]) for f in facts] == [
        ("medium", "woodcut"),
        ("ink", "indigo"),
        ("paper", "cream"),
        ("without", "mosaic"),
        ("not understood", "blorp"),
    ]
    kept = [f for f in facts if f["options"]]
    kept[1] = kept[1] | {"value": "red"}
    assert edited_words("woodcut, indigo on cream, no mosaic", kept) == "woodcut, red ink, on cream paper, no mosaic"


@pytest.mark.parametrize(
    "facts", [None, "x", [1], [{"kind": "size", "value": "x"}], [{"kind": "ink", "value": "x" * 99}]]
)
def test_facts_that_are_none_are_refused(facts: object) -> None:
    with pytest.raises(InputError, match="type them"):
        edited_words("woodcut", facts)
