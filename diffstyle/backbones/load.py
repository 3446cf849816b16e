"""Loads backbones from disk through diffusers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch

from diffstyle.assets.hub import known_models, where
from diffstyle.backbones.backbone import Backbone, Control
from diffstyle.backbones.layouts import layout
from diffstyle.backbones.recognise import architecture_of, expect
from diffstyle.backbones.sampling import SAMPLING, Sampling, read_sampling
from diffstyle.backbones.source import INDEX, OPTIONAL, Source, check_folder, find, read_json, variant_of, weights_of
from diffstyle.backbones.variants import Variant, check_folder_purpose, check_purpose, few_steps, variant_of_file
from diffstyle.core.errors import InputError
from diffstyle.core.model_options import Attention, MemoryMode
from diffstyle.core.quiet import quiet
from diffstyle.formats.atomic import fingerprint
from diffstyle.formats.safetensors import read_metadata, read_safetensors, read_shapes

CONSTANT = "prompt.safetensors"
"""The file beside model_index.json with the `prompt_embeds` (1, tokens, width) of a backbone without text encoder."""


@dataclass(frozen=True, slots=True)
class ControlNetSource:
    """A ControlNet by `name`, path or hub id, and how it is used."""

    name: str
    control: Control


def load_backbone(
    model: str | Path,
    *,
    device: torch.device,
    dtype: torch.dtype,
    controlnets: Sequence[ControlNetSource] | None = None,
    memory: MemoryMode = "fast",
    attention: Attention = "sdpa",
) -> Backbone:
    """The backbone called `model`: a known name, a diffusers folder, a single file or a hub id in the cache.

    It stays on the CPU until `Backbone.arrange`. With `controlnets` None a folder's own `controlnet/` is used.
    InputError for files that are missing, damaged, pickled or of another architecture, and for parts that do not fit
    together.
    """
    source = find(model, "model")
    variant = _variant(source)
    with quiet():
        pipeline = _from_file(source, dtype) if source.path.is_file() else _from_folder(source, dtype)
        variant.apply(pipeline)
    architecture = architecture_of(pipeline.unet.config)
    check_purpose(str(model), int(pipeline.unet.config.in_channels), int(pipeline.vae.config.latent_channels))
    if controlnets is None:
        own = source.path / "controlnet"
        shown = read_sampling(source.path, Sampling).conditioning if own.is_dir() else "soft-edge"
        controlnets = [ControlNetSource(str(own), Control(shown))] if own.is_dir() else []
    nets = [_controlnet(c, dtype) for c in controlnets]
    for net, asked in zip(nets, controlnets, strict=True):
        other = architecture_of(net.config)
        if (other.cross_attention, other.blocks) != (architecture.cross_attention, architecture.blocks):
            raise InputError(f"The ControlNet {asked.name} is for {other}, the model {model} is {architecture}.")
    if nets:
        pipeline = _with_controlnets(pipeline, nets)
    pipeline.set_progress_bar_config(disable=True)
    folder = source.path if source.path.is_dir() else None
    return Backbone(
        pipeline,
        architecture,
        _fingerprints(source, controlnets),
        device,
        dtype,
        folder=folder,
        controls=tuple(c.control for c in controlnets),
        sampling=variant.sampling or read_sampling(folder, Sampling),
        memory=memory,
        attention=attention,
        constant=None if folder is None else _constant(folder / CONSTANT),
        preview_vae=_preview_vae(architecture.name, device, dtype),
    )


def _variant(source: Source) -> Variant:
    """What the model is, before it is loaded."""
    if source.path.is_file():
        expect(source.path, "single file", "a model")
        return variant_of_file(source.path, read_shapes(source.path), read_metadata(source.path))
    if not (source.path / INDEX).is_file():
        return Variant()  # `check_folder` says what is missing
    index = read_json(source.path / INDEX)
    check_folder_purpose(source.path, index)
    own = (source.path / SAMPLING).is_file()
    names = (source.path.resolve().name, str(index.get("_name_or_path", "")))
    return Variant(sampling=None if own else few_steps(*names))


def _from_folder(source: Source, dtype: torch.dtype) -> Any:
    variant = source.variant or variant_of(source.path)
    index = check_folder(source.path, variant)
    xl = "XL" in str(index.get("_class_name", ""))
    kind = _class(f"StableDiffusion{'XL' if xl else ''}Img2ImgPipeline")
    names = ("text_encoder", "tokenizer", *(("text_encoder_2", "tokenizer_2") if xl else ()), *OPTIONAL)
    absent = {n: None for n in names if cast("list[Any]", index.get(n, [None]))[0] is None}
    absent["image_encoder"] = None  # adapters get embeddings
    if not weights_of(source.path / "safety_checker", variant):
        absent |= {"safety_checker": None, "feature_extractor": None}
    absent.pop("safety_checker" if xl else "", None)
    safety = {"requires_safety_checker": "safety_checker" not in absent}
    extra: dict[str, Any] = {"add_watermarker": False} if xl else safety
    try:
        return kind.from_pretrained(
            str(source.path),
            dtype=dtype,
            local_files_only=True,
            use_safetensors=True,
            variant=variant,
            **absent,
            **extra,
        )
    except (OSError, ValueError, TypeError, RuntimeError, KeyError, AttributeError) as error:
        raise InputError(f"Cannot load {source.path}: {_short(error)}; fetch the model again.") from error


def _from_file(source: Source, dtype: torch.dtype) -> Any:
    path = source.path
    found = expect(path, "single file", "a model")
    architecture = found.architecture
    name = architecture.name if architecture is not None else ""
    beside = path.with_suffix("")
    own = (beside / INDEX).is_file()
    if name not in ("sd15", "sdxl") and not own:
        raise InputError(
            f"Cannot use {path}: a single file must be of SD 1.5 or SDXL, and this is of {architecture}; give a"
            f" diffusers folder, or put its configurations into {beside.name}/ beside it."
        )
    config = beside if own else layout(name)
    xl = "XL" in str(read_json(config / INDEX)["_class_name"])
    kind = _class(f"StableDiffusion{'XL' if xl else ''}Img2ImgPipeline")
    extra: dict[str, Any] = {"safety_checker": None, "requires_safety_checker": False}
    extra = {"add_watermarker": False} if xl else extra
    try:
        return kind.from_single_file(str(path), config=str(config), dtype=dtype, local_files_only=True, **extra)
    except (OSError, ValueError, TypeError, RuntimeError, KeyError, AttributeError) as error:
        raise InputError(f"Cannot load {path}: {_short(error)}; fetch the model again.") from error


def _controlnet(asked: ControlNetSource, dtype: torch.dtype) -> Any:
    source = find(asked.name, "ControlNet")
    try:
        if source.path.is_file():
            found = expect(source.path, "controlnet", "a ControlNet")
            beside = source.path.with_suffix("")
            name = found.architecture.name if found.architecture else ""
            config = beside if (beside / "config.json").is_file() else layout(name) / "controlnet"
            with quiet():
                return _class("ControlNetModel").from_single_file(
                    str(source.path), config=str(config), subfolder="", dtype=dtype, local_files_only=True
                )
        if not (source.path / "config.json").is_file():
            raise InputError(f"Cannot use {source.path} as a ControlNet: it holds no config.json.")
        if read_json(source.path / "config.json").get("_class_name") != "ControlNetModel":
            raise InputError(f"Cannot use {source.path} as a ControlNet: its config.json is of another model.")
        return _class("ControlNetModel").from_pretrained(
            str(source.path), dtype=dtype, local_files_only=True, use_safetensors=True, variant=source.variant
        )
    except InputError:
        raise
    except (OSError, ValueError, TypeError, RuntimeError, KeyError) as error:
        raise InputError(f"Cannot load the ControlNet {asked.name}: {_short(error)}; fetch it again.") from error


def _with_controlnets(pipeline: Any, nets: list[Any]) -> Any:
    xl = type(pipeline).__name__.startswith("StableDiffusionXL")
    kind = _class(f"StableDiffusion{'XL' if xl else ''}ControlNetImg2ImgPipeline")
    with quiet():
        return kind(**pipeline.components, controlnet=nets[0] if len(nets) == 1 else nets, **_flags(pipeline, xl))


def _flags(pipeline: Any, xl: bool) -> dict[str, Any]:
    name = "force_zeros_for_empty_prompt" if xl else "requires_safety_checker"
    return {name: bool(pipeline.config.get(name, xl))} | ({"add_watermarker": False} if xl else {})


def _fingerprints(source: Source, controlnets: Sequence[ControlNetSource]) -> dict[str, str]:
    """A fingerprint of each weights file in use, by a name without the folders of this machine."""
    found: dict[str, str] = {}
    if source.path.is_file():
        found[source.path.name] = fingerprint(source.path)
    else:
        parts = ("unet", "vae", "text_encoder", "text_encoder_2")
        own = [p for part in parts for p in (source.path / part).glob("*.safetensors")]
        small = (source.path / CONSTANT, source.path / "scheduler" / "scheduler_config.json")
        own += [p for p in small if p.is_file()]
        found |= {str(p.relative_to(source.path)): fingerprint(p) for p in sorted(own)}
    for n, asked in enumerate(controlnets):
        path = find(asked.name, "ControlNet").path
        files = [path] if path.is_file() else sorted(path.glob("*.safetensors"))
        found |= {f"controlnet {n} {asked.control.conditioning} {p.name}": fingerprint(p) for p in files}
    return found


def _constant(path: Path) -> torch.Tensor | None:
    if not path.is_file():
        return None
    tensor = read_safetensors(path)[1].get("prompt_embeds")
    if tensor is None or tensor.ndim != 3:
        raise InputError(f"Cannot use {path}: prompt_embeds is missing or not of shape (1, tokens, width).")
    return tensor


def _preview_vae(family: str, device: torch.device, dtype: torch.dtype) -> Any:
    """The tiny VAE that decodes intermediate steps, or None if it is not in the cache."""
    known = next((m for m in known_models().values() if m.kind == "vae" and m.family == family), None)
    folder = None if known is None else where(known)
    if folder is None:
        return None
    try:
        with quiet():
            return _class("AutoencoderTiny").from_pretrained(str(folder), dtype=dtype, local_files_only=True).to(device)
    except (OSError, ValueError, RuntimeError):  # optional; `diffstyle models verify` reports the damage
        return None


def _short(error: Exception) -> str:
    """The first line of an error message, without its full stop."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".:")[:200]


def _class(name: str) -> Any:
    """The diffusers class called `name`; diffusers exports its classes lazily and untyped."""
    import diffusers

    return getattr(diffusers, name)
