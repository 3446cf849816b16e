"""Widgets for settings. Range, default and help come from the settings classes, so that new ones appear by themselves.

An engine's own settings have a group of their own, which is visible only while that engine is chosen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import gradio as gr
from gradio.blocks import BlockContext
from gradio.components import Component

from diffstyle import InputError, Picture, Settings, Style, Task
from diffstyle.controls.selection import select
from diffstyle.core.fields import FieldInfo, fields_of, values_of
from diffstyle.core.mask import Mask, Region
from diffstyle.core.picture import fitted
from diffstyle.core.settings import EngineSettings
from diffstyle.engines.registry import engine_names, settings_class

FIRST = ("strength", "structure", "colour", "stroke")  # outside the accordion "Advanced"
LABELS: Mapping[str, str] = {"colour": "Colours", "stroke": "Strokes"}
CHOICES: Mapping[str, tuple[tuple[str, str], ...]] = {  # in the words of the page; other values can be typed
    "colour": (
        ("As painted", "off"),
        ("The photo's hues", "keep"),
        ("Exactly the style's", "match"),
        ("Recolour only", "palette"),
    ),
    "stroke": (("As painted", "auto"), ("Fine", "0.5"), ("Medium", "1"), ("Large", "1.6"), ("Very large", "2.5")),
}
NEEDS: Mapping[str, Literal["structure", "seeded"]] = {"structure": "structure", "seed": "seeded"}
ONLY: Mapping[str, str] = {"subject": "Person or subject", "background": "Background", "sky": "Sky"}
"""What can be painted alone, as `select` calls it, and as the page does."""
EVERYTHING, EVERYTHING_NAME = "everything", "Everything"
SEED = "seed"
AUTO = "auto"
DEPTHS = (8, 16)
ENGINE_HELP = "What renders the picture. By the style: words that name a medium are drawn by rule, the rest is painted."
BY_STYLE = "By the style"
DEPTH_HELP = "Bits per channel of the saved PNG."


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """How to render: the shared settings, those of an engine (None: the one that paints such styles when nobody says
    which), the bit depth of the saved file, and the part of the photo that is painted (one of ONLY, or EVERYTHING).
    """

    settings: Settings
    engine: EngineSettings | None = None
    depth: int = 8
    only: str = EVERYTHING

    def __post_init__(self) -> None:
        if self.depth not in DEPTHS:
            raise InputError(f"depth is {self.depth}: give one of {', '.join(map(str, DEPTHS))}.")
        if self.only not in (EVERYTHING, *ONLY):
            raise InputError(f"only is {self.only}: give one of {', '.join((EVERYTHING, *ONLY))}.")

    def task(self, content: Picture, style: Style, *, mask: Mask | None = None, regions: Sequence[Region] = ()) -> Task:
        """The task that paints `content` in `style` with these settings; `mask` and `regions` take the place of `only`.

        Raises InputError where the photo has nothing that is to be painted.
        """
        if self.only != EVERYTHING and mask is None and not regions:
            mask = replace(select(replace(content, source="the photo"), self.only), source=self.only)
        return Task(content, style, engine=self.engine, mask=mask, regions=regions, **values_of(self.settings))

    def size_of(self, photo: tuple[int, int]) -> tuple[int, int]:
        """(width, height) of what is rendered from a photo of that size."""
        side = self.settings.size
        return photo if side is None else fitted(photo, side)

    def with_seed(self, seed: int) -> RenderSettings:
        """The same with another seed."""
        return replace(self, settings=replace(self.settings, seed=seed))


class SettingsForm:
    """One widget for each setting; `inputs` are in the order in which `read_form` takes their values.

    The tab draws `only`, beside the photo.
    """

    def __init__(self, engine: str) -> None:
        """Draw the widgets, with the engine called `engine`, or AUTO, chosen."""
        fields = {info.name: info for info in fields_of(Settings)}
        with gr.Row(elem_id="first-settings"):
            shared: dict[str, Component] = {name: _first(fields[name]) for name in FIRST}
        self.only = gr.Radio(
            [(EVERYTHING_NAME, EVERYTHING), *((name, what) for what, name in ONLY.items())],
            value=EVERYTHING,
            label="What is painted",
            elem_id="setting-only",
            render=False,
        )
        choices = [(BY_STYLE, AUTO), *((settings_class(name).title, name) for name in engine_names())]
        self.groups: dict[str, gr.Accordion] = {}
        self.own: dict[tuple[str, str], Component] = {}  # by engine and setting
        with gr.Accordion("Advanced", open=False, elem_id="advanced"):
            self.engine = gr.Dropdown(choices, value=engine, label="Engine", info=ENGINE_HELP, elem_id="setting-engine")
            own = [widget for name in engine_names() for widget in self._draw_group(name)]
            with gr.Row(elem_id="seed-row", equal_height=True) as self.seed_row:
                seed = fields[SEED]
                self.seed = shared[SEED] = gr.Number(
                    seed.default, label="Seed", info=seed.help, precision=0, minimum=0, elem_id="setting-seed", scale=3
                )
                with gr.Column(scale=1, min_width=130):
                    self.new_seed = gr.Button("New seed", size="sm", elem_id="new-seed")
                    self.keep_seed = gr.Checkbox(True, label="Keep the seed", elem_id="keep-seed", container=False)
            for name in [n for n in fields if n not in shared]:
                shared[name] = _widget(fields[name])
            self.depth = gr.Dropdown(
                list(DEPTHS), value=DEPTHS[0], label="Bit depth", info=DEPTH_HELP, elem_id="setting-depth"
            )
        self._limited: dict[str, BlockContext | Component] = {
            name: self.seed_row if name == SEED else shared[name] for name in NEEDS
        }
        self.inputs: list[Component] = [*(shared[name] for name in fields), self.depth, self.engine, self.only, *own]
        for component, update in zip(self.engine_outputs, self.engine_updates(engine), strict=True):
            component.visible = update["visible"]

    @property
    def engine_outputs(self) -> list[BlockContext | Component]:
        """The components that `engine_updates` returns updates for."""
        return [*self.groups.values(), *self._limited.values()]

    def engine_updates(self, engine: str) -> list[Any]:
        """Show the settings that the engine called `engine` honours, and hide the others."""
        return [
            *(gr.update(visible=name == engine) for name in self.groups),
            *(gr.update(visible=honours(engine, NEEDS[name])) for name in self._limited),
        ]

    def _draw_group(self, engine: str) -> Iterator[Component]:
        fields = fields_of(settings_class(engine))
        if fields:
            title = f"{settings_class(engine).title} settings"
            with gr.Accordion(title, open=False, elem_id=f"engine-{engine}") as self.groups[engine]:
                drawn = {(engine, info.name): _widget(info, prefix=f"setting-{engine}") for info in fields}
            self.own |= drawn
            yield from drawn.values()


def read_form(values: Sequence[Any]) -> RenderSettings:
    """The settings for the `values` of `SettingsForm.inputs`.

    Values of other engines than the chosen one are ignored, and so are shared settings that it does not honour, because
    the page hides them. Raises InputError for a value that is not allowed.
    """
    remaining = iter(values)
    shared = _read(fields_of(Settings), remaining)
    depth, engine, only = int(next(remaining)), str(next(remaining)), str(next(remaining))
    own = {name: _read(fields_of(settings_class(name)), remaining) for name in engine_names()}
    unused = [name for name, capability in NEEDS.items() if not honours(engine, capability)]
    settings = Settings(**{name: value for name, value in shared.items() if name not in unused})
    return RenderSettings(settings, None if engine == AUTO else settings_class(engine)(**own[engine]), depth, only)


def honours(engine: str, capability: Literal["structure", "seeded"]) -> bool:
    """Whether the engine called `engine` has a capability; all that the style may choose do."""
    return engine == AUTO or getattr(settings_class(engine).capabilities, capability)


def form_values(asked: RenderSettings) -> list[Any]:
    """The values of `SettingsForm.inputs` for `asked`: the inverse of `read_form`.

    Settings of other engines are reset to their defaults.
    """
    engine = asked.engine
    own = [engine if engine and name == engine.name else settings_class(name)() for name in engine_names()]
    values = [_shown(info, value) for settings in (asked.settings, *own) for info, value in _pairs(settings)]
    shared = len(fields_of(Settings))
    return [*values[:shared], asked.depth, engine.name if engine else AUTO, asked.only, *values[shared:]]


def _pairs(settings: Settings | EngineSettings) -> list[tuple[FieldInfo, Any]]:
    cls = Settings if isinstance(settings, Settings) else settings_class(settings.name)
    return [(info, getattr(settings, info.name)) for info in fields_of(cls)]


def _read(fields: Sequence[FieldInfo], values: Iterator[Any]) -> dict[str, Any]:
    """The value of each field; an empty widget stands for None, or for the default if None is not allowed."""
    found: dict[str, Any] = {}
    for info in fields:
        value = next(values)
        empty = value in (None, AUTO) or (info.optional and not str(value).strip())
        found[info.name] = value if not empty else None if info.optional else info.default
    return found


def _shown(info: FieldInfo, value: Any) -> Any:
    if info.optional and value is None:
        return AUTO if info.choices or info.name in CHOICES else ""
    return str(value) if info.optional else value


def _first(info: FieldInfo) -> Component:
    """As `_widget`, without its help, and with choices in the words of the page."""
    label, elem_id = LABELS.get(info.name, info.name.capitalize()), f"setting-{info.name}"
    if info.name not in CHOICES:
        assert info.bounds is not None
        return gr.Slider(*info.bounds, info.default, step=0.01, label=label, elem_id=elem_id, min_width=140, buttons=[])
    return gr.Dropdown(
        list(CHOICES[info.name]),
        value=_shown(info, info.default) or AUTO,
        label=label,
        elem_id=elem_id,
        min_width=140,
        allow_custom_value=info.optional,
    )


def _widget(info: FieldInfo, prefix: str = "setting") -> Component:
    """A checkbox, a dropdown for choices, a text box for words and optional numbers, or a slider."""
    label, elem_id = info.name.replace("_", " ").capitalize(), f"{prefix}-{info.name}"
    shown = _shown(info, info.default)
    if info.kind is bool:
        return gr.Checkbox(bool(info.default), label=label, info=info.help, elem_id=elem_id)
    if info.choices:
        choices = [(c, c) for c in ((AUTO, *info.choices) if info.optional else info.choices)]
        return gr.Dropdown(choices, value=shown, label=label, info=info.help, elem_id=elem_id)
    if info.kind is str:
        return gr.Textbox(shown or "", label=label, info=info.help, elem_id=elem_id, max_lines=2)
    if info.optional or info.bounds is None:  # gr.Number cannot be empty
        return gr.Textbox(str(shown), label=label, info=info.help, elem_id=elem_id, placeholder=AUTO, max_lines=1)
    step = 1 if info.kind is int else 0.01
    return gr.Slider(*info.bounds, info.default, step=step, label=label, info=info.help, elem_id=elem_id, buttons=[])
