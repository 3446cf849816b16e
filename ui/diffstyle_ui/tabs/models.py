"""The models of others: what is here, what is missing, what it takes, and the command that gets it."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import gradio as gr

from diffstyle.assets.hub import known_models, size_text, starter_memory, where
from diffstyle.assets.manifest import manifest

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
}
"""


def model_rows() -> list[Mapping[str, Any]]:
    """Every model that diffstyle knows, the starter first."""
    starter = sum(file.size for file in manifest().values())
    rows: list[Mapping[str, Any]] = [
        {
            "name": "starter",
            "kind": "everything, trained by this project",
            "size": size_text(starter),
            "memory": size_text(starter_memory()),
            "here": True,
            "licence": "Apache-2.0",
            "command": "",
        }
    ]
    for model in known_models().values():
        here = where(model) is not None
        rows.append(
            {
                "name": model.name,
                "kind": f"{model.kind} {model.family}".strip(),
                "size": size_text(model.size),
                "memory": size_text(model.memory) if model.memory else "",
                "here": here,
                "licence": model.licence,
                "command": "" if here else f"diffstyle models pull {model.name}",
            }
        )
    return rows


class ModelsTab:
    """A table, read again whenever the tab is opened."""

    def __init__(self) -> None:
        gr.Markdown(
            "The starter is all this page needs. Larger models are fetched on the command line, only when you ask;"
            " then `diffstyle ui --model sd15` renders with one. **Size** is that of its files; **memory** is the most"
            " that painting with it was measured to take on a CPU, where it was: 512 pixels a side, 1024 for SDXL."
        )
        self.table = gr.HTML(_table(), elem_id="models", apply_default_css=False)

    @staticmethod
    def refresh() -> str:
        return _table()


def _table() -> str:
    heads = "".join(
        f'<th scope="col">{h}</th>' for h in ("Model", "What it is", "Size", "Memory", "Is it here?", "Licence")
    )
    return (
        '<div class="scrolling"><table class="models"><caption class="sr-only">Models</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(map(_row, model_rows()))}</tbody></table></div>"
    )


def _row(row: Mapping[str, Any]) -> str:
    text = {key: html.escape(str(value)) for key, value in row.items()}
    state = '<span class="here">here</span>' if row["here"] else f"<code>{text['command']}</code>"
    cells = (f"<b>{text['name']}</b>", text["kind"], text["size"], text["memory"], state, text["licence"])
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
