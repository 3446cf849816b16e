"""Train a style of one's own, an adapter, on pictures; progress and trial pictures are shown while it trains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from diffstyle import AdapterRecipe, Cancelled, InputError
from diffstyle_ui.app.arrival import arrival
from diffstyle_ui.app.context import AppContext
from diffstyle_ui.app.controls import Controls
from diffstyle_ui.app.events import DISABLED, ENABLED, UNCHANGED
from diffstyle_ui.app.parts import personal_adapters
from diffstyle_ui.app.training import TrainedAdapter, TrainingJob, loss_series, recipe_for, run_training
from diffstyle_ui.app.training_events import TrainingEvents
from diffstyle_ui.app.uploads import upload_path
from diffstyle_ui.app.user_errors import user_errors
from diffstyle_ui.app.wall import mine
from diffstyle_ui.widgets.html import IDLE, placeholder, progress, status
from diffstyle_ui.widgets.loss_curve import loss_curve
from diffstyle_ui.widgets.training_stage import TrainingStage, name_box, samples_html

if TYPE_CHECKING:
    from diffstyle.training.personal.run import TrainingStep  # its imports take seconds

DEFAULTS = AdapterRecipe()
EMPTY = placeholder(
    "Train a style", "Three pictures are enough, ten to thirty are better.<br>Progress and trial pictures appear here."
)
SAMPLES_SO_FAR = "Photos and how they are rendered at this step"
BEFORE_AND_AFTER = "Photos rendered without and with your style, and below them some training pictures"


class TrainTab:
    """Draws the tab; `connect` binds its events."""

    def __init__(self, context: AppContext) -> None:
        self.context = context
        with gr.Row(elem_classes="two-columns"):
            with gr.Column(scale=5, min_width=300):
                self.pictures = gr.File(
                    label="Pictures in one style, 3 to 500",
                    file_count="multiple",
                    file_types=["image"],
                    height=200,
                    elem_id="train-pictures",
                )
                self.name = name_box("train-name")
                self.minutes = gr.Slider(
                    1,
                    60,
                    DEFAULTS.minutes,
                    step=1,
                    label="Minutes",
                    info="How long to train.",
                    elem_id="train-minutes",
                    buttons=[],
                )
                self.steps = gr.Textbox(
                    "",
                    label="Steps",
                    info="If given, the number of steps instead of minutes.",
                    placeholder="auto",
                    max_lines=1,
                    elem_id="train-steps",
                )
                self.overwrite = gr.Checkbox(
                    False, label="Replace your style of the same name", elem_id="train-overwrite"
                )
            with gr.Column(scale=6, min_width=300, elem_classes=["stage", "training-stage"]):
                self.stage = TrainingStage("train", start="Start training", empty=EMPTY)

    def connect(self, controls: Controls) -> None:
        """Bind the events of this tab; the new adapter appears in the list of `controls`."""
        inputs = [self.pictures, self.name, self.minutes, self.steps, self.overwrite]
        events = TrainingEvents(self.context, self.stage)
        events.starts(self.stage.start.click, self.train, inputs, [controls.rows.wall])

    @user_errors
    def train(
        self,
        request: gr.Request,
        pictures: Sequence[Any] | None,
        name: str,
        minutes: float,
        steps: str,
        overwrite: bool,
    ) -> Iterator[tuple[Any, ...]]:
        session, idle = self.context.session(request), gr.Timer(active=False)
        files = tuple(upload_path(session, picture, "pictures of the style") for picture in pictures or ())
        recipe = recipe_for(minutes, steps)
        if not name.strip():
            raise InputError("Your style has no name yet: enter one.")
        options, limits = self.context.renderer.training_options, self.context.limits
        job = TrainingJob(files, name.strip(), recipe, options, limits, overwrite)
        done: list[TrainingStep] = []
        last = None
        yield UNCHANGED, progress(0, 0, what="Reading the pictures"), "", DISABLED, ENABLED, idle, UNCHANGED
        end: tuple[Any, ...] = (UNCHANGED, IDLE, UNCHANGED)
        with session.training(arrival(request)) as cancel:
            try:
                for last in run_training(job, cancel):
                    if not isinstance(last, TrainedAdapter):
                        done.append(last)
                        curve = loss_curve(*loss_series(done)) or UNCHANGED
                        samples = UNCHANGED if last.samples is None else samples_html(last.samples, SAMPLES_SO_FAR)
                        yield curve, _step_line(last), samples, *[UNCHANGED] * 4
            except Cancelled:
                end = UNCHANGED, status("Stopped. Train with the same pictures, name and time to resume."), UNCHANGED
        if isinstance(last, TrainedAdapter):
            end = (
                UNCHANGED,
                status(f"{job.name} is now on the wall of the first tab, under Mine.", *last.warnings),
                samples_html(last.folder / "sheet.jpg", BEFORE_AND_AFTER),
            )
        yield *end, ENABLED, DISABLED, UNCHANGED, gr.update(mine=mine(personal_adapters()))


def _step_line(step: TrainingStep) -> str:
    left = "" if step.left is None else f", {step.left:.0f} s left"
    return progress(step.done, step.total or 0, what="Step", after=left)
