"""What the tests of personal adapters have in common."""

from __future__ import annotations

from pathlib import Path

import pytest

from diffstyle.core.model_options import ModelOptions
from diffstyle.training.personal.recipe import AdapterKind

KINDS: tuple[AdapterKind, ...] = ("tokens", "lora")
every_kind = pytest.mark.parametrize("kind", KINDS)


def options(models: Path, name: str) -> ModelOptions:
    """A tiny model with its tokens adapter."""
    adapter = str(models / f"{name}.adapter.safetensors")
    return ModelOptions(model=str(models / name), adapter=(adapter,), device="cpu", dtype="float32")
