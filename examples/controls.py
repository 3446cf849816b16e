"""The pictures of docs/controls.md: `python examples/controls.py docs/images`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
from PIL import Image
from skimage import data

from diffstyle import Diffusion, Picture, Style, Stylizer
from diffstyle.assets.style_spec import parse_style
from diffstyle.controls.selection import inverse, select
from diffstyle.core.mask import Mask

WIDTH = 300
Cell = npt.NDArray[np.uint8]


def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    stylizer = Stylizer.load("starter", device="cpu")
    coffee = Picture.from_array(cast("Cell", data.coffee()))
    astronaut = Picture.from_array(cast("Cell", data.astronaut()))
    looks = ["preset:van-gogh-starry-night", "ink drawing on white paper", "stained glass in blue"]
    for name, photo in (("coffee", coffee), ("astronaut", astronaut)):
        photo.to_pil().save(out / f"{name}.jpg", quality=92)
    cup = select(coffee, "foreground")
    Image.fromarray(cup.to_array()).save(out / "cup.png")
    starry, ink, glass = (parse_style([s]) for s in looks)

    def painted(photo: Picture, style: Style, **settings: object) -> Picture:
        return stylizer.stylize(photo, style, **settings).picture  # pyright: ignore[reportArgumentType]

    def row(name: str, *pictures: Picture) -> None:
        cells = [cell(p) for p in pictures]
        Image.fromarray(np.concatenate(cells, 1)).save(out / f"controls-{name}.jpg", quality=82)

    row(
        "where",
        coffee,
        painted(coffee, starry, mask=cup),
        painted(coffee, starry, mask=inverse(cup)),
        painted(coffee, starry, regions=[(cup, glass)], feather=8.0),
        Picture(Mask.of(cup).values.expand(3, -1, -1).contiguous()),
    )
    row("colour", astronaut, *(painted(astronaut, starry, colour=c) for c in ("off", "keep", "match", "palette")))
    large = coffee.resized((1500, 1000))
    row("stroke", *(zoomed(painted(large, ink, stroke=s)) for s in (None, 0.5, 1.0, 2.0)))
    row(
        "prepare",
        *(
            zoomed(painted(astronaut, starry, **s))
            for s in ({}, {"contrast": 2.0}, {"sharpness": 3.0}, {"smooth": 0.6})
        ),
    )
    wide = coffee.resized((1200, 800))
    row("tiles", *(painted(wide, starry, engine=Diffusion(tile=t)) for t in (None, 256)))


def cell(picture: Picture) -> Cell:
    return picture.resized((WIDTH, round(WIDTH * picture.height / picture.width))).to_array()


def zoomed(picture: Picture) -> Picture:
    """Its middle half."""
    width, height = picture.size
    part = picture.pixels[:, height // 4 : height * 3 // 4, width // 4 : width * 3 // 4]
    return Picture(part.contiguous())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
