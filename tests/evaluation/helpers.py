"""Pairs and runs as files, small."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from diffstyle.evaluation.pairs import Pair, Run
from tests.conftest import waves

SIDE = 64


def save(path: Path, seed: int, *, side: int = SIDE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(waves(side, side, seed=seed)).save(path)
    return path


def make_pairs(folder: Path, count: int = 3) -> list[Pair]:
    """Pairs p0, p1, … of photos and styles in `folder`, and pairs.csv, whose paths are relative to it."""
    pairs = [Pair(f"p{n}", folder / f"photo/{n}.png", folder / f"style/{n}.png") for n in range(count)]
    for n, pair in enumerate(pairs):
        save(pair.photo, n)
        save(pair.style, n + 50)
    with (folder / "pairs.csv").open("w", newline="") as file:
        rows = [
            ["name", "photo", "style"],
            *([p.name, f"photo/{n}.png", f"style/{n}.png"] for n, p in enumerate(pairs)),
        ]
        csv.writer(file).writerows(rows)
    return pairs


def make_run(folder: Path, pairs: list[Pair], share: float) -> Run:
    """Results that are the photo with a `share` of the style."""
    folder.mkdir(parents=True, exist_ok=True)
    for pair in pairs:
        photo, style = (np.asarray(Image.open(p), np.float32) for p in (pair.photo, pair.style))
        mixed = np.round((1 - share) * photo + share * style).astype(np.uint8)
        Image.fromarray(mixed).save(folder / f"{pair.name}.png")
    return Run.of(folder)
