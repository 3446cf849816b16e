"""The atlas: `python -m diffstyle.training atlas DATA`.

Every exemplar is a picture made here: four CC0 photos side by side, in one manner. They are painted by the painter from
a public-domain picture, which does not ship; or rendered stroke by stroke, by procedure or by rule in a medium.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from diffstyle.assets.atlas import INDEX, Entry, write_index
from diffstyle.assets.manifest import verified
from diffstyle.core.errors import InputError
from diffstyle.core.picture import Picture, fitted
from diffstyle.core.style import Style
from diffstyle.data.painterly.techniques import render as render_in
from diffstyle.data.painterly.techniques import technique_of
from diffstyle.data.procedural import render
from diffstyle.data.words.parse import tokens_of
from diffstyle.engines.exemplars.exemplar import crop_margins
from diffstyle.engines.nnst.bank import Painter, read_style
from diffstyle.engines.nnst.engine import WEIGHTS
from diffstyle.engines.nnst.paint import PaintOptions, paint
from diffstyle.engines.nnst.targets import Region, WeightedStyle
from diffstyle.formats.atomic import sha256, write_atomic
from diffstyle.formats.exemplar import LONGEST, encode_exemplar
from diffstyle.ops.colour_transfer import ColourMoments, colour_moments, match_colours, mean_moments
from diffstyle.stylizer import Stylizer
from diffstyle.training.data import Pixels, read_shards

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LARGEST = 26_000  # bytes of one exemplar
RENDERED = 768  # pixels of a rendering, which is then reduced
DRAWN = 288  # pixels of an exemplar drawn by rule
STRUCTURE = 0.3  # of the photos, in what is painted from a picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One entry of recipe.toml: its facts, and its source: `key`, `technique`, `medium` with `seed`, or `rule`."""

    name: str
    licence: str
    credit: str
    key: str = ""
    technique: str = ""
    medium: str = ""
    rule: str = ""
    seed: int = 0
    artists: list[str] = field(default_factory=list[str])
    movements: list[str] = field(default_factory=list[str])
    media: list[str] = field(default_factory=list[str])
    titles: list[str] = field(default_factory=list[str])

    def entry(self, digest: str) -> Entry:
        return Entry(
            self.name,
            digest,
            artists=tuple(self.artists),
            movements=tuple(self.movements),
            media=tuple(self.media),
            titles=tuple(token for title in self.titles for token in tokens_of(title)),
            licence=self.licence,
            credit=self.credit,
        )


def make_atlas(data: Path, folder: Path, only: frozenset[str] = frozenset()) -> Path:
    """Make every exemplar of `folder/recipe.toml`, or those of the names `only`, and the index of all; its path."""
    recipe = tomllib.loads((folder / "recipe.toml").read_text("utf-8"))
    entries = [Recipe(**e) for e in recipe["exemplar"]]
    pixels = _pictures(data, {*recipe["photos"], *(e.key for e in entries)})
    photos = [pixels[key] for key in recipe["photos"]]
    usual = usual_colours(data)
    stylizer = Stylizer.load("starter", device="cpu")
    painter = Painter.load(verified(WEIGHTS)[0])
    for entry in entries:
        path = folder / f"{entry.name}.webp"
        if path.is_file() and only and entry.name not in only:
            continue
        encoded = encode_exemplar(_made(entry, photos, pixels, usual, stylizer, painter), largest=LARGEST)
        write_atomic(path, lambda file, encoded=encoded: file.write(encoded))
        print(path, len(encoded), flush=True)
    for path in folder.glob("*.webp"):
        if path.stem not in {e.name for e in entries}:
            path.unlink()
    pictures = [Picture.open(folder / f"{e.name}.webp") for e in entries]
    vectors = stylizer.encoder.pictures(pictures)
    listed = [e.entry(sha256(folder / f"{e.name}.webp")) for e in entries]
    return write_index(folder / INDEX, listed, vectors, stylizer.encoder.space)


def _pictures(data: Path, keys: set[str]) -> Mapping[str, Pixels]:
    """The pictures of these keys, of both splits: nothing is trained on them."""
    return {
        str(s.info["key"]): s.pixels
        for kind in ("art", "photo")
        for split in ("train", "dev")
        for s in read_shards(data, f"{kind}-clean-*", split)
        if s.info["key"] in keys
    }


def usual_colours(data: Path) -> ColourMoments:
    """Those of photos on average: a medium that has no colours of its own then hardly changes a photo's."""
    samples = read_shards(data, "photo-clean-*", "train")
    return mean_moments([colour_moments(Picture.from_array(s.pixels).reduced(96).pixels[None]) for s in samples])


def _made(
    entry: Recipe,
    photos: list[Pixels],
    pixels: Mapping[str, Pixels],
    usual: ColourMoments,
    stylizer: Stylizer,
    painter: Painter,
) -> Picture:
    if entry.key:
        canvas = Picture.from_array(side_by_side(photos, LONGEST))
        return copied(painter, canvas, Picture.from_array(pixels[entry.key]))
    canvas = Picture.from_array(side_by_side(photos, DRAWN if entry.rule else RENDERED))
    canvas = Picture(match_colours(canvas.pixels[None], usual)[0])
    if entry.rule:
        style = Style.from_text(entry.rule)
        return stylizer.stylize(canvas, style, engine="media", seed=entry.seed).picture
    rng = np.random.default_rng(entry.seed)
    shown = np.ascontiguousarray(canvas.pixels.permute(1, 2, 0).numpy())
    if entry.medium:
        return Picture.from_array(render((shown * 255).round().astype(np.uint8), entry.medium, rng).pixels).reduced(
            LONGEST
        )
    technique = technique_of(entry.technique)
    if technique is None:
        raise InputError(f"{entry.name}: there is no technique called {entry.technique}.")
    return Picture.from_array(render_in(shown, technique, rng, lambda: None)).reduced(LONGEST)


def copied(painter: Painter, canvas: Picture, work: Picture) -> Picture:
    """The canvas painted in the manner of `work`, as large as an exemplar may be."""
    inside = Picture(crop_margins(work.opaque()))
    banks = read_style(painter, inside.resized(fitted(inside.size, LONGEST)).pixels)
    region = Region((WeightedStyle(banks),))
    return Picture(paint(painter, canvas.pixels, (region,), PaintOptions(structure=STRUCTURE)).clamp(0, 1))


def side_by_side(photos: list[Pixels], side: int) -> Pixels:
    """The middle squares of four photos (h, w, 3) as one square of `side` pixels."""
    half = side // 2
    parts = [np.asarray(_middle(Image.fromarray(p)).resize((half, half), Image.Resampling.LANCZOS)) for p in photos]
    return np.concatenate([np.concatenate(parts[n : n + 2], 1) for n in (0, 2)])


def _middle(photo: Image.Image) -> Image.Image:
    side = min(photo.size)
    left, top = ((n - side) // 2 for n in photo.size)
    return photo.crop((left, top, left + side, top + side))
