"""The picture at the top of the README: one photo in seven styles. `python examples/seven_styles.py OUT.jpg`"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from diffstyle import Picture, Stylizer
from diffstyle.assets.style_spec import parse_style

STYLES = [
    "preset:van-gogh-starry-night",
    "preset:tenniel-engraving",
    "preset:matisse-dance",
    "preset:klimt-gold",
    "preset:munch-scream",
    "preset:potter-watercolour",
    "preset:ukiyo-e",
]


def main(out: Path) -> None:
    photo = Picture.open(Path(__file__).parent / "cat.jpg").resized((450, 300))
    stylizer = Stylizer.load("starter")
    cells = [photo.to_array(), *(stylizer.stylize(photo, parse_style([s])).picture.to_array() for s in STYLES)]
    rows = [np.concatenate(cells[n : n + 4], 1) for n in (0, 4)]
    out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(rows, 0)).save(out, quality=88)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
