"""A diffusion engine from what the caller named: backbone, ControlNets, adapters, LoRAs and the encoder they read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import cast, get_args

import torch

from diffstyle.adapters.kinds import load_adapter
from diffstyle.adapters.lora import LoraAdapter
from diffstyle.adapters.tokens import TokensAdapter
from diffstyle.assets.hub import KnownModel, known_models, starter_adapters, where
from diffstyle.assets.manifest import verified_folder
from diffstyle.assets.zoo import adapter_folders
from diffstyle.backbones.backbone import Control
from diffstyle.backbones.load import ControlNetSource, load_backbone
from diffstyle.backbones.recognise import Architecture
from diffstyle.backbones.sampling import Sampling, read_sampling
from diffstyle.backbones.source import find, weights_file
from diffstyle.core.errors import InputError
from diffstyle.core.model_options import Conditioning, LoraHalf, ModelOptions, SchedulerName
from diffstyle.encoders.clip import StyleEncoder
from diffstyle.encoders.source import STARTER
from diffstyle.engines.base import Drafter, Engine, EngineHost
from diffstyle.engines.diffusion.engine import DiffusionEngine
from diffstyle.engines.diffusion.exported.networks import lacking
from diffstyle.engines.diffusion.policy import StylePolicy
from diffstyle.runtimes.packages import chosen_runtime

STARTER_DIFFUSION = "starter/diffusion"
_SCALE = re.compile(r"-?\d+(\.\d+)?")
_RANGE = re.compile(r"(0?\.?\d+|[01](?:\.\d+)?)-(0?\.?\d+|[01](?:\.\d+)?)")


def load(host: EngineHost) -> DiffusionEngine:
    """The engine that the host's options describe."""
    return load_diffusion(
        host.options,
        device=host.device,
        dtype=host.dtype,
        preview=host.preview,
        painter=host.painter,
        starter=host.encoder,
        mixed=host.mixed,
    )


def load_diffusion(
    options: ModelOptions,
    *,
    device: torch.device,
    dtype: torch.dtype,
    preview: Engine | None,
    painter: Drafter | None,
    starter: StyleEncoder,
    mixed: bool = False,
) -> DiffusionEngine:
    """The engine that `options` describes. Where no adapter is named, the public one for the model is taken if it is on
    this machine. Raises InputError for what is missing or does not fit, and for a model that has no export for the
    runtime, unless `mixed`: then torch runs it.
    """
    backbone = load_backbone(
        verified_folder(STARTER_DIFFUSION) if options.model == STARTER else options.model,
        device=device,
        dtype=dtype,
        controlnets=[parse_controlnet(text) for text in options.controlnet] or None,
        memory=options.memory,
        attention=options.attention,
    )
    runtime = chosen_runtime(options.runtime, "torch")  # which needs no conversion before its first picture
    if mixed and runtime != "torch" and lacking(backbone, runtime) is not None:
        runtime = "torch"
    usual = starter_adapters() if options.model == STARTER else _usual(backbone.architecture)
    named = [_scaled(text) for text in options.adapter] or [(n, 1.0) for n in usual]
    adapters = [(_tokens(name), scale) for name, scale in named]
    loras = [_lora(*_scaled(text)) for text in options.lora]
    for known, _ in loras:
        if known is not None and known.steps:  # a few-step model wants its own sampling
            backbone.sampling = Sampling(cast("SchedulerName", known.scheduler), known.steps, known.guidance)
    cpu = torch.device("cpu")
    encoder = _encoder([a for a, _ in adapters], options.encoder, device if options.memory == "fast" else cpu, starter)
    if encoder is not None:  # one that was named is what the adapters read, whatever they say
        adapters = [(replace(a, space=encoder.space), scale) for a, scale in adapters]
    return DiffusionEngine(
        backbone,
        adapters=adapters,
        loras=[adapter for _, adapter in loras],
        encoder=encoder,
        preview=preview,
        painter=painter,
        policy=read_sampling(backbone.folder, StylePolicy),
        runtime=runtime,
    )


def parse_controlnet(text: str) -> ControlNetSource:
    """`NAME`, `PATH:canny`, `PATH:canny:0.8`, `PATH:canny:0.8:0-0.6`."""
    name, *rest = text.rsplit(":", text.count(":")) if ":" in text else (text,)
    while rest and not (rest[0] in get_args(Conditioning) or _SCALE.fullmatch(rest[0])):
        name, rest = f"{name}:{rest[0]}", rest[1:]  # a colon of the path itself
    known = known_models().get(name)
    conditioning = known.conditioning if known is not None else ""
    if rest and rest[0] in get_args(Conditioning):
        conditioning, rest = rest[0], rest[1:]
    if conditioning not in get_args(Conditioning):
        raise InputError(
            f"Say what the ControlNet {name} is shown, as {name}:canny; one of {', '.join(get_args(Conditioning))}."
        )
    control = Control(cast("Conditioning", conditioning))
    if rest and _SCALE.fullmatch(rest[0]):
        control, rest = replace(control, scale=float(rest[0])), rest[1:]
    if rest and (found := _RANGE.fullmatch(rest[0])):
        control, rest = replace(control, start=float(found[1]), end=float(found[2])), rest[1:]
    if rest or control.start >= control.end or control.end > 1:
        raise InputError(f"Cannot read {text!r}: give PATH:CONDITIONING:SCALE:START-END, as net:canny:0.8:0-0.6.")
    return ControlNetSource(name, control)


def _scaled(text: str) -> tuple[str, float]:
    """`NAME` or `NAME:0.8`."""
    name, _, scale = text.rpartition(":")
    return (name, float(scale)) if name and _SCALE.fullmatch(scale) else (text, 1.0)


def _usual(architecture: Architecture) -> Sequence[str]:
    """The public adapter of a backbone, if it and its encoder are on this machine."""
    models = known_models()
    known = models.get(f"ip-adapter-{architecture.name}")
    if known is None:
        return []
    return [known.name] if all(where(m) is not None for m in (known, models[known.encoder])) else []


def _tokens(name: str) -> TokensAdapter:
    if name in adapter_folders():
        return cast("TokensAdapter", load_adapter(name, kinds=[TokensAdapter.kind]))
    source = find(name, "adapter")
    if source.path.suffix == ".bin":
        return TokensAdapter.load(source.path, name=source.path.name)
    path = weights_file(source, "ip-adapter", "a style adapter")
    return TokensAdapter.load(path, name=source.known.name if source.known else path.name)


def _lora(text: str, scale: float) -> tuple[KnownModel | None, LoraAdapter]:
    """`NAME`, or `NAME:style` and `NAME:content` for half a B-LoRA."""
    name, _, half = text.rpartition(":")
    if name and half in get_args(LoraHalf):
        known, whole = _lora(name, scale)
        return known, whole.half(cast("LoraHalf", half))
    name = text
    if name in adapter_folders():
        return None, replace(cast("LoraAdapter", load_adapter(name, kinds=[LoraAdapter.kind])), scale=scale)
    source = find(name, "LoRA")
    path = weights_file(source, "lora", "a LoRA")
    return source.known, LoraAdapter.load(path, name=source.known.name if source.known else path.name, scale=scale)


def _encoder(
    adapters: Sequence[TokensAdapter], name: str | None, device: torch.device, starter: StyleEncoder
) -> StyleEncoder | None:
    """The one encoder that all adapters read."""
    if not adapters:
        return None
    spaces = {a.space for a in adapters}
    if len(spaces) > 1:
        raise InputError(f"The adapters read {' and '.join(sorted(spaces))}: those that act together must read one.")
    (space,) = spaces
    if name is not None:
        return starter if name == STARTER else StyleEncoder.load(name, device=device)
    if not space:
        raise InputError(f"The adapter {adapters[0].name} does not say which encoder it reads: name it with --encoder.")
    if space == starter.space:
        return starter
    if space.startswith(STARTER):
        raise InputError(f"The adapter {adapters[0].name} reads {space}, the starter's encoder is {starter.space} now.")
    return StyleEncoder.load(space, device=device)
