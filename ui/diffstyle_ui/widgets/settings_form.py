"""Widgets for the fields of `Settings`: ranges, defaults and help are theirs, and new fields appear by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.components import Component

from diffstyle import Settings
from diffstyle.core.task import SettingField, setting_fields

FIRST = ("strength", "structure", "style_scale", "colour", "stroke_size", "stroke", "size")
SEED = "seed"
AUTO = "auto"


class Form:
    """One widget a field, in the order of `Settings`."""

    def __init__(self) -> None:
        """Draw the widgets: a few first, the rest folded away."""
        fields = {f.name: f for f in setting_fields()}
        self.widgets: dict[str, Component] = {}
        for name in [n for n in FIRST if n in fields]:
            self.widgets[name] = widget(fields[name])
        self.widgets[SEED], self.reroll, self.lock = _seed(fields[SEED])
        with gr.Accordion("Advanced", open=False, elem_id="advanced"):
            for name in [n for n in fields if n not in self.widgets]:
                self.widgets[name] = widget(fields[name])
        self.inputs: list[Component] = [self.widgets[name] for name in fields]


def widget(field: SettingField) -> Component:
    """A slider for a number, a line for one that may be left out and for words, a list for a choice, a tick for yes."""
    label, name = title(field.name), f"setting-{field.name}"
    if field.kind is bool:
        return gr.Checkbox(field.default, label=label, info=field.help, elem_id=name)
    if field.choices:
        choices: list[tuple[str, str]] = [(c, c) for c in field.choices]
        if field.optional:
            choices.insert(0, (AUTO, AUTO))
        default = field.default if field.default is not None else AUTO
        return gr.Dropdown(choices, value=default, label=label, info=field.help, elem_id=name)
    if field.kind is str:
        return gr.Textbox(field.default or "", label=label, info=field.help, elem_id=name, max_lines=2)
    if field.optional or field.bounds is None:  # gr.Number cannot be left empty
        value = "" if field.default is None else str(field.default)
        return gr.Textbox(value, label=label, info=field.help, elem_id=name, placeholder=AUTO, max_lines=1)
    step = 1 if field.kind is int else 0.01
    return gr.Slider(*field.bounds, field.default, step=step, label=label, info=field.help, elem_id=name)


def title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def settings_of(values: Sequence[Any]) -> Settings:
    """The Settings that the widgets' `values`, in the order of `Form.inputs`, stand for; InputError as theirs."""
    asked: dict[str, Any] = {}
    for field, value in zip(setting_fields(), values, strict=True):
        empty = value in (None, AUTO) or (field.optional and not str(value).strip())
        asked[field.name] = value if not empty else None if field.optional else field.default
    return Settings(**asked)


def values_of(settings: Settings) -> list[Any]:
    """What the widgets show for `settings`: the inverse of `settings_of`."""
    return [_shown(field, getattr(settings, field.name)) for field in setting_fields()]


def _shown(field: SettingField, value: Any) -> Any:
    if field.optional and value is None:
        return AUTO if field.choices else ""
    return str(value) if field.optional else value


def _seed(field: SettingField) -> tuple[Component, gr.Button, gr.Checkbox]:
    with gr.Row(elem_id="seed-row", equal_height=True):
        number = gr.Number(
            field.default, label="Seed", info=field.help, precision=0, minimum=0, elem_id="setting-seed", scale=3
        )
        with gr.Column(scale=1, min_width=130):
            reroll = gr.Button("Re-roll", size="sm", elem_id="reroll")
            lock = gr.Checkbox(True, label="Keep the seed", elem_id="lock-seed", container=False)
    return number, reroll, lock
