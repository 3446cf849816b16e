"""What an engine is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, TypeVar

from diffstyle.core.errors import Cancelled
from diffstyle.core.picture import Picture
from diffstyle.core.style import Style
from diffstyle.core.task import Settings, Task

S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, slots=True)
class Step:
    """`done` of `total` steps of a render; `preview()` is the picture as it is now, where that is quick to show."""

    done: int
    total: int
    preview: Callable[[], Picture] | None = None


OnStep: TypeAlias = Callable[[Step], "bool | None"]
"""Called after every step; returning False cancels the render."""


class Engine(Protocol):
    """Turns tasks into pictures. Equal tasks give equal pictures; strength 0 gives the content; size is kept."""

    @property
    def needs(self) -> Literal["references", "embedding"]:
        """What it must find in a style."""
        ...

    @property
    def space(self) -> str:
        """The space of what it needs: that of its statistics, or of embeddings; "" if words are enough."""
        ...

    @property
    def regional(self) -> bool:
        """Whether it paints all the `regions` of a task into one picture; else it sees none."""
        ...

    @property
    def weights(self) -> Mapping[str, str]:
        """A digest of every weights file in use, by name: sha256, of large files that of blocks spread over them."""
        ...

    @property
    def runtime(self) -> Mapping[str, str]:
        """Device, dtype and threads: with equal tasks and weights, what the last bits of a picture depend on."""
        ...

    def settled(self, task: S) -> S:
        """`task` with what it leaves to the model filled in."""
        ...

    def measure(self, style: Style) -> Style:
        """`style` with all that this engine ever needs of it inside, so that it can be saved without pictures."""
        ...

    def render(self, task: Task, on_step: OnStep | None = None) -> Picture:
        """The repainted content. Raises Cancelled when `on_step` returns False."""
        ...


def report(on_step: OnStep | None, done: int, total: int, preview: Callable[[], Picture] | None = None) -> None:
    """Tell `on_step`, and stop if it says so."""
    if on_step is not None and on_step(Step(done, total, preview)) is False:
        raise Cancelled
