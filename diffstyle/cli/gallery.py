"""`diffstyle style list` and `diffstyle style gallery`: all media and named styles, by group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from unicodedata import combining, normalize

from cyclopts import Parameter

from diffstyle.cli.progress import Progress
from diffstyle.cli.style import Out
from diffstyle.core.errors import InputError
from diffstyle.formats.atomic import check_writable

if TYPE_CHECKING:
    from PIL.Image import Image

    from diffstyle.core.picture import Picture
    from diffstyle.data.catalogue import Entry
    from diffstyle.stylizer import Stylizer

COLUMNS = 8
_GAP, _LABEL, _HEADING = 8, 22, 44  # pixels between pictures, and the heights of their labels and of group headings
_PAPER, _INK = "#ffffff", "#1a1a1a"

Groups = Annotated[list[str], Parameter(name="--group", negative=(), json_list=False)]


def list_styles() -> int:
    """Name the media that are drawn by rule, and the styles that come with diffstyle."""
    from diffstyle.data.catalogue import entries

    groups: dict[str, list[tuple[str, str]]] = {}
    for entry in entries():
        groups.setdefault(entry.group, []).append((entry.label, entry.about))
    width = max(len(label) for members in groups.values() for label, _ in members)
    for n, (group, members) in enumerate(groups.items()):
        print(f"{chr(10) if n else ''}{group}")
        for label, about in members:
            print(f"  {label:{width}}  {about}".rstrip())
    return 0


def gallery(
    photo: Annotated[Path | None, Parameter(name="PHOTO")] = None,
    /,
    *,
    out: Out,
    group: Groups | None = None,
    size: int = 256,
    seed: int = 0,
) -> int:
    """Paint a photo in every medium and named style, as a sheet: diffstyle style gallery photo.jpg -o gallery.png

    Parameters
    ----------
    photo
        The photo; one that comes with diffstyle if not given.
    out
        The picture to write: .png, .jpg or .webp.
    group
        Only this group of `diffstyle style list`; repeat it for several.
    size
        Longest side of each picture in pixels.
    seed
        The same number gives the same sheet.
    """
    from diffstyle.assets.zoo import example_photo
    from diffstyle.core.picture import Picture
    from diffstyle.data.catalogue import entries
    from diffstyle.formats.atomic import write_atomic
    from diffstyle.formats.picture_file import check_output, output_format
    from diffstyle.stylizer import Stylizer

    check_output(out, None)
    check_writable(out, [photo] if photo else [])
    shown = chosen(entries(), group or [])
    content = Picture.open(photo or example_photo())
    pictures = _painted(Stylizer.load(), content, shown, size=size, seed=seed)
    image = sheet([(entry.group, entry.label, picture) for entry, picture in pictures])
    write_atomic(out, lambda file: image.save(file, output_format(out)))
    print(out)
    return 0


def chosen(every: Sequence[Entry], groups: Sequence[str]) -> list[Entry]:
    """The entries of `groups`, by name in any case, or all; InputError with the groups there are."""
    there = list(dict.fromkeys(entry.group for entry in every))
    wanted = {group.casefold() for group in groups}
    if unknown := [g for g in groups if g.casefold() not in {t.casefold() for t in there}]:
        raise InputError(f"There is no group {unknown[0]!r}: give one of {', '.join(map(repr, there))}.")
    return [entry for entry in every if not wanted or entry.group.casefold() in wanted]


def sheet(pictures: Sequence[tuple[str, str, Picture]], columns: int = COLUMNS) -> Image:
    """(group, label, picture) of one size -> rows under the name of their group, each picture above its label."""
    from PIL import Image, ImageDraw, ImageFont

    width, height = pictures[0][2].size
    groups: dict[str, list[tuple[str, Picture]]] = {}
    for group, label, picture in pictures:
        groups.setdefault(group, []).append((label, picture))
    columns = min(columns, max(map(len, groups.values())))
    row = height + _LABEL + _GAP
    rows = sum(-(-len(group) // columns) for group in groups.values())
    image = Image.new("RGB", (_GAP + columns * (width + _GAP), len(groups) * _HEADING + rows * row + _GAP), _PAPER)
    pen, heading, font = ImageDraw.Draw(image), ImageFont.load_default(24), ImageFont.load_default(14)
    top = 0
    for name, members in groups.items():
        pen.text((_GAP, top + 9), name, _INK, heading)
        top += _HEADING
        for n, (label, picture) in enumerate(members):
            left, above = _GAP + n % columns * (width + _GAP), top + n // columns * row
            image.paste(Image.fromarray(picture.to_array()[..., :3]), (left, above))
            label = "".join(c for c in normalize("NFKD", label) if not combining(c))  # the font has no accents
            while len(label) > 1 and pen.textlength(label, font) > width:
                label = label.rstrip("…")[:-1] + "…"
            pen.text((left, above + height + 3), label, _INK, font)
        top += -(-len(members) // columns) * row
    return image


def _painted(
    stylizer: Stylizer, content: Picture, shown: Sequence[Entry], *, size: int, seed: int
) -> Iterator[tuple[Entry, Picture]]:
    """Each entry with `content` in its style, painted by the engine that `stylize` would choose."""
    from diffstyle.assets.style_spec import parse_style
    from diffstyle.core.task import Task

    progress = Progress("picture")
    try:
        for n, entry in enumerate(shown):
            progress.update(n, len(shown), entry.label)
            task = Task(content, parse_style([entry.style]), size=size, seed=seed)
            yield entry, stylizer.render(task).picture
    finally:
        progress.close()
