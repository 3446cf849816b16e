"""Training pictures in the media that words paint."""

from __future__ import annotations

import numpy as np
import pytest

from diffstyle.data.captions import phrases
from diffstyle.data.words import lexicon
from diffstyle.data.words.parse import parse
from diffstyle.training.clip import drawn
from diffstyle.training.clip.labels import constructed
from tests.helpers.pictures import waves


def test_captions_have_a_name_for_every_medium() -> None:
    assert {drawn.medium_of(manner) for manner in drawn.MANNERS} <= set(phrases.MEDIA)
    assert {name for _, name in drawn.MANNERS} >= set(lexicon.DRAWN)


def test_captions_mean_what_the_parser_reads() -> None:
    new = {drawn.medium_of(m): m[1] for m in drawn.MANNERS if drawn.medium_of(m) == m[1] in lexicon.MEDIA}
    for name in new:
        read = [parse(phrase).media for phrase in phrases.MEDIA[name]]
        assert read[0], name
        assert read[0][0][0] == name


@pytest.mark.parametrize("manner", [("rule", "knitted"), ("rule", "linocut"), ("technique", "batik")])
def test_a_rendering_is_in_one_medium(manner: drawn.Manner) -> None:
    photo = waves(64, 48)
    one, same = (drawn.render(photo, manner, np.random.default_rng(3), longest=96) for _ in range(2))
    assert np.array_equal(one.pixels, same.pixels)
    assert one.pixels.shape == (72, 96, 3)
    facts = constructed(drawn.medium_of(manner), one.words, others=drawn.RENDERED, of_time=manner[0] == "rule")
    assert facts.values("medium") == [manner[1]]
    assert ("medium", "woodcut") in facts.false
    assert not facts.true & facts.false
    assert any(kind == "movement" for kind, _ in facts.false) == (manner[0] == "rule")
