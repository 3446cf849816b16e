"""What an engine is, and what it is loaded with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar, runtime_checkable

import torch
from torch import Tensor

from diffstyle.core.device import fast_dtype
from diffstyle.core.errors import Cancelled
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.picture import Picture
from diffstyle.core.settings import Capabilities, EngineSettings
from diffstyle.core.style import Style
from diffstyle.core.task import ResolvedTask, Task
from diffstyle.encoders.clip import StyleEncoder

S = TypeVar("S", bound=EngineSettings)


@dataclass(frozen=True, slots=True)
class Step:
    """`done` of `total` steps of a render; `preview()` is the picture so far, where that is quick to show."""

    done: int
    total: int
    preview: Callable[[], Picture] | None = None


OnStep: TypeAlias = Callable[[Step], "bool | None"]
"""Called after every step; returning False cancels the render."""


class Engine(Protocol):
    """Turns tasks into pictures. Equal tasks give equal pictures; strength 0 gives the content; the size is kept."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do as it is loaded."""
        ...

    @property
    def weights(self) -> Mapping[str, str]:
        """A digest of every weights file that it is loaded with, by name: sha256, of large files that of blocks spread
        over them.
        """
        ...

    def weights_of(self, task: ResolvedTask) -> Mapping[str, str]:
        """Those that act in a task, with those of what paints a draft for it."""
        ...

    @property
    def runtime(self) -> Mapping[str, str]:
        """Device, dtype and threads: with equal tasks and weights, what the last bits of a picture depend on."""
        ...

    def measure(self, style: Style) -> Style:
        """`style` with all that this engine ever needs of it, so that it can be saved without pictures."""
        ...

    def prepare(self, task: Task) -> ResolvedTask:
        """`task` with every default filled in and every style measured. Raises InputError for what it cannot honour."""
        ...

    def largest_side(self, task: ResolvedTask) -> int | None:
        """The side of the largest square, in pixels, that it paints well; None if it paints any size."""
        ...

    def render(self, task: ResolvedTask, on_step: OnStep | None = None) -> Picture:
        """The repainted content. Raises Cancelled when `on_step` returns False."""
        ...


@runtime_checkable
class Forgetful(Protocol):
    """An engine that keeps what it made of contents, for another render of the same ones."""

    def forget(self) -> None:
        """Drop it: of a large content it takes gigabytes."""
        ...


class TextureEngine(Engine, Protocol):
    """An engine that makes textures, too."""

    def texture(
        self, style: Style, *, width: int, height: int, seed: int, tileable: bool, on_step: OnStep | None = None
    ) -> Picture:
        """A picture of nothing but the style's marks; one that is `tileable` continues across its edges."""
        ...


class PreviewEngine(Engine, Protocol):
    """An interactive engine, which also knows the colours of a style, in words too."""

    def colours(self, style: Style) -> tuple[Tensor, Tensor]:
        """Mean (3,) and lower triangular factor (3, 3) of the style's sRGB colours, as a Gaussian."""
        ...


class Drafter(Protocol):
    """Paints what another engine begins from."""

    def weights_of(self, task: ResolvedTask) -> Mapping[str, str]:
        """Digests of the weights that paint the draft of a task."""
        ...

    def measure(self, style: Style) -> Style:
        """`style` with all that `draft` needs of it, so that it needs no pictures."""
        ...

    def with_exemplars(self, style: Style) -> Style:
        """`style` with pictures of its marks in every reference."""
        ...

    def draft(self, task: ResolvedTask) -> Picture:
        """The content in the styles of a task that another engine resolved, at the content's size."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineHost:
    """What an engine is loaded with: the model's `options`, where to compute, the starter's encoder, and what engines
    may begin from: `preview`, the interactive engine, and `painter`. Both are None while the former is loaded itself.
    On a `mixed` host, engines that have no export for the runtime use torch; else they cannot be loaded.
    """

    options: ModelOptions
    device: torch.device
    dtype: torch.dtype
    encoder: StyleEncoder
    preview: Engine | None
    painter: Drafter | None = None
    mixed: bool = False

    @property
    def cpu_dtype(self) -> torch.dtype:
        """What engines compute in that use the CPU alone: bfloat16 if it was asked for, or is fast and nothing was."""
        dtype = fast_dtype(torch.device("cpu")) if self.options.dtype is None else self.dtype
        return dtype if dtype == torch.bfloat16 else torch.float32


def settings_of(task: Task | ResolvedTask, cls: type[S]) -> S:
    """The settings that a task has for the engine of `cls`; its defaults if the task names none or another engine."""
    return task.engine if isinstance(task.engine, cls) else cls()


def report(on_step: OnStep | None, done: int, total: int, preview: Callable[[], Picture] | None = None) -> None:
    """Call `on_step`; raise Cancelled if it returns False."""
    if on_step is not None and on_step(Step(done, total, preview)) is False:
        raise Cancelled
