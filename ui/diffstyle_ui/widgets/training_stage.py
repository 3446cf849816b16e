"""What a training shows: its curve, a status line, the buttons that start and stop it, and a sheet of pictures."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from PIL import Image

from diffstyle_ui.widgets.html import IDLE, data_url

CSS = """
.samples img { width: 100%; border-radius: 10px; display: block; margin-top: 10px; }
@media (max-width: 760px) {  /* first what is asked, then the button, then what comes of it */
  .training-stage { order: 0 !important; position: static !important; } .training-stage > .training-bar { order: -1; }
  .training-stage .empty { min-height: 90px; }
}
"""


class TrainingStage:
    """Draws the stage of one kind of training; `outputs` are all its components."""

    def __init__(self, name: str, *, start: str, empty: str) -> None:
        """`name` begins the ids of its elements, `start` is what its button says, `empty` the HTML before any curve."""
        self.curve = gr.HTML(empty, elem_id=f"{name}-curve", label="Progress", apply_default_css=False)
        self.status = gr.HTML(IDLE, elem_id=f"{name}-status", apply_default_css=False)
        with gr.Row(elem_classes="training-bar"):
            self.start = gr.Button(start, variant="primary", elem_id=name, scale=3, min_width=140)
            self.stop = gr.Button("Stop", elem_id=f"{name}-stop", interactive=False, scale=1, min_width=90)
        self.sheet = gr.HTML("", elem_id=f"{name}-sheet", label="Trial pictures", apply_default_css=False)
        self.timer = gr.Timer(1.0, active=False)  # while a training waits
        self.outputs = [self.curve, self.status, self.sheet, self.start, self.stop, self.timer]


def samples_html(path: Path, description: str) -> str:
    """The HTML of a sheet of samples; "" if the file does not exist."""
    if not path.is_file():
        return ""
    with Image.open(path) as image:
        url = data_url(image.convert("RGB"), longest=1200)
    return f'<div class="samples"><img src="{url}" alt="{description}"></div>'


def name_box(elem_id: str) -> gr.Textbox:
    """Where the name of what is trained is entered."""
    return gr.Textbox(label="Name", info="Letters, digits, - and _.", max_lines=1, max_length=64, elem_id=elem_id)
