"""Links that open the page with styles and settings: `?style=neon:0.6&style=charcoal&strength=0.7&only=sky`."""

from __future__ import annotations

import difflib
import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import gradio as gr

from diffstyle import InputError, Settings, Style
from diffstyle.assets.zoo import named_style, style_files
from diffstyle.core.fields import FieldInfo, fields_of
from diffstyle.formats.recipe import Recipe
from diffstyle.serving.style_words import split_weight
from diffstyle_ui.app.context import AppContext
from diffstyle_ui.app.controls import Controls
from diffstyle_ui.app.events import UNCHANGED, bind
from diffstyle_ui.app.parts import part_from_words, part_of
from diffstyle_ui.app.user_errors import user_errors
from diffstyle_ui.widgets.settings_form import EVERYTHING, RenderSettings, form_values
from diffstyle_ui.widgets.style_rows import MAX_ROWS, StylePart

STYLE = "style"
ONLY_PART = "only"
SETTINGS = ("strength", "structure", "stroke", "colour", "seed")
MAX_CHARACTERS = 1000  # of one style, as in the page's own text box
WORDS = "text:"  # what words begin with that could be read as something else
_FOREIGN = ("image:", "adapter:")
_NAMED = "preset:"
_MISTYPED = re.compile(r".*[:=]\s*[+-]?[\d.,]*\d[\d.,]*\s*(%|x|/\s*\d+)?\s*", re.S | re.I)


@dataclass(frozen=True, slots=True)
class Linked:
    """What a link asks for: `styles`, each with a weight; the `settings`, of which `given` are in the link; `only`, the
    part of the photo that is painted; and one sentence for each of the `problems`, which are left out.
    """

    styles: tuple[tuple[str, float], ...] = ()
    settings: Settings = field(default_factory=Settings)
    given: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    only: str = EVERYTHING

    @property
    def empty(self) -> bool:
        """Whether it asks for nothing."""
        return not (self.styles or self.given or self.problems or self.only != EVERYTHING)


def read_link(query: Iterable[tuple[str, str]]) -> Linked:
    """Read the parameters of a link, pairs of a name and a value. Those with other names are not ours."""
    styles: list[tuple[str, float]] = []
    values: dict[str, Any] = {}
    problems: list[str] = []
    only = EVERYTHING
    fields = {info.name: info for info in fields_of(Settings)}
    for name, text in query:
        try:
            if name == STYLE:
                if len(styles) == MAX_ROWS:
                    raise InputError(f"The link has more than {MAX_ROWS} styles: the others are left out.")
                styles.append(_style(text))
            elif name in SETTINGS:
                value = _value(fields[name], text)
                values[name] = getattr(Settings(**{name: value}), name)
            elif name == ONLY_PART:
                only = RenderSettings(Settings(), only=text).only
        except InputError as error:
            problems.append(str(error))
    return Linked(tuple(styles), Settings(**values), tuple(values), tuple(dict.fromkeys(problems)), only)


def link_for(styles: Sequence[tuple[str, float]], settings: Settings, only: str = EVERYTHING) -> str:
    """The query of a link to `styles`, each a name or words as `link_words` gives them, with a weight, to `settings`,
    and to the part of the photo that is painted: "?style=...", or "" for a page as it opens by itself.
    """
    weighed = len(styles) > 1
    pairs = [(STYLE, f"{words}:{weight:g}" if weighed or ":" in words else words) for words, weight in styles]
    defaults = Settings()
    values = {name: getattr(settings, name) for name in SETTINGS}
    pairs += [(name, str(value)) for name, value in values.items() if value != getattr(defaults, name)]
    pairs += [(ONLY_PART, only)] if only != EVERYTHING else []
    return f"?{urlencode(pairs, quote_via=quote)}" if pairs else ""


def link_words(context: AppContext, part: StylePart) -> str | None:
    """How a link names `part`; None for what only this page has: pictures, trained adapters."""
    for name, style in context.space.styles.items():
        if part.style == style:
            return name
    words = part.style.prompt
    if not words or [r.digest for r in part.style.references] != [r.digest for r in Style.from_text(words).references]:
        return None
    ambiguous = ":" in words or "=" in words or _almost_named(words) or words in style_files()
    return f"{WORDS}{words}" if ambiguous else words


def link_to(context: AppContext, parts: Sequence[StylePart], style: Style, asked: RenderSettings) -> str:
    """The query of a link to the `parts` that were mixed to `style`, and to what was asked for; "" if a part is only
    here.
    """
    words = [link_words(context, part) for part in parts]
    weights = [
        sum(r.weight for r in style.references if r.digest in {p.digest for p in part.style.references})
        for part in parts
    ]
    if not words or None in words:
        return ""
    styles = [(str(word), round(weight, 3)) for word, weight in zip(words, weights, strict=True)]
    return link_for(styles, asked.settings, asked.only)


def link_of(context: AppContext, parts: Sequence[StylePart], recipe: Recipe, only: str) -> str:
    """The query of a link to what made a picture from its `parts`, with the part of the photo that was painted; "" for
    one with a drawn mask or with styles that only this page has.
    """
    drawn = recipe.regions or (recipe.mask is not None and only == EVERYTHING)
    return "" if drawn else link_to(context, parts, recipe.style, RenderSettings(recipe.settings, only=only))


def _style(text: str) -> tuple[str, float]:
    """Words or a name, and the weight. Raises InputError, as the command line does for what was mistyped."""
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"A style in the link has {len(text)} characters: give at most {MAX_CHARACTERS}.")
    if text.lower().startswith(_FOREIGN):
        raise InputError(f"The style {text} cannot be in a link: name a style, or describe one.")
    words, weight = split_weight(text)
    words = words.strip()
    if not words:
        raise InputError("A style in the link is empty: name a style, or describe one.")
    if words == text.strip() and _MISTYPED.fullmatch(words):
        raise InputError(f"Cannot read the weight in style={text}: write it as neon:0.5.")
    if words.lower().startswith(_NAMED):
        words = words[len(_NAMED) :]
        named_style(words)  # raises, with the similar names
    elif _almost_named(words):
        named_style(words)
    return words, weight


def _almost_named(words: str) -> bool:
    """Whether `words` look like the name of a style that there is not."""
    names = style_files()
    return (
        "-" in words
        and " " not in words
        and words not in names
        and bool(difflib.get_close_matches(words, names, cutoff=0.85))
    )


def _value(info: FieldInfo, text: str) -> Any:
    """`text` as a value of a setting; as it is if it is none, which the settings then refuse."""
    if info.kind is str:
        return text
    try:
        number = float(text)
        return int(text) if info.kind is int else number
    except ValueError:
        return text


class Links:
    """Opens the page as its link says: sets the style rows and the form of `controls`."""

    def __init__(self, context: AppContext, controls: Controls) -> None:
        self.context, self.controls = context, controls

    def connect(self, blocks: gr.Blocks) -> None:
        """Bind the event of `blocks` for a page that is opened."""
        controls, opened = self.controls, gr.State("")
        outputs = [*controls.rows.outputs, *controls.form.inputs, opened]
        bind([blocks.load], self.open_link, [], outputs)
        controls.preview_after(bind([opened.change], _nothing, [], []))

    @user_errors
    def open_link(self, request: gr.Request) -> list[Any]:
        """Set what the link asks for; one sentence for each value that it cannot have."""
        linked = linked_by(request)
        if linked.empty:
            return [UNCHANGED] * (len(self.controls.rows.outputs) + len(self.controls.form.inputs) + 1)
        parts, problems = self._parts(linked)
        for problem in problems:
            gr.Warning(html.escape(problem, quote=False), duration=12, title="Part of the link was left out")
        rows: list[Any] = [UNCHANGED] * len(self.controls.rows.outputs)
        if parts:
            session = self.context.session(request)
            session.parts = tuple(part for part, _ in parts)
            largest = max(weight for _, weight in parts)
            rows = self.controls.rows.updates(session.parts, [round(weight / largest, 3) for _, weight in parts])
        values = form_values(RenderSettings(linked.settings, only=linked.only))
        names = [info.name for info in fields_of(Settings)]
        form = [values[n] if n < len(names) and names[n] in linked.given else UNCHANGED for n in range(len(values))]
        if linked.only != EVERYTHING:
            at = self.controls.form.inputs.index(self.controls.form.only)
            form[at] = values[at]
        return [*rows, *form, "opened"]

    def _parts(self, linked: Linked) -> tuple[list[tuple[StylePart, float]], list[str]]:
        parts: list[tuple[StylePart, float]] = []
        problems = list(linked.problems)
        for words, weight in linked.styles:
            if not weight:
                continue
            try:
                plain = words.lower().startswith(WORDS)
                part = part_from_words(self.context, words[len(WORDS) :]) if plain else part_of(self.context, words)
            except InputError as error:
                problems.append(str(error))
            else:
                parts += [(part, weight)] if part.label not in [p.label for p, _ in parts] else []
        return parts, problems


def linked_by(request: gr.Request) -> Linked:
    """What the page's own address asks for."""
    return read_link(_pairs(request))


def _pairs(request: gr.Request) -> Iterator[tuple[str, str]]:
    """The parameters of the page's own address."""
    params = getattr(getattr(request, "request", None), "query_params", None)
    multi = getattr(params, "multi_items", None)
    yield from multi() if multi is not None else ()


def _nothing() -> None:
    """The preview that follows does it."""
