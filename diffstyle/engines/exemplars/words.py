"""The exemplars of words: those of the atlas that they name, in the colours, tones and grain that they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from diffstyle.assets.atlas import Atlas, Facts, Found
from diffstyle.core.picture import Picture
from diffstyle.core.style import Reference
from diffstyle.data.colour_names import COLOURS
from diffstyle.data.words.artists import MOVEMENT_OF
from diffstyle.data.words.parse import Words, parse, tokens_of
from diffstyle.formats.exemplar import LONGEST, decode_exemplar, encode_exemplar
from diffstyle.ops.lab import Array, to_lab, to_srgb
from diffstyle.ops.recolour import recoloured

COLOURLESS = frozenset(
    (
        *("oil painting", "impasto", "palette knife", "acrylic", "gouache", "tempera", "encaustic", "watercolour"),
        *("wet-in-wet watercolour", "pastel", "oil pastel", "coloured pencil", "spray paint", "batik", "tapestry"),
        *("mosaic", "stained glass", "low-poly", "pixel art", "embroidery", "cross-stitch", "crayon", "comic"),
    )
)
"""Media that take any colours."""
OWN_COLOURS: Mapping[str, frozenset[str]] = {"Gustav Klimt": frozenset(("gold",))}
"""Colours of painters by which everything else is not meant to be recoloured: "Klimt, golden" is Klimt as he is."""
TONES = {"dark": 1.45, "light": 0.68}  # exponents of lightness
CONTRASTS = {"high": 1.3, "low": 0.65}
SATURATIONS = {"vivid": 1.45, "muted": 0.55, "grey": 0.0}
GRAIN = 1.5  # by which coarse marks are enlarged, and fine ones reduced


@dataclass(frozen=True, slots=True)
class Source:
    """What words are painted from: the entries of the atlas, and their exemplars as the words want them."""

    words: Words
    found: Found
    exemplars: tuple[bytes, ...]

    @classmethod
    def of(cls, prompt: str, vector: Tensor | None, atlas: Atlas) -> Source:
        """From `prompt` and its embedding (d,) in the atlas's space.

        The embedding chooses where the atlas has nothing of what is named, and among several entries where words say
        more than names: it knows no painters. Else it is the first of the atlas.
        """
        words = parse(prompt)
        facts = facts_of(words, prompt)
        found = atlas.find(facts, vector if _says_more(words) else None)
        if not found.named:
            found = atlas.find(facts, vector)
        return cls(words, found, tuple(adjusted(atlas.exemplar(entry), words) for entry in found.entries))

    @property
    def notes(self) -> list[str]:
        """What was taken for something else, in sentences."""
        said = [(w, r) for w, r in self.words.corrected if w.replace(" ", "") != r.replace(" ", "")]
        return [f"{wrong!r} was read as {right}." for wrong, right in said]


def named_alone(prompt: str, atlas: Atlas) -> bool:
    """Whether every word of `prompt` is understood and its names alone choose the exemplars, so that `Source.of` gives
    the same for any embedding and none.
    """
    words = parse(prompt)
    if not words.name_a_style or words.unknown or words.corrected:
        return False
    facts = facts_of(words, prompt)
    return atlas.settles(facts) if _says_more(words) else atlas.find(facts, None).named


def _says_more(words: Words) -> bool:
    """Whether words that name a style say what an embedding knows, too."""
    return bool(words.unknown or words.tone or words.contrast or words.saturation)


def facts_of(words: Words, prompt: str) -> Facts:
    """What `words` name; a painter of whom the atlas has nothing is named by his movement too."""
    kindred = tuple(MOVEMENT_OF[name] for name in words.artists if name in MOVEMENT_OF)
    return Facts(
        artists=words.artists,
        movements=tuple(dict.fromkeys((*kindred, *words.movements))),
        media=tuple(name for name, _ in words.media),
        tokens=frozenset(tokens_of(prompt)),
        excluded=frozenset(words.excluded),
    )


def keeps_hues(reference: Reference) -> bool:
    """Whether words name nothing but media that have no colours of their own, such as gouache, and no colour."""
    if not reference.prompt or reference.pictures:
        return False
    words = parse(reference.prompt)
    named = words.artists or words.movements or words.colours or words.saturation == "grey"
    return bool(words.media) and not named and all(name in COLOURLESS for name, _ in words.media)


def notes_of(reference: Reference) -> list[str]:
    """Sentences on what the words of a prepared reference were taken for; none where it brought its own exemplars."""
    if not reference.prompt or reference.pictures:
        return []
    atlas = Atlas.load()
    source = Source.of(reference.prompt, reference.embeddings.get(atlas.space), atlas)
    if source.exemplars != reference.exemplars:
        return []
    name, words = source.found.entries[0].name, source.words
    missing = [n for n in words.artists if n in MOVEMENT_OF]
    return [*source.notes, *(f"No exemplar of {n}: painted from {MOVEMENT_OF[n]} ({name})." for n in missing)]


def adjusted(exemplar: bytes, words: Words) -> bytes:
    """The exemplar in the colours, tones and grain that `words` say; the same bytes where they say nothing of these."""
    if not (_says_colours(words) or words.grain):
        return exemplar
    pixels = recoloured_as(decode_exemplar(exemplar, name="atlas").pixels, words)
    pixels = _grained(pixels.permute(1, 2, 0).contiguous().numpy(), words.grain)
    return encode_exemplar(Picture(torch.from_numpy(pixels.clip(0, 1)).permute(2, 0, 1).contiguous()))


def recoloured_as(picture: Tensor, words: Words) -> Tensor:
    """A picture (3, h, w) in the colours and tones that `words` say."""
    if not _says_colours(words):
        return picture
    pixels = picture.permute(1, 2, 0).contiguous().numpy()
    colours = _colours_of(words)
    if colours:
        pixels = recoloured(pixels, [np.array(COLOURS[c], np.float32) / np.float32(255) for c in colours])
    return torch.from_numpy(_toned(pixels, words).clip(0, 1)).permute(2, 0, 1).contiguous()


def _colours_of(words: Words) -> tuple[str, ...]:
    """The colours that words name; none where they are but the painter's own, such as Klimt's gold."""
    own = {colour for name in words.artists for colour in OWN_COLOURS.get(name, ())}
    return () if own.issuperset(words.colours) else words.colours


def _says_colours(words: Words) -> bool:
    return bool(_colours_of(words) or words.tone or words.contrast or words.saturation)


def _toned(pixels: Array, words: Words) -> Array:
    """Darker or lighter, with more or less contrast and colour."""
    lab = to_lab(pixels)
    light = lab[..., 0].clip(0, 100) / 100
    light = light ** np.float32(TONES.get(words.tone, 1.0))
    middle = light.mean()
    light = middle + (light - middle) * np.float32(CONTRASTS.get(words.contrast, 1.0))
    chroma = np.float32(SATURATIONS.get("" if _colours_of(words) else words.saturation, 1.0))
    return to_srgb(np.concatenate([100 * light.clip(0, 1)[..., None], lab[..., 1:] * chroma], -1))


def _grained(pixels: Array, grain: str) -> Array:
    """With larger marks, of the middle alone; or with smaller ones, mirrored at the edges."""
    if not grain:
        return pixels
    h, w = (int(n) for n in pixels.shape[:2])
    picture = Picture(torch.from_numpy(pixels).permute(2, 0, 1).contiguous().clamp(0, 1))
    if grain == "coarse":
        top, left = (round(n * (1 - 1 / GRAIN) / 2) for n in (h, w))
        middle = Picture(picture.pixels[:, top : h - top, left : w - left].contiguous())
        return middle.resized((w, h)).pixels.permute(1, 2, 0).contiguous().numpy()
    small = picture.resized((round(w / GRAIN), round(h / GRAIN))).pixels.permute(1, 2, 0).numpy()
    down, right = (n - int(s) for n, s in zip((h, w), small.shape[:2], strict=True))
    return np.ascontiguousarray(np.pad(small, ((0, down), (0, right), (0, 0)), "symmetric")[:LONGEST, :LONGEST])
