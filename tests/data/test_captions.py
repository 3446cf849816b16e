"""Captions: true by construction."""

from __future__ import annotations

import numpy as np
import pytest

from diffstyle.data.captions import KINDS, FactIndex, Facts, choose, family_name, in_full, say, truth

FACTS = Facts(
    frozenset({("medium", "woodcut"), ("colour", "indigo"), ("colour", "cream"), ("artist", "Ando Hiroshige")}),
    frozenset({("medium", "oil painting"), ("colour", "red")}),
)


@pytest.mark.parametrize("seed", range(30))
def test_a_caption_says_what_was_chosen(seed: int) -> None:
    rng = np.random.default_rng(seed)
    chosen = choose(FACTS, rng)
    assert chosen
    assert set(chosen) <= FACTS.true
    caption = say(chosen, rng, noise=["a dog"] if seed % 2 else [])
    for kind, value in chosen:
        names = KINDS[kind][value] if kind in KINDS else (value.split()[-1],)
        assert any(name in caption for name in names), (caption, kind, value)
    assert ("a dog" in caption) == bool(seed % 2)


@pytest.mark.parametrize("seed", range(8))
def test_a_caption_in_full_leaves_no_kind_out(seed: int) -> None:
    chosen = in_full(FACTS, np.random.default_rng(seed))
    assert set(chosen) == FACTS.true
    many = Facts(frozenset({("colour", c) for c in ("red", "blue", "green", "black")}), frozenset())
    assert len(in_full(many, np.random.default_rng(seed))) == 3


@pytest.mark.parametrize(
    ("artist", "short"),
    [
        ("Vincent van Gogh", "Gogh"),
        ("Pieter Bruegel the Elder", "Pieter Bruegel the Elder"),
        ("Joos de Momper, II", "Joos de Momper, II"),
        ("Master of Pulkau", "Master of Pulkau"),
    ],
)
def test_artists_are_called_as_people_call_them(artist: str, short: str) -> None:
    assert family_name(artist) == short


def test_truth_is_of_all_that_is_said() -> None:
    index = FactIndex(["Ando Hiroshige"])
    said = np.stack(
        [
            index.said([("medium", "woodcut"), ("colour", "cream")]),
            index.said([("medium", "woodcut"), ("colour", "red")]),
            index.said([("medium", "woodcut"), ("tone", "dark")]),
        ]
    )
    assert truth(said, index.row(FACTS)[None]).tolist() == [[1], [-1], [0]]
