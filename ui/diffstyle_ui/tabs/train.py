"""Pictures of one hand in, a style adapter out: watched while it learns, stopped and gone on with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from diffstyle import AdapterRecipe, Cancelled, InputError
from diffstyle.training.personal.run import TrainingStep
from diffstyle_ui.app.context import Desk
from diffstyle_ui.app.events import listen
from diffstyle_ui.app.parts import own_adapters
from diffstyle_ui.app.status import IDLE, progress, said
from diffstyle_ui.app.training import Trained, Training, numbers, trained
from diffstyle_ui.app.uploads import uploaded
from diffstyle_ui.app.user_errors import plainly
from diffstyle_ui.tabs.stylise import OFF, ON, SAME, StyliseTab
from diffstyle_ui.widgets.html import data_url
from diffstyle_ui.widgets.loss_curve import curve

USUAL = AdapterRecipe()
EMPTY = """<div class="empty"><b>A style of your own</b>Three pictures are enough, ten to thirty are better.
<br>The loss and samples appear here while it learns.</div>"""
SO_FAR = "Photos, and as they are painted now"
BEFORE_AND_AFTER = "Photos, before and with the adapter; below them pictures that it learned from"
CSS = ".samples img { width: 100%; border-radius: 10px; display: block; margin-top: 10px; }"


class TrainTab:
    """Draws the tab; `wire` connects it with the first one, in whose list the new adapter appears."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        with gr.Row(elem_classes="two-columns"):
            with gr.Column(scale=5, min_width=300):
                self.pictures = gr.File(
                    label="Pictures in one style, 3 to 500",
                    file_count="multiple",
                    file_types=["image"],
                    height=200,
                    elem_id="train-pictures",
                )
                self.name = gr.Textbox(
                    label="Name", info="Letters, digits, - and _.", max_lines=1, max_length=64, elem_id="train-name"
                )
                self.minutes = gr.Slider(
                    1, 60, USUAL.minutes, step=1, label="Minutes", info="How long to train.", elem_id="train-minutes"
                )
                self.steps = gr.Textbox(
                    "",
                    label="Steps",
                    info="In place of minutes, where you know better.",
                    placeholder="auto",
                    max_lines=1,
                    elem_id="train-steps",
                )
                self.overwrite = gr.Checkbox(False, label="Replace an adapter of that name", elem_id="train-overwrite")
            with gr.Column(scale=6, min_width=300, elem_classes="stage"):
                self.curve = gr.HTML(EMPTY, elem_id="curve", label="Loss", apply_default_css=False)
                self.status = gr.HTML(IDLE, elem_id="train-status", apply_default_css=False)
                with gr.Row():
                    self.start = gr.Button("Train", variant="primary", elem_id="train", scale=3, min_width=140)
                    self.cancel = gr.Button("Stop", elem_id="train-stop", interactive=False, scale=1, min_width=90)
                self.sheet = gr.HTML("", elem_id="sheet", label="Samples", apply_default_css=False)

    def wire(self, stylise: StyliseTab) -> None:
        asked = [self.pictures, self.name, self.minutes, self.steps, self.overwrite]
        shown = [self.curve, self.status, self.sheet, self.start, self.cancel, stylise.parts.own]
        listen([self.start.click], self.train, asked, shown, kind="train")
        listen([self.cancel.click], self.stop, [], [self.cancel], kind="now")

    @plainly
    def train(
        self,
        request: gr.Request,
        pictures: Sequence[Any] | None,
        name: str,
        minutes: float,
        steps: str,
        overwrite: bool,
    ) -> Iterator[tuple[Any, ...]]:
        session = self.desk.session(request)
        files = tuple(uploaded(picture, "pictures of the style") for picture in pictures or ())
        recipe = recipe_of(minutes, steps)
        if not name.strip():
            raise InputError("The adapter has no name yet: give it one.")
        training = Training(files, name.strip(), recipe, self.desk.studio.options, self.desk.limits, overwrite)
        done: list[TrainingStep] = []
        failure, last = None, None
        yield SAME, progress(0, 0, what="Looking at the pictures"), "", OFF, ON, SAME
        ended: tuple[Any, ...] = (SAME, IDLE, SAME)
        with session.training() as cancel:
            try:
                for last in trained(training, cancel):
                    if not isinstance(last, Trained):
                        done.append(last)
                        seen = SAME if last.samples is None else _samples(last.samples, SO_FAR)
                        yield curve(*numbers(done)) or SAME, _line(last), seen, SAME, SAME, SAME
            except Cancelled:
                ended = SAME, said("Stopped. Train with the same pictures, name and time goes on from here."), SAME
            except Exception as error:  # the buttons come back first, then the page hears of it
                failure = error
        if isinstance(last, Trained):
            ended = (
                SAME,
                said(f"{training.name} is among your adapters on the first tab.", *last.warnings),
                _samples(last.folder / "sheet.jpg", BEFORE_AND_AFTER),
            )
        yield *ended, ON, OFF, own_adapters()
        if failure:
            raise failure

    @plainly
    def stop(self, request: gr.Request) -> Any:
        self.desk.session(request).stop_training.set()
        return OFF


def recipe_of(minutes: float, steps: str | int | None) -> AdapterRecipe:
    """The recipe of a time, or of a number of steps where one is given."""
    if not str(steps or "").strip():
        return AdapterRecipe(minutes=float(minutes))
    try:
        return AdapterRecipe(steps=int(str(steps)))
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"steps is {steps!r}: give a whole number, or nothing.") from None


def _line(step: TrainingStep) -> str:
    left = "" if step.left is None else f", {step.left:.0f} s left"
    return progress(step.done, step.total or 0, what="Step", after=left)


def _samples(path: Path, words: str) -> str:
    """The HTML of a sheet of samples, if it is there."""
    if not path.is_file():
        return ""
    with Image.open(path) as image:
        url = data_url(image.convert("RGB"), longest=1200)
    return f'<div class="samples"><img src="{url}" alt="{words}"></div>'
