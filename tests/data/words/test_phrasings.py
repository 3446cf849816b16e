"""Phrasings by somebody who had not seen the lexicon, and what they say; docs/studies/words.md has the scores.

What is not listed of media, inks, paper, tone and grain is not said; of nonsense and negations there may be more.
Phrasings whose reading is arguable are marked, and not tested.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from diffstyle.data.colour_names import COLOURS
from diffstyle.data.words import foreign, lexicon
from diffstyle.data.words.parse import parse

PHRASINGS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("phrasings.json").read_text("utf-8"))
CERTAIN = [p for p in PHRASINGS if not p.get("arguable")]


@pytest.mark.parametrize("said", CERTAIN, ids=[p["text"] for p in CERTAIN])
def test_phrasings(said: dict[str, Any]) -> None:
    words = parse(said["text"])
    assert [name for name, _ in words.media] == said["media"]
    assert list(words.inks) == said.get("inks", [])
    assert (words.paper, words.tone, words.grain) == tuple(said.get(k, "") for k in ("paper", "tone", "grain"))
    assert set(said.get("excluded", [])) <= set(words.excluded)
    assert set(said.get("nonsense", [])) <= set(words.unknown)


def test_few_are_arguable() -> None:
    assert len(PHRASINGS) == 120
    assert len(PHRASINGS) - len(CERTAIN) <= 6


@pytest.mark.parametrize(
    ("text", "media"),
    [
        ("embroidery with a touch of cross-stitch", {"embroidery": 0.74, "cross-stitch": 0.26}),
        ("comic and pop art in equal parts", {"comic": 0.5, "pop art": 0.5}),
        ("oil 0.8 + impasto 0.2", {"oil painting": 0.8, "impasto": 0.2}),
        ("halftone 70% and mosaic 30%", {"halftone": 0.7, "mosaic": 0.3}),
        ("mostly stipple with neon", {"stipple": 0.75, "neon": 0.25}),
        ("stained glass dragon", {"stained glass": 1}),
        ("charcoal smudgy drawing", {"charcoal": 1}),
        ("pencil case on a desk, linocut", {"linocut": 1}),
        ("newspaper on a table, etching", {"etching": 1}),
    ],
)
def test_shares_and_subjects(text: str, media: dict[str, float]) -> None:
    assert dict(parse(text).media) == pytest.approx(media, abs=0.01)


@pytest.mark.parametrize(
    ("text", "excluded"),
    [
        ("do not use neon, mosaic please", ("neon",)),
        ("not in red, woodcut", ("red",)),
        ("nothing but halftone", ()),
        ("not only mosaic but also neon", ()),
        ("everything but red, screen print", ("red",)),
        ("gouache sans bleu", ("blue",)),
    ],
)
def test_negations(text: str, excluded: tuple[str, ...]) -> None:
    assert parse(text).excluded == excluded


@pytest.mark.parametrize(
    ("text", "inks", "paper", "tone"),
    [
        ("halftone bleu foncé sur papier crème", ["navy blue"], "cream", ""),
        ("grabado en verde oscuro sobre blanco", ["dark green"], "white", ""),
        ("xilografia, nero su carta bianca", ["black"], "white", ""),
        ("dunkelrote Radierung auf schwarzem Grund", ["maroon"], "black", ""),
        ("bright red linocut", ["red"], "", ""),
        ("portrait of Claire, halftone", [], "", ""),
        ("a girl in a red dress, stipple", [], "", ""),
        ("halftone with red accents", ["red"], "", ""),
        ("red grainy woodcut", ["red"], "", ""),
        ("chalk on black velvet", [], "black", ""),
        ("Kohle, hell und fein", [], "", "light"),
    ],
)
def test_colours_of_the_style(text: str, inks: list[str], paper: str, tone: str) -> None:
    words = parse(text)
    assert (list(words.inks), words.paper, words.tone) == (inks, paper, tone)


@pytest.mark.parametrize("name", foreign.PHRASES["medium"])
def test_every_foreign_phrase_of_a_medium_names_it(name: str) -> None:
    assert name in lexicon.MEDIA
    for phrase in foreign.PHRASES["medium"][name]:
        assert name in dict(parse(phrase).media), phrase


@pytest.mark.parametrize("name", foreign.PHRASES["colour"])
def test_every_foreign_phrase_of_a_colour_names_it(name: str) -> None:
    assert name in COLOURS
    for phrase in foreign.PHRASES["colour"][name]:
        assert parse(phrase).inks == (name,), phrase
