"""Tiny random models, loaded, and what is inside a stylizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from diffstyle import Stylizer
from diffstyle.backbones.backbone import Backbone
from diffstyle.backbones.load import load_backbone
from diffstyle.controls.wrapper import Wrapper
from diffstyle.engines.diffusion.engine import DiffusionEngine

CPU = torch.device("cpu")


def load_tiny(models: Path, name: str, **options: Any) -> Stylizer:
    """The model called `name` in the folder `models`, in float32, with its style adapter unless `options` say else."""
    usual: dict[str, Any] = {"adapter": [models / f"{name}.adapter.safetensors"], "device": "cpu", "dtype": "float32"}
    return Stylizer.load(models / name, **(usual | options))


def diffusion_engine(stylizer: Stylizer) -> DiffusionEngine:
    """The diffusion engine of a stylizer, without its controls."""
    engine = stylizer.engine("diffusion")
    while isinstance(engine, Wrapper):
        engine = engine.engine
    assert isinstance(engine, DiffusionEngine)
    return engine


def bare_backbone(models: Path, name: str = "worded") -> Backbone:
    """A backbone of the folder `models` on the CPU, in float32, with nothing attached."""
    backbone = load_backbone(models / name, device=CPU, dtype=torch.float32)
    backbone.arrange()
    return backbone
