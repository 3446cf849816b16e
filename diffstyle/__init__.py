"""Repaint any photo in a style described in words, shown with pictures, or blended from several.

>>> from diffstyle import Stylizer, Style
>>> stylizer = Stylizer.load("starter")
>>> style = Style.from_text("ukiyo-e woodblock print, indigo and cream")
>>> stylizer.stylize("photo.jpg", style, strength=0.8).save("out.png")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diffstyle.encoder import StyleEncoder
    from diffstyle.engines.base import Engine
    from diffstyle.errors import Cancelled, InputError
    from diffstyle.picture import Picture
    from diffstyle.recipe import read_recipe
    from diffstyle.space import StyleSpace
    from diffstyle.style import Reference, Style
    from diffstyle.stylizer import Stylizer
    from diffstyle.task import Result, Settings, Task
    from diffstyle.training.personal.recipe import AdapterRecipe
    from diffstyle.training.personal.train import train_adapter

__version__ = "0.1.0"

_HOME = {
    "AdapterRecipe": "training.personal.recipe",
    "Cancelled": "errors",
    "Engine": "engines.base",
    "InputError": "errors",
    "Picture": "picture",
    "Reference": "style",
    "Result": "task",
    "Settings": "task",
    "Style": "style",
    "StyleEncoder": "encoder",
    "StyleSpace": "space",
    "Stylizer": "stylizer",
    "Task": "task",
    "read_recipe": "recipe",
    "train_adapter": "training.personal.train",
}

__all__ = [
    "AdapterRecipe",
    "Cancelled",
    "Engine",
    "InputError",
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
