"""Phrasings of the facts about a style, for captions."""

from __future__ import annotations

from collections.abc import Mapping

Phrases = Mapping[str, tuple[str, ...]]

MEDIA: Phrases = {
    "halftone": ("halftone print", "halftone dots", "newspaper halftone", "printed halftone dots", "screen of dots"),
    "stipple": ("stipple drawing", "stippling", "stippled ink dots", "dotwork drawing", "ink stipple"),
    "pointillism": ("pointillist painting", "pointillism", "painting made of dots of paint", "divisionist dots"),
    "oil dabs": ("thick impasto oil painting", "broad dabs of oil paint", "impasto brush strokes", "palette knife"),
    "cross-hatching": ("cross-hatching", "cross-hatched drawing", "crosshatched pen drawing", "pen hatching"),
    "woodcut": ("woodcut", "woodblock print", "wood block print", "linocut", "wood cut print"),
    "engraving": ("engraving", "wood engraving", "copperplate engraving", "etching", "engraved lines", "etched print"),
    "pencil drawing": ("pencil drawing", "pencil sketch", "graphite drawing", "drawing in pencil", "graphite sketch"),
    "ink line drawing": ("ink line drawing", "line art", "ink drawing", "pen and ink drawing", "black line drawing"),
    "blueprint": ("blueprint", "cyanotype blueprint", "technical blueprint", "white lines on blueprint", "cyanotype"),
    "neon edges": ("neon edges", "neon glow", "glowing neon lines", "neon sign lines", "neon light lines on black"),
    "mosaic": ("mosaic", "tile mosaic", "mosaic of tiles", "tesserae mosaic", "roman mosaic", "ceramic tile mosaic"),
    "stained glass": ("stained glass", "stained glass window", "leaded glass window", "coloured glass with lead lines"),
    "low-poly": ("low-poly", "low poly render", "low polygon triangles", "triangulated polygons", "polygon art"),
    "pixel art": ("pixel art", "8-bit pixel art", "pixelated video game art", "sprite pixels", "retro game graphics"),
    "watercolour": ("watercolour", "watercolor painting", "watercolour wash", "aquarelle", "watercolor wash"),
    "poster": ("poster", "screen print", "posterised screen print", "silkscreen poster", "flat colour poster"),
    "risograph": ("risograph", "risograph print", "two-colour risograph", "riso print", "grainy duotone print"),
    "charcoal": ("charcoal", "charcoal drawing", "smudged charcoal", "charcoal sketch", "drawing in charcoal"),
    "pop art": ("pop art", "pop art print", "comic book panel", "ben-day dots comic", "pop art comic style"),
    "cubist facets": ("cubist painting", "cubism", "cubist facets", "fractured geometric planes", "cubist collage"),
    "action painting": ("action painting", "drip painting", "paint splatter", "abstract expressionist drips"),
    "colour field": ("colour field painting", "color field abstraction", "soft fields of colour", "large flat areas"),
    "oil painting": ("oil painting", "oil on canvas", "painting in oils", "oil paint on canvas", "fine art painting"),
    "tempera": ("tempera on panel", "tempera painting", "egg tempera", "gold ground tempera panel"),
    "illustration": ("illustration", "storybook illustration", "children's book illustration", "book illustration"),
    "vector": ("flat vector illustration", "vector art", "clip art", "flat design", "vector graphic"),
    "photograph": ("photograph", "photo", "photographic", "unedited photo", "realistic photo", "camera picture"),
    "black and white photo": ("black and white photo", "monochrome photograph", "greyscale photo", "b&w photograph"),
    "sepia photo": ("sepia photograph", "old sepia photo", "vintage sepia toned photograph", "antique photograph"),
}

MOVEMENTS: Phrases = {
    "Early Renaissance": ("early renaissance", "quattrocento", "italian early renaissance"),
    "High Renaissance": ("high renaissance", "italian renaissance", "cinquecento", "renaissance"),
    "Northern Renaissance": ("northern renaissance", "flemish renaissance", "early netherlandish"),
    "Mannerism": ("mannerism", "mannerist", "late renaissance"),
    "Baroque": ("baroque", "dutch golden age", "flemish baroque", "tenebrism"),
    "Rococo": ("rococo", "rococo style", "french rococo"),
    "Neoclassicism": ("neoclassicism", "neoclassical", "classicist"),
    "Romanticism": ("romanticism", "romantic", "romanticist"),
    "Realism": ("realism", "realist", "19th century realism"),
    "Impressionism": ("impressionism", "impressionist", "impressionistic", "plein air impressionist"),
    "Post-Impressionism": ("post-impressionism", "post-impressionist", "post impressionist"),
    "Pointillism": ("pointillism", "neo-impressionism", "divisionism", "pointillist"),
    "Symbolism": ("symbolism", "symbolist"),
    "Art Nouveau": ("art nouveau", "jugendstil", "secession style"),
    "Expressionism": ("expressionism", "expressionist", "expressionistic"),
    "Fauvism": ("fauvism", "fauvist", "les fauves"),
    "Cubism": ("cubism", "cubist", "analytical cubism", "synthetic cubism"),
    "Suprematism": ("suprematism", "suprematist", "russian avant-garde"),
    "Abstract art": ("abstract", "abstract art", "abstraction"),
    "Pop Art": ("pop art",),
    "Action painting": ("action painting", "abstract expressionism"),
    "Color Field Painting": ("color field", "colour field painting"),
    "Naive art": ("naive art", "primitivism", "folk art"),
    "Ukiyo-e": ("ukiyo-e", "ukiyo-e woodblock print", "japanese woodblock print", "japanese print", "edo period print"),
    "Byzantine icon": ("byzantine icon", "russian icon", "orthodox icon", "icon painting"),
    "Golden Age illustration": ("golden age illustration", "edwardian illustration", "victorian children's book"),
}

TONES: Phrases = {
    "dark": ("dark", "dim", "low-key", "shadowy", "deep dark tones", "night-like"),
    "light": ("light", "bright", "pale", "high-key", "airy", "light tones"),
}
CONTRASTS: Phrases = {
    "high": ("high contrast", "strong contrast", "stark", "contrasty"),
    "low": ("low contrast", "soft contrast", "faded", "hazy", "flat tones"),
}
SATURATIONS: Phrases = {
    "vivid": ("vivid", "colourful", "saturated", "vibrant colours", "bright colours", "colorful"),
    "muted": ("muted", "desaturated", "subdued colours", "muted tones", "dull colours"),
    "grey": ("monochrome", "greyscale", "colourless", "black and white"),
}
GRAINS: Phrases = {
    "coarse": ("coarse", "bold", "large strokes", "coarse strokes", "thick strokes", "big marks", "rough"),
    "fine": ("fine", "detailed", "small strokes", "fine strokes", "thin lines", "delicate", "small marks"),
}
COLOURS: Phrases = {
    "black": ("black", "jet black"),
    "dark grey": ("dark grey", "dark gray", "charcoal grey"),
    "grey": ("grey", "gray", "silver"),
    "light grey": ("light grey", "light gray", "pale grey"),
    "white": ("white", "snow white"),
    "cream": ("cream", "ivory", "beige", "off-white"),
    "tan": ("tan", "kraft brown", "sand"),
    "brown": ("brown", "umber", "chestnut"),
    "sepia": ("sepia", "dark brown", "chocolate brown"),
    "maroon": ("maroon", "dark red", "burgundy", "wine red"),
    "red": ("red", "crimson", "scarlet", "vermilion"),
    "orange": ("orange", "tangerine"),
    "terracotta": ("terracotta", "rust", "brick red"),
    "gold": ("gold", "golden", "ochre", "mustard"),
    "yellow": ("yellow", "lemon yellow"),
    "olive": ("olive", "olive green", "moss green"),
    "green": ("green", "emerald", "leaf green"),
    "dark green": ("dark green", "forest green"),
    "pale green": ("pale green", "mint green", "light green"),
    "turquoise": ("turquoise", "cyan", "aqua"),
    "teal": ("teal",),
    "dark teal": ("dark teal", "petrol blue"),
    "blue": ("blue", "cobalt blue", "azure", "ultramarine"),
    "navy blue": ("navy blue", "navy", "dark blue", "prussian blue"),
    "indigo": ("indigo", "deep indigo"),
    "pale blue": ("pale blue", "light blue", "sky blue", "baby blue"),
    "slate blue": ("slate blue", "blue grey", "steel blue"),
    "purple": ("purple", "plum", "aubergine"),
    "violet": ("violet", "lavender", "lilac"),
    "pink": ("pink", "hot pink"),
    "magenta": ("magenta", "fuchsia"),
    "pale pink": ("pale pink", "light pink", "blush pink"),
    "rose": ("rose", "dusty pink", "salmon"),
}
CENTURIES: Phrases = {
    str(n): (f"{n}th century", f"{n}th-century", f"{n - 1}00s", f"from the {n}th century") for n in range(13, 21)
}
SUBJECTS = (
    "a dog",
    "a cat",
    "a woman",
    "a man",
    "a street",
    "a house",
    "mountains",
    "the sea",
    "a city at night",
    "flowers",
    "a river",
    "trees",
    "a portrait",
    "a landscape",
    "people",
    "a boat",
    "a bridge",
    "food",
    "a horse",
    "the sky",
    "a garden",
    "a village",
    "a child",
    "birds",
    "a car",
    "a still life",
)
"""What a caption may say beside the style: it must not matter."""
