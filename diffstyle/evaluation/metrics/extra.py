"""Packages of the extra `diffstyle[evaluation]`, imported when something first needs them."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from diffstyle.core.errors import InputError
from diffstyle.core.quiet import quiet


def extra(module: str) -> ModuleType:
    """The module of that name; InputError with the command that installs its package if it is missing."""
    package = module.partition(".")[0]
    try:
        with quiet(bars=False):
            return import_module(module)
    except ModuleNotFoundError as error:
        raise InputError(
            f"This needs the package {package}, which is not installed: pip install 'diffstyle[evaluation]'."
        ) from error
