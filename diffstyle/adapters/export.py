"""Adapters of the zoo as files of other programs: IP-Adapter, diffusers' LoRA, kohya's LoRA."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import get_args

from diffstyle.adapters.kinds import KINDS, load_adapter
from diffstyle.assets.zoo import AdapterInfo
from diffstyle.core.errors import InputError
from diffstyle.core.model_options import ExportFormat
from diffstyle.formats.atomic import sha256
from diffstyle.formats.safetensors import write_safetensors


def export(info: AdapterInfo, layout: ExportFormat, folder: Path) -> Path:
    """Write the adapter into `folder` as NAME.LAYOUT.safetensors and return that path.

    InputError for a layout that adapters of its kind cannot be written in.
    """
    if layout not in get_args(ExportFormat):
        raise InputError(f"format is {layout!r}: give one of {', '.join(get_args(ExportFormat))}.")
    if not info.has_weights:
        raise InputError(
            f"The adapter {info.name} has no weights to export: give others its style file, {info.file}, as --style."
        )
    layouts = KINDS[info.kind].layouts if info.kind in KINDS else ()
    if layout not in layouts:
        fitting = " or ".join(layouts) or "none"
        raise InputError(
            f"The adapter {info.name} is a {info.kind} adapter, which {layout} does not hold: give {fitting}."
        )
    tensors, metadata = load_adapter(info.name).export(layout, base=info.backbone)
    if "modelspec.sai_model_spec" in metadata:
        metadata |= _modelspec(info)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{info.name}.{layout}.safetensors"
    write_safetensors(path, tensors, metadata)
    return path


def _modelspec(info: AdapterInfo) -> dict[str, str]:
    """What model managers show of a file (https://github.com/Stability-AI/ModelSpec)."""
    made = datetime.datetime.fromtimestamp(info.file.stat().st_mtime, datetime.timezone.utc)
    return {
        "ss_output_name": info.name,
        "sshs_model_hash": sha256(info.file),
        "modelspec.title": info.name,
        "modelspec.date": made.strftime("%Y-%m-%dT%H:%M:%S"),
    }
