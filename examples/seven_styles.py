"""The picture at the top of the README: one photo in seven named styles. `python examples/seven_styles.py OUT.jpg`"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from diffstyle import Picture, Style, Stylizer

NAMES = [
    "van-gogh-starry-night",
    "tenniel-engraving",
    "matisse-dance",
    "klimt-gold",
    "munch-scream",
    "potter-watercolour",
    "ukiyo-e",
]
STYLES = Path(__file__).parent.parent / "weights" / "starter" / "styles"


def main(out: Path) -> None:
    photo = Picture.open(Path(__file__).parent / "cat.jpg").resized((450, 300))
    stylizer = Stylizer.load("starter")
    styles = [Style.load(STYLES / f"{name}.style.safetensors") for name in NAMES]
    cells = [photo.to_array(), *(stylizer.stylize(photo, style).picture.to_array() for style in styles)]
    rows = [np.concatenate(cells[n : n + 4], 1) for n in (0, 4)]
    out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(rows, 0)).save(out, quality=88)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
