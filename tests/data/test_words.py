"""What words say: media, colours, grain, negations, misspellings, other languages."""

from __future__ import annotations

from typing import Any

import pytest

from diffstyle.data.words import lexicon
from diffstyle.data.words.parse import Words, nearest_media, parse

PHRASINGS: list[tuple[str, list[str], dict[str, Any]]] = [
    ("halftone", ["halftone"], {}),
    ("A halftone print in navy blue on cream paper", ["halftone"], {"inks": ("navy blue",), "paper": "cream"}),
    ("pop art, halftone dots", ["pop art"], {}),
    ("Roy Lichtenstein style ben-day dots", ["pop art"], {}),
    ("in the style of Andy Warhol", ["warhol"], {}),
    ("stained glass window, blue and gold", ["stained glass"], {"inks": ("blue", "gold")}),
    ("make my photo look like a church window", ["stained glass"], {}),
    ("stainedglass", ["stained glass"], {"corrected": (("stainedglass", "stained glass"),)}),
    ("staned glass", ["stained glass"], {}),
    ("low-poly", ["low-poly"], {}),
    ("lowpoly triangles in pastel colours", ["low-poly", "pastel"], {}),
    ("a mosaic of small tiles", ["mosaic"], {"grain": "fine"}),
    ("Roman mosaic, terracotta and cream", ["mosaic"], {"inks": ("terracotta", "cream")}),
    ("mosiac", ["mosaic"], {}),
    ("8-bit pixel art", ["pixel art"], {}),
    ("as if it were a retro video game", ["pixel art"], {}),
    ("coarse stippling", ["stipple"], {"grain": "coarse"}),
    ("stipple drawing, white on black paper", ["stipple"], {"inks": ("white",), "paper": "black"}),
    ("pointillism", ["pointillism"], {}),
    ("pointilism like Seurat", ["pointillism"], {}),
    ("sepia cross-hatching on tan paper", ["cross-hatching"], {"inks": ("sepia",), "paper": "tan"}),
    ("crosshatched ink drawing", ["cross-hatching"], {}),
    ("cross hatcing", ["cross-hatching"], {}),
    ("a copperplate engraving like on a banknote", ["engraving"], {}),
    ("an old etching with fine lines", ["etching"], {"grain": "fine"}),
    ("black and white woodcut", ["woodcut"], {"inks": ("black", "white")}),
    ("bold linocut in dark green", ["linocut"], {"inks": ("dark green",), "grain": "coarse"}),
    ("two-colour risograph, pink and teal", ["risograph"], {"inks": ("pink", "teal")}),
    ("blueprint", ["blueprint"], {}),
    ("white lines on blue, technical drawing", ["blueprint"], {"inks": ("white",), "paper": "blue"}),
    ("cel shaded anime", ["cel shading"], {}),
    ("comic book with halftone dots", ["comic"], {}),
    ("embroidery with red thread", ["embroidery"], {"inks": ("red",)}),
    ("counted cross-stitch", ["cross-stitch"], {}),
    ("knitted wool sweater", ["knitted"], {}),
    ("wax crayon, vivid", ["crayon"], {"saturation": "vivid"}),
    ("ASCII art, green text on black", ["ascii"], {"inks": ("green",), "paper": "black"}),
    ("pencil sketch", ["pencil drawing"], {}),
    ("a sketch", ["pencil drawing"], {}),
    ("chalk on a blackboard", ["chalk"], {}),
    ("layered paper cut in blues", ["paper cut"], {"inks": ("blue",)}),
    ("silkscreen poster, red, black and cream", ["screen print"], {"inks": ("red", "black", "cream")}),
    ("printed in an old newspaper", ["newspaper"], {}),
    ("neon lines at night", ["neon"], {}),
    ("VHS glitch", ["glitch"], {}),
    ("built from Lego bricks", ["bricks"], {}),
    ("no halftone, just hatching", ["hatching"], {"excluded": ("halftone",)}),
    ("woodcut without dots", ["woodcut"], {"excluded": ("halftone",)}),
    ("not a mosaic but low poly", ["low-poly"], {"excluded": ("mosaic",)}),
    ("engraving, not dark", ["engraving"], {"tone": ""}),
    ("risograph without red or yellow, in blue", ["risograph"], {"inks": ("blue",), "excluded": ("red", "yellow")}),
    ("70% mosaic and 30% pixel art", ["mosaic", "pixel art"], {}),
    ("mostly stipple with a touch of neon", ["stipple", "neon"], {}),
    ("halftone and stained glass", ["halftone", "stained glass"], {}),
    ("a painting made as a mosaic", ["mosaic"], {}),
    ("watercolour, pale blue", ["watercolour"], {"inks": ("pale blue",)}),
    ("dark charcoal drawing", ["charcoal"], {"tone": "dark"}),
    ("ukiyo-e woodblock print", [], {"movements": ("Ukiyo-e",)}),
    ("blue and white", [], {"inks": ("blue", "white")}),
    ("vitrail", ["stained glass"], {}),
    ("Holzschnitt in Schwarz", ["woodcut"], {"inks": ("black",)}),
    ("mosaïque", ["mosaic"], {}),
    ("モザイク", [], {}),
    ("asdf qwertz", [], {"unknown": ("asdf", "qwertz")}),
    ("a cat on a sofa, mosaic", ["mosaic"], {"unknown": ("sofa",)}),
    ("!!! 123", [], {}),
]


@pytest.mark.parametrize(("text", "media", "facts"), PHRASINGS, ids=[text for text, _, _ in PHRASINGS])
def test_phrasings(text: str, media: list[str], facts: dict[str, Any]) -> None:
    words = parse(text)
    assert [name for name, _ in words.media] == media
    for name, value in facts.items():
        assert getattr(words, name) == value
    if "unknown" not in facts and text.isascii():
        assert words.unknown == ()


@pytest.mark.parametrize("name", lexicon.MEDIA)
def test_every_phrase_of_a_medium_names_it(name: str) -> None:
    for phrase in lexicon.MEDIA[name]:
        assert name in dict(parse(phrase).media), phrase


def test_weights_are_what_is_said() -> None:
    assert dict(parse("70% mosaic and 30% pixel art").media) == pytest.approx({"mosaic": 0.7, "pixel art": 0.3})
    assert dict(parse("mosaic and halftone").media) == pytest.approx({"mosaic": 0.5, "halftone": 0.5})
    mostly = dict(parse("mostly stipple with a touch of neon").media)
    assert mostly["stipple"] > 0.8


def test_what_is_not_understood_is_listed() -> None:
    assert parse("") == Words()
    assert parse("мозаика").unknown == ("мозаика",)
    assert parse("zxcv halftone").unknown == ("zxcv",)


def test_the_nearest_media() -> None:
    assert nearest_media("mozaik", ["halftone", "mosaic", "woodcut"], 1) == ["mosaic"]
    assert nearest_media("", ["halftone", "mosaic"], 1) == ["halftone"]
