"""The styles of a mix, one line each, with weights from two styles on; and the inputs that choose them."""

from __future__ import annotations

import html
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.blocks import BlockContext
from gradio.components import Component

from diffstyle import Style
from diffstyle_ui.widgets.style_wall import Tile, style_wall
from diffstyle_ui.widgets.words_box import NOTHING_SAID, Said, words_box

MAX_ROWS = 6
_PENCIL = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 20l1-5L16 4l4 4L9 19zM13 7l4 4"/></svg>'

CSS = """
#add-style { align-items: flex-start; flex-wrap: nowrap; gap: 6px; }
#add-style #pictures { min-height: 42px; }
#mix { gap: 2px; }
.part { display: flex; align-items: center; gap: 8px; min-width: 0; height: 34px; }
.part img, .part i { flex: none; width: 46px; height: 32px; border-radius: 6px; object-fit: cover; }
.part i { display: grid; place-content: center; font-style: normal; font-size: 17px;
  background: var(--background-fill-secondary); }
.part span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: 14px; }
button.part { width: 100%; padding: 0; border: 0; border-radius: 6px; background: none; color: inherit; cursor: text;
  text-align: left; }
button.part svg { flex: none; width: 14px; height: 14px; fill: none; stroke: var(--body-text-color-subdued);
  stroke-width: 2; stroke-linejoin: round; }
button.part:hover { background: var(--background-fill-secondary); }
.part-row { display: flex !important; flex-wrap: nowrap !important; align-items: center; gap: 8px !important; }
.part-row > * { min-width: 0 !important; }
.part-row > .block:first-child { flex: 3 1 0; }
.part-row > .form, .part-row > .weight { flex: 4 1 0; border: 0; box-shadow: none; background: none;
  padding: 0 !important; }
.part-row .weight { padding: 0 !important; border: 0; background: none; min-width: 0 !important; }
.part-row .weight .wrap { display: flex; flex-direction: row-reverse; align-items: center; gap: 6px; }
.part-row .weight .slider_input_container { flex: 1; min-width: 40px; }
.part-row .weight input[type=range] { width: 100%; min-width: 0; }
.part-row .weight .head { margin: 0; flex: none; width: auto; }
.part-row .weight .head label { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.part-row .weight input[type=number] { width: 46px; padding: 0; border: 0; background: none; pointer-events: none; }
.part-row .min_value, .part-row .max_value { display: none; }
.part-row > button { flex: none; width: 30px; height: 30px; padding: 0; font-size: 0; background: none; }
.part-row > button::before { content: "×"; font-size: 20px; line-height: 28px; color: var(--body-text-color-subdued); }
#mix:not(:has(.part-row ~ .part-row)) #clear-mix { display: none; }
#clear-mix { align-self: flex-start; flex: none; width: auto; padding: 2px 10px; font-size: 13px; }
.no-parts { color: var(--body-text-color-subdued); font-size: 14px; padding: 4px 0; }
"""


@dataclass(frozen=True, slots=True)
class StylePart:
    """One style of a mix: measured, so that its pictures are not needed any more, with a thumbnail as a data URL.

    `key` is that of its tile on the wall, "" if it has none; `words` are those it was made from, which can be edited.
    """

    label: str
    style: Style
    thumbnail: str = ""
    key: str = ""
    words: str = ""


class StyleRows:
    """The box for words, an upload button, a list of adapters, `MAX_ROWS` lines with weights, and the wall.

    The constructor draws them; the tab connects their events.
    """

    def __init__(self, tiles: Sequence[Tile], parts: Sequence[StylePart] = ()) -> None:
        """`tiles` are on the wall; the page begins with `parts`."""
        with gr.Row(elem_id="add-style"):
            self.words = words_box(elem_id="words")
            with gr.Column(elem_id="style-pictures", scale=0, min_width=112):
                self.pictures = gr.UploadButton(
                    "Add pictures", file_count="multiple", file_types=["image"], elem_id="pictures", size="sm"
                )
        with gr.Column(elem_id="mix"):
            self.nothing = gr.HTML('<div class="no-parts">Describe a style, or choose one below.</div>', visible=False)
            self.rows: list[gr.Row] = []
            self.labels: list[gr.HTML] = []
            self.weights: list[Component] = []
            self.removals: list[gr.Button] = []
            for n in range(MAX_ROWS):
                self._draw_row(n, parts[n] if n < len(parts) else None)
            self.clear = gr.Button("Clear the mix", size="sm", elem_id="clear-mix")
        self.wall = style_wall(tiles)

    def _draw_row(self, n: int, part: StylePart | None) -> None:
        with gr.Row(visible=part is not None, elem_classes="part-row") as row:
            self.labels.append(gr.HTML(_label_html(part) if part else "", min_width=60, apply_default_css=False))
            slider = gr.Slider(
                0,
                1,
                1,
                step=0.01,
                label=f"Weight {n + 1}",
                elem_id=f"weight-{n}",
                elem_classes="weight",
                min_width=60,
                visible=False,
                buttons=[],
            )
            self.weights.append(slider)
            name = f"Remove {part.label}" if part else f"Remove {n + 1}"
            self.removals.append(gr.Button(name, size="sm", min_width=30, scale=0, elem_id=f"remove-{n}"))
        self.rows.append(row)

    @property
    def outputs(self) -> list[Component | BlockContext]:
        """The components that `updates` returns values for, in that order."""
        return [
            *(self.nothing, *self.rows, *self.labels, *self.weights, *self.removals),
            *(self.wall, self.words),
        ]

    def updates(self, parts: Sequence[StylePart], weights: Sequence[float], said: Said = NOTHING_SAID) -> list[Any]:
        """Show `parts` with `weights`; missing weights are 1. The box for words changes as `said`."""
        given = [*weights, *[1.0] * MAX_ROWS][:MAX_ROWS]
        names = [part.label for part in parts] + [str(n + 1) for n in range(len(parts), MAX_ROWS)]
        several = len(parts) > 1
        weighted = zip(given, names, strict=True)
        return [
            gr.update(visible=not parts),
            *(gr.update(visible=n < len(parts)) for n in range(MAX_ROWS)),
            *(_label_html(parts[n]) if n < len(parts) else "" for n in range(MAX_ROWS)),
            *(gr.update(value=weight, visible=several, label=f"Weight of {name}") for weight, name in weighted),
            *(gr.update(value=f"Remove {name}") for name in names),
            gr.update(chosen=[part.key for part in parts if part.key]),
            gr.update(count=len(parts), answered=secrets.randbelow(2**40), **said.properties()),
        ]


def _label_html(part: StylePart) -> str:
    picture = f'<img src="{part.thumbnail}" alt="">' if part.thumbnail else '<i aria-hidden="true">“”</i>'
    label = html.escape(part.label)
    if not part.words:
        return f'<div class="part" title="{label}">{picture}<span>{label}</span></div>'
    return (
        f'<button type="button" class="part" data-words="{html.escape(part.words)}" title="Edit these words">{picture}'
        f"<span>{label}</span>{_PENCIL}</button>"
    )
