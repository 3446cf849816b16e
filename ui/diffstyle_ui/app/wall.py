"""What is on the wall: media, painters and named styles in groups; the visitor's photo in each; and searching them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial

from torch import Tensor

from diffstyle import InputError, Style
from diffstyle.assets.style_spec import parse_style
from diffstyle.core.picture import fitted
from diffstyle.data.catalogue import Entry, entries
from diffstyle.data.words.parse import parse
from diffstyle_ui.app.context import AppContext
from diffstyle_ui.app.parts import ADAPTER, OWN_STYLE, WORDS
from diffstyle_ui.app.sessions import Session
from diffstyle_ui.app.stills import ARTWORKS, STILLS, url_of
from diffstyle_ui.app.thumbnails import SIDE, photo_name
from diffstyle_ui.widgets.style_wall import GROUPS, Tile, display_name, tiles_html

SECONDS = 0.8  # after which no further tile of a batch is begun
FOUND = 24  # tiles that a search shows
NAMED = "preset:"
PAINTERS, PRINTS, DRAWINGS, MEDIA, MINE = GROUPS

FIRST = (  # a little of everything, in the first rows
    *("ukiyo-e", "van-gogh-starry-night", "text:comic", "watercolour", "stained-glass", "monet-sunrise"),
    *("text:linocut", "mosaic", "text:etching", "klimt-gold", "charcoal", "low-poly", "impasto", "pop-art"),
)
_PRINTS = frozenset(
    [
        *("halftone", "colour halftone", "newspaper", "line screen", "engraving", "etching", "woodcut", "linocut"),
        *("screen print", "risograph", "pop art", "warhol", "blueprint"),
    ]
)
_DRAWINGS = frozenset(
    [
        *("stipple", "hatching", "cross-hatching", "ink line drawing", "pencil drawing", "crayon", "chalk"),
        *("contour lines", "spiral", "charcoal", "pastel", "oil pastel", "coloured pencil", "sanguine"),
        *("conte crayon", "ink wash"),
    ]
)


@cache
def wall_tiles() -> tuple[Tile, ...]:
    """All tiles that come with diffstyle: a selection, the other named styles, what words name."""
    every = entries()
    named = [entry for entry in every if entry.style.startswith(NAMED)]
    taken = {entry.label.replace("-", " ") for entry in named}
    others = [entry for entry in every if entry not in named and entry.label.replace("-", " ") not in taken]
    tiles = [*map(_named_tile, named), *(_tile(e.style, _label(e), _group(e), e.about) for e in others)]
    return tuple(sorted(tiles, key=lambda tile: FIRST.index(tile.key) if tile.key in FIRST else len(FIRST)))


def style_of(key: str) -> Style:
    """The style of a tile."""
    return parse_style([key if key.startswith((WORDS, ADAPTER)) else NAMED + key])


def personal_tiles(names: Iterable[str]) -> tuple[Tile, ...]:
    """A tile for each personal adapter."""
    return tuple(Tile(f"{ADAPTER}{name}", name, MINE, "your own style") for name in names)


def mine(names: Iterable[str]) -> str:
    """The value of the wall's property `mine`."""
    return tiles_html(personal_tiles(names))


def _named_tile(entry: Entry) -> Tile:
    words = style_of(entry.label).references[0].prompt
    group = _group_of_words(words) if OWN_STYLE in entry.about else PAINTERS
    label = display_name(entry.label, "" if OWN_STYLE in entry.about else entry.about)
    return _tile(entry.label, label, group, entry.about)


def _tile(key: str, label: str, group: str, about: str) -> Tile:
    return Tile(key, label, group, about, url_of(STILLS, key), url_of(ARTWORKS, key))


def _label(entry: Entry) -> str:
    return entry.label[:1].upper() + entry.label[1:]


def _group(entry: Entry) -> str:
    return PAINTERS if entry.group == "Painters" else _group_of_words(entry.label)


def _group_of_words(words: str) -> str:
    media = [name for name, _ in parse(words).media]
    if any(name in _PRINTS for name in media):
        return PRINTS
    return DRAWINGS if any(name in _DRAWINGS for name in media) else MEDIA


def painted_tiles(context: AppContext, session: Session, keys: Sequence[str]) -> Mapping[str, object]:
    """The value of the wall's property `painted`: the photo in the styles of `keys`, as many as are painted within
    `SECONDS`; none while a render runs. The example that the page opens with is painted already.
    """
    photo, began = context.photo_or_example(session), time.monotonic()
    small = photo.small.resized(fitted(photo.small.size, SIDE))
    stills = {tile.key: tile.thumbnail for tile in wall_tiles()} if photo is context.example else {}
    done: dict[str, str] = {}
    for key in keys:
        paint = partial(context.renderer.tile, small, style_of(key))
        kept = context.thumbnails_of(session)
        url = stills.get(key) or kept.painted(photo.path, f"tile {key}", SIDE, paint)
        if url is None:
            break
        done[key] = url
        if time.monotonic() - began > SECONDS:
            break
    return {"photo": photo_name(photo.path), "tiles": done, "at": time.monotonic()}


def found(context: AppContext, words: str, tiles: Sequence[Tile]) -> list[str]:
    """The keys of tiles for `words`: those whose text has the most of them, then the nearest named styles by CLIP."""
    asked = words.casefold().split()
    if not asked:
        raise InputError("Say what to search for.")

    def said(tile: Tile) -> float:
        text = f"{tile.label} {tile.about} {tile.group}".casefold()
        return sum(word in text for word in asked) / len(asked)

    hits = sorted((t for t in tiles if said(t) > 0), key=said, reverse=True)
    query, known = context.renderer.embeddings([Style.from_text(words)])[0], _embedded(context)
    near = sorted(known, key=lambda key: -float(query @ known[key]))
    return list(dict.fromkeys([*(t.key for t in hits), *near]))[:FOUND]


_EMBEDDED: dict[str, Tensor] = {}


def _embedded(context: AppContext) -> dict[str, Tensor]:
    """The embedding of every named style, which are made of pictures."""
    if not _EMBEDDED:
        styles = {t.key: style_of(t.key) for t in wall_tiles() if not t.key.startswith(WORDS)}
        _EMBEDDED.update(zip(styles, context.renderer.embeddings(list(styles.values())), strict=True))
    return _EMBEDDED
