"""A study as Amazon Mechanical Turk takes it: an HTML layout with variables, and a CSV file with a line for each item.

Its results file is what `diffstyle study report` reads: columns Input.*, Answer.choice and WorkerId.
"""

from __future__ import annotations

import csv
import random
from io import StringIO
from pathlib import Path

from diffstyle.core.errors import InputError
from diffstyle.evaluation.study.study import PICTURES, Study
from diffstyle.formats.atomic import write_atomic

LAYOUT, INPUT = "mturk-layout.html", "mturk-input.csv"
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
    """Write the layout and the input file into `folder`; `address` is where its content will be served from.

    Sides are shuffled with the study's seed. InputError as of `check_address`.
    """
    from html import escape

    check_address(address)
    rng, text = random.Random(study.seed), StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for item in rng.sample(study.items, len(study.items)):
        a, b = (item.a, item.b) if rng.random() < 0.5 else (item.b, item.a)
        urls = [f"{address.rstrip('/')}/{PICTURES}/{name}.jpg" for name in (item.photo, item.style, a, b)]
        asked = study.questions[item.question]
        writer.writerow([item.pair, item.question, a, study.sha256[a], b, study.sha256[b], asked, *urls])
    layout, table = folder / LAYOUT, folder / INPUT
    write_atomic(layout, lambda file: file.write(_LAYOUT.replace("CONSENT", escape(study.consent)).encode()))
    write_atomic(table, lambda file: file.write(text.getvalue().encode()))
    return layout, table


def check_address(address: str) -> None:
    """InputError for an address that the platform's page, which is served by HTTPS, would not load pictures from."""
    if not address.startswith("https://"):
        raise InputError(
            f"The address is {address!r}: give one that begins with https://, as --address https://host/study."
        )
