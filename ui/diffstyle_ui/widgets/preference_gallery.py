"""Six small renders over the page; one click, or a key from 1 to 6, picks the best one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from diffstyle_ui.widgets.files import beside

CELLS = 6
ASKING = "Pick the one you like best: click it, or press 1 to 6."
CLOSED: dict[str, Any] = {"open": False, "serial": 0}

CSS = beside("preference_gallery.css")

_CELL = (
    '<button type="button" class="cell" data-n="{n}"><img alt=""><b>{shown}</b>'
    '<span class="mark">Your pick so far</span></button>'
)
_HTML = (
    '<dialog class="over-page gallery" aria-label="Find a balance" tabindex="-1">'
    '<div class="head"><h2>Find a balance</h2><span class="round"></span><p class="note" role="status"></p></div>'
    f'<div class="cells" role="group" aria-label="Versions to choose from">'
    f"{''.join(_CELL.format(n=n, shown=n + 1) for n in range(CELLS))}</div>"
    '<div class="bar"><button type="button" data-do="back">← Back</button>'
    '<button type="button" data-do="enough" class="choose">Good enough: paint it</button>'
    '<button type="button" data-do="close">Close</button></div></dialog>'
)


def preference_gallery(*, elem_id: str) -> gr.HTML:
    """The gallery, closed at first. It shows what its property `shown` holds, `gallery_state` or `CLOSED`, and above it
    the sentence `note`, if that is not "".

    Its events carry the number of the `round`: `select` with a pick `n`, from 0; `submit` with the pick that ends the
    search, which is one of the last round or the one so far; `undo`; and `clear` when it is closed.
    """
    return gr.HTML(
        _HTML,
        elem_id=elem_id,
        label="Find a balance",
        js_on_load=beside("preference_gallery.js"),
        apply_default_css=False,
        shown=CLOSED,
        note="",
    )


def gallery_state(
    cells: Sequence[tuple[str, str]], *, kept: int | None, number: int, rounds: int, serial: int
) -> dict[str, Any]:
    """The value of `shown`: the data URL, "" while there is none, and the words for each of six renders in round
    `number` of `rounds`, of which `kept` is the last pick. What has a smaller `serial` than what is shown,
    or the `serial` of what was closed, comes late and is not shown.
    """
    return {
        "open": True,
        "cells": [{"url": url, "label": label} for url, label in cells],
        "kept": -1 if kept is None else kept,
        "round": number,
        "rounds": rounds,
        "serial": serial,
    }
