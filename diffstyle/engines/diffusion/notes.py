"""Sentences on what differs in a picture from what was asked for."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from diffstyle.adapters.lora import LoraAdapter
from diffstyle.backbones.backbone import Backbone
from diffstyle.core.device import dtype_name
from diffstyle.core.model_options import MemoryMode
from diffstyle.core.settings import Settings
from diffstyle.core.task import ResolvedTask
from diffstyle.engines.diffusion.settings import diffusion_settings


def notes_of(
    task: ResolvedTask,
    backbone: Backbone,
    *,
    asked: tuple[torch.dtype, MemoryMode],
    left_out: Sequence[str],
    blanked: bool,
) -> tuple[str, ...]:
    """Those of a picture that `backbone` painted, loaded with the dtype and memory mode `asked`; `left_out` is what is
    said of its adapters and words.
    """
    settings = diffusion_settings(task)
    dtype, memory = asked
    notes: list[str] = []
    if backbone.dtype != dtype:
        notes.append(f"{dtype_name(dtype)} gives no finite numbers with this model: rendered in float32.")
    if backbone.memory != memory:
        notes.append(f"Memory ran out: rendered with memory={backbone.memory}.")
    if (settings.negative or task.negative_style is not None) and settings.guidance <= 1:
        notes.append("Negative prompt ignored: it needs guidance > 1.")
    if task.structure != Settings().structure and not backbone.controls:
        notes.append("Structure ignored: it needs a ControlNet.")
    notes += left_out
    if blanked:
        notes.append("The model's safety checker blanked the picture.")
    return tuple(notes)


def unused_note(lora: LoraAdapter, backbone: Backbone) -> str:
    """A sentence if the model has no place for some of a LoRA's layers."""
    unused = lora.unused(backbone)
    if not unused:
        return ""
    shown = ", ".join(unused[:3]) + (", ..." if len(unused) > 3 else "")
    return f"{len(unused)} layers of the LoRA {lora.name} were not used, the model has no place for them: {shown}."
