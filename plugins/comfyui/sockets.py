"""The types of diffstyle's own connections, and inputs made from diffstyle's settings."""

from __future__ import annotations

from typing import Any

import torch
from comfy_api.latest import io

from diffstyle.core.fields import FieldInfo, fields_of

StyleSocket = io.Custom("STYLE")
ModelSocket = io.Custom("DIFFSTYLE_MODEL")
EngineSocket = io.Custom("DIFFSTYLE_ENGINE")
CATEGORY = "diffstyle"
AUTO = "auto"  # the choice that leaves an optional word open
plain_tensors = torch.inference_mode(False)
"""ComfyUI runs nodes in inference mode, whose tensors cannot take part in autograd; painting by gradients needs it."""
_STEP, _FINE = 0.01, 0.001


def inputs_of(cls: type, *, without: tuple[str, ...] = ()) -> list[io.Input]:
    """One input for each setting that `cls` declares, with its range, choices, default and help."""
    return [input_for(info) for info in fields_of(cls) if info.name not in without]


def values_from(cls: type, given: dict[str, Any]) -> dict[str, Any]:
    """The settings of `cls` in what a node was `given`, as `cls` takes them.

    Widgets have no None: 0, an empty text and `auto` stand for it where a setting is optional.
    """
    return {info.name: _value(info, given[info.name]) for info in fields_of(cls) if info.name in given}


def input_for(info: FieldInfo) -> io.Input:
    """The input that asks for one setting."""
    if info.choices:
        options = [AUTO, *info.choices] if info.optional else [*info.choices]
        return io.Combo.Input(info.name, options=options, default=info.default or AUTO, tooltip=info.help)
    if info.several:
        text = "\n".join(info.default)
        return io.String.Input(info.name, default=text, multiline=True, tooltip=f"{info.help} One a line.")
    if info.kind is bool:
        return io.Boolean.Input(info.name, default=info.default, tooltip=info.help)
    if info.kind in (int, float):
        return _number_input(info)
    return io.String.Input(info.name, default=info.default or "", tooltip=info.help)


def _number_input(info: FieldInfo) -> io.Input:
    low, high = info.bounds or (None, None)
    tooltip, default = info.help, info.default
    if info.optional:
        low, default = 0, default or 0
        tooltip = f"{info.help} 0 is not given."
    if info.kind is float:
        return io.Float.Input(
            info.name, default=default, min=low, max=high, step=_FINE if info.optional else _STEP, tooltip=tooltip
        )
    low, high = (None if bound is None else int(bound) for bound in (low, high))
    again = True if info.name == "seed" else None  # ComfyUI's choice to change it after every run
    return io.Int.Input(info.name, default=default, min=low, max=high, control_after_generate=again, tooltip=tooltip)


def _value(info: FieldInfo, value: Any) -> Any:
    if info.several:
        return tuple(line.strip() for line in value.splitlines() if line.strip())
    return None if info.optional and value in (0, "", AUTO) else value
