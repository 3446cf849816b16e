"""What was understood of a style's words, as chips; and the words that edited chips say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

from diffstyle import InputError
from diffstyle.data.colour_names import COLOURS
from diffstyle.data.words.artists import ARTISTS
from diffstyle.data.words.lexicon import MEDIA
from diffstyle.data.words.parse import Words, parse
from diffstyle.data.words.phrase import phrase
from diffstyle_ui.widgets.words_box import fact

MAX_FACTS = 24
LEFT_OUT, UNKNOWN = "without", "not understood"


@cache
def _options() -> Mapping[str, tuple[str, ...]]:
    """What each kind of fact may be changed to."""
    colours = tuple(sorted(COLOURS))
    return {
        "medium": tuple(sorted(MEDIA)),
        "painter": tuple(sorted(ARTISTS)),
        "ink": colours,
        "paper": colours,
        "tone": ("dark", "light"),
        "contrast": ("high", "low"),
        "saturation": ("vivid", "muted", "grey"),
        "marks": ("fine", "coarse"),
    }


def facts_of(words: str) -> list[dict[str, object]]:
    """The chips for the words of a style."""
    said = parse(words)
    options = _options()
    known = [
        *(("medium", name, weight) for name, weight in said.media),
        *(("painter", name, 1.0) for name in said.artists),
        *(("ink", name, 1.0) for name in said.inks),
        *((kind, value, 1.0) for kind, value in _singles(said) if value),
    ]
    chips = [fact(kind, value, _with(options[kind], value), weight) for kind, value, weight in known]
    chips += [fact("movement", name) for name in said.movements]
    chips += [fact(LEFT_OUT, name) for name in said.excluded]
    return (chips + [fact(UNKNOWN, word) for word in said.unknown])[:MAX_FACTS]


def _singles(said: Words) -> tuple[tuple[str, str], ...]:
    return (
        ("paper", said.paper),
        ("tone", said.tone),
        ("contrast", said.contrast),
        ("saturation", said.saturation),
        ("marks", said.grain),
    )


def _with(options: Sequence[str], value: str) -> Sequence[str]:
    return options if value in options else (value, *options)


def edited_words(words: str, facts: object) -> str:
    """The words that say the `facts` of edited chips; movements and negations are those of the `words` before.

    Raises InputError for facts that are none.
    """
    if not isinstance(facts, list) or len(cast("list[Any]", facts)) > MAX_FACTS:
        raise InputError("The edited words cannot be read: type them.")
    before = parse(words)
    kept: dict[str, list[tuple[str, float]]] = {kind: [] for kind in _options()}
    for item in cast("list[Any]", facts):
        kind, value, weight = _checked(item)
        kept[kind].append((value, weight))

    def one(kind: str) -> str:
        return kept[kind][-1][0] if kept[kind] else ""

    return phrase(
        Words(
            media=tuple(kept["medium"]),
            inks=tuple(value for value, _ in kept["ink"]),
            paper=one("paper"),
            tone=one("tone"),
            contrast=one("contrast"),
            saturation=one("saturation"),
            grain=one("marks"),
            movements=before.movements,
            artists=tuple(value for value, _ in kept["painter"]),
            excluded=before.excluded,
        )
    )


def _checked(item: Any) -> tuple[str, str, float]:
    try:
        kind, value, weight = str(item["kind"]), str(item["value"]), float(item.get("weight", 1))
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise InputError("The edited words cannot be read: type them.") from error
    if kind not in _options() or len(value) > 60 or not 0 <= weight <= 1:
        raise InputError("The edited words cannot be read: type them.")
    return kind, value, weight
