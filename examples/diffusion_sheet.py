"""What diffusion makes of the painter's draft, for docs/diffusion.md. `python examples/diffusion_sheet.py OUT.jpg`

A row a style: the draft, the default with two seeds, more noise, and the default guided by neural neighbours.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from diffstyle import Diffusion, Picture, Stylizer
from diffstyle.assets.style_spec import parse_style

STYLES = ["preset:van-gogh-starry-night", "preset:munch-scream", "preset:monet-sunrise"]
CELLS = [
    (Diffusion(denoise=0), 0),
    (Diffusion(), 1),
    (Diffusion(), 2),
    (Diffusion(denoise=0.6), 1),
    (Diffusion(guide="nnst"), 1),
]
PART = (105, 20, 345, 260)  # of the painted picture: left, top, right, bottom


def main(out: Path) -> None:
    photo = Picture.open(Path(__file__).parent / "cat.jpg").resized((450, 300))
    stylizer = Stylizer.load("starter")
    rows: list[np.ndarray] = []
    for spec in STYLES:
        style = parse_style([spec])
        painted = [stylizer.stylize(photo, style, engine=engine, seed=seed).picture for engine, seed in CELLS]
        rows.append(np.concatenate([_part(p) for p in painted], 1))
    Image.fromarray(np.concatenate(rows, 0)).save(out, quality=88)


def _part(picture: Picture) -> np.ndarray:
    left, top, right, bottom = PART
    return picture.to_array()[top:bottom, left:right]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
