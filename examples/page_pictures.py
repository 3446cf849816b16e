"""Paint the photos that the page offers, in the styles that it shows them in: `python examples/page_pictures.py`."""

from __future__ import annotations

from diffstyle_ui.app.example_pairs import example_pairs

from diffstyle import Picture, Stylizer
from diffstyle.assets.style_spec import parse_style

QUALITY = 86

if __name__ == "__main__":
    stylizer = Stylizer.load("starter")
    for pair in example_pairs():
        style = parse_style([pair.style])
        painting = stylizer.stylize(Picture.open(pair.photo), style).picture
        painting.to_pil().save(pair.painted, quality=QUALITY, optimize=True)
        print(pair.painted)
