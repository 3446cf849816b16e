"""The packages of the `export` extra, imported when they are needed."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from diffstyle.core.errors import InputError
from diffstyle.core.model_options import Runtime

_PACKAGES = {"onnx": ("onnx", "onnxscript", "onnxruntime"), "openvino": ("onnx", "onnxscript", "openvino")}


def package(name: str) -> Any:
    """The module called `name`, such as onnxruntime or onnxruntime.quantization.

    InputError with the command that installs the extra if it is not there, or cannot be loaded.
    """
    top = name.partition(".")[0]
    if find_spec(top) is None:
        raise InputError(f"The package {top} is missing: pip install 'diffstyle[export]'.")
    try:
        return import_module(name)
    except (ImportError, OSError) as error:  # of another platform, or with a library that the system lacks
        said = " ".join(str(error).split())[:200].rstrip(".")
        raise InputError(f"The package {top} cannot be loaded ({said}): install 'diffstyle[export]' again.") from error


def installed(runtime: Runtime) -> bool:
    """Whether all packages that a runtime takes are installed; none of them is imported."""
    return all(find_spec(name) is not None for name in _PACKAGES.get(runtime, ()))


def chosen_runtime(asked: Runtime, fastest: Runtime) -> Runtime:
    """The runtime to use: `asked`; for `auto` the `fastest` that was measured, if it is installed, else torch.

    InputError if a package of the runtime that was asked for is missing.
    """
    if asked == "auto":
        return fastest if installed(fastest) else "torch"
    for name in _PACKAGES.get(asked, ()):
        if find_spec(name) is None:
            raise InputError(f"runtime={asked} needs the package {name}: pip install 'diffstyle[export]'.")
    return asked


def version_of(name: str) -> str:
    """The version of an installed package."""
    return version(name)
