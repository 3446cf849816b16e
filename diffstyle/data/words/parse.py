"""Reads the words of a style: media with weights, inks and paper, tone and grain, and what was not understood."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import TypeAlias

from diffstyle.data.captions import phrases
from diffstyle.data.words import foreign, lexicon
from diffstyle.data.words.artists import ARTISTS
from diffstyle.data.words.roles import Item, of_the_style

SIMILAR = 0.82  # of `difflib`, from which on a word counts as a misspelling
SIMILAR_NAME = 0.86  # the same for names, which are many and short
SHORTEST = 5  # letters of a word that may be misspelt
LONGEST = 5  # words of a phrase
_TOKEN = re.compile(r"\d+(?:\.\d+)?%|\d+\.\d+|[^\W_]+|[,.;:!?()/]")
_EXCLUDED = ("medium", "weak", "colour", "movement", "artist")  # kinds whose negations are listed
_SPELLINGS = {
    "color": "colour",
    "colors": "colour",
    "colored": "coloured",
    "colorful": "colourful",
    "gray": "grey",
    "watercolors": "watercolour",
    "watercolor": "watercolour",
}


@dataclass(frozen=True, slots=True)
class Words:
    """What the words of a style say.

    `media` are names of `lexicon.MEDIA` with weights that sum to one, the weightiest first. `inks` are the named
    colours that are not said to be the paper's, in their order, `paper` is "" if none is. `artists` are names of
    `artists.ARTISTS`. `excluded` was negated, `unknown` was not understood, `corrected` are words that were taken for
    others.
    """

    media: tuple[tuple[str, float], ...] = ()
    inks: tuple[str, ...] = ()
    paper: str = ""
    tone: str = ""
    contrast: str = ""
    saturation: str = ""
    grain: str = ""
    movements: tuple[str, ...] = ()
    artists: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    corrected: tuple[tuple[str, str], ...] = ()

    @property
    def colours(self) -> tuple[str, ...]:
        """All colours named, the paper's last."""
        return (*self.inks, self.paper) if self.paper else self.inks

    @property
    def name_a_style(self) -> bool:
        """Whether a medium, a painter or a movement is named."""
        return bool(self.media or self.artists or self.movements)


def parse(text: str) -> Words:
    """What `text` says. Nothing is raised: what is not understood is listed.

    >>> parse("halftone in navy blue on cream, no mosaic").media
    (('halftone', 1.0),)
    """
    tokens = tokens_of(text)
    items, unknown, corrected = _found(tokens)
    items = _negated(tokens, items)
    items = of_the_style(tokens, items, unknown, _colour_named)
    positive = [i for i in items if not i.negated]
    excluded = tuple(dict.fromkeys(i.value for i in items if i.negated and i.kind in _EXCLUDED))
    inks, paper = _inks(tokens, [i for i in positive if i.kind == "colour"])

    def one(kind: str) -> str:
        return next((i.value for i in reversed(positive) if i.kind == kind), "")

    def each(kind: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(i.value for i in positive if i.kind == kind and i.value not in excluded))

    return Words(
        media=_media(tokens, positive, frozenset(excluded)),
        inks=inks,
        paper=paper,
        tone=one("tone"),
        contrast=one("contrast"),
        saturation=one("saturation"),
        grain=one("grain"),
        movements=each("movement"),
        artists=each("artist"),
        excluded=excluded,
        unknown=tuple(unknown.values()),
        corrected=tuple(corrected),
    )


def tokens_of(text: str) -> list[str]:
    """The words and marks of `text` in lower case and British spelling, without accents and endings of plurals."""
    return [_plain(t) for t in _TOKEN.findall(_folded(text))]


def nearest_media(text: str, among: list[str], count: int = 3) -> list[str]:
    """The `count` names of `among` whose spelling is nearest to any word of `text`."""
    tokens = [t for t in tokens_of(text) if t.isalpha()]

    def likeness(name: str) -> float:
        return max((difflib.SequenceMatcher(None, t, name).ratio() for t in tokens), default=0.0)

    return sorted(among, key=lambda name: (-likeness(name), name))[:count]


def _folded(text: str) -> str:
    """Lower case, without accents, apostrophes and hyphens."""
    plain = unicodedata.normalize("NFKD", text.lower().replace("ß", "ss"))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return re.sub(r"[’'`]s?\b", "", plain).replace("-", " ").replace("&", " and ").replace("+", " and ")


def _plain(token: str) -> str:
    """British spelling, without the ending of a plural."""
    token = _SPELLINGS.get(token, token)
    if len(token) > 3 and token.endswith("s") and not token.endswith(("ss", "us", "is")):
        token = token[:-1]
    return _SPELLINGS.get(token, token)


def _key(phrase: str) -> tuple[str, ...]:
    return tuple(_plain(t) for t in _TOKEN.findall(_folded(phrase)) if t not in lexicon.STOPS)


_Table: TypeAlias = dict[tuple[str, ...], tuple[str, str]]


def _table(kinds: Iterable[tuple[str, lexicon.Phrases]]) -> _Table:
    """(kind, value) of every phrase; where two are spelt alike, the later kind counts."""
    return {_key(phrase): (kind, value) for kind, values in kinds for value, said in values.items() for phrase in said}


@cache
def _english() -> _Table:
    table = _table(
        (
            ("artist", ARTISTS),
            ("movement", phrases.MOVEMENTS),
            ("tone", phrases.TONES),
            ("contrast", phrases.CONTRASTS),
            ("saturation", phrases.SATURATIONS),
            ("grain", phrases.GRAINS),
            ("colour", phrases.COLOURS),
            *lexicon.EXTRA.items(),
            ("weak", lexicon.WEAK),
            ("medium", lexicon.MEDIA),
        )
    )
    table[_key("black and white")] = ("pair", "black and white")
    for filler in ("subtle shades", "at night"):
        table[_key(filler)] = ("filler", filler)
    return table


@cache
def _phrases() -> _Table:
    return _table(foreign.PHRASES.items()) | _english()


def _colour_named(phrase: str) -> str:
    kind, value = _phrases().get(_key(phrase), ("", ""))
    return value if kind == "colour" else ""


@cache
def _fillers() -> frozenset[str]:
    subjects = (word for subject in phrases.SUBJECTS for word in subject.split())
    said = (
        *lexicon.FILLERS,
        *lexicon.NEGATIONS,
        *lexicon.ENDS,
        *lexicon.MORE,
        *lexicon.LESS,
        *lexicon.PAPER,
        *lexicon.INK,
        *lexicon.EVENLY,
        *(word for pair in lexicon.NEGATING_PAIRS for word in pair),
        *(*foreign.FILLERS, *foreign.PAPER, *foreign.NEGATIONS, *foreign.ENDS, *foreign.MORE, *foreign.LESS),
        *(word for pair in foreign.PAIRS for word in pair),
    )
    return frozenset(_plain(word) for word in (*said, *subjects))


@cache
def _spellings() -> dict[str, tuple[str, ...]]:
    """Phrases of one or two words without the space, to compare misspelt words with."""
    return {"".join(key): key for key in _english() if 1 <= len(key) <= 2 and len("".join(key)) >= SHORTEST}


def _found(tokens: list[str]) -> tuple[list[Item], dict[int, str], list[tuple[str, str]]]:
    """The phrases in order, the longest first at each place; the words left over by place; and misspellings."""
    table, items = _phrases(), list[Item]()
    unknown, corrected = dict[int, str](), list[tuple[str, str]]()
    n = 0
    while n < len(tokens):
        sizes = [k for k in range(min(LONGEST, len(tokens) - n), 0, -1) if tuple(tokens[n : n + k]) in table]
        if sizes:
            items += _items(table[tuple(tokens[n : n + sizes[0]])], n, n + sizes[0])
            n += sizes[0]
            continue
        token = tokens[n]
        if token not in _fillers() and token not in lexicon.STOPS and not token[0].isdigit():
            size, key = _misspelt(tokens, n)
            if key:
                items += _items(table[key], n, n + size)
                corrected.append((" ".join(tokens[n : n + size]), " ".join(key)))
                n += size
                continue
            unknown[n] = token
        n += 1
    return items, unknown, corrected


def _items(fact: tuple[str, str], start: int, end: int) -> list[Item]:
    if fact[0] == "pair":
        return [Item("colour", colour, start, end) for colour in fact[1].split(" and ")]
    return [] if fact[0] == "filler" else [Item(*fact, start, end)]


def _misspelt(tokens: list[str], n: int) -> tuple[int, tuple[str, ...]]:
    """How many tokens from `n` are a misspelling, and of which phrase; () if of none."""
    for size in (2, 1):
        part = tokens[n : n + size]
        joined = "".join(part)
        if len(part) < size or len(joined) < SHORTEST or not joined.isalpha() or (size == 2 and part[1] in _fillers()):
            continue
        near = difflib.get_close_matches(joined, _spellings(), n=1, cutoff=SIMILAR if size == 1 else 0.86)
        if near and near[0][0] == joined[0]:
            key = _spellings()[near[0]]
            likeness = difflib.SequenceMatcher(None, joined, near[0]).ratio()
            if _english()[key][0] != "artist" or likeness >= SIMILAR_NAME:
                return size, key
    return 0, ()


def _negated(tokens: list[str], items: list[Item]) -> list[Item]:
    """Items after a negation and before the end of its clause are negated."""
    return [replace(item, negated=_is_negated(tokens[: item.place])) for item in items]


@cache
def _negations() -> frozenset[str]:
    return frozenset(_plain(word) for word in (*lexicon.NEGATIONS, *foreign.NEGATIONS))


def _is_negated(before: list[str]) -> bool:
    ends = (*lexicon.ENDS, *foreign.ENDS)
    for token, earlier in zip(reversed(before), [*reversed(before[:-1]), ""], strict=False):
        if (earlier, token) in (*lexicon.NEGATING_PAIRS, *foreign.PAIRS):
            return True
        if token in lexicon.STOPS or (token in ends and (earlier not in _negations() or token in lexicon.ALWAYS_END)):
            return False
        if token in _negations():
            return True
    return False


def _media(tokens: list[str], items: list[Item], excluded: frozenset[str]) -> tuple[tuple[str, float], ...]:
    named = [i for i in items if i.kind == "medium"] or [i for i in items if i.kind == "weak"]
    weights: dict[str, float] = {}
    weighted = set[str]()
    begin = 0
    for item in named:
        said, place = _weight(tokens, begin, item)
        begin = max(item.end, place + 1)
        if item.value not in excluded:
            weights[item.value] = weights.get(item.value, 0.0) or said or 1.0
            weighted |= {item.value} if said else set()
    if any(token in lexicon.EVENLY for token in tokens):
        weighted = set(weights)
    inside = {held for name in weights if name not in weighted for held in lexicon.WITHIN.get(name, ())} - weighted
    kept = {name: weight for name, weight in weights.items() if name not in inside} or weights
    total = sum(kept.values())
    return tuple(sorted(((n, w / total) for n, w in kept.items()), key=lambda pair: -pair[1]))


def _weight(tokens: list[str], begin: int, item: Item) -> tuple[float, int]:
    """What is said of its share and where: "70 % halftone", "halftone 70%", "mostly", "a touch of"; 0 if nothing.

    Tokens before `begin` belong to another.
    """
    for place in range(item.place - 1, max(begin, item.place - 3) - 1, -1):
        if tokens[place] in lexicon.STOPS:
            break
        if found := _share(tokens[place]):
            return found, place
    after = tokens[item.end] if item.end < len(tokens) else ""
    return (_share(after), item.end) if after[:1].isdigit() else (0.0, 0)


def _share(token: str) -> float:
    if token[0].isdigit() and (token.endswith("%") or "." in token):
        return max(float(token[:-1]) / 100 if token.endswith("%") else float(token), 1e-3)
    return ({**lexicon.MORE, **lexicon.LESS, **foreign.MORE, **foreign.LESS}).get(token, 0.0)


def _inks(tokens: list[str], colours: list[Item]) -> tuple[tuple[str, ...], str]:
    """Colours in their order, and the one that is said of the paper: "on black", "black paper", "su carta gialla"."""
    paper = ""
    inks: list[str] = []
    for item in colours:
        after = tokens[item.end] if item.end < len(tokens) else ""
        near = tokens[max(0, item.place - 3) : item.place]
        passed = (*lexicon.ARTICLES, *foreign.ARTICLES, *foreign.PAPER)
        before = [t for t in near if t not in passed]
        on = before[-1:] and before[-1] in (*lexicon.ON, *foreign.ON)
        on = on or (near[-1:] and near[-1] in foreign.PAPER)
        if (on or after in lexicon.PAPER or after in foreign.PAPER) and after not in lexicon.INK:
            paper = item.value
        elif item.value not in inks:
            inks.append(item.value)
    return tuple(inks), paper
