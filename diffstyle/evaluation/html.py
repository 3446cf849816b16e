"""HTML shared by all reports: a page is one self-contained file."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence
from pathlib import Path

from diffstyle.core.errors import explain
from diffstyle.evaluation.case import open_whole
from diffstyle.formats.atomic import Inputs, check_writable, write_atomic
from diffstyle.formats.picture_file import encode

CSS = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --strong: #b45309; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1180px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
td.number { text-align: right; white-space: nowrap; } td small { opacity: .65; }
td.best { font-weight: 650; }
figure { margin: .8rem 0; } figcaption { font-size: .85rem; opacity: .8; }
.row { display: flex; flex-wrap: wrap; gap: 8px; margin: .6rem 0 1.4rem; }
.row figure { margin: 0; flex: 1 1 170px; max-width: 320px; }
.row img { width: 100%; border-radius: 4px; display: block; }
img.plot { max-width: 100%; background: #fff; border-radius: 6px; }
.note { border-left: 3px solid var(--strong); padding: .1rem .8rem; margin: .5rem 0; }
"""
THUMBNAIL = 320  # pixels


def escape(text: object) -> str:
    """Text for HTML."""
    return html.escape(str(text))


def data_url(data: bytes, kind: str) -> str:
    """The bytes of a file as a data URL; `kind` is a MIME type."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def thumbnail(path: Path, side: int = THUMBNAIL, *, square: bool = False) -> str:
    """A picture, or its central `square`, as a data URL of a JPEG with at most `side` pixels."""
    picture = open_whole(path, square=square)
    return data_url(encode(picture.reduced(side), "JPEG", "", quality=85), "image/jpeg")


def table_html(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose cells are HTML; all columns but the first are numbers."""
    head = "".join(f"<th>{cell}</th>" for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td{'' if n == 0 else ' class=number'}>{c}</td>" for n, c in enumerate(row)) + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def pictures_row(pictures: Sequence[tuple[str, str]]) -> str:
    """Pictures side by side, each given as a caption and a URL."""
    figures = "".join(
        f'<figure><img src="{url}" alt="{escape(caption)}"><figcaption>{escape(caption)}</figcaption></figure>'
        for caption, url in pictures
    )
    return f'<div class="row">{figures}</div>'


def notes_html(notes: Sequence[str]) -> str:
    """Highlighted sentences."""
    return "".join(f'<p class="note">{escape(note)}</p>' for note in notes)


def report_folder(folder: Path, files: Sequence[str], inputs: Iterable[Path]) -> None:
    """Make the folder of a report if needed. InputError if one of its `files` cannot be written, or is an input."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain(error, f"make the folder {folder}") from error
    found = Inputs.of(inputs)
    for name in files:
        check_writable(folder / name, found)


def write_page(path: Path, title: str, body: str) -> None:
    """Write a whole page."""
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{CSS}</style>'
        f"<body><h1>{escape(title)}</h1>{body}</body></html>\n"
    )
    write_atomic(path, lambda file: file.write(text.encode()))
