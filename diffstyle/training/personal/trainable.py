"""The parameters of a loaded model that a personal adapter consists of, ready for training."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from diffstyle.adapters.blocks import ALL, PROFILES, scale_of, set_scales
from diffstyle.adapters.tokens import TokensAdapter
from diffstyle.core.errors import InputError
from diffstyle.core.quiet import quiet
from diffstyle.engines.diffusion.engine import DiffusionEngine
from diffstyle.formats.safetensors import write_safetensors
from diffstyle.training.personal.recipe import AdapterRecipe

LORA = "personal"
ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
CONVOLUTIONS = ("conv1", "conv2")


@dataclass(frozen=True, slots=True)
class Trainable:
    """`parameters` by name, float32, the only ones that are trained; `save` writes them as an adapter's file."""

    parameters: Mapping[str, nn.Parameter]
    save: Callable[[Path], Path]
    ready: Callable[[], None]
    """Sets the scales of style adapters to those of training; a render leaves them at 0."""

    @torch.no_grad()
    def values(self) -> dict[str, Tensor]:
        return {k: p.detach().cpu().clone() for k, p in self.parameters.items()}

    @torch.no_grad()
    def restore(self, values: Mapping[str, Tensor]) -> None:
        for k, p in self.parameters.items():
            p.copy_(values[k])


def open_adapter(engine: DiffusionEngine, recipe: AdapterRecipe, *, name: str) -> Trainable:
    """The parameters of the engine's UNet that `recipe` trains; all others are frozen.

    Raises InputError if the model has no style adapter of the base kind to fine-tune.
    """
    unet = engine.backbone.unet
    for net in _networks(engine.backbone.pipeline):
        net.requires_grad_(False)
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        found = (
            _lora(unet, recipe.rank, engine.backbone.architecture.name) if recipe.kind == "lora" else _tokens(engine)
        )
    for parameter in found.values():
        parameter.data = parameter.data.float()
        parameter.requires_grad_(True)
    if recipe.checkpointing:
        unet.enable_gradient_checkpointing()
    unet.train()

    def ready() -> None:
        set_scales(unet, [[(ALL, scale)] for _, scale in engine.adapters])

    ready()
    return Trainable(found, _lora_file(found) if recipe.kind == "lora" else _tokens_file(engine, name), ready)


def _networks(pipeline: Any) -> list[nn.Module]:
    return [m for m in pipeline.components.values() if isinstance(m, nn.Module)]


def _lora(unet: Any, rank: int, family: str) -> dict[str, nn.Parameter]:
    """Low-rank matrices on the attention of the style blocks; without a table, on all attention and convolutions."""
    from peft import LoraConfig

    style = PROFILES.get(family, {}).get("style")
    kinds = ATTENTION if style is not None else ATTENTION + CONVOLUTIONS
    layers = [
        name
        for name, module in unet.named_modules()
        if isinstance(module, (nn.Linear, nn.Conv2d))
        and name.endswith(kinds)
        and (style is None or scale_of(name, style) > 0)
    ]
    with quiet():
        unet.add_adapter(LoraConfig(r=rank, lora_alpha=rank, target_modules=layers), LORA)
    return {k: p for k, p in unet.named_parameters() if f".{LORA}." in k}


def _lora_file(parameters: Mapping[str, nn.Parameter]) -> Callable[[Path], Path]:
    def save(path: Path) -> Path:
        """Write diffusers' layout, which is PEFT's without the adapter's name."""
        state = {f"unet.{k.replace(f'.{LORA}.', '.')}": p.detach().cpu().half() for k, p in parameters.items()}
        write_safetensors(path, state, {"format": "pt", "diffstyle": "lora/1"})
        return path

    return save


def _tokens(engine: DiffusionEngine) -> dict[str, nn.Parameter]:
    place = _base(engine)
    own = re.compile(rf"(image_projection_layers|to_[kv]_ip)\.{place}\.")
    found = engine.adapters[place][0].trainable(engine.backbone)
    return {name: parameter for name, parameter in found.items() if own.search(name)}


def _base(engine: DiffusionEngine) -> int:
    """Which of the engine's adapters is that of the base kind; InputError unless there is exactly one."""
    places = [n for n, (adapter, _) in enumerate(engine.adapters) if adapter.variant == "base"]
    if len(places) != 1:
        raise InputError(
            "kind=tokens fine-tunes one style adapter of the base kind, and this model is not loaded with one: name it"
            " with adapter, or train kind=lora."
        )
    return places[0]


def _tokens_file(engine: DiffusionEngine, name: str) -> Callable[[Path], Path]:
    def save(path: Path) -> Path:
        place = _base(engine)
        base, _ = engine.adapters[place]
        made = TokensAdapter.of(engine.backbone.unet, name=name, space=base.space, norm=base.norm, index=place)
        return made.half().save(path)

    return save
