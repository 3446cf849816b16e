"""The recipe of the named styles: `python -m diffstyle.training styles DATA`.

A named style is what the preview network measures of a few public-domain pictures; the pictures do not ship.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from diffstyle.picture import Picture
from diffstyle.style import Style
from diffstyle.style_file import SUFFIX
from diffstyle.stylizer import Stylizer
from diffstyle.training.data import read_shards

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True, slots=True)
class Preset:
    """One entry of `weights/starter/styles/recipe.toml`: the keys of its pictures in the shards."""

    name: str
    keys: tuple[str, ...]
    licence: str
    credit: str


def read_presets(path: Path) -> list[Preset]:
    entries = tomllib.loads(path.read_text("utf-8"))["style"]
    return [Preset(e["name"], tuple(e["keys"]), e["licence"], e["credit"]) for e in entries]


def make_presets(data: Path, folder: Path) -> list[Path]:
    """Measure every preset of `folder/recipe.toml` again, and write it there."""
    presets = read_presets(folder / "recipe.toml")
    pixels = {str(s.info["key"]): s.pixels for s in read_shards(data, "art-clean-*", "train")}
    stylizer = Stylizer.load("starter")
    paths: list[Path] = []
    for preset in presets:
        pictures = [Picture.from_array(pixels[key], source=preset.credit) for key in preset.keys]
        references = stylizer.measure(Style.from_images(pictures)).references
        paths.append(Style(references, preset.name, preset.licence).save(folder / f"{preset.name}{SUFFIX}"))
    return paths
