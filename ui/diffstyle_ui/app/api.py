"""The actions of the page for programs: named, with keyword parameters, through `gradio_client`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast, get_type_hints

import gradio as gr
from gradio import events

from diffstyle import Cancelled, InputError, Result, Settings, Style, Task
from diffstyle.assets.zoo import named_style, style_files
from diffstyle.core.mask import Mask
from diffstyle.core.task import setting_fields, settings_dict
from diffstyle_ui.app.context import Desk
from diffstyle_ui.app.parts import MAX_PARTS
from diffstyle_ui.app.results import hand_out, keep
from diffstyle_ui.app.sessions import Session
from diffstyle_ui.app.training import Trained, Training, trained
from diffstyle_ui.app.uploads import opened, recipe_in, uploaded
from diffstyle_ui.app.user_errors import plainly
from diffstyle_ui.app.votes import logged
from diffstyle_ui.tabs.history import nth
from diffstyle_ui.tabs.models import model_rows
from diffstyle_ui.tabs.paint import layers, masked
from diffstyle_ui.tabs.train import recipe_of
from diffstyle_ui.widgets.seed_grid import SEEDS

Upload = dict[str, Any]  # what gradio_client's handle_file makes
MAX_ON_PATH = 16
_WEIGHT = re.compile(r"(?P<what>.+?)\s*:\s*(?P<weight>\d*\.?\d+)", re.S)


class Api:
    """One method an endpoint, each called as the method is."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        _endpoint(_with_settings(self.preview), line="preview")
        _endpoint(_with_settings(self.render), line="render")
        _endpoint(self.paint, line="render")
        _endpoint(self.train, line="train")
        _endpoint(_with_settings(self.variations), line="render")
        _endpoint(self.replay, line="render")
        for method in (self.path, self.styles, self.nearest, self.recipe, self.models, self.vote):
            _endpoint(method, line="preview")
        _endpoint(self.cancel, line=None)

    def preview(
        self, request: gr.Request, photo: Upload, style: list[str], pictures: list[Upload], settings: Settings
    ) -> Upload:
        """The instant preview of `photo`, at most 512 pixels a side, as a PNG with the recipe inside.

        `style` lists words or names of presets, each with :WEIGHT behind it if you like; `pictures` show the style.
        The other parameters are the settings of a render, see `diffstyle stylize --help`.
        """
        session = self.desk.session(request)
        shown = self.desk.photo(session, photo)
        look = self._style(style, pictures)
        return _file(hand_out(session, self.desk.studio.preview(Task.of(shown.small, look, settings))))

    def render(
        self, request: gr.Request, photo: Upload, style: list[str], pictures: list[Upload], settings: Settings
    ) -> Upload:
        """The final render of `photo` as a PNG with the recipe inside; parameters as for `preview`."""
        session = self.desk.session(request)
        whole, look = self.desk.whole(self.desk.photo(session, photo)), self._style(style, pictures)
        return _file(keep(session, self._rendered(session, Task.of(whole, look, settings))).file)

    def variations(
        self, request: gr.Request, photo: Upload, style: list[str], pictures: list[Upload], settings: Settings
    ) -> list[Upload]:
        """Final renders from four seeds, `seed` and the next three, as PNGs; parameters as for `preview`."""
        session = self.desk.session(request)
        whole, look = self.desk.whole(self.desk.photo(session, photo)), self._style(style, pictures)
        seeds = [replace(settings, seed=settings.seed + n) for n in range(SEEDS)]
        return [_file(keep(session, self._rendered(session, Task.of(whole, look, s))).file) for s in seeds]

    def replay(self, request: gr.Request, picture: Upload, photo: Upload) -> Upload:
        """Render `photo` as a saved `picture` was made: its style, all its settings, and its masks."""
        session = self.desk.session(request)
        recipe = recipe_in(uploaded(picture, "a saved picture"))
        whole = self.desk.whole(self.desk.photo(session, photo))
        return _file(keep(session, self._rendered(session, recipe.task(whole))).file)

    def vote(self, request: gr.Request, a: int, b: int, choice: str) -> str:
        """Log which of two renders of this client is better: the first is 1; `choice` is a, b or same."""
        session = self.desk.session(request)
        logged(self.desk.votes, session, (nth(session, a - 1), nth(session, b - 1)), choice)
        return "Noted."

    def path(
        self, request: gr.Request, photo: Upload, start: str, end: str, n: int = 5, strength: float = 1.0
    ) -> list[Upload]:
        """Previews of `photo` at `n` even steps from the style `start` to the style `end`, as PNGs."""
        if not 2 <= n <= MAX_ON_PATH:
            raise InputError(f"n is {n}: give a number from 2 to {MAX_ON_PATH}.")
        session = self.desk.session(request)
        small, settings = self.desk.photo(session, photo).small, Settings(strength=strength)
        ends = [self.desk.studio.measured(_worded(words)[0]) for words in (start, end)]
        steps = Style.path(ends[0], ends[1], n)
        tasks = [Task.of(small, style, settings) for style in steps]
        return [_file(hand_out(session, self.desk.studio.preview(task))) for task in tasks]

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
        """Render `photo` in the style `inside` where `mask`, an upload in greys or with transparency, holds.

        `elsewhere` is the style around it; the photo stays as it is there without one. Four PNGs: the result, what the
        mask holds and what it does not, with alpha, and the mask with its edges softened by `feather` pixels.
        """
        session = self.desk.session(request)
        held = Mask.of(opened(uploaded(mask, "a mask"), self.desk.limits))
        around = _worded(elsewhere)[0] if elsewhere else None
        whole, settings = self.desk.whole(self.desk.photo(session, photo)), Settings(strength=strength, feather=feather)
        result = self._rendered(session, masked(whole, _worded(inside)[0], around, held, settings))
        return [_file(path) for path in (keep(session, result).file, *layers(session, result, held))]

    def train(
        self,
        request: gr.Request,
        pictures: list[Upload],
        name: str,
        minutes: float = 8.0,
        steps: int | None = None,
        overwrite: bool = False,
    ) -> dict[str, Any]:
        """Train an adapter called `name` on `pictures`; `/cancel` stops it, and asked for again it goes on."""
        if not self.desk.limits.training:
            raise InputError("Adapters cannot be trained on this server: run diffstyle on your own machine.")
        files = tuple(uploaded(picture, "pictures of the style") for picture in pictures)
        recipe, options = recipe_of(minutes, steps), self.desk.studio.options
        losses: list[float] = []
        with self.desk.session(request).training() as cancel:
            try:
                for seen in trained(Training(files, name, recipe, options, self.desk.limits, overwrite), cancel):
                    if isinstance(seen, Trained):
                        return {"name": name, "losses": losses, "card": seen.card, "warnings": list(seen.warnings)}
                    losses.append(seen.loss)
            except Cancelled:
                pass
        raise InputError("The training was stopped: ask for the same again to go on.")

    def styles(self) -> dict[str, list[float]]:
        """The named styles, each with its place on the map, from -1 to 1."""
        return {name: list(place) for name, place in self.desk.space.map().items()}

    def nearest(self, style: list[str], k: int = 5) -> list[list[Any]]:
        """The `k` named styles nearest to `style`, best first, each with its cosine."""
        found = self.desk.space.nearest(self.desk.studio.measured(self._style(style, [])), k)
        return [[name, cosine] for name, cosine in found]

    def recipe(self, picture: Upload) -> dict[str, Any]:
        """The settings, the style's parts with their weights, and the photo's name inside a saved picture."""
        found = recipe_in(uploaded(picture, "a saved picture"))
        parts = [{"label": r.prompt or r.source, "weight": r.weight} for r in found.style.references]
        return {"settings": settings_dict(found.settings), "style": parts, "photo": found.content_source}

    def models(self) -> list[dict[str, Any]]:
        """Every model that diffstyle knows: whether it is here, its size, and the command that gets it."""
        return [dict(row) for row in model_rows()]

    def cancel(self, request: gr.Request) -> str:
        """Stop the render or the training that this client has asked for, within a step."""
        session = self.desk.session(request)
        session.cancel.set()
        session.stop_training.set()
        return "Told to stop."

    def _rendered(self, session: Session, task: Task) -> Result:
        try:
            with session.rendering() as cancel:
                *_, result = self.desk.studio.render(task, cancel)
        except Cancelled:
            raise InputError("The render was cancelled: nothing was kept.") from None
        assert isinstance(result, Result)  # it is the last that comes
        return result

    def _style(self, style: Sequence[str], pictures: Sequence[Upload]) -> Style:
        said = [_worded(words) for words in ([style] if isinstance(style, str) else style or [])]
        said += [(Style.from_image(opened(uploaded(p), self.desk.limits)), 1.0) for p in pictures or []]
        if not said:
            raise InputError("There is no style: say it in words, name a preset, or show pictures.")
        if len(said) > MAX_PARTS:
            raise InputError(f"There are {len(said)} styles: give at most {MAX_PARTS}.")
        return said[0][0] if len(said) == 1 else Style.mix(said)


def _worded(words: str) -> tuple[Style, float]:
    """The style of words or of a preset's name, and its weight; never of a file, which is the server's."""
    match = _WEIGHT.fullmatch(words)
    what, weight = (match["what"], float(match["weight"])) if match else (words, 1.0)
    return (named_style(what) if what in style_files() else Style.from_text(what)), weight


def _file(path: Path) -> Upload:
    return {"path": str(path), "orig_name": path.name, "meta": {"_type": "gradio.FileData"}}


def _endpoint(method: Callable[..., Any], *, line: str | None) -> None:
    cast("Any", events).api(
        plainly(method),
        api_name=method.__name__,
        api_description=inspect.getdoc(method),
        queue=line is not None,
        concurrency_limit=1,
        concurrency_id=line,
    )


def _with_settings(method: Callable[..., Any]) -> Callable[..., Any]:
    """`method` whose last parameter, `settings`, is asked for as keywords of its own, with the defaults of Settings."""
    own = [p for p in inspect.signature(method).parameters.values() if p.name != "settings"]
    hints = get_type_hints(method)
    fields = [
        inspect.Parameter(f.name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=f.default) for f in setting_fields()
    ]
    own = [p.replace(default=[]) if p.name == "pictures" else p for p in own]

    def asked(*values: Any) -> Any:
        given, chosen = values[: len(own)], values[len(own) :]
        named = dict(zip([f.name for f in fields], chosen, strict=False))
        return method(*given, Settings(**named))

    asked.__name__, asked.__doc__ = method.__name__, method.__doc__
    asked.__annotations__ = (
        {p.name: hints[p.name] for p in own} | get_type_hints(Settings) | {"return": hints["return"]}
    )
    asked.__signature__ = inspect.Signature([*own, *fields], return_annotation=hints["return"])  # type: ignore[attr-defined]
    return asked
