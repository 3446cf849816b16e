"""Quality of the preview on photos and styles it was not trained on: `python -m benchmarks.quality --data DIR`.

DIR holds webdataset shards with a dev split; without it, photos and textures that ship with scikit-image are used.
With DIR/teacher/microast.safetensors, MicroAST is measured on the same pairs. A contact sheet goes to runs/quality.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from cyclopts import run

from benchmarks.neighbours import load_microast
from diffstyle import Picture, Style, Stylizer, Task
from diffstyle.evaluation import sheets
from diffstyle.evaluation.measures import Measures, measure
from diffstyle.evaluation.pictures import SIDE, small, square
from diffstyle.training.data import Pixels, read_shards


def dev_pairs(data: Path, count: int) -> list[tuple[Picture, Picture]]:
    """Pairs of photo and style of the dev split, the same in every run and for every model."""
    rng = np.random.default_rng(7)

    def split(pattern: str) -> list[Pixels]:
        return [s.pixels for s in read_shards(data, pattern, "dev")]

    photos = [p for p in split("photo-clean-*") + split("photo-research-*") if min(p.shape[:2]) >= 280]
    clean, research = split("art-clean-*"), split("art-research-*")
    chosen = [photos[int(n)] for n in rng.permutation(len(photos))[:count]]
    most = count * 5 // 8
    styles = [clean[int(n)] for n in rng.permutation(len(clean))[:most]]
    styles += [research[int(n)] for n in rng.permutation(len(research))[: count - most]]
    return [(square(p), square(s)) for p, s in zip(chosen, styles, strict=True)]


def bundled_pairs() -> list[tuple[Picture, Picture]]:
    from skimage import data

    photos: list[Pixels] = [data.cat(), data.astronaut(), data.coffee(), data.rocket(), data.chelsea()[:, ::-1]]
    styles: list[Pixels] = [data.immunohistochemistry(), data.retina(), data.hubble_deep_field(), data.colorwheel()]
    return [(square(p), square(s[..., :3])) for p in photos for s in styles]


def summary(name: str, measures: list[Measures]) -> None:
    """Print the medians of the measures."""
    rows = [asdict(m) for m in measures]
    medians = {key: float(np.median([row[key] for row in rows])) for key in rows[0]}
    print(f"{name:10} " + "  ".join(f"{key} {value:.3f}" for key, value in medians.items()), flush=True)


def quality(*, data: Path | None = None, pairs: int = 32, out: Path = Path("runs/quality")) -> None:
    """Print medians over the pairs, and write sheets of content, style, diffstyle and MicroAST.

    Parameters
    ----------
    data
        Folder of webdataset shards with a dev split.
    pairs
        How many pairs.
    out
        Where the contact sheets go.
    """
    chosen = bundled_pairs() if data is None else dev_pairs(data, pairs)
    print(f"{len(chosen)} pairs at {SIDE}x{SIDE}, medians; an untouched photo scores 1 / 1 / 1")
    micro = None if data is None else load_microast(data / "teacher" / "microast.safetensors")
    stylizer = Stylizer.load("starter")
    ours: list[Measures] = []
    theirs: list[Measures] = []
    rows: list[Pixels] = []
    for content, style in chosen:
        painted = [stylizer.preview(Task(content, Style.from_image(style))).picture]
        ours.append(measure(small(content), small(style), small(painted[0])))
        if micro is not None:
            with torch.inference_mode():
                pixels = micro(content.pixels[None], style.pixels[None])[0].clamp(0, 1)
            painted.append(Picture(pixels.clone()))
            theirs.append(measure(small(content), small(style), small(painted[1])))
        rows.append(sheets.row([content, style, *painted]))
    summary("diffstyle", ours)
    if theirs:
        summary("MicroAST", theirs)
    out.mkdir(parents=True, exist_ok=True)
    sheets.write_sheets(out, "sheet", rows)
    print(f"contact sheets: {out}")


if __name__ == "__main__":
    run(quality)
