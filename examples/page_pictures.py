"""Paint what the page shows before anybody has asked for anything: `python examples/page_pictures.py`.

The example photos in the styles that they are shown in; and for the wall, the first of them in every style, and each
style's artwork. With `examples`, `stills` or `artworks`, those alone.
"""

from __future__ import annotations

import sys
from pathlib import Path

from diffstyle_ui.app.example_pairs import example_pairs
from diffstyle_ui.app.stills import ARTWORKS, STILLS, file_of
from diffstyle_ui.app.thumbnails import SIDE
from diffstyle_ui.app.wall import PAINTERS, style_of, wall_tiles

from diffstyle import Picture, Stylizer, Task
from diffstyle.assets.style_spec import parse_style
from diffstyle.core.picture import fitted
from diffstyle.formats.exemplar import decode_exemplar

QUALITY, SMALL_QUALITY = 86, 74


def paint_examples(stylizer: Stylizer) -> None:
    for pair in example_pairs():
        style = parse_style([pair.style])
        painting = stylizer.stylize(Picture.open(pair.photo), style).picture
        painting.to_pil().save(pair.painted, quality=QUALITY, optimize=True)
        print(pair.painted)


def paint_stills(stylizer: Stylizer) -> None:
    photo = Picture.open(example_pairs()[0].photo)
    small = photo.resized(fitted(photo.size, SIDE))
    for key in (tile.key for tile in wall_tiles()):
        task = Task(small, style_of(key))
        save((stylizer.draft(task) or stylizer.preview(task)).picture, file_of(STILLS, key))


def save_artworks(stylizer: Stylizer) -> None:
    """The first exemplar of every named style and of every painter."""
    for tile in wall_tiles():
        style = style_of(tile.key)
        style = stylizer.engine().measure(style) if tile.group == PAINTERS else style
        data = next((data for r in style.references for data in r.exemplars), None)
        if data is not None:
            picture = decode_exemplar(data, name=tile.key)
            save(picture.resized(fitted(picture.size, SIDE)), file_of(ARTWORKS, tile.key))


def save(picture: Picture, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    picture.to_pil().convert("RGB").save(path, quality=SMALL_QUALITY, method=6)


if __name__ == "__main__":
    parts = {"examples": paint_examples, "stills": paint_stills, "artworks": save_artworks}
    loaded = Stylizer.load("starter")
    for name in sys.argv[1:] or parts:
        parts[name](loaded)
