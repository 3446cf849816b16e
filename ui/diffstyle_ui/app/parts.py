"""The styles of a blend as rows with weights: said in words, shown with pictures, or picked from the wall."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from diffstyle import InputError, Reference, Style
from diffstyle.assets.zoo import adapter_folders, adapter_info, adapter_style
from diffstyle.controls.resize import fitted
from diffstyle_ui.app.context import Desk
from diffstyle_ui.app.events import Widget
from diffstyle_ui.app.sessions import Part, Session
from diffstyle_ui.app.uploads import opened, uploaded
from diffstyle_ui.widgets.html import THUMBNAIL, data_url, jpeg_url
from diffstyle_ui.widgets.style_wall import spoken, wall

MAX_PARTS = 6
LARGEST = 1024

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
#say-style { align-items: flex-end; }
.no-parts { color: var(--body-text-color-subdued); font-size: 14px; padding: 2px 0 6px; }
"""


class PartRows:
    """Words, an upload button, the wall of presets, and a row with a weight for each part of the blend."""

    def __init__(self, desk: Desk) -> None:
        """Draw them; `words`, `pictures` and `wall` still have to be wired."""
        self.desk = desk
        with gr.Row(elem_id="say-style"):
            self.words = gr.Textbox(
                label="Say the style in words",
                placeholder="charcoal on warm paper, then Enter",
                elem_id="words",
                max_lines=1,
                scale=4,
                max_length=1000,
            )
            self.pictures = gr.UploadButton(
                "Show pictures",
                file_count="multiple",
                file_types=["image"],
                elem_id="pictures",
                size="md",
                scale=0,
                min_width=160,
            )
        self.own = gr.Dropdown(
            own_names(), label="Or one of your adapters", elem_id="own", visible=bool(own_names()), value=None
        )
        self.nothing = gr.HTML('<div class="no-parts">No style yet: say, show or pick one or more.</div>')
        self.rows: list[gr.Row] = []
        self.labels: list[gr.HTML] = []
        self.weights: list[Component] = []
        self.removals: list[gr.Button] = []
        for n in range(MAX_PARTS):
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
        self.wall = wall(desk.space)

    @property
    def shown(self) -> list[Widget]:
        """What `update` gives new values for."""
        return [self.nothing, *self.rows, *self.labels, *self.weights, self.wall]

    def update(self, session: Session, weights: Sequence[float]) -> list[Any]:
        """The rows of the session's parts, with `weights`."""
        parts = session.parts
        given = [*weights, *[1.0] * MAX_PARTS][:MAX_PARTS]
        chosen = [part.label for part in parts]
        return [
            gr.update(visible=not parts),
            *(gr.update(visible=n < len(parts)) for n in range(MAX_PARTS)),
            *(described(parts[n]) if n < len(parts) else "" for n in range(MAX_PARTS)),
            *(gr.update(value=weight, visible=len(parts) > 1) for weight in given),
            gr.update(chosen=[name for name in self.desk.space.styles if spoken(name) in chosen]),
        ]


def described(part: Part) -> str:
    """The HTML of one row's label."""
    picture = f'<img src="{part.picture}" alt="">' if part.picture else '<i aria-hidden="true">“”</i>'
    return f'<div class="part">{picture}<span>{html.escape(part.label)}</span></div>'


def worded(desk: Desk, words: str) -> Part:
    """A part from words; the name of a preset counts as words, for the wall is beside it."""
    style = desk.studio.measured(Style.from_text(words))
    return Part(style.prompt, style)


def look_of(desk: Desk, words: str) -> Part:
    """A part from the name of a preset, or else from words."""
    return preset(desk, words) if words in desk.space.styles else worded(desk, words)


def own_names() -> list[str]:
    """The personal adapters in the zoo that bring a style."""
    return [name for name in adapter_folders() if adapter_info(name).look is not None]


def own_adapters() -> Any:
    """The list of them as it is now."""
    names = own_names()
    return gr.update(choices=[(name, name) for name in names], value=None, visible=bool(names))


def adapted(desk: Desk, name: str) -> Part:
    return Part(name, desk.studio.measured(adapter_style(name)))


def pictured(desk: Desk, payload: Mapping[str, Any]) -> Part:
    path = uploaded(payload, "a picture of the style")
    picture = opened(path, desk.limits)
    if max(picture.size) > LARGEST:  # it is held as long as the page is open
        picture = picture.resized(fitted(picture.size, LARGEST))
    style = desk.studio.measured(Style.from_image(picture))
    return Part(path.name, style, data_url(picture, longest=THUMBNAIL))


def preset(desk: Desk, name: str) -> Part:
    style = desk.space.styles[name]
    return Part(spoken(name), style, jpeg_url(style.thumbnail))


def added(session: Session, part: Part) -> None:
    """Put `part` on the session's table, once."""
    if any(p.label == part.label and p.style == part.style for p in session.parts):
        return
    if len(session.parts) == MAX_PARTS:
        raise InputError(f"A blend here has at most {MAX_PARTS} styles: remove one first.")
    session.parts = (*session.parts, part)


def blended(session: Session, weights: Sequence[float]) -> Style:
    """The session's parts as one style."""
    if not session.parts:
        raise InputError("There is no style yet: say it in words, show pictures, or pick one.")
    pairs = [(part.style, float(weight)) for part, weight in zip(session.parts, weights, strict=False)]
    if len(pairs) == 1:
        return pairs[0][0]
    return Style.mix(pairs)


def parts_of(desk: Desk, style: Style) -> list[tuple[Part, float]]:
    """A style from a recipe as rows again, each with the weight that it had, the heaviest 1.

    References of a preset are one row again, and so are those of one name.
    """
    names = {r.digest: name for name, known in desk.space.styles.items() for r in known.references}
    rows: dict[str, list[Reference]] = {}
    for reference in style.references:
        label = names.get(reference.digest) or reference.prompt or Path(reference.source).name
        rows.setdefault(label, []).append(reference)
    if len(rows) > MAX_PARTS:
        return [(Part(style.label, style), 1.0)]
    weights = {label: sum(r.weight for r in references) for label, references in rows.items()}
    return [(_row(desk, label, rows[label]), weight / max(weights.values())) for label, weight in weights.items()]


def _row(desk: Desk, label: str, references: list[Reference]) -> Part:
    known = desk.space.styles.get(label)
    if known is not None and {r.digest for r in known.references} == {r.digest for r in references}:
        return preset(desk, label)
    return Part(label, Style(tuple(references)))
