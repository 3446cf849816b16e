"""The styles of a mix as rows with weights, and the inputs that add one: words, pictures, adapters, named styles."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.blocks import BlockContext
from gradio.components import Component

from diffstyle import Style, StyleSpace
from diffstyle_ui.widgets.style_wall import display_name, style_wall

MAX_ROWS = 6

CSS = """
.part { display: flex; align-items: center; gap: 10px; min-width: 0; }
.part img, .part i { flex: none; width: 54px; height: 38px; border-radius: 6px; object-fit: cover; }
.part i { display: grid; place-content: center; font-style: normal; font-size: 18px;
  background: var(--background-fill-secondary); }
.part span { overflow: hidden; text-overflow: ellipsis; display: -webkit-box; -webkit-line-clamp: 2;
  -webkit-box-orient: vertical; font-size: 14px; line-height: 1.3; }
.part-row { display: grid !important; grid-template-columns: minmax(0, 1fr) auto; gap: 4px 10px !important; }
.part-row > * { min-width: 0 !important; }
.part-row > .weight, .part-row > .form { grid-column: 1 / -1; grid-row: 2; border: 0; box-shadow: none;
  background: none; }
.part-row .weight { padding: 0 !important; background: none; }
.part-row .weight .head { margin-bottom: 0; }
.part-row .min_value, .part-row .max_value { display: none; }
#add-style { align-items: flex-end; }
.no-parts { color: var(--body-text-color-subdued); font-size: 14px; padding: 2px 0 6px; }
"""


@dataclass(frozen=True, slots=True)
class StylePart:
    """One style of a mix: measured, so that its pictures are not needed any more, with a thumbnail as a data URL."""

    label: str
    style: Style
    thumbnail: str = ""


class StyleRows:
    """A text box, an upload button, a list of adapters, the named styles, and `MAX_ROWS` rows with weights.

    The constructor draws them; the tab connects their events.
    """

    def __init__(self, space: StyleSpace, adapters: Sequence[str]) -> None:
        self.names = list(space.styles)
        with gr.Row(elem_id="add-style"):
            self.words = gr.Textbox(
                label="Describe a style",
                placeholder="charcoal on warm paper, then Enter",
                elem_id="words",
                max_lines=1,
                scale=4,
                max_length=1000,
            )
            self.pictures = gr.UploadButton(
                "Add pictures",
                file_count="multiple",
                file_types=["image"],
                elem_id="pictures",
                size="md",
                scale=0,
                min_width=160,
            )
        self.adapters = gr.Dropdown(
            list(adapters), label="Your adapters", elem_id="adapters", visible=bool(adapters), value=None
        )
        self.nothing = gr.HTML('<div class="no-parts">No style yet: describe one, add pictures, or choose below.</div>')
        self.rows: list[gr.Row] = []
        self.labels: list[gr.HTML] = []
        self.weights: list[Component] = []
        self.removals: list[gr.Button] = []
        for n in range(MAX_ROWS):
            self._draw_row(n)
        self.wall = style_wall(space)

    def _draw_row(self, n: int) -> None:
        with gr.Row(visible=False, elem_classes="part-row") as row:
            self.labels.append(gr.HTML("", min_width=120, scale=3, apply_default_css=False))
            slider = gr.Slider(
                0,
                1,
                1,
                step=0.01,
                label="Weight",
                elem_id=f"weight-{n}",
                elem_classes="weight",
                min_width=150,
                scale=3,
                buttons=[],
            )
            self.weights.append(slider)
            self.removals.append(gr.Button("Remove", size="sm", min_width=76, scale=0, elem_id=f"remove-{n}"))
        self.rows.append(row)

    @property
    def outputs(self) -> list[Component | BlockContext]:
        """The components that `updates` returns values for, in that order."""
        return [self.nothing, *self.rows, *self.labels, *self.weights, self.wall]

    def updates(self, parts: Sequence[StylePart], weights: Sequence[float]) -> list[Any]:
        """Show `parts` with `weights`; missing weights are 1."""
        given = [*weights, *[1.0] * MAX_ROWS][:MAX_ROWS]
        chosen = [part.label for part in parts]
        return [
            gr.update(visible=not parts),
            *(gr.update(visible=n < len(parts)) for n in range(MAX_ROWS)),
            *(_label_html(parts[n]) if n < len(parts) else "" for n in range(MAX_ROWS)),
            *(gr.update(value=weight, visible=len(parts) > 1) for weight in given),
            gr.update(chosen=[name for name in self.names if display_name(name) in chosen]),
        ]


def adapter_choices(names: Sequence[str]) -> Any:
    """The update of `StyleRows.adapters` that lists `names`; the list is hidden while there are none."""
    return gr.update(choices=[(name, name) for name in names], value=None, visible=bool(names))


def _label_html(part: StylePart) -> str:
    picture = f'<img src="{part.thumbnail}" alt="">' if part.thumbnail else '<i aria-hidden="true">“”</i>'
    return f'<div class="part">{picture}<span>{html.escape(part.label)}</span></div>'
