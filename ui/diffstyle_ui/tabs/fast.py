"""Make a style fast: teach the mix of the first tab to a student, a small network that paints it in real time."""

from __future__ import annotations

import html
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from diffstyle import Cancelled, InputError
from diffstyle.assets.students import check_new_student
from diffstyle.engines.registry import student_engine
from diffstyle_ui.app.arrival import arrival
from diffstyle_ui.app.context import AppContext
from diffstyle_ui.app.controls import Controls
from diffstyle_ui.app.events import DISABLED, ENABLED, UNCHANGED, Widget, bind, bind_after
from diffstyle_ui.app.sessions import Session
from diffstyle_ui.app.student_jobs import StudentJob, keep_job, kept_job
from diffstyle_ui.app.student_progress import SHEET, StudentProgress
from diffstyle_ui.app.student_training import (
    MINUTES,
    StudentTraining,
    TaughtStudent,
    free_name,
    new_name,
    run_student,
    student_recipe,
    styles_of,
)
from diffstyle_ui.app.training_events import TrainingEvents
from diffstyle_ui.app.uploads import upload_path
from diffstyle_ui.app.user_errors import user_errors
from diffstyle_ui.widgets.html import placeholder, progress, status
from diffstyle_ui.widgets.style_rows import StylePart
from diffstyle_ui.widgets.training_stage import TrainingStage, name_box, samples_html

USUAL = student_recipe(MINUTES[1], "small")
SIZES = (("Tiny", "tiny"), ("Small", "small"), ("Base, for a GPU", "base"))
EMPTY = placeholder(
    "Make a style fast",
    "A small network learns to paint as slower engines do, in real time.<br>Progress and trial pictures appear here.",
)
BUNDLED = (
    "Without photos of yours it learns from drawn scenes and a few free photos: enough to see whether it can learn a"
    " style, not for good faces."
)
GO_ON = "Go on continues where it was."
FILES = (".safetensors", ".onnx")
CSS = """
#fast-styles { font-size: 14px; } #fast-styles b { font-weight: 600; }
#fast-styles small { display: block; color: var(--body-text-color-subdued); font-size: 13px; }
.fast-note { color: var(--body-text-color-subdued); font-size: 13px; margin: 0; }
#fast-done button { min-width: 0 !important; padding: 10px 8px; font-size: 14px; white-space: nowrap; }
@media (max-width: 760px) { #fast-done { flex-direction: column; gap: 8px; } }
"""


class FastTab:
    """Draws the tab; `connect` binds its events."""

    def __init__(self, context: AppContext, controls: Controls) -> None:
        """`controls` have the styles, and paint with the student."""
        self.context, self.controls = context, controls
        with gr.Row(elem_classes="two-columns"):
            with gr.Column(scale=5, min_width=300):
                self.styles = gr.HTML(_styles_html(()), elem_id="fast-styles", apply_default_css=False)
                self.name = name_box("fast-name")
                self.minutes = gr.Radio(
                    [(f"{n} minutes", n) for n in MINUTES],
                    value=MINUTES[1],
                    label="Time",
                    info="A third of it at most is spent on painting examples.",
                    elem_id="fast-minutes",
                )
                self.size = gr.Radio(
                    list(SIZES),
                    value=USUAL.size,
                    label="Size",
                    info="Small suits one style, or a few.",
                    elem_id="fast-size",
                )
                self.photos = gr.File(
                    label="Your photos, of the kind that you will paint (optional)",
                    file_count="multiple",
                    file_types=["image"],
                    height=170,
                    elem_id="fast-photos",
                )
                gr.HTML(f'<p class="fast-note">{BUNDLED}</p>', apply_default_css=False)
                self._draw_more()
            with gr.Column(scale=6, min_width=300, elem_classes=["stage", "training-stage"]):
                self.stage = TrainingStage("fast", start="Start training", empty=EMPTY)
                with gr.Row(visible=False, elem_id="fast-kept") as self.kept:
                    self.resume = gr.Button("Go on", variant="primary", elem_id="fast-resume")
                with gr.Row(visible=False, elem_id="fast-done") as self.done:
                    self.use = gr.Button("Paint with it", variant="primary", elem_id="fast-use", min_width=120)
                    self.files = [
                        gr.DownloadButton(f"Download {s}", elem_id=f"fast-{s[1:]}", min_width=120) for s in FILES
                    ]

    def _draw_more(self) -> None:
        with gr.Accordion("More", open=False, elem_id="fast-more"):
            self.video = gr.Checkbox(
                False,
                label="For clips",
                info="Marks learn to keep still on what moves. It takes twice the time for a step.",
                elem_id="fast-video",
            )
            self.examples = gr.Textbox(
                str(USUAL.examples),
                label="Examples",
                info="How many parts of photos are painted in every style to learn from.",
                max_lines=1,
                elem_id="fast-examples",
            )
            self.steps = gr.Textbox(
                "",
                label="Steps",
                info="If given, the number of steps instead of minutes.",
                placeholder="auto",
                max_lines=1,
                elem_id="fast-steps",
            )

    def connect(self, blocks: gr.Blocks, opened: Sequence[gr.Tab], tabs: Sequence[gr.Tabs]) -> None:
        """Bind the events of this tab, which is shown when one of `opened` is, and which `tabs` select.

        Call it outside of all tabs: the browser's key of what is trained, which is drawn here, is not read in a closed
        one.
        """
        key = gr.BrowserState("", storage_key="diffstyle-student", secret="diffstyle")  # readable after a restart
        rows, form, stage = self.controls.rows, self.controls.form, self.stage
        bind([self.controls.fast.click], self.open, [], [*tabs, self.styles, self.name])
        bind([tab.select for tab in opened], self.show_styles, [], [self.styles])
        asked = [self.name, self.minutes, self.size, self.photos, self.video, self.examples, self.steps]
        more: list[Widget] = [key, self.styles, self.kept, self.done, *self.files]
        bind([stage.start.click], self.note_styles, [], [], kind="immediate")
        events = TrainingEvents(self.context, stage)
        painting: list[Widget] = [*rows.outputs, form.engine, form.own[student_engine(), "student"]]
        for trigger, handler, inputs in (
            (stage.start.click, self.teach, [key, *asked]),
            (self.resume.click, self.go_on, [key]),
        ):
            trained = events.starts(trigger, handler, inputs, more)
            self.controls.preview_after(bind_after(trained, self.choose_new, rows.weights, painting))
        used = bind([self.use.click], self.paint_with_it, rows.weights, [tabs[0], *painting])
        self.controls.preview_after(used)
        bind([blocks.load], self.find_kept, [key], [stage.status, self.kept])

    @user_errors
    def open(self, request: gr.Request) -> tuple[Any, ...]:
        """Show this tab, with the mix of the first one."""
        name = new_name(list(styles_of(self.context.session(request).parts)))
        return gr.Tabs(selected="train"), gr.Tabs(selected="fast"), self.show_styles(request), name

    @user_errors
    def show_styles(self, request: gr.Request) -> str:
        """What a student would learn, or what it learns now."""
        session = self.context.session(request)
        return _styles_html(session.to_teach or session.parts)

    @user_errors
    def note_styles(self, request: gr.Request) -> None:
        """Keep the mix that was asked for: the training may wait, and the mix be changed meanwhile."""
        session = self.context.session(request)
        session.to_teach = session.parts

    @user_errors
    def find_kept(self, key: Any) -> tuple[Any, Any]:
        """The training of an earlier page that is not done."""
        job = kept_job(key)
        if job is None:
            return UNCHANGED, UNCHANGED
        return status(f"The training of {job.name} is not done. {GO_ON}"), gr.update(visible=True)

    @user_errors
    def teach(
        self,
        request: gr.Request,
        key: Any,
        name: str,
        minutes: float,
        size: str,
        photos: Sequence[Any] | None,
        video: bool,
        examples: str,
        steps: str,
    ) -> Iterator[tuple[Any, ...]]:
        session = self.context.session(request)
        parts, session.to_teach = session.to_teach or session.parts, ()
        files = tuple(upload_path(session, photo, "photos to learn from") for photo in photos or ())
        recipe = student_recipe(minutes, size, video=video, examples=examples, steps=steps)
        styles = styles_of(parts)
        if not name.strip():
            raise InputError("Your student has no name yet: enter one.")
        check_new_student(name.strip(), overwrite=False)
        before = kept_job(key)
        measured = {n: self.context.renderer.complete(style) for n, style in styles.items()}
        job = keep_job(name.strip(), measured, files, recipe, owner=session.owner)
        if before is not None:
            before.drop()
        yield from self._train(request, session, job, parts, mix=parts)

    @user_errors
    def go_on(self, request: gr.Request, key: Any) -> Iterator[tuple[Any, ...]]:
        """Continue a training that was stopped, or that ended with an earlier page."""
        job, session = kept_job(key), self.context.session(request)
        if job is None:
            raise InputError("That training is not here any more: start it again.")
        job = replace(job, name=free_name(job.name))  # another visitor may have taken it meanwhile
        parts = tuple(StylePart(n, self.context.renderer.measure(s)) for n, s in job.read_styles().items())
        yield from self._train(request, session, job, parts, mix=session.parts)

    def _train(
        self,
        request: gr.Request,
        session: Session,
        job: StudentJob,
        parts: tuple[StylePart, ...],
        *,
        mix: tuple[StylePart, ...],
    ) -> Iterator[tuple[Any, ...]]:
        """Teach `parts`; at the end they are the mix, if that is still `mix`. Updates of the stage's outputs, and of
        those beside them.
        """
        shown, hidden, same = gr.update(visible=True), gr.update(visible=False), [UNCHANGED] * 6
        session.to_teach, session.taught = parts, None
        begin = UNCHANGED, progress(0, 0, what="Starting"), "", DISABLED, ENABLED, gr.Timer(active=False)
        yield *begin, job.key, _styles_html(parts), hidden, hidden, UNCHANGED, UNCHANGED
        out = session.folder / f"student-{secrets.token_hex(8)}"
        training = StudentTraining(job, self.context.renderer.training_options, self.context.limits, out)
        so_far, last = StudentProgress(job.recipe), None
        with session.training(arrival(request)) as cancel:
            try:
                for last in run_student(training, cancel):
                    if not isinstance(last, TaughtStudent) and so_far.add(last):
                        yield so_far.curve, so_far.line(last), so_far.sheet(last), *[UNCHANGED] * 3, *same
            except Cancelled:
                last = None
            finally:
                session.to_teach = ()
        if not isinstance(last, TaughtStudent):
            line = status(f"Stopped. {GO_ON}")
            yield so_far.curve, line, UNCHANGED, ENABLED, DISABLED, UNCHANGED, *same[:2], shown, *same[:3]
            return
        job.drop()
        session.taught = (job.name, parts)
        if session.parts == mix:  # else the visitor has gone on to something else
            session.parts = parts
        here = "it is the student of the first tab" if session.parts == parts else "press Paint with it"
        line = status(f"{job.name} paints in real time now: {here}.", *last.warnings)
        files = {file.suffix: gr.update(value=str(file), visible=True) for file in last.files}
        sheet = samples_html(last.folder / "sheet.jpg", SHEET)
        downloads = [files.get(suffix, hidden) for suffix in FILES]
        yield so_far.curve, line, sheet, ENABLED, DISABLED, UNCHANGED, "", UNCHANGED, hidden, shown, *downloads

    @user_errors
    def choose_new(self, request: gr.Request, *weights: float) -> list[Any]:
        """Paint with a student that has just been trained, if the mix is what it learned."""
        session = self.context.session(request)
        if session.taught is None or session.parts != session.taught[1]:
            return [UNCHANGED] * (len(self.controls.rows.outputs) + 2)
        return self._painting(session, session.taught[0], weights)

    @user_errors
    def paint_with_it(self, request: gr.Request, *weights: float) -> list[Any]:
        """Show the first tab, with the student and what it learned."""
        session = self.context.session(request)
        if session.taught is None:
            raise InputError("There is no student yet: train one first.")
        name, parts = session.taught
        kept = weights if session.parts == parts else ()
        session.parts = parts
        return [gr.Tabs(selected="stylise"), *self._painting(session, name, kept)]

    def _painting(self, session: Session, name: str, weights: Sequence[float]) -> list[Any]:
        return [*self.controls.rows.updates(session.parts, weights), student_engine(), name]


def _styles_html(parts: Sequence[StylePart]) -> str:
    """What is taught, as one line, and how that is chosen."""
    if not parts:
        return "<p>Choose a style on the first tab.</p>"
    names = ", ".join(f"<b>{html.escape(part.label)}</b>" for part in parts)
    more = (
        "The style of the first tab."
        if len(parts) == 1
        else "The mix of the first tab: each style is learned, and they blend."
    )
    return f"<p>{names}</p><small>{more}</small>"
