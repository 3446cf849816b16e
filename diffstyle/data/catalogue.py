"""Everything that can be chosen by name: media, painters and named styles, by group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from diffstyle.assets.atlas import Atlas
from diffstyle.assets.zoo import named_style, style_files
from diffstyle.data.painterly.techniques import technique_of
from diffstyle.data.words.lexicon import DRAWN, PAINTED


@dataclass(frozen=True, slots=True)
class Entry:
    """A style to show: `style` is what `--style` takes, `about` one line on it."""

    group: str
    label: str
    style: str
    about: str = ""


def entries() -> tuple[Entry, ...]:
    """Everything that `style list` names and `style gallery` paints, group by group."""
    return (*_media(), *_painted_media(), *_painters(), *_named_styles())


def _media() -> Iterator[Entry]:
    for name, phrases in DRAWN.items():
        yield Entry("Media", name, f"text:{name}", _also(name, phrases))


def _also(name: str, phrases: Sequence[str]) -> str:
    also = [phrase for phrase in phrases if phrase.replace(" ", "-") != name.replace(" ", "-")]
    return f"also: {', '.join(also[:3])}" if also else ""


def _painted_media() -> Iterator[Entry]:
    for name, phrases in PAINTED.items():
        if technique_of(name):
            yield Entry("Painted media", name, f"text:{name}", _also(name, phrases))


def _painters() -> Iterator[Entry]:
    works: dict[str, list[str]] = {}
    for entry in Atlas.load().entries:
        for artist in entry.artists:
            works.setdefault(artist, []).append(entry.credit.removeprefix(f"{artist}, "))
    for artist, titles in works.items():
        yield Entry("Painters", artist, f"text:{artist}", "; ".join(titles))


def _named_styles() -> Iterator[Entry]:
    for name in style_files():
        yield Entry("Named styles", name, f"preset:{name}", named_style(name).card)
