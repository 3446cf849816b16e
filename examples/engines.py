"""One photo by every engine, for docs/engines.md. `python examples/engines.py OUT.jpg`

All engines that paint from pictures in one style, a student of that style, and media by rule in another, in words.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from diffstyle import Picture, Stylizer
from diffstyle.assets.style_spec import parse_style

PAINTING, WORDS = "preset:van-gogh-starry-night", "linocut in dark blue and orange"
ENGINES = ("adain", "nnst", "diffusion", "gatys", "gaussian", "strotss", "feedforward", "media")
COLUMNS = 3


def main(out: Path) -> None:
    photo = Picture.open(Path(__file__).parent / "cat.jpg").resized((450, 300))
    stylizer = Stylizer.load("starter")
    cells = [photo.to_array()]
    for engine in ENGINES:
        style = parse_style([WORDS if engine == "media" else PAINTING])
        cells.append(stylizer.stylize(photo, style, engine=engine).picture.to_array())
    rows = [np.concatenate(cells[n : n + COLUMNS], 1) for n in range(0, len(cells), COLUMNS)]
    Image.fromarray(np.concatenate(rows, 0)).save(out, quality=85)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
