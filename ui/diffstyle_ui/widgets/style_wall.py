"""The styles to choose from, as tiles that show the visitor's own photo in each of them."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr

from diffstyle_ui.widgets.files import beside

GROUPS = ("Painters", "Prints", "Drawings", "Media", "Mine")
ALL = "All"
BATCH = 4  # tiles that are asked for at once

CSS = beside("style_wall.css")

# Tiles in view are asked for in small batches, one after the other; tiles painted for an earlier photo go stale.
_ON_LOAD = beside("roving.js", "style_wall.js").replace("BATCH", str(BATCH))


@dataclass(frozen=True, slots=True)
class Tile:
    """A style to choose: `key` names it to the server, `about` is shown on hover with its `artwork`. `thumbnail` is the
    photo that the page opens with, painted; it is shown until the visitor's is. Both are data URLs, or "".
    """

    key: str
    label: str
    group: str
    about: str = ""
    thumbnail: str = ""
    artwork: str = ""


def style_wall(tiles: Sequence[Tile], *, elem_id: str = "presets") -> gr.HTML:
    """The wall. Its `select` event carries the `name` of a tile and whether to `add` it to the mix; `apply` the `names`
    of tiles to paint, which `painted_tiles` answers; `input` the `words` that are searched, which the property `found`
    answers with keys. The keys in `chosen` are marked; another value of `photo` means that all tiles are out of date.
    """
    return gr.HTML(
        _wall_html(tiles),
        elem_id=elem_id,
        label="Styles",
        js_on_load=_ON_LOAD,
        apply_default_css=False,
        chosen=[],
        found=None,
        photo="",
        mine="",
        painted={"photo": "", "tiles": {}},
    )


def _wall_html(tiles: Sequence[Tile]) -> str:
    groups = "".join(
        f'<button type="button" data-group="{name}" aria-pressed="{str(name == ALL).lower()}">{name}</button>'
        for name in (ALL, *GROUPS)
    )
    return (
        f'<div class="wall-bar"><div class="groups" role="toolbar" aria-label="Groups of styles">{groups}</div>'
        '<input type="search" placeholder="Search styles" aria-label="Search styles" maxlength="200"></div>'
        f'<div class="wall" role="group" aria-label="Styles">{tiles_html(tiles)}'
        '<p class="none" hidden>Nothing here.</p></div>'
    )


def tiles_html(tiles: Sequence[Tile]) -> str:
    """The HTML of tiles: a button that picks, and one that adds."""
    return "".join(map(_tile_html, tiles))


def _tile_html(tile: Tile) -> str:
    key, label, about = (html.escape(text) for text in (tile.key, tile.label, tile.about))
    own = f' src="{tile.thumbnail}"' if tile.thumbnail else ""
    art = f'<img class="art" src="{tile.artwork}" alt="" loading="lazy">' if tile.artwork else ""
    return (
        f'<div class="tile" data-key="{key}" data-group="{tile.group}">'
        f'<button type="button" class="pick" data-name="{key}" aria-pressed="false" tabindex="-1"'
        f' title="{about or label}"><span class="shown"><img class="own"{own} alt="">{art}</span>'
        f"<small>{label}</small></button>"
        f'<button type="button" class="plus" tabindex="-1" aria-label="Add {label} to the mix" title="Add to the mix">'
        "+</button></div>"
    )


_LESSER = re.compile(r"^(van|von|da|de|di|del|della|der|den|el|le|la)$", re.IGNORECASE)


def display_name(name: str, card: str = "") -> str:
    """The name of a style for people, from its card if it names an artist: "Van Gogh, Irises"; else from its name."""
    parts = card.split(", ")
    if len(parts) < 2 or (not parts[0].istitle() and not re.match(r"^[A-Z]\S+( \S+){1,4}$", parts[0])):
        words = re.sub(r"-(?!\w$)", " ", name)  # but ukiyo-e
        return words[:1].upper() + words[1:]
    title = re.sub(r" \(.*\)$", "", parts[1])
    return f"{surname(parts[0])}, {title[:1].upper()}{title[1:]}"


def surname(artist: str) -> str:
    """The name by which an artist is known: "Vincent van Gogh" becomes "Van Gogh"."""
    words = artist.removesuffix(" the Elder").split()
    first = next((n for n, word in enumerate(words[:-1]) if _LESSER.match(word)), len(words) - 1)
    known = " ".join(words[max(first, 0) :])
    return known[:1].upper() + known[1:]
