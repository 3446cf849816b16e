"""The table of models: what is installed, what is not, and the command that installs it."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import gradio as gr

from diffstyle_ui.app.model_list import model_rows

CSS = """
.models { width: 100%; border-collapse: collapse; font-size: 14px; }
.models th { text-align: left; font-weight: 600; padding: 8px 10px; color: var(--body-text-color-subdued); }
.models td { padding: 9px 10px; border-top: 1px solid var(--border-color-primary); vertical-align: top; }
.models td:nth-child(-n + 4):nth-child(n + 3) { white-space: nowrap; }
.models code { font-size: 12.5px; user-select: all; white-space: nowrap; }
.models .here { color: #2f7d4f; font-weight: 600; } .dark .models .here { color: #7cc79a; }
.scrolling { overflow-x: auto; }
@media (max-width: 640px) {
  .models thead { display: none; }
  .models tr { display: grid; padding: 10px 0; border-top: 1px solid var(--border-color-primary); }
  .models td { border: 0; padding: 2px 4px; } .models code { white-space: normal; }
  .models td[data-head]::before { content: attr(data-head) ": "; color: var(--body-text-color-subdued); }
}
"""
HEADS = ("Model", "What it is", "Size", "Memory", "Install", "Licence")
INTRODUCTION = (
    "The starter is all that this page needs. Larger models are downloaded on the command line, and only when you ask;"
    " then `diffstyle ui --model sd15` renders with one. **Size** is that of its files. **Memory** is the peak that was"
    " measured on a CPU at 512×512 pixels, 1024×1024 for SDXL; it is empty for models that were not measured."
)


class ModelsTab:
    """A table that `refresh` updates whenever the tab is opened."""

    def __init__(self) -> None:
        gr.Markdown(INTRODUCTION)
        self.table = gr.HTML(_table(), elem_id="models", apply_default_css=False)

    @staticmethod
    def refresh() -> str:
        """The table as it is now."""
        return _table()


def _table() -> str:
    heads = "".join(f'<th scope="col">{head}</th>' for head in HEADS)
    return (
        '<div class="scrolling"><table class="models"><caption class="sr-only">Models</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(map(_row, model_rows()))}</tbody></table></div>"
    )


def _row(row: Mapping[str, Any]) -> str:
    text = {key: html.escape(str(value)) for key, value in row.items()}
    state = '<span class="here">installed</span>' if row["here"] else f"<code>{text['command']}</code>"
    cells = (f"<b>{text['name']}</b>", text["kind"], text["size"], text["memory"], state, text["licence"])
    pairs = zip(HEADS, cells, strict=True)
    return f"<tr>{''.join(f'<td{_head(head, cell)}>{cell}</td>' for head, cell in pairs)}</tr>"


def _head(head: str, cell: str) -> str:
    """What names a cell on a phone, where the table has no head: nothing for the first two, and for empty ones."""
    return f' data-head="{head}"' if cell and head not in HEADS[:2] else ""
