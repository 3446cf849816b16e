"""The session's results: look at them, restore their settings, compare two, or vote without knowing which is which."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import gradio as gr
from gradio.components import Component

from diffstyle import InputError, Picture
from diffstyle.engines.registry import engine_from
from diffstyle.formats.recipe import Recipe
from diffstyle.serving.uploaded_files import open_recipe
from diffstyle_ui.app.context import AppContext
from diffstyle_ui.app.controls import Controls
from diffstyle_ui.app.events import DISABLED, ENABLED, UNCHANGED, Widget, bind, bind_after
from diffstyle_ui.app.histories import SavedResult
from diffstyle_ui.app.links import link_of, linked_by
from diffstyle_ui.app.parts import mixed, parts_of_style
from diffstyle_ui.app.renders import final_frame, strip_of
from diffstyle_ui.app.sessions import Photo, Session, shown_key
from diffstyle_ui.app.thumbnails import photo_name
from diffstyle_ui.app.uploads import upload_path
from diffstyle_ui.app.user_errors import user_errors
from diffstyle_ui.app.votes import log_vote, random_pair
from diffstyle_ui.widgets.comparison import comparison
from diffstyle_ui.widgets.html import IDLE, data_url, placeholder, status
from diffstyle_ui.widgets.result_grid import blind_pair, result_grid, results_html
from diffstyle_ui.widgets.settings_form import EVERYTHING, RenderSettings, form_values, read_form
from diffstyle_ui.widgets.two_results import duel_html, two_results

MAX_COMPARED_SIDE = 1600
EMPTY = placeholder("Nothing here yet", "Your renders are kept here for two days, even if you reload the page.")
NOT_CHOSEN = placeholder("A kept picture, large", "Choose one, then look at it or go on from its settings.")
NO_PAIR = placeholder("Two side by side", "Choose any two results above.")
NO_VOTE = placeholder("Which is better?", "Two results are shown without their names.")
ANSWERS = (("a", "A is better"), ("b", "B is better"), ("same", "No difference"))


class MaskTab(Protocol):
    """The tab that can restore the mask of a recipe."""

    @property
    def restored(self) -> list[Component]:
        """The components that `restore` returns updates for."""
        ...

    def restore(self, session: Session, recipe: Recipe) -> tuple[str | None, list[Any]]:
        """Restore the mask of `recipe`: a sentence about it, and updates."""
        ...


class HistoryTab:
    """Draws the tab; `connect` binds its events."""

    def __init__(self, context: AppContext, controls: Controls, masks: MaskTab) -> None:
        """`controls` and `masks` receive the settings, styles and masks that are restored."""
        self.context, self.controls, self.masks = context, controls, masks
        with gr.Row(elem_classes="two-columns"):
            with gr.Column(scale=5, min_width=300):
                self.grid = result_grid(EMPTY, elem_id="history")
            with gr.Column(scale=6, min_width=300, elem_classes="stage", elem_id="history-stage"):
                self.frame = comparison(elem_id="history-frame", label="Photo and kept result", empty=NOT_CHOSEN)
                self.status = gr.HTML(IDLE, elem_id="history-status", apply_default_css=False)
                with gr.Row():
                    self.use = gr.Button(
                        "Use these settings", variant="primary", interactive=False, elem_id="use-result", min_width=140
                    )
                    self.download = gr.DownloadButton(
                        "Download PNG", interactive=False, elem_id="history-download", min_width=140
                    )
                self.upload = gr.File(
                    label="Restore from a saved picture",
                    file_types=["image"],
                    height=150,
                    elem_id="restore",
                )
        with gr.Accordion("Compare two", open=False, elem_id="compare-two"):
            with gr.Row():
                self.left = gr.Dropdown([], label="On the left", elem_id="left")
                self.right = gr.Dropdown([], label="On the right", elem_id="right")
            self.duel = two_results(elem_id="pair", label="Two results", empty=NO_PAIR)
        with gr.Accordion("Blind vote", open=False, elem_id="vote"):
            self.blind = gr.HTML(NO_VOTE, elem_id="blind", apply_default_css=False)
            with gr.Row():
                self.draw = gr.Button("Show two results", variant="primary", elem_id="draw", min_width=140)
                self.answers = [
                    gr.Button(text, interactive=False, elem_id=f"vote-{choice}", min_width=100)
                    for choice, text in ANSWERS
                ]
            self.voted = gr.HTML(IDLE, elem_id="voted", apply_default_css=False)
        self.chosen = gr.State(-1)  # the number of a result
        self.drawn = gr.State(())  # the names of the two files that are voted on

    def connect(self, blocks: gr.Blocks, tab: gr.Tab, tabs: gr.Tabs) -> None:
        """Bind the events of this tab, `tab` of `tabs` of `blocks`.

        Call it outside of all tabs: the browser's key of the results, which is drawn here, is not read in a closed one.
        """
        key = gr.BrowserState("", storage_key="diffstyle-history")
        controls, shown = self.controls, [self.grid, self.left, self.right]
        form = [
            *controls.rows.outputs,
            *controls.form.inputs,
            controls.form.keep_seed,
            controls.photo,
            controls.thumbnail,
            *self.masks.restored,
        ]
        restored: list[Widget] = [*controls.frame, tabs, *form]
        self._restored_count, self._upload_place = len(restored), form.index(controls.photo)
        bind([tab.select], self.refresh, [], shown)
        resumed = bind([blocks.load], self.resume, [key], [key])
        bind_after(resumed, self.refresh, [], shown)
        bind_after(resumed, self.show_versions, [], [controls.versions])
        bind_after(resumed, self.reopen, [], restored)
        bind([self.grid.select], self.choose, [], [self.chosen, self.frame, self.status, self.use, self.download])
        for event in (
            bind([self.upload.upload], self.restore_upload, [self.upload], [self.status, tabs, *form]),
            bind([self.use.click], self.restore_result, [self.chosen], [self.status, tabs, *form]),
        ):
            controls.preview_after(event)
        chosen = [controls.versions.select, controls.variations.select]
        bind(chosen, self.restore_version, [], restored)
        sides = [self.left, self.right]
        bind([s.input for s in sides], self.compare, sides, [self.duel])
        outputs = [self.blind, self.voted, self.drawn, *self.answers]
        bind([self.draw.click], self.show_two, [], outputs)
        for (choice, _), button in zip(ANSWERS, self.answers, strict=True):
            bind([button.click], self._vote_handler(choice), [self.drawn], outputs)

    @user_errors
    def resume(self, request: gr.Request, key: Any) -> str:
        """Find the results of an earlier page of this browser; the key to keep."""
        kept = self.context.sessions.resume(request, key)
        session = self.context.session(request)
        session.reopens = bool(session.results) and linked_by(request).empty
        return kept

    @user_errors
    def reopen(self, request: gr.Request) -> list[Any] | tuple[Any, ...]:
        """The last result of an earlier page, with its photo and settings, unless a link asks for something else."""
        session = self.context.session(request)
        if not session.reopens or session.preview_count or session.photo is not None:
            return (UNCHANGED,) * self._restored_count
        session.reopens = False
        result, parts, shown = session.results[-1], session.parts, session.shown
        _, _, *rest = self._restore(session, result.file, result.only)
        frame = self._large(session, result)
        if session.uploaded is not None:  # meanwhile the visitor has added a photo
            session.photo, session.parts, session.shown = session.uploaded, parts, shown
            return (UNCHANGED,) * self._restored_count
        rest[self._upload_place] = UNCHANGED  # empty already, and the visitor may be uploading a photo
        return [frame, status(f"Your last picture: {result.label}."), UNCHANGED, *rest]

    @user_errors
    def refresh(self, request: gr.Request) -> tuple[Any, ...]:
        results = self.context.session(request).results
        choices = [(_title(result), result.number) for result in results]
        grid = results_html([(r.number, r.thumbnail, r.label, r.made) for r in results]) if results else EMPTY
        return grid, gr.update(choices=choices), gr.update(choices=choices)

    @user_errors
    def show_versions(self, request: gr.Request) -> str:
        """The strip of the first tab."""
        return strip_of(self.context.session(request))

    @user_errors
    def restore_version(self, request: gr.Request, event: gr.EventData) -> list[Any]:
        """A result of the strip, or a variation: its picture in the frame, its style and settings in the form."""
        session = self.context.session(request)
        result = session.result(int(event.n))
        line, tab, *rest = self._restore(session, result.file, result.only)
        return [self._large(session, result), line, tab, *rest]

    @user_errors
    def choose(self, request: gr.Request, event: gr.EventData) -> tuple[Any, ...]:
        n, session = int(event.n), self.context.session(request)
        result = session.result(n)
        frame, line = self._large(session, result), status(_title(result))
        return n, frame, line, ENABLED, gr.update(value=str(result.file), interactive=True)

    def _large(self, session: Session, result: SavedResult) -> str:
        """The frame with a kept result, beside its photo if that is still here."""
        pictures = self.context.renderer.pictures
        recipe = pictures.run(lambda: open_recipe(result.file, self.context.limits))
        url = pictures.run(lambda: data_url(Picture.open(result.file), longest=MAX_COMPARED_SIDE))
        photo = self._photo_of(session, recipe)
        before = photo.url if photo else url
        parts = [part for part, _ in parts_of_style(self.context, recipe.style)]
        link = link_of(self.context, parts, recipe, result.only)
        return final_frame(photo or self.context.example, result, url, before=before, link=link)

    @user_errors
    def restore_upload(self, request: gr.Request, payload: Any) -> list[Any]:
        session = self.context.session(request)
        return self._restore(session, upload_path(session, payload, "a saved picture"))

    @user_errors
    def restore_result(self, request: gr.Request, n: int) -> list[Any]:
        session = self.context.session(request)
        result = session.result(n)
        return self._restore(session, result.file, result.only)

    def _restore(self, session: Session, path: Path, only: str = EVERYTHING) -> list[Any]:
        renderer = self.context.renderer
        recipe = renderer.pictures.run(lambda: open_recipe(path, self.context.limits))
        parts = parts_of_style(self.context, recipe.style)
        session.parts = tuple(replace(part, style=renderer.measure(part.style)) for part, _ in parts)
        rows = self.controls.rows.updates(session.parts, [round(weight, 3) for _, weight in parts])
        before, photo = session.photo, self._photo_of(session, recipe)
        session.photo = photo or before
        if photo is None:
            gr.Warning(f"The photo was {recipe.content_source}: add it to render the same picture again.")
        engine = engine_from(recipe.engine, recipe.engine_values)
        styles = [recipe.style, *(region.style for region in recipe.regions)]
        usual = renderer.chooses(engine, styles)  # then the next style chooses its own
        asked = RenderSettings(recipe.settings, None if usual else engine, recipe.depth, only)
        shown = recipe if only == EVERYTHING else replace(recipe, mask=None)  # the form finds that mask again
        note, mask = self.masks.restore(session, shown)
        style = mixed(session, [round(weight, 3) for _, weight in parts])
        shown_photo = self.context.photo_or_example(session)
        session.shown = shown_key(shown_photo, style, read_form(form_values(asked)))
        form = form_values(asked)
        line = status(*self._notes(recipe), note)
        changed = photo if photo is not before else None
        thumbnail = self.controls.photo_updates(changed)
        if changed is not None:
            wall = self.controls.rows.outputs.index(self.controls.rows.wall)
            rows[wall] = {**rows[wall], "photo": photo_name(shown_photo.path)}
        return [line, gr.update(selected="stylise"), *rows, *form, True, *thumbnail, *mask]

    def _notes(self, recipe: Recipe) -> list[str]:
        notes = ["Style and settings are restored."]
        page = replace(self.context.renderer.options.shareable(), runtime=recipe.options.runtime)  # pictures are alike
        if recipe.options != page:
            model = self.context.renderer.options.name
            notes.append(f"It was rendered with {recipe.options.name}; this page renders with {model}.")
        return notes

    def _photo_of(self, session: Session, recipe: Recipe) -> Photo | None:
        """The photo that the recipe's picture was painted from: the present one, one that is kept with a result, or an
        example; None if it is none of them.
        """
        if session.photo is not None and self._is_content(session.photo, recipe):
            return session.photo
        for result in reversed(session.results):
            if result.photo is not None and result.content == recipe.content and result.photo.is_file():
                return self.context.read_behind(result.photo)
        named = [p for p in self.context.examples if p.path.name == recipe.content_source]
        return next((photo for photo in named if self._is_content(photo, recipe)), None)

    def _is_content(self, photo: Photo, recipe: Recipe) -> bool:
        """Whether the recipe's picture was painted from `photo`."""
        return self.context.renderer.pictures.run(lambda: self.context.full_picture(photo).digest()) == recipe.content

    @user_errors
    def compare(self, request: gr.Request, left: int | None, right: int | None) -> Any:
        if left is None or right is None:
            return NO_PAIR
        session = self.context.session(request)
        if not session.news("pair", left, right):
            return UNCHANGED
        results = [session.result(n) for n in (left, right)]

        def shown(result: SavedResult) -> tuple[str, tuple[int, int]]:
            picture = Picture.open(result.file)
            return data_url(picture, longest=MAX_COMPARED_SIDE), picture.size

        (first, size), (second, other) = (self.context.renderer.pictures.run(partial(shown, r)) for r in results)
        return duel_html((first, second), (size, other), (_title(results[0]), _title(results[1])))

    @user_errors
    def show_two(self, request: gr.Request) -> tuple[Any, ...]:
        two = random_pair(self.context.session(request))
        names = tuple(result.file.name for result in two)
        return blind_pair([result.thumbnail for result in two]), IDLE, names, *[ENABLED] * len(ANSWERS)

    def _vote_handler(self, choice: str) -> Callable[..., tuple[Any, ...]]:
        @user_errors
        def vote(request: gr.Request, names: Sequence[str]) -> tuple[Any, ...]:
            session = self.context.session(request)
            found = [result for name in names for result in session.results if result.file.name == name]
            if len(found) != 2:
                raise InputError("These two results are no longer available: show two others.")
            log_vote(self.context.votes, session, (found[0], found[1]), choice)
            line = status(f"Your vote is saved. A was {found[0].label}.", f"B was {found[1].label}.")
            return gr.update(), line, (), *[DISABLED] * len(ANSWERS)

        return vote


def _title(result: SavedResult) -> str:
    return f"{result.number}. {result.label}"
