"""Export of a study for Amazon Mechanical Turk: an HTML layout with variables, and a CSV file with a line per item.

Its results file can be read by `diffstyle study report`: columns Input.*, Answer.choice and WorkerId.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from diffstyle.core.errors import InputError
from diffstyle.evaluation.html import escape
from diffstyle.evaluation.study.study import PICTURES, Study
from diffstyle.formats.atomic import write_atomic
from diffstyle.formats.csv_file import write_rows

LAYOUT, INPUT = ".mturk-layout.html", ".mturk-input.csv"  # behind the name of the study's folder
COLUMNS = (
    *("pair", "question", "a", "a_sha256", "b", "b_sha256"),
    *("text", "photo_url", "style_url", "a_url", "b_url"),
)
_LAYOUT = """<style>
  .row { display: flex; flex-wrap: wrap; gap: 8px; } .row figure { margin: 0; flex: 1 1 300px; }
  .row img { width: 100%; } .given figure { flex: 0 1 200px; }
</style>
  <p>CONSENT</p>
  <div class="row given">
    <figure><img src="${photo_url}" alt="The photo"><figcaption>Photo</figcaption></figure>
    <figure><img src="${style_url}" alt="The style"><figcaption>Style</figcaption></figure>
  </div>
  <h2>${text}</h2>
  <div class="row">
    <figure><img src="${a_url}" alt="Result A"><figcaption>A</figcaption></figure>
    <figure><img src="${b_url}" alt="Result B"><figcaption>B</figcaption></figure>
  </div>
  <p><label><input type="radio" name="choice" value="a" required> A</label>
  <label><input type="radio" name="choice" value="same"> Same</label>
  <label><input type="radio" name="choice" value="b"> B</label></p>
"""


def export_mturk(study: Study, folder: Path, address: str) -> tuple[Path, Path]:
    """Write the layout and the input file beside the study's `folder`; `address` is where that will be served from.

    Sides are shuffled with the study's seed. InputError as of `check_address`.
    """
    check_address(address)
    rng = random.Random(study.seed)
    rows: list[Sequence[object]] = [COLUMNS]
    for item in rng.sample(study.items, len(study.items)):
        a, b = (item.a, item.b) if rng.random() < 0.5 else (item.b, item.a)
        urls = [f"{address.rstrip('/')}/{PICTURES}/{name}.jpg" for name in (item.photo, item.style, a, b)]
        asked = _literal(study.questions[item.question])
        rows.append([item.pair, item.question, a, study.sha256[a], b, study.sha256[b], asked, *urls])
    folder = folder.resolve()
    layout, table = (folder.with_name(folder.name + end) for end in (LAYOUT, INPUT))
    write_atomic(layout, lambda file: file.write(_LAYOUT.replace("CONSENT", _literal(study.consent)).encode()))
    write_rows(table, rows)
    return layout, table


def _literal(text: str) -> str:
    """Text for the platform's HTML, in which ${NAME} is a variable and values of variables are HTML."""
    return escape(text).replace("$", "&#36;")


def check_address(address: str) -> None:
    """InputError for an address that the platform's page, which is served by HTTPS, would not load pictures from."""
    if not address.startswith("https://"):
        raise InputError(
            f"The address is {address!r}: give one that begins with https://, as --address https://host/study."
        )
