"""One photo by every engine, for docs/engines.md. `python examples/engines.py OUT.jpg`

The photo, the preview, the painter and diffusion in one style; media by rule in another, which words describe.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from diffstyle import Picture, Stylizer
from diffstyle.assets.style_spec import parse_style

STYLE, WORDS = "preset:van-gogh-starry-night", "linocut in dark blue and orange"
CELLS = [("adain", STYLE), ("nnst", STYLE), ("diffusion", STYLE), ("adain", WORDS), ("media", WORDS)]


def main(out: Path) -> None:
    photo = Picture.open(Path(__file__).parent / "cat.jpg").resized((450, 300))
    stylizer = Stylizer.load("starter")
    painted = [stylizer.stylize(photo, parse_style([style]), engine=engine).picture for engine, style in CELLS]
    cells = [picture.to_array() for picture in (photo, *painted)]
    rows = [np.concatenate(cells[n : n + 3], 1) for n in (0, 3)]
    Image.fromarray(np.concatenate(rows, 0)).save(out, quality=85)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
