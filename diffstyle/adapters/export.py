"""Personal adapters in the files of other programs: IP-Adapter, diffusers' LoRA, kohya's LoRA."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import torch
from torch import Tensor

from diffstyle.adapters.lora import LoraAdapter
from diffstyle.adapters.tokens import TokensAdapter
from diffstyle.assets.zoo import AdapterInfo, adapter_file
from diffstyle.core.errors import InputError
from diffstyle.core.model_options import ExportFormat
from diffstyle.formats.atomic import sha256
from diffstyle.formats.safetensors import read_safetensors, write_safetensors

_OF_KIND: Mapping[str, tuple[str, ...]] = {"tokens": ("ip-adapter",), "lora": ("diffusers-lora", "kohya")}
_BASES = {"sd15": ("sd_v1-5", "stable-diffusion-v1"), "sdxl": ("sdxl_base_v1-0", "stable-diffusion-xl-v1-base")}
_DOWN, _UP = ".lora_A.weight", ".lora_B.weight"


def export(info: AdapterInfo, layout: ExportFormat, folder: Path) -> Path:
    """Write the adapter into `folder` as NAME.LAYOUT.safetensors; its path.

    Raises InputError for a layout that its kind does not have.
    """
    if layout not in get_args(ExportFormat):
        raise InputError(f"format is {layout!r}: give one of {', '.join(get_args(ExportFormat))}.")
    if layout not in _OF_KIND.get(info.kind, ()):
        fitting = " or ".join(_OF_KIND.get(info.kind, ())) or "none"
        raise InputError(
            f"The adapter {info.name} is a {info.kind} adapter, which {layout} does not hold: give {fitting}."
        )
    source = adapter_file(info.name)
    path = folder / f"{info.name}.{layout}.safetensors"
    folder.mkdir(parents=True, exist_ok=True)
    if layout == "ip-adapter":
        return TokensAdapter.load(source, name=info.name).save(path)
    metadata, state = read_safetensors(source)
    if layout == "kohya":
        state = to_kohya(state)
        metadata = _kohya_header(info, LoraAdapter.load(source), state)
    write_safetensors(path, state, metadata)
    return path


def to_kohya(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A LoRA in diffusers' layout (`unet.PATH.lora_A.weight`) under kohya's names, alpha equal to the rank."""
    found: dict[str, Tensor] = {}
    for key, value in state.items():
        suffix = next((s for s in (_DOWN, _UP) if key.endswith(s)), None)
        if suffix is None or not key.startswith("unet."):
            raise InputError(f"Cannot write {key} in kohya's layout: it is no low-rank matrix of a UNet.")
        stem = "lora_unet_" + key.removeprefix("unet.").removesuffix(suffix).replace(".", "_")
        found[f"{stem}.{'lora_down' if suffix == _DOWN else 'lora_up'}.weight"] = value
        if suffix == _DOWN:
            found[f"{stem}.alpha"] = torch.tensor(float(value.shape[0]), dtype=value.dtype)
    return found


def _kohya_header(info: AdapterInfo, lora: LoraAdapter, state: Mapping[str, Tensor]) -> dict[str, str]:
    """What kohya's scripts and model managers read: `ss_*` and `modelspec.*`, all of it true."""
    rank = str(next(v.shape[0] for k, v in state.items() if k.endswith("lora_down.weight")))
    name = lora.architecture.name if lora.architecture is not None else ""
    base, architecture = _BASES.get(name or info.backbone, (info.backbone, info.backbone))
    made = datetime.datetime.fromtimestamp(info.file.stat().st_mtime, datetime.timezone.utc)
    return {
        "format": "pt",
        "ss_network_module": "networks.lora",
        "ss_network_dim": rank,
        "ss_network_alpha": rank,
        "ss_base_model_version": base,
        "ss_output_name": info.name,
        "sshs_model_hash": sha256(info.file),
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.architecture": f"{architecture}/lora",
        "modelspec.implementation": "diffusers",
        "modelspec.title": info.name,
        "modelspec.date": made.strftime("%Y-%m-%dT%H:%M:%S"),
    }
