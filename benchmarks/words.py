"""Styles in words, and paths between styles, as pictures: `python -m benchmarks.words --data DIR`.

Contact sheets go to runs/words. The figures compare pictures painted with statistics that the stats adapter predicts
from an embedding with those painted with measured statistics; with DIR, webdataset shards, on pairs of its dev split.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from cyclopts import run

from benchmarks.quality import bundled_pairs, dev_pairs, summary
from diffstyle import Picture, Style, Stylizer, Task
from diffstyle.assets.style_spec import parse_style
from diffstyle.evaluation import sheets
from diffstyle.evaluation.measures import Measures, measure
from diffstyle.evaluation.pictures import small
from diffstyle.training.data import Pixels

SIDE = 256
WORDS = (
    "ukiyo-e woodblock print, indigo and cream",
    "text:watercolour, pale and airy",
    "charcoal drawing on white paper",
    "stained glass window in red and blue",
    "a dark baroque oil painting",
    "impressionist painting, light and vivid",
    "pointillism, orange and turquoise",
    "mosaic of blue and gold tiles",
    "glowing neon lines, pink and turquoise",
    "flat poster in orange and dark teal",
    "pencil sketch, fine strokes",
    "pop art in red and yellow",
    "blueprint",
    "coarse halftone, black on pale pink",
    "thick impasto, green and yellow",
    "risograph in violet and green",
    "low poly, coarse, purple",
    "engraving by John Tenniel",
    "storybook illustration by Beatrix Potter",
    "in the style of Vincent van Gogh",
)
PATHS = (
    ("woodcut-indigo", "impasto"),
    ("text:pale watercolour", "text:dark charcoal drawing"),
    ("van-gogh-starry-night", "klimt-gold"),
    ("text:poster in blue", "text:poster in red"),
    ("neon", "text:stained glass in green and gold"),
)


def photos() -> list[Picture]:
    """Three that ship with scikit-image, square."""
    return [photo.resized((SIDE, SIDE)) for photo, _ in bundled_pairs()[::4]][:3]


def sheet_of_words(stylizer: Stylizer, out: Path) -> None:
    """Two files of ten descriptions, three photos each."""
    columns: list[Pixels] = []
    for words in WORDS:
        style = stylizer.measure(parse_style([words]))
        painted = [stylizer.preview(Task(photo, style)).picture for photo in photos()]
        columns.append(sheets.labelled(sheets.column(painted), words.removeprefix("text:")))
        print(f"{words:46} confidence {style.confidence:.2f}")
    for n in range(0, len(columns), 5):
        sheets.write_sheet(out / f"words-{n // 5}.png", [np.concatenate(columns[n : n + 5], 1)])


def sheet_of_paths(stylizer: Stylizer, out: Path, steps: int = 5) -> None:
    rows: list[Pixels] = []
    photo = photos()[0]
    for specs in PATHS:
        ends = [stylizer.measure(stylizer.encoder.encode(parse_style([spec]))) for spec in specs]
        strip = [stylizer.preview(Task(photo, s)).picture for s in Style.path(ends[0], ends[1], steps)]
        rows.append(sheets.labelled(sheets.row(strip), " -> ".join(specs)))
    sheets.write_sheet(out / "paths.png", rows)


def adapter(stylizer: Stylizer, pairs: list[tuple[Picture, Picture]]) -> None:
    """Measures of pictures painted with measured statistics, and with those predicted from the style's embedding."""
    measured: list[Measures] = []
    predicted: list[Measures] = []
    apart: list[float] = []
    for content, style in pairs:
        full = stylizer.encoder.encode(Style.from_image(style))
        bare = Style.from_embedding(full.embedding, full.space)
        pictures = [stylizer.preview(Task(content, s)).picture for s in (full, bare)]
        measured.append(measure(small(content), small(style), small(pictures[0])))
        predicted.append(measure(small(content), small(style), small(pictures[1])))
        change = float((pictures[0].pixels - content.pixels).abs().mean())
        apart.append(float((pictures[0].pixels - pictures[1].pixels).abs().mean()) / max(change, 1e-6))
    print(f"{len(pairs)} pairs, medians")
    summary("measured", measured)
    summary("predicted", predicted)
    print(f"the two pictures differ by {np.median(apart):.2f} times the change from the photo")


def words(*, data: Path | None = None, pairs: int = 32, out: Path = Path("runs/words")) -> None:
    """Write the sheets and print the figures.

    Parameters
    ----------
    data
        Folder of webdataset shards with a dev split.
    pairs
        How many pairs of photo and style the adapter is measured on.
    out
        Where the sheets go.
    """
    torch.set_flush_denormal(True)
    out.mkdir(parents=True, exist_ok=True)
    stylizer = Stylizer.load("starter")
    sheet_of_words(stylizer, out)
    sheet_of_paths(stylizer, out)
    adapter(stylizer, bundled_pairs() if data is None else dev_pairs(data, pairs))
    print(f"contact sheets: {out}")


if __name__ == "__main__":
    run(words)
