"""Which of the words that were understood are said of the style, and which of what is shown: the red of a red barn."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from functools import cache

from diffstyle.data.captions import phrases
from diffstyle.data.words import foreign, lexicon


@dataclass(frozen=True, slots=True)
class Item:
    """A phrase that was understood, from a token to before another, and whether it was negated."""

    kind: str
    value: str
    place: int
    end: int
    negated: bool = False


def of_the_style(
    tokens: list[str], items: list[Item], unknown: Container[int], colour_named: Callable[[str], str]
) -> list[Item]:
    """Items without those that describe the subject; shades are put into their colours.

    `unknown` are places of tokens, `colour_named` gives the colour of a phrase such as "dark red", or "".
    """
    kept = [i for i in items if not _is_subject(tokens, i, items, unknown)]
    return _without_inks(tokens, _shaded(tokens, kept, colour_named))


@cache
def _subjects() -> frozenset[str]:
    """Nouns that name what is shown."""
    nouns = {word for subject in phrases.SUBJECTS for word in subject.split()} - lexicon.FILLERS
    return frozenset(noun.removesuffix("s") for noun in nouns)


def _is_subject(tokens: list[str], item: Item, items: list[Item], unknown: Container[int]) -> bool:
    """A colour, or a medium that is also a thing, before a noun that says nothing of the style."""
    noun = item.end
    while noun in unknown:
        noun += 1
    after = next((i.kind for i in items if i.place == noun), "")
    named = tokens[item.end] in _subjects() if item.end < len(tokens) else False
    before = tokens[item.place - 1] if item.place else ""
    if item.kind == "colour":
        is_adjective = after in ("medium", "weak")  # "red grainy woodcut"
        return before not in (*lexicon.INTO, *lexicon.ON, *foreign.ON) and (
            named or (noun > item.end and not is_adjective)
        )
    if item.kind not in ("medium", "weak") or item.end > item.place + 1 or before in lexicon.INTO:
        return False
    is_thing = tokens[item.place] in lexicon.THINGS
    if noun > item.end and after != "weak":  # "oil rig", but "charcoal smudgy drawing"
        return is_thing or _another_follows(tokens, item, items)
    return is_thing and _is_in_a_place(tokens, item, unknown) and _another_follows(tokens, item, items)


def _part_end(tokens: list[str], place: int) -> int:
    """Where the part of the sentence ends that a token lies in."""
    return next((n for n in range(place, len(tokens)) if tokens[n] in lexicon.STOPS), len(tokens))


def _another_follows(tokens: list[str], item: Item, items: list[Item]) -> bool:
    """Another medium is named in a later part of the sentence."""
    end = _part_end(tokens, item.end)
    return any(i.kind == "medium" and i.value != item.value and i.place > end and not i.negated for i in items)


def _is_in_a_place(tokens: list[str], item: Item, unknown: Container[int]) -> bool:
    """ "newspaper on a table", "oil and vinegar", "newspaper man"."""
    part = range(item.end, _part_end(tokens, item.end))
    if not part or tokens[item.end] not in _subjects().union(lexicon.PLACES):
        return False
    return any(n in unknown or tokens[n] in _subjects() for n in part)


def _shaded(tokens: list[str], items: list[Item], colour_named: Callable[[str], str]) -> list[Item]:
    """Dark and light beside a colour belong to it: "bright red", "verde oscuro"."""
    starts, ends = {i.place: i for i in items}, {i.end: i for i in items}

    def shade(colour: Item) -> str:
        before, after = ends.get(colour.place), starts.get(colour.end)
        if colour.value == "black":
            return ""
        if before and before.kind == "tone" and tokens[before.place] in lexicon.SHADING:
            return before.value
        return after.value if after and after.kind == "tone" and tokens[after.place] in foreign.AFTER else ""

    def is_spent(tone: Item) -> bool:
        word, before, after = tokens[tone.place], ends.get(tone.place), starts.get(tone.end)
        if after and after.kind == "colour" and word in lexicon.SHADING:
            return after.value != "black"
        if before and before.kind == "colour" and word in foreign.AFTER:
            return before.value != "black"
        return word in foreign.NAMES and not (before and before.kind in ("medium", "weak", "colour"))

    out: list[Item] = []
    for item in items:
        if item.kind == "colour" and (tone := shade(item)):
            out.append(replace(item, value=colour_named(f"{tone} {item.value}") or item.value))
        elif item.kind != "tone" or not is_spent(item):
            out.append(item)
    return out


def _without_inks(tokens: list[str], items: list[Item]) -> list[Item]:
    """An ink that is said to be of a colour names no medium: "gold ink", "inchiostro nero"."""
    starts = {i.place for i in items if i.kind == "colour"}
    ends = {i.end for i in items if i.kind == "colour"}

    def is_coloured(item: Item) -> bool:
        word = tokens[item.place]
        return item.kind == "weak" and (
            (word in ("ink", *foreign.INK) and item.place in ends) or (word in foreign.INK and item.end in starts)
        )

    return [i for i in items if not is_coloured(i)]
