"""Captions of a style, generated from facts about it.

A fact is a pair such as ("medium", "woodcut") or ("colour", "navy blue"). Of each picture every fact is known to be
true, known to be false, or unknown; so a caption of several facts is true, false or unknown of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from diffstyle.data.captions import phrases

Fact: TypeAlias = tuple[str, str]
Truth: TypeAlias = npt.NDArray[np.int8]

KINDS: dict[str, phrases.Phrases] = {
    "medium": phrases.MEDIA,
    "movement": phrases.MOVEMENTS,
    "century": phrases.CENTURIES,
    "colour": phrases.COLOURS,
    "tone": phrases.TONES,
    "contrast": phrases.CONTRASTS,
    "saturation": phrases.SATURATIONS,
    "grain": phrases.GRAINS,
}
CALLED = {"watercolour wash": "watercolour"}
"""Procedural media that captions give another name."""
OPENINGS = (
    "",
    "",
    "",
    "a ",
    "an image in the style of ",
    "in the style of ",
    "style: ",
    "as a ",
    "made as ",
    "like a ",
)
COLOURED = ("{}", "in {}", "{} tones", "with {}", "{} colours", "a palette of {}", "coloured {}", "{} palette")


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts that are known to be `true` or `false` of one picture; all others are unknown."""

    true: frozenset[Fact]
    false: frozenset[Fact]

    def values(self, kind: str) -> list[str]:
        """The values of the true facts of a kind, in alphabetical order."""
        return sorted(value for k, value in self.true if k == kind)


class FactIndex:
    """A column for each fact, so that truth is computed with matrices."""

    def __init__(self, artists: Iterable[str]) -> None:
        named = [(kind, value) for kind, values in KINDS.items() for value in values]
        self.facts: list[Fact] = [*named, *(("artist", a) for a in sorted(set(artists)))]
        self.number = {fact: n for n, fact in enumerate(self.facts)}

    def row(self, facts: Facts) -> Truth:
        """(facts,) 1 where a fact is true, -1 where it is false, 0 where it is unknown."""
        row = np.zeros(len(self.facts), np.int8)
        row[[self.number[f] for f in facts.true if f in self.number]] = 1
        row[[self.number[f] for f in facts.false if f in self.number]] = -1
        return row

    def said(self, said: Sequence[Fact]) -> Truth:
        """(facts,) 1 for each fact that a caption states, else 0."""
        row = np.zeros(len(self.facts), np.int8)
        row[[self.number[f] for f in said]] = 1
        return row


def truth(captions: Truth, pictures: Truth) -> Truth:
    """What `captions` (c, facts) state, what is known of `pictures` (p, facts) -> truth (c, p).

    1: the caption is true of the picture, -1: false, 0: unknown.
    """
    said = captions.astype(np.float32)
    wrong = said @ (pictures == -1).T.astype(np.float32) > 0
    right = said @ (pictures == 1).T.astype(np.float32) >= said.sum(1, keepdims=True) - 0.5
    return np.where(wrong, -1, np.where(right, 1, 0)).astype(np.int8)


def choose(facts: Facts, rng: np.random.Generator) -> tuple[Fact, ...]:
    """A random selection of the true facts, at least one; informative kinds are more likely, often one fact alone."""
    if rng.random() < 0.4:
        kinds = [kind for kind in ("medium", "medium", "movement", "artist", "colour") if facts.values(kind)]
        if kinds:
            kind = kinds[int(rng.integers(len(kinds)))]
            values = facts.values(kind)
            return ((kind, values[int(rng.integers(len(values)))]),)
    likely = {"medium": 0.7, "movement": 0.6, "artist": 0.45, "century": 0.2, "tone": 0.2, "contrast": 0.12}
    likely |= {"saturation": 0.15, "grain": 0.35}
    chosen: list[Fact] = []
    for kind, chance in likely.items():
        values = facts.values(kind)
        if values and rng.random() < chance:
            chosen.append((kind, values[int(rng.integers(len(values)))]))
    colours = facts.values("colour")
    if colours and (not chosen or rng.random() < 0.55):
        count = min(len(colours), 1 + int(rng.random() < 0.6) + int(rng.random() < 0.15))
        chosen += [("colour", str(c)) for c in rng.permutation(colours)[:count]]
    return tuple(chosen) or (sorted(facts.true)[int(rng.integers(len(facts.true)))],)


def in_full(facts: Facts, rng: np.random.Generator) -> tuple[Fact, ...]:
    """One random true fact of every kind, and up to three colours."""
    chosen: list[Fact] = []
    for kind in ("artist", *KINDS):
        values = facts.values(kind)
        chosen += [(kind, str(v)) for v in rng.permutation(values)[: 3 if kind == "colour" else 1]]
    return tuple(chosen)


def say(facts: Sequence[Fact], rng: np.random.Generator, *, noise: Sequence[str] = ()) -> str:
    """A caption of `facts` in random phrasing and order; `noise` are irrelevant words to mix in."""
    parts: list[str] = []
    for kind in ("tone", "contrast", "saturation", "movement", "medium"):
        parts += [_one(KINDS[kind][value], rng) for k, value in facts if k == kind]
    head = len(parts)
    if noise and rng.random() < 0.5:
        parts.append("of " + " ".join(noise))
        noise = ()
    for _, name in (f for f in facts if f[0] == "artist"):
        short = family_name(name) if rng.random() < 0.4 else name
        parts.append(_one(("by {}", "in the style of {}", "{}", "{} style"), rng).format(short))
    parts += [_one(phrases.CENTURIES[v], rng) for k, v in facts if k == "century"]
    parts += [_one(phrases.GRAINS[v], rng) for k, v in facts if k == "grain"]
    colours = [_one(phrases.COLOURS[v], rng) for k, v in facts if k == "colour"]
    if colours:
        joined = _one((", ", " and ", " "), rng).join(str(c) for c in rng.permutation(colours))
        parts.append(_one(COLOURED, rng).format(joined))
    if noise:
        parts.append(" ".join(noise))
    if rng.random() < 0.35:
        return _one((", ", " "), rng).join(str(p) for p in rng.permutation(parts))
    first = " ".join(parts[:head])
    rest = parts[head:] if rng.random() < 0.5 else [str(p) for p in rng.permutation(parts[head:])]
    return _one(OPENINGS, rng) + _one((", ", " ", " "), rng).join(p for p in (first, *rest) if p)


def family_name(artist: str) -> str:
    """The family name of an artist; the whole name where that would be ambiguous, as for `Pieter Bruegel the Elder`.

    >>> family_name("Vincent van Gogh")
    'Gogh'
    """
    if any(w in artist for w in ("Elder", "Younger", "Master of", ";", " I")):
        return artist
    return artist.split()[-1]


def words() -> list[str]:
    """Every phrase that a caption can contain."""
    said = [phrase for kind in KINDS.values() for options in kind.values() for phrase in options]
    return [*said, *phrases.SUBJECTS, *(o.strip() for o in OPENINGS), *(c.replace("{}", "") for c in COLOURED)]


def _one(options: Sequence[str], rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]
