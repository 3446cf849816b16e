"""Personal adapters on hands that the starter was not trained on: `python -m benchmarks.personal DATA`.

For each hand, an adapter is trained on eight pictures, and photos of the dev split are painted in the zero-shot image
style of those eight and with the adapter; both are held against other pictures of the hand. Neither these nor the
photos decided anything in the training, or between the recipes that came before. Sheets (photo, zero-shot, adapter, the
hand) go to runs/personal.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from cyclopts import run
from PIL import Image

from diffstyle import AdapterRecipe, Picture, Style, Stylizer, train_adapter
from diffstyle.assets.style_spec import parse_style
from diffstyle.assets.zoo import ADAPTERS_VARIABLE
from diffstyle.core.task import EngineName
from diffstyle.data.procedural import render
from diffstyle.evaluation.measures import Measures, measure
from diffstyle.evaluation.pictures import small, square
from diffstyle.training.data import Pixels, Sample, read_shards
from diffstyle.training.personal.recipe import AdapterKind
from diffstyle.training.personal.report import own_ratio

LEARNED, CHOSEN_BY, HELD = 8, 2, 4  # pictures of a hand, in this order
FIRST, PHOTOS = 30, 6  # those before were chosen by, or are the content of rendered hands
PROCEDURAL = {"mosaic": 40_011, "woodcut": 40_012, "oil dabs": 40_013}  # seeds that no training run drew
WAYS: tuple[tuple[EngineName, float | None], ...] = (("diffusion", None), ("diffusion", 0.0), ("adain", None))


def hands(data: Path) -> dict[str, list[Pixels]]:
    """Fourteen pictures of each, or what there are: drawn ones of the dev split, whose kind no training run has seen,
    and rendered ones.
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
    """Print, for each hand, means over photos and held-out pictures before and after, and the time and memory it took.

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
        The name of one hand.
    """
    out.mkdir(parents=True, exist_ok=True)
    photos = [square(s.pixels) for s in read_shards(data, "photo-clean-*", "dev")[FIRST:][:PHOTOS]]
    ratios: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as zoo:
        os.environ[ADAPTERS_VARIABLE] = zoo
        for name, pictures in hands(data).items():
            if only in ("", name):
                ratios.append(_one(name, pictures, photos, AdapterRecipe(kind=kind, minutes=minutes), out))
    whole, bare = np.median(ratios, 0)
    print(
        f"texture of the final with adapter over zero-shot, median of {len(ratios)}: {whole:.3f},"
        f" with texture=0 {bare:.3f}"
    )


def _one(
    name: str, pictures: list[Pixels], photos: list[Picture], recipe: AdapterRecipe, out: Path
) -> tuple[float, float]:
    slug = name.replace(" ", "-")
    learned, further = pictures[:LEARNED], pictures[LEARNED + CHOSEN_BY :]
    held = [square(p) for p in further]
    begun = time.monotonic()
    report = train_adapter([Picture.from_array(p) for p in learned], name=slug, recipe=recipe)
    minutes = (time.monotonic() - begun) / 60
    rows = [np.concatenate([p.to_array() for p in photos], 1)]
    stylizer = Stylizer.load()
    looks = {
        "zero-shot": Style.from_images([Picture.from_array(p) for p in learned]),
        "adapter": parse_style([f"adapter:{slug}"]),
    }
    own = own_ratio(learned, photos, further)
    print(
        f"{name}: {report.steps} steps, {minutes:.1f} minutes in all, {report.peak_memory / 2**30:.1f} GiB,"
        f" {report.kept:.0%} kept; the hand itself {own:.3f}",
        flush=True,
    )
    final: list[float] = []
    for label, style in looks.items():
        for engine, texture in WAYS:
            painted = [stylizer.stylize(p, style, engine=engine, texture=texture).picture for p in photos]
            found = [measure(small(p), small(h), small(o)) for p, o in zip(photos, painted, strict=True) for h in held]
            ratio, colour, structure = (np.mean([getattr(m, k) for m in found]) for k in Measures.__slots__)
            bare = " bare" if texture == 0 and engine == "diffusion" else ""
            print(f"  {label:10}{engine + bare:15} texture {ratio:.3f}  colour {colour:.3f}  structure {structure:.3f}")
            rows.append(np.concatenate([p.to_array() for p in painted], 1))
            final += [float(ratio)] if engine == "diffusion" else []
    rows.append(np.concatenate([square(p).to_array() for p in pictures[-len(photos) :]], 1))
    sheet = Image.fromarray(np.concatenate(rows, 0))
    sheet.resize((sheet.width // 2, sheet.height // 2), Image.Resampling.LANCZOS).save(
        out / f"{slug}-{recipe.kind}.png"
    )
    whole, bare = final[2] / final[0], final[3] / final[1]
    print(f"  texture of the final, adapter over zero-shot: {whole:.3f}, with texture=0 {bare:.3f}", flush=True)
    return whole, bare


if __name__ == "__main__":
    run(personal)
