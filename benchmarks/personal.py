"""Personal adapters for artists that the starter was not trained on: `python -m benchmarks.personal DATA`.

For each artist, an adapter is trained on eight pictures. Photos of the dev split are painted in the zero-shot style of
those eight pictures and with the adapter, and both are measured against other pictures of the artist. Neither these nor
the photos were used for any choice. Sheets (photo, zero-shot, adapter, artist) go to runs/personal.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from cyclopts import run

from diffstyle import AdapterRecipe, Picture, Style, Stylizer, Task, train_adapter
from diffstyle.assets.style_spec import parse_style
from diffstyle.assets.zoo import ADAPTERS_VARIABLE
from diffstyle.data.procedural import render
from diffstyle.engines.registry import engine_for_adapters, interactive_engine
from diffstyle.evaluation import sheets
from diffstyle.evaluation.measures import Measures, measure
from diffstyle.evaluation.pictures import small, square
from diffstyle.training.data import Pixels, Sample, read_shards
from diffstyle.training.personal.recipe import AdapterKind
from diffstyle.training.personal.report import own_ratio

LEARNED, CHOSEN_BY, HELD = 8, 2, 4  # pictures of an artist, in this order; earlier recipes were chosen by the second
FIRST, PHOTOS = 30, 6  # the photos before were used for choices or are the contents of rendered pictures
PROCEDURAL = {"mosaic": 40_011, "woodcut": 40_012, "oil dabs": 40_013}  # seeds that no training run drew


def artists(data: Path) -> dict[str, list[Pixels]]:
    """Up to fourteen pictures of each: drawn ones of the dev split, whose kind no training run has seen, and rendered
    ones.
    """
    every = LEARNED + CHOSEN_BY + HELD
    art, photos = read_shards(data, "art-*", "dev"), read_shards(data, "photo-clean-*", "dev")

    def drawn(wanted: Callable[[Sample], bool]) -> list[Pixels]:
        return [s.pixels for s in art if wanted(s)][:every]

    found = {
        "pencil sketches": drawn(lambda s: s.info.get("medium") == "pencil sketch"),
        "cartoons": drawn(lambda s: s.info.get("medium") == "cartoon"),
        "watercolours": drawn(lambda s: s.info.get("medium") == "watercolour illustration"),
    }
    for medium, seed in PROCEDURAL.items():
        later = photos[PHOTOS:][:every]
        found[medium] = [render(p.pixels, medium, np.random.default_rng(seed)).pixels for p in later]
    return found


def personal(
    data: Path, *, minutes: float = 8.0, kind: AdapterKind = "lora", out: Path = Path("runs/personal"), only: str = ""
) -> None:
    """Print, for each artist, means over photos and held-out pictures before and after, with time and memory.

    Parameters
    ----------
    data
        Folder of webdataset shards with a dev split.
    minutes
        Of each training.
    kind
        Of the adapters.
    out
        Where the sheets go.
    only
        The name of one artist.
    """
    out.mkdir(parents=True, exist_ok=True)
    photos = [square(s.pixels) for s in read_shards(data, "photo-clean-*", "dev")[FIRST:][:PHOTOS]]
    ratios: list[float] = []
    with tempfile.TemporaryDirectory() as zoo:
        os.environ[ADAPTERS_VARIABLE] = zoo
        for name, pictures in artists(data).items():
            if only in ("", name):
                ratios.append(_one(name, pictures, photos, AdapterRecipe(kind=kind, minutes=minutes), out))
    print(f"texture of the final with adapter over zero-shot, median of {len(ratios)}: {np.median(ratios):.3f}")


def _one(name: str, pictures: list[Pixels], photos: list[Picture], recipe: AdapterRecipe, out: Path) -> float:
    """Train and measure one adapter; the texture ratio with it over that of the zero-shot style."""
    slug = name.replace(" ", "-")
    learned, further = pictures[:LEARNED], pictures[LEARNED + CHOSEN_BY :]
    held = [square(p) for p in further]
    started = time.monotonic()
    report = train_adapter([Picture.from_array(p) for p in learned], name=slug, recipe=recipe)
    minutes = (time.monotonic() - started) / 60
    rows = [sheets.row(photos)]
    stylizer = Stylizer.load()
    styles = {
        "zero-shot": Style.from_images([Picture.from_array(p) for p in learned]),
        "adapter": parse_style([f"adapter:{slug}"]),
    }
    own = own_ratio(learned, photos, further)
    print(
        f"{name}: {report.steps} steps, {minutes:.1f} minutes in all, {report.peak_memory / 2**30:.1f} GiB,"
        f" {report.kept:.0%} kept; the artist's own pictures {own:.3f}",
        flush=True,
    )
    final = engine_for_adapters(stylizer.default_engine, {recipe.kind})
    textures: list[float] = []
    for label, style in styles.items():
        for engine in (final, interactive_engine()):
            painted = [stylizer.render(Task(p, style, engine=engine)).picture for p in photos]
            found = [measure(small(p), small(h), small(o)) for p, o in zip(photos, painted, strict=True) for h in held]
            texture, colour, structure = (np.mean([getattr(m, k) for m in found]) for k in Measures.__slots__)
            print(f"  {label:10}{engine:15} texture {texture:.3f}  colour {colour:.3f}  structure {structure:.3f}")
            rows.append(sheets.row(painted))
            textures += [float(texture)] if engine == final else []
    rows.append(sheets.row([square(p) for p in pictures[-len(photos) :]]))
    sheets.write_sheet(out / f"{slug}-{recipe.kind}.png", rows, scale=0.5)
    ratio = textures[1] / textures[0]
    print(f"  texture of the final, adapter over zero-shot: {ratio:.3f}", flush=True)
    return ratio


if __name__ == "__main__":
    run(personal)
