"""The parts of a session's style mix: made from words, pictures, adapters, named styles or a recipe; and mixed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from diffstyle import InputError, Picture, Reference, Style
from diffstyle.assets.zoo import adapter_folders, adapter_info, adapter_style
from diffstyle.data.catalogue import entries
from diffstyle.serving.uploaded_files import open_reference
from diffstyle_ui.app.context import AppContext
from diffstyle_ui.app.sessions import Session
from diffstyle_ui.app.uploads import upload_path
from diffstyle_ui.widgets.html import THUMBNAIL, data_url, encoded_url
from diffstyle_ui.widgets.style_rows import MAX_ROWS, StylePart
from diffstyle_ui.widgets.style_wall import display_name

OWN_STYLE = "rendered here"  # in the cards of styles that no artist made
WORDS, ADAPTER = "text:", "adapter:"  # what the keys of tiles begin with that name no named style


def part_of(context: AppContext, name_or_words: str) -> StylePart:
    """A part from the name or the title of a named style, or else from words."""
    name, tile = name_of(context, name_or_words), f"{WORDS}{name_or_words}"
    if name is not None:
        return _named_part(context, name)
    return part_of_tile(context, tile) if tile in _tiles_of_words() else part_from_words(context, name_or_words)


def title_of(context: AppContext, name: str) -> str:
    """How the page calls a named style."""
    card = context.space.styles[name].card
    return display_name(name, "" if OWN_STYLE in card else card)


def titles(context: AppContext) -> dict[str, str]:
    """The title of every named style by its name."""
    return {name: title_of(context, name) for name in context.space.styles}


def name_of(context: AppContext, name_or_title: str) -> str | None:
    """The name of the named style that has this name or title; None if there is none."""
    if name_or_title in context.space.styles:
        return name_or_title
    asked = name_or_title.strip().casefold()
    return next((name for name, title in titles(context).items() if title.casefold() == asked), None)


def style_title(context: AppContext, style: Style) -> str:
    """The label of a style, with the titles of the named styles in it."""
    known = titles(context)
    return " + ".join(known.get(name, name) for name in style.label.split(" + "))


def words_of(part: StylePart) -> str:
    """What `part_of` makes the part from, its name or its words; "" for pictures and adapters."""
    if part.key and not part.key.startswith((WORDS, ADAPTER)):
        return part.key
    return "" if part.key.startswith(ADAPTER) else part.style.prompt


def part_of_tile(context: AppContext, key: str) -> StylePart:
    """A part from the key of a tile of the wall; InputError if there is none."""
    if key.startswith(ADAPTER):
        return replace(part_from_adapter(context, key.removeprefix(ADAPTER)), key=key)
    if key.startswith(WORDS):
        words = key.removeprefix(WORDS)
        return replace(part_from_words(context, words), label=words[:1].upper() + words[1:], key=key)
    if key not in context.space.styles:
        raise InputError("That style is not here any more: choose another one.")
    return _named_part(context, key)


def part_from_words(context: AppContext, words: str) -> StylePart:
    """A part from words, even if they are the name of a named style: those are chosen from the wall."""
    style = context.renderer.measure(Style.from_text(words))
    return StylePart(style.prompt, style, words=words)


def reference(context: AppContext, path: Path) -> Picture:
    """An uploaded picture of a style."""
    return context.renderer.pictures.run(lambda: open_reference(path, context.limits))


def part_from_upload(context: AppContext, session: Session, payload: Mapping[str, Any]) -> StylePart:
    """A part from an uploaded picture."""
    path = upload_path(session, payload, "a picture of the style")
    picture = reference(context, path)
    style = context.renderer.measure(Style.from_image(picture))
    return StylePart(path.name, style, data_url(picture, longest=THUMBNAIL))


def part_from_adapter(context: AppContext, name: str) -> StylePart:
    """A part from a personal adapter and the style stored with it."""
    return StylePart(name, context.renderer.measure(adapter_style(name)))


def personal_adapters() -> list[str]:
    """The names of the personal adapters that come with a style."""
    return [name for name in adapter_folders() if adapter_info(name).look is not None]


def add_part(session: Session, part: StylePart) -> None:
    """Add `part` to the session's mix, unless it is there already; InputError beyond `MAX_ROWS`."""
    if any(p.label == part.label and p.style == part.style for p in session.parts):
        return
    if len(session.parts) == MAX_ROWS:
        raise InputError(f"A mix has at most {MAX_ROWS} styles here: remove one first.")
    session.parts = (*session.parts, part)


def mixed(session: Session, weights: Sequence[float]) -> Style:
    """The session's parts as one style; InputError if there are none."""
    if not session.parts:
        raise InputError("There is no style yet: describe one, add pictures, or choose a named style.")
    pairs = [(part.style, float(weight)) for part, weight in zip(session.parts, weights, strict=False)]
    return pairs[0][0] if len(pairs) == 1 else Style.mix(pairs)


def parts_of_style(context: AppContext, style: Style) -> list[tuple[StylePart, float]]:
    """Split the style of a recipe into parts with weights, relative to the largest weight.

    The references of a named style become one part, and so do references with the same name. A style with more than
    `MAX_ROWS` parts stays in one piece.
    """
    names = {r.digest: name for name, known in context.space.styles.items() for r in known.references}
    groups: dict[str, list[Reference]] = {}
    for reference in style.references:
        label = names.get(reference.digest) or reference.prompt or Path(reference.source).name
        groups.setdefault(label, []).append(reference)
    if len(groups) > MAX_ROWS:
        return [(StylePart(style.label, style), 1.0)]
    weights = {label: sum(r.weight for r in references) for label, references in groups.items()}
    largest = max(weights.values())
    return [(_group_part(context, label, groups[label]), weight / largest) for label, weight in weights.items()]


def _group_part(context: AppContext, label: str, references: list[Reference]) -> StylePart:
    known = context.space.styles.get(label)
    if known is not None and {r.digest for r in known.references} == {r.digest for r in references}:
        return _named_part(context, label)
    plain = len(references) == 1 and references[0].digest in {r.digest for r in Style.from_text(label).references}
    if plain and (tile := f"{WORDS}{label}") in _tiles_of_words():
        return replace(part_of_tile(context, tile), style=Style(tuple(references)))
    return StylePart(label, Style(tuple(references)), words=label if plain else "")


@cache
def _tiles_of_words() -> frozenset[str]:
    """The keys of the tiles that are words."""
    return frozenset(entry.style for entry in entries() if entry.style.startswith(WORDS))


def _named_part(context: AppContext, name: str) -> StylePart:
    style = context.space.styles[name]
    return StylePart(title_of(context, name), style, encoded_url(style.thumbnail), name)
