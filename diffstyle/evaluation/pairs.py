"""Pairs of a photo and a style, and the results of a run."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from diffstyle.core.errors import InputError, explain

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
BETWEEN = "_stylized_"  # CONTENT_stylized_STYLE.png, as StyleID names its results
COSTS = "costs.csv"
_HEADERS = {"name", "content", "photo", "style"}


@dataclass(frozen=True, slots=True)
class Pair:
    """A photo and a style picture, or the central `square` of each; `name` is the stem of every run's result."""

    name: str
    photo: Path
    style: Path
    square: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """A folder of results called `name`: the picture of each pair, and seconds and bytes where they are known."""

    name: str
    pictures: Mapping[str, Path]
    costs: Mapping[str, tuple[float, int | None]]

    @classmethod
    def of(cls, folder: Path, name: str = "") -> Run:
        """The pictures in a folder, and its costs.csv (name,seconds[,bytes]) if there is one."""
        pictures = {path.stem: path for path in sorted(pictures_in(folder), reverse=True)}  # .png before .webp
        return cls(name or folder.resolve().name, pictures, read_costs(folder / COSTS))


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder by name, without hidden files. InputError if it is not a folder."""
    try:
        found = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
    except OSError as error:
        raise explain(error, f"read the folder {folder}") from error
    return found


def read_pairs(path: Path, *, content: Path | None = None, style: Path | None = None) -> list[Pair]:
    """The pairs of a CSV file with the columns name, photo, style, or photo, style.

    A header is optional, and lines that begin with # and have no comma are comments.

    Paths are relative to the folders `content` and `style`, or to the folder of the file where these are not given.
    InputError for a file that cannot be read, for photos or styles that are not there, and for names that repeat.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [[cell.strip() for cell in row] for row in csv.reader(file)]
    except OSError as error:
        raise explain(error, f"read {path}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"Cannot read {path}: it is not a CSV file in UTF-8.") from error
    rows = [row for row in rows if any(row) and not (len(row) == 1 and row[0].startswith("#"))]
    if rows and {cell.lower() for cell in rows[0]} <= _HEADERS:
        rows = rows[1:]
    pairs: list[Pair] = []
    for n, row in enumerate(rows):
        if len(row) not in (2, 3) or not all(row):
            raise InputError(f"Cannot read pair {n + 1} of {path}: give the columns name,photo,style.")
        files = (content or path.parent) / row[-2], (style or path.parent) / row[-1]
        pairs.append(Pair(row[0] if len(row) == 3 else crossed_name(*files), *files))
    check_pairs(pairs, str(path))
    return pairs


def crossed(content: Path, style: Path, *, square: bool = False) -> list[Pair]:
    """Every photo of one folder in every style of another, as StyleID's `util/copy_inputs.py` pairs and names them.

    `square` is whether the central square of each is painted and compared, as in StyleID's `run_styleid.py`.
    """
    pairs = [Pair(crossed_name(c, s), c, s, square) for c in pictures_in(content) for s in pictures_in(style)]
    check_pairs(pairs, f"{content} and {style}")
    return pairs


def crossed_name(content: Path, style: Path) -> str:
    """CONTENT_stylized_STYLE."""
    return f"{content.stem}{BETWEEN}{style.stem}"


def check_pairs(pairs: Sequence[Pair], where: str) -> None:
    """InputError for no pairs, repeated names, names that no file can have, and missing files."""
    if not pairs:
        raise InputError(f"There are no pairs in {where}: give lines of name,photo,style.")
    seen: set[str] = set()
    for pair in pairs:
        if pair.name in seen or Path(pair.name).name != pair.name or pair.name.startswith("."):
            why = "repeats" if pair.name in seen else "is not a file name"
            raise InputError(f"The name {pair.name!r} in {where} {why}: give every pair a name of its own.")
        seen.add(pair.name)
        for path in (pair.photo, pair.style):
            if not path.is_file():
                raise InputError(f"Cannot read {path}, of the pair {pair.name}: there is no such file.")


def shared(pairs: Sequence[Pair], runs: Sequence[Run]) -> tuple[list[Pair], list[str]]:
    """The pairs of which every run has a picture, and a sentence on each run that lacks some.

    InputError if none is left.
    """
    notes: list[str] = []
    for run in runs:
        lacking = [p.name for p in pairs if p.name not in run.pictures]
        if lacking:
            named = ", ".join(lacking[:3]) + (", …" if len(lacking) > 3 else "")
            notes.append(f"{run.name} lacks {len(lacking)} of {len(pairs)} pictures ({named}): left out for all runs.")
    kept = [p for p in pairs if all(p.name in run.pictures for run in runs)]
    if not kept:
        raise InputError(f"No pair has a picture in every run: name results as {pairs[0].name}.png. {' '.join(notes)}")
    return kept, notes


def read_costs(path: Path) -> dict[str, tuple[float, int | None]]:
    """Seconds and bytes by name. Lines that are not costs, such as one cut off by a crash, are skipped."""
    costs: dict[str, tuple[float, int | None]] = {}
    if not path.is_file():
        return costs
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise explain(error, f"read {path}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"Cannot read {path}: it is not text in UTF-8.") from error
    with contextlib.suppress(csv.Error):
        for row in csv.reader(StringIO(text)):
            try:
                costs[row[0]] = float(row[1]), int(row[2]) if len(row) > 2 and row[2] else None
            except (IndexError, ValueError):
                continue
    return costs
