"""Repaint any photo in a style described in words, shown with pictures, or blended from several.

>>> from diffstyle import Stylizer, Style
>>> stylizer = Stylizer.load("starter")
>>> style = Style.from_text("ukiyo-e woodblock print, indigo and cream")
>>> stylizer.stylize("photo.jpg", style, strength=0.8).save("out.png")
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from diffstyle._version import __version__

# diffusers imports onnxruntime where that is installed, which sends usage data to Microsoft unless told not to
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from diffstyle.core.errors import Cancelled, InputError
    from diffstyle.core.picture import Picture
    from diffstyle.core.settings import Settings
    from diffstyle.core.style import Reference
    from diffstyle.core.task import Task
    from diffstyle.encoders.clip import StyleEncoder
    from diffstyle.encoders.space import StyleSpace
    from diffstyle.engines.adain.settings import Adain
    from diffstyle.engines.base import Engine
    from diffstyle.engines.diffusion.settings import Diffusion
    from diffstyle.engines.nnst.settings import Nnst
    from diffstyle.formats.recipe import read_recipe
    from diffstyle.formats.result import Result
    from diffstyle.formats.style_files import Style
    from diffstyle.stylizer import Stylizer
    from diffstyle.training.personal.recipe import AdapterRecipe
    from diffstyle.training.personal.train import train_adapter

_HOME = {
    "Adain": "engines.adain.settings",
    "AdapterRecipe": "training.personal.recipe",
    "Cancelled": "core.errors",
    "Diffusion": "engines.diffusion.settings",
    "Engine": "engines.base",
    "InputError": "core.errors",
    "Nnst": "engines.nnst.settings",
    "Picture": "core.picture",
    "Reference": "core.style",
    "Result": "formats.result",
    "Settings": "core.settings",
    "Style": "formats.style_files",
    "StyleEncoder": "encoders.clip",
    "StyleSpace": "encoders.space",
    "Stylizer": "stylizer",
    "Task": "core.task",
    "read_recipe": "formats.recipe",
    "train_adapter": "training.personal.train",
}

__all__ = [
    "Adain",
    "AdapterRecipe",
    "Cancelled",
    "Diffusion",
    "Engine",
    "InputError",
    "Nnst",
    "Picture",
    "Reference",
    "Result",
    "Settings",
    "Style",
    "StyleEncoder",
    "StyleSpace",
    "Stylizer",
    "Task",
    "__version__",
    "read_recipe",
    "train_adapter",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that `import diffstyle` costs nothing."""
    if name not in _HOME:
        raise AttributeError(f"module 'diffstyle' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"diffstyle.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
