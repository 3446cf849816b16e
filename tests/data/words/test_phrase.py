"""Facts are written as words that say the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from diffstyle.data.words.parse import Words, parse
from diffstyle.data.words.phrase import phrase

PHRASINGS = [r["text"] for r in json.loads(Path(__file__).with_name("phrasings.json").read_text("utf-8"))]
MORE = ["high contrast, muted, light linocut", "black and white charcoal", "Vermeer, low contrast, not etching"]


def facts(text: str) -> Words:
    """What `text` says, weights in whole hundredths, without what was not understood."""
    words = parse(text)
    media = tuple((name, round(weight, 2)) for name, weight in words.media)
    return replace(words, media=media, unknown=(), corrected=())


@pytest.mark.parametrize("text", [*PHRASINGS, *MORE])
def test_a_phrase_is_read_as_the_facts_it_was_made_of(text: str) -> None:
    assert facts(phrase(parse(text))) == facts(text)


def test_nothing_said_is_no_words() -> None:
    assert phrase(Words()) == ""
