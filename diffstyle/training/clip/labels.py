"""Facts of training pictures: from the labels of art, by construction, and measured on the pixels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np

from diffstyle.data.captions import CALLED, Fact, Facts, phrases
from diffstyle.data.colour_names import coverage
from diffstyle.data.procedural import MEDIA
from diffstyle.ops.lab import to_lab
from diffstyle.training.data import Pixels

ALIKE = (
    {"engraving", "woodcut", "cross-hatching", "ink line drawing", "pencil drawing", "illustration"}
    | {"etching", "linocut", "hatching"},
    {"oil painting", "oil dabs", "tempera", "palette knife", "acrylic", "gouache", "encaustic", "fresco"},
    {"illustration", "watercolour", "vector", "gouache", "ink wash", "wet-in-wet watercolour", "coloured pencil"}
    | {"crayon", "pastel", "comic", "cel shading"},
    {"poster", "vector", "pop art", "risograph", "low-poly", "cel shading", "comic", "paper cut", "warhol", "linocut"},
    {"pointillism", "stipple"},
    {"halftone", "colour halftone", "newspaper"},
    {"watercolour", "wet-in-wet watercolour", "ink wash"},
    {"charcoal", "chalk", "conte crayon", "pastel"},
    {"pencil drawing", "coloured pencil", "sanguine"},
)
"""Media that may be said of the same picture: where one is true the others are unknown, not false. Two renderings in
different procedural media are distinguished all the same."""

FLAT = {"pixel art", "vector", "illustration", "poster", "comic", "cel shading", "paper cut"}
"""Any of these may be said of what is labelled as pixel art: most of it is game scenery, flat and without pixels."""

MOVEMENT_OF: dict[str, str] = {
    "pop art": "Pop Art",
    "cubist facets": "Cubism",
    "action painting": "Action painting",
    "colour field": "Color Field Painting",
    "pointillism": "Pointillism",
    "warhol": "Pop Art",
}
"""Movements of procedural media that imitate one."""

MOVEMENTS_AS = {
    "Mannerism Late Renaissance": "Mannerism",
    "Art Nouveau Modern": "Art Nouveau",
    "Post Impressionism": "Post-Impressionism",
    "Ukiyo e": "Ukiyo-e",
    "Naïve art": "Naive art",
    "Naive Art Primitivism": "Naive art",
    "Analytical Cubism": "Cubism",
    "Synthetic Cubism": "Cubism",
    "Abstract Expressionism": "Action painting",
}


def measured(pixels: Pixels) -> Facts:
    """Colours, tone, contrast and saturation of a picture (h, w, 3); between the bounds nothing is said."""
    true: set[Fact] = set()
    false: set[Fact] = set()
    for name, share in coverage(pixels).items():
        if share > 0.16:
            true.add(("colour", name))
        elif share < 0.05:
            false.add(("colour", name))
    small = to_lab(pixels[::4, ::4].astype(np.float32) / np.float32(255)).reshape(-1, 3)
    lightness, deviation = float(small[:, 0].mean()), float(small[:, 0].std())
    chroma = float(np.hypot(small[:, 1], small[:, 2]).mean())
    for kind, low, high, value, bounds in (
        ("tone", "dark", "light", lightness, (38, 66)),
        ("contrast", "low", "high", deviation, (15, 26)),
        ("saturation", "muted", "vivid", chroma, (14, 32)),
    ):
        if value < bounds[0]:
            true.add((kind, low))
            false.add((kind, high))
        elif value > bounds[1]:
            true.add((kind, high))
            false.add((kind, low))
    if chroma < 5:
        true.add(("saturation", "grey"))
    elif chroma > 10:
        false.add(("saturation", "grey"))
    return Facts(frozenset(true), frozenset(false))


def constructed(medium: str, words: Iterable[str], *, others: Iterable[str] = MEDIA, of_time: bool = True) -> Facts:
    """Facts of a rendering in a medium, which is known to be none of the `others` that renderings are in.

    Without `of_time`, movements and centuries are unknown.
    """
    said = set(words)
    true = {("medium", CALLED.get(medium, medium))}
    if medium in MOVEMENT_OF:
        true.add(("movement", MOVEMENT_OF[medium]))
    true |= {("grain", w) for w in ("coarse", "fine") if w in said}
    unsaid = {"pointillism": "Impressionism", "woodcut": "Ukiyo-e", "comic": "Pop Art"}.get(medium, "")
    rendered = {CALLED.get(m, m) for m in others}
    near = {m for group in ALIKE if group & {value for _, value in true} for m in group} - rendered
    false = {f for f in _others("medium", true) if f[1] not in near}
    if of_time:
        false |= (_others("movement", true) - {("movement", unsaid)}) | _others("century", ())
    if "coarse" in said or "fine" in said:
        false |= _others("grain", true)
    return Facts(frozenset(true), frozenset(false))


def labelled(info: Mapping[str, object]) -> Facts:
    """Facts of a picture from its labels: photo, texture or art with medium, movement, artist and year."""
    if info["kind"] == "photo":
        false = _others("medium", {("medium", "photograph")}) | _others("movement", ()) | _others("grain", ())
        return Facts(frozenset({("medium", "photograph")}), frozenset(false))
    true: set[Fact] = {("medium", m) for m in _media(str(info.get("medium") or "").lower())}
    movement = str(info.get("movement") or "")
    movement = MOVEMENTS_AS.get(movement, movement)
    if movement in phrases.MOVEMENTS:
        true.add(("movement", movement))
    if movement == "Ukiyo-e":
        true.add(("medium", "woodcut"))
    if movement == "Pointillism":
        true.add(("medium", "pointillism"))
    if artist := artist_name(str(info.get("artist") or "")):
        true.add(("artist", artist))
    if year := re.search(r"1[2-9]\d\d", str(info.get("year") or "")):
        true.add(("century", str(int(year[0]) // 100 + 1)))
    media = {value for kind, value in true if kind == "medium"}
    near = {m for group in ALIKE if group & media for m in group}
    if "pixel art" in str(info.get("medium")):
        false = {f for f in _others("medium", ()) if f[1] not in FLAT}
    elif media:
        false = {f for f in _others("medium", true) if f[1] not in near}
    else:  # art of unknown making is still no photo and no print of dots
        painted = {"oil painting", "oil dabs", "tempera", "watercolour", "illustration", "poster", "cubist facets"}
        painted |= {"action painting", "colour field", "pop art", "pointillism", "ink line drawing", "charcoal"}
        painted |= {"palette knife", "acrylic", "gouache", "encaustic", "fresco", "pastel", "oil pastel", "comic"}
        painted |= {"wet-in-wet watercolour", "ink wash", "coloured pencil", "crayon", "chalk", "conte crayon"}
        painted |= {"sanguine", "spray paint", "paper cut", "cel shading"}
        false = {f for f in _others("medium", ()) if f[1] not in painted}
    painted_media = {"oil painting", "tempera"} & media
    if movement in phrases.MOVEMENTS or (media and not painted_media):
        false |= _others("movement", true)
    if ("century", "20") not in true and any(kind == "century" for kind, _ in true):
        false |= _others("century", true)
    return Facts(frozenset(true), frozenset(false))


def together(*parts: Facts) -> Facts:
    true = frozenset[Fact]().union(*(p.true for p in parts))
    return Facts(true, frozenset[Fact]().union(*(p.false for p in parts)) - true)


def artist_name(label: str) -> str:
    """`GOGH, Vincent van` and `Vincent van Gogh` are one man."""
    family, _, given = label.partition(", ")
    name = f"{given} {family.title()}" if given and family.isupper() else label
    name = re.sub(r"^(Attributed to|Workshop of|Follower of|Style of|Circle of) ", "", name)
    return re.sub(r"\s*\(.*?\)", "", name).strip()


def _others(kind: str, true: Iterable[Fact]) -> set[Fact]:
    values = {"medium": phrases.MEDIA, "movement": phrases.MOVEMENTS, "century": phrases.CENTURIES}
    values |= {"grain": phrases.GRAINS}
    return {(kind, value) for value in values[kind]} - set(true)


def _media(label: str) -> set[str]:
    named = {
        "oil": "oil painting",
        "tempera": "tempera",
        "distemper": "tempera",
        "watercolour": "watercolour",
        "watercolour illustration": "illustration",
        "ink line drawing": "ink line drawing",
        "wood engraving": "engraving",
        "screen print": "poster",
        "vector": "vector",
    }
    return {medium for words, medium in named.items() if words in label}
