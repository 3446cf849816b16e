"""CSV files that spreadsheets open without evaluating what is in them."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path

from diffstyle.formats.atomic import write_atomic

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(rows: Iterable[Sequence[object]]) -> str:
    """Rows of numbers and text as CSV; text is `escaped`, numbers are not. A float has six significant digits, and NaN
    and None are empty cells.
    """
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def write_rows(path: Path, rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file in UTF-8, whole or not at all."""
    data = csv_text(rows).encode()
    write_atomic(path, lambda file: file.write(data))


def escaped(text: str) -> str:
    """Text with a quote in front if it begins like a formula, which spreadsheets would evaluate."""
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def unescaped(text: str) -> str:
    """The inverse of `escaped`."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_FORMULA) else text


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}"
    return "" if value is None else escaped(value) if isinstance(value, str) else str(value)
