"""What `diffstyle export` exports by name. A new one is a function that returns an `Exportable`, and one line here."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from diffstyle.assets.students import student_file, student_names
from diffstyle.core.errors import InputError
from diffstyle.core.user_path import is_file, user_path

if TYPE_CHECKING:
    from diffstyle.runtimes.exportable import Exportable


@dataclass(frozen=True, slots=True)
class Target:
    """A network of the starter: its `name`, what it is, and the function that makes it, as "module:function"."""

    name: str
    title: str
    make: str


TARGETS: tuple[Target, ...] = (
    Target("preview", "the instant preview", "diffstyle.engines.adain.exportable:starter"),
    Target("features", "the perceptual features", "diffstyle.export.features:features"),
    Target("painter-decoder", "the painter's decoder", "diffstyle.export.features:decoder"),
    Target("unet", "the diffusion UNet with its style adapters", "diffstyle.export.unet:unet"),
    Target("controlnet", "the ControlNet", "diffstyle.export.controlnet:controlnet"),
    Target("vae-encoder", "the latent encoder", "diffstyle.export.vae:encoder"),
    Target("vae-decoder", "the latent decoder", "diffstyle.export.vae:decoder"),
)


def target_names() -> tuple[str, ...]:
    """The names of the starter's networks that can be exported."""
    return tuple(target.name for target in TARGETS)


def exportable(name: str) -> Exportable:
    """The network of the starter, or the student, called `name`, or the student in the file `name`.

    InputError with similar names if there is none, and for a file that is no student.
    """
    found = next((target for target in TARGETS if target.name == name), None)
    if found is None:
        return _student(name)
    module, _, function = found.make.partition(":")
    return cast("Callable[[], Exportable]", getattr(import_module(module), function))()


def _student(name: str) -> Exportable:
    from diffstyle.engines.feedforward.exportable import exportable as of_file

    if name in student_names():
        return of_file(student_file(name), name)
    if is_file(name):
        return of_file(user_path(name), Path(name).stem)
    near = difflib.get_close_matches(name, (*target_names(), *student_names()), n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"give {', '.join(target_names())}, or a student."
    raise InputError(f"There is nothing called {name!r} to export: {hint}")
