"""The named styles: `python -m diffstyle.training styles DATA`.

A named style is what the preview network and the starter's CLIP measure of a few public-domain pictures, or of photos
rendered in a procedural medium, which its words name. The pictures themselves do not ship. The exemplar that the
painter copies marks from is made here: a texture that the painter synthesised from the first of those pictures, or one
of the renderings.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np

from diffstyle.assets.atlas import Atlas
from diffstyle.assets.manifest import verified
from diffstyle.assets.zoo import example_photo
from diffstyle.core.picture import Picture, fitted
from diffstyle.core.style import Style
from diffstyle.core.task import Task
from diffstyle.data.painterly.techniques import technique_of
from diffstyle.data.procedural import render
from diffstyle.engines.exemplars.exemplar import crop_margins
from diffstyle.engines.nnst.bank import Painter, read_style
from diffstyle.engines.nnst.engine import WEIGHTS
from diffstyle.engines.nnst.synthesis import synthesise
from diffstyle.engines.nnst.targets import WeightedStyle
from diffstyle.formats.exemplar import LONGEST, encode_exemplar
from diffstyle.formats.style_file import SUFFIX
from diffstyle.stylizer import Stylizer
from diffstyle.training.data import Pixels, read_shards

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

THUMBNAIL, PAINTED = 192, 512  # pixels of the longest side: as it ships, and as it is painted


@dataclass(frozen=True, slots=True)
class Preset:
    """One entry of `weights/starter/styles/recipe.toml`: the keys of its pictures in the shards.

    A procedural style also has the medium and the seed in which these photos are rendered. `words` name the painter or
    medium whose technique is used.
    """

    name: str
    keys: tuple[str, ...]
    licence: str
    credit: str
    medium: str = ""
    seed: int = 0
    words: str = ""


def read_presets(path: Path) -> list[Preset]:
    entries = tomllib.loads(path.read_text("utf-8"))["style"]
    return [Preset(**(e | {"keys": tuple(e["keys"])})) for e in entries]


def make_presets(data: Path, folder: Path) -> list[Path]:
    """Measure every preset of `folder/recipe.toml` and write its style file there."""
    presets = read_presets(folder / "recipe.toml")
    pixels = {
        str(s.info["key"]): s.pixels for k in ("art", "photo") for s in read_shards(data, f"{k}-clean-*", "train")
    }
    stylizer = Stylizer.load("starter", device="cpu")
    photo = Picture.open(example_photo())
    path, _ = verified(WEIGHTS)
    painter = Painter.load(path)
    paths: list[Path] = []
    for preset in presets:
        pictures = [Picture.from_array(p, source=preset.credit) for p in _pictures(preset, pixels)]
        style = Style.from_images(pictures)
        exemplar = _exemplar(preset, pictures[0], painter)
        words = preset.words or (preset.name.replace("-", " ") if preset.medium else "")
        style = stylizer.measure(stylizer.encoder.encode(described(style, exemplar, words)))
        thumbnail = jpeg(stylizer.render(Task(photo, style, size=PAINTED)).picture.reduced(THUMBNAIL))
        style = replace(style, name=preset.name, licence=preset.licence, card=preset.credit, thumbnail=thumbnail)
        paths.append(style.save(folder / f"{preset.name}{SUFFIX}"))
    return paths


def _exemplar(preset: Preset, picture: Picture, painter: Painter) -> bytes:
    """Of a medium with a technique the atlas's, of another medium the rendering, of a work a texture in its manner."""
    atlas = Atlas.load()
    entry = next((e for e in atlas.entries if e.name == preset.name), None)
    if preset.medium and entry is not None and any(technique_of(medium) for medium in entry.media):
        return atlas.exemplar(entry)
    return encode_exemplar(picture if preset.medium else texture(painter, picture))


def texture(painter: Painter, picture: Picture) -> Picture:
    """A square texture in the manner of `picture`, as large as an exemplar may be."""
    inside = crop_margins(picture.opaque())
    small = Picture(inside).resized(fitted((inside.shape[2], inside.shape[1]), LONGEST))
    style = WeightedStyle(read_style(painter, small.pixels))
    return Picture(synthesise(painter, [style], height=LONGEST, width=LONGEST))


def described(style: Style, exemplar: bytes, words: str) -> Style:
    """`style` with one exemplar and the same words for all of its pictures."""
    return replace(style, references=tuple(replace(r, exemplars=(exemplar,), prompt=words) for r in style.references))


def jpeg(picture: Picture) -> bytes:
    buffer = BytesIO()
    picture.to_pil().save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _pictures(preset: Preset, pixels: dict[str, Pixels]) -> list[Pixels]:
    chosen = [pixels[key] for key in preset.keys]
    if not preset.medium:
        return chosen
    return [render(p, preset.medium, np.random.default_rng(preset.seed)).pixels for p in chosen]
