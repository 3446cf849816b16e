"""The page's actions for programs: endpoints with keyword parameters, called through `gradio_client`."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import gradio as gr

from diffstyle import Cancelled, InputError, Result, Settings, Style, Task
from diffstyle.assets.students import check_new_student
from diffstyle.core.cancelling import cancellable, check_cancelled
from diffstyle.core.fields import values_of
from diffstyle.core.mask import Mask, Region
from diffstyle.engines.replay import task_of
from diffstyle.serving.style_words import weighted_style
from diffstyle.serving.uploaded_files import open_picture, open_recipe
from diffstyle.video.settings import Steadiness
from diffstyle_ui.app.api_types import Upload
from diffstyle_ui.app.arrival import arrival
from diffstyle_ui.app.clip_renders import AskedClip, clip_updates
from diffstyle_ui.app.clips import read_clip
from diffstyle_ui.app.context import AppContext
from diffstyle_ui.app.endpoints import publish, with_settings
from diffstyle_ui.app.masked_tasks import masked_task, save_layers
from diffstyle_ui.app.model_list import model_rows
from diffstyle_ui.app.parts import reference
from diffstyle_ui.app.renders import Finished, render_files, save_preview
from diffstyle_ui.app.sessions import Session
from diffstyle_ui.app.student_jobs import keep_job
from diffstyle_ui.app.student_training import StudentTraining, TaughtStudent, own_styles, run_student, student_recipe
from diffstyle_ui.app.training import TrainedAdapter, TrainingJob, recipe_for, run_training
from diffstyle_ui.app.uploads import upload_path
from diffstyle_ui.app.user_errors import CANCELLED
from diffstyle_ui.app.variations import variations
from diffstyle_ui.app.votes import log_vote
from diffstyle_ui.widgets.settings_form import RenderSettings
from diffstyle_ui.widgets.style_rows import MAX_ROWS

MAX_PATH_STEPS = 16
NO_TRAINING = "This server does not train: run diffstyle on your own machine."
STOPPED = "The training was stopped: send the same request again to resume it."
FORGOTTEN = "The training was stopped: send the same request again to start it anew."


class Api:
    """One method for each endpoint, with the same name and parameters."""

    def __init__(self, context: AppContext) -> None:
        self.context = context
        engine = context.renderer.default_engine
        publish(with_settings(self.preview, engine), queue="preview")
        publish(with_settings(self.render, engine), queue="render")
        publish(self.paint, queue="render")
        publish(self.train, queue="train")
        publish(self.distil, queue="train")
        publish(with_settings(self.variations, engine), queue="render")
        publish(with_settings(self.video, engine), queue="render")
        publish(self.replay, queue="render")
        for method in (self.path, self.nearest):
            publish(method, queue="preview")
        for method in (self.styles, self.recipe, self.models, self.vote):
            publish(method, queue="lookup")
        publish(self.cancel, queue=None)

    def preview(
        self, request: gr.Request, photo: Upload, style: list[str], pictures: list[Upload], settings: RenderSettings
    ) -> Upload:
        """The instant preview of `photo`, at most 512 pixels a side, as a PNG with the recipe inside.

        `style` lists words or names of styles, each with an optional :WEIGHT; `pictures` show the style. The other
        parameters are settings as in `diffstyle stylize --help`. An engine's own settings are refused for others.
        """
        session = self.context.session(request)
        small = self.context.photo(session, photo).small
        task = settings.task(small, self._style(session, style, pictures))
        return _file(save_preview(session, self.context.renderer.preview(task)))

    def render(
        self, request: gr.Request, photo: Upload, style: list[str], pictures: list[Upload], settings: RenderSettings
    ) -> Upload:
        """The final render of `photo` as a PNG with the recipe inside; parameters as for `preview`."""
        return self._render_all(request, photo, style, pictures, [settings])[0]

    def variations(
        self, request: gr.Request, photo: Upload, style: list[str], pictures: list[Upload], settings: RenderSettings
    ) -> list[Upload]:
        """Four final renders as PNGs: as set, finer, bolder, and in other colours, with `seed` and the next three;
        parameters as for `preview`.
        """
        return self._render_all(request, photo, style, pictures, [v.settings for v in variations(settings)])

    def video(
        self,
        request: gr.Request,
        clip: Upload,
        style: list[str],
        pictures: list[Upload],
        start_at: str = "",
        end_at: str = "",
        steady: float = 0.9,
        every: int = 1,
        *,
        settings: RenderSettings,
    ) -> Upload:
        """The painted `clip`, or the part between two times, as an MP4 with the recipe inside; other parameters as for
        `preview`, `depth` apart. `/cancel` ends it with the frames that are painted.
        """
        session, limits = self.context.session(request), self.context.limits
        with session.rendering(arrival(request)) as cancel:
            path = upload_path(session, clip, "a clip")
            upload = self.context.renderer.pictures.run(lambda: read_clip(path, limits))
            asked = AskedClip(
                upload,
                self._style(session, style, pictures),
                settings,
                upload.cut(start_at, end_at, limits),
                Steadiness(steady=steady, every=every),
                settings.settings.size,
            )
            *_, update = clip_updates(self.context, session, asked, cancel)
        if update.error is not None:
            raise update.error
        if update.saved is None:
            raise InputError(CANCELLED)
        return _file(update.saved.file)

    def replay(self, request: gr.Request, picture: Upload, photo: Upload) -> Upload:
        """Render `photo` with the style, the settings and the masks of a saved `picture`."""
        limits = self.context.limits
        with self._rendering(request) as (session, cancel):
            saved, current = upload_path(session, picture, "a saved picture"), self.context.photo(session, photo)
            depth = self.context.renderer.recipes.run(lambda: open_recipe(saved, limits).depth)

            def task() -> Task:
                return task_of(open_recipe(saved, limits), self.context.full_picture(current))

            return _file(self._render(session, cancel, task, depth=depth).saved.file)

    def vote(self, request: gr.Request, a: int, b: int, choice: str) -> str:
        """Log which of two renders of this client is better: the first one is 1; `choice` is a, b or same."""
        session = self.context.session(request)
        log_vote(self.context.votes, session, (session.result(a), session.result(b)), choice)
        return "Your vote is saved."

    def path(
        self, request: gr.Request, photo: Upload, start: str, end: str, n: int = 5, strength: float = 1.0
    ) -> list[Upload]:
        """Previews of `photo` at `n` even steps from the style `start` to the style `end`, as PNGs."""
        if not 2 <= n <= MAX_PATH_STEPS:
            raise InputError(f"n is {n}: give a number from 2 to {MAX_PATH_STEPS}.")
        session = self.context.session(request)
        small, settings = self.context.photo(session, photo).small, RenderSettings(Settings(strength=strength))
        ends = [self.context.renderer.measure(weighted_style(words)[0]) for words in (start, end)]
        tasks = [settings.task(small, style) for style in Style.path(ends[0], ends[1], n)]
        return [_file(save_preview(session, self.context.renderer.preview(task))) for task in tasks]

    def paint(
        self,
        request: gr.Request,
        photo: Upload,
        mask: Upload,
        inside: str,
        elsewhere: str = "",
        feather: float = 12.0,
        strength: float = 1.0,
    ) -> list[Upload]:
        """Render `photo` in the style `inside` where `mask`, a grey or transparent upload, is white or opaque.

        `elsewhere` is the style around it; without one the photo stays unchanged there. Four PNGs: the result, the
        result inside the mask and outside it, with alpha, and the mask with its edges softened over `feather` pixels.
        """
        inner, around = weighted_style(inside)[0], weighted_style(elsewhere)[0] if elsewhere else None
        settings = RenderSettings(Settings(strength=strength, feather=feather))
        with self._rendering(request) as (session, cancel):
            drawn, current = upload_path(session, mask, "a mask"), self.context.photo(session, photo)

            def region() -> list[Region]:
                return [Region(Mask.of(open_picture(drawn, self.context.limits)), inner)]

            def task() -> Task:
                return masked_task(self.context.full_picture(current), region(), around, settings)

            def layers(result: Result) -> list[Path]:
                return save_layers(session.folder, result, region())

            return [_file(path) for path in self._render(session, cancel, task, more=layers).files]

    def train(
        self,
        request: gr.Request,
        pictures: list[Upload],
        name: str,
        minutes: float = 8.0,
        steps: int | None = None,
        overwrite: bool = False,
    ) -> dict[str, Any]:
        """Train an adapter called `name` on `pictures`. `/cancel` stops it, and the same request resumes it."""
        if not self.context.limits.training:
            raise InputError(NO_TRAINING)
        session = self.context.session(request)
        files = tuple(upload_path(session, picture, "pictures of the style") for picture in pictures)
        options, limits = self.context.renderer.training_options, self.context.limits
        job = TrainingJob(files, name, recipe_for(minutes, steps), options, limits, overwrite)
        losses: list[float] = []
        with session.training(arrival(request)) as cancel:
            try:
                for update in run_training(job, cancel):
                    if isinstance(update, TrainedAdapter):
                        warnings = list(update.warnings)
                        return {"name": name, "losses": losses, "card": update.card, "warnings": warnings}
                    losses.append(update.loss)
            except Cancelled:
                pass
        raise InputError(STOPPED)

    def distil(
        self,
        request: gr.Request,
        style: list[str],
        name: str,
        pictures: list[Upload] = [],  # noqa: B006 - what the API shows
        photos: list[Upload] = [],  # noqa: B006
        minutes: int = 20,
        network: str = "small",
        steps: int | None = None,
    ) -> list[Upload]:
        """Teach styles to a student called `name`, in 5, 20 or 60 minutes: a safetensors file and, where it can be
        exported, one of ONNX. It learns from `photos`, if there are any. `/cancel` stops and forgets it.
        """
        if not self.context.limits.training:
            raise InputError(NO_TRAINING)
        session, renderer = self.context.session(request), self.context.renderer
        files = tuple(upload_path(session, photo, "photos to learn from") for photo in photos or ())
        recipe = student_recipe(minutes, network, steps=steps)
        check_new_student(name, overwrite=False)
        styles = {n: renderer.complete(s) for n, s in own_styles(self._named(session, style, pictures)).items()}
        job = keep_job(name, styles, files, recipe, owner=session.owner)
        training = StudentTraining(job, renderer.training_options, self.context.limits, session.folder / job.key)
        try:
            with session.training(arrival(request)) as cancel, suppress(Cancelled):
                *_, last = run_student(training, cancel)
                assert isinstance(last, TaughtStudent)  # the last item of the stream
                return [_file(file) for file in last.files]
        finally:
            job.drop()
        raise InputError(FORGOTTEN)

    def styles(self) -> dict[str, list[float]]:
        """The named styles, each with its position on the map, x and y from -1 to 1."""
        return {name: list(position) for name, position in self.context.space.map().items()}

    def nearest(self, request: gr.Request, style: list[str], k: int = 5) -> list[list[Any]]:
        """The `k` named styles nearest to `style`, the best first, each with its cosine similarity."""
        asked = self._style(self.context.session(request), style, [])
        found = self.context.space.nearest(self.context.renderer.measure(asked), k)
        return [[name, cosine] for name, cosine in found]

    def recipe(self, request: gr.Request, picture: Upload) -> dict[str, Any]:
        """The recipe inside a saved picture.

        `settings` by the names that `/render` takes, `style` as the label and the weight of each reference, and the
        file name of the `photo`.
        """
        path = upload_path(self.context.session(request), picture, "a saved picture")
        found = self.context.renderer.recipes.run(lambda: open_recipe(path, self.context.limits))
        own = {"depth": found.depth, "engine": found.engine, **found.engine_values}
        return {
            "settings": values_of(found.settings) | own,
            "style": [{"label": r.prompt or r.source, "weight": r.weight} for r in found.style.references],
            "photo": found.content_source,
        }

    def models(self) -> list[dict[str, Any]]:
        """Every model that diffstyle knows: whether it is installed, its size, and the command that installs it."""
        return [dict(row) for row in model_rows()]

    def cancel(self, request: gr.Request) -> str:
        """Stop the renders and the training of this client, those that wait too."""
        self.context.cancel_renders(request)
        self.context.stop_trainings(request)
        return "Stopping."

    def _render_all(
        self,
        request: gr.Request,
        photo: Upload,
        style: Sequence[str],
        pictures: Sequence[Upload],
        variants: Sequence[RenderSettings],
    ) -> list[Upload]:
        with self._rendering(request) as (session, cancel):
            current = self.context.photo(session, photo)
            mixed = self._style(session, style, pictures)

            def task(settings: RenderSettings) -> Task:
                return settings.task(self.context.full_picture(current), mixed)

            done = [self._render(session, cancel, partial(task, v), depth=v.depth) for v in variants]
            return [_file(each.saved.file) for each in done]

    @contextmanager
    def _rendering(self, request: gr.Request) -> Generator[tuple[Session, Event], None, None]:
        """The session of `request` and what cancels its render, from before the photo is read."""
        session = self.context.session(request)
        with session.rendering(arrival(request)) as cancel, cancellable(cancel.is_set):
            try:
                check_cancelled()
                yield session, cancel
            except Cancelled:
                raise InputError(CANCELLED) from None

    def _render(
        self,
        session: Session,
        cancel: Event,
        task: Callable[[], Task],
        *,
        depth: int = 8,
        more: Callable[[Result], list[Path]] | None = None,
    ) -> Finished:
        *_, done = render_files(self.context, session, task, cancel, depth=depth, more=more)
        assert isinstance(done, Finished)  # the last item of the stream
        return done

    def _style(self, session: Session, style: Sequence[str], pictures: Sequence[Upload]) -> Style:
        parts = [weighted_style(words) for words in ([style] if isinstance(style, str) else style or [])]
        self._check_styles(len(parts), pictures)
        parts += [(found, 1.0) for _, found in self._shown(session, pictures)]
        return parts[0][0] if len(parts) == 1 else Style.mix(parts)

    def _named(self, session: Session, style: Sequence[str], pictures: Sequence[Upload]) -> list[tuple[str, Style]]:
        """Each style by its words, or the name of its picture."""
        words = [style] if isinstance(style, str) else list(style or [])
        self._check_styles(len(words), pictures)
        found = [(text, weighted_style(text)[0]) for text in words]
        return [*found, *self._shown(session, pictures)]

    def _shown(self, session: Session, pictures: Sequence[Upload]) -> list[tuple[str, Style]]:
        """The styles of pictures, with the names of these."""
        files = [upload_path(session, picture, "a picture of the style") for picture in pictures or ()]
        return [(path.stem, Style.from_image(reference(self.context, path))) for path in files]

    @staticmethod
    def _check_styles(described: int, pictures: Sequence[Upload]) -> None:
        number = described + len(pictures or ())
        if not number:
            raise InputError("There is no style: describe one, name one, or add pictures.")
        if number > MAX_ROWS:
            raise InputError(f"There are {number} styles: give at most {MAX_ROWS}.")


def _file(path: Path) -> Upload:
    return {"path": str(path), "orig_name": path.name, "meta": {"_type": "gradio.FileData"}}
