"""What an adapter is: one protocol for all kinds. A new kind is a file beside this one and a line in `kinds.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeAlias, TypeVar

from torch import Tensor, nn

from diffstyle.core.model_options import ExportFormat

if TYPE_CHECKING:
    from typing_extensions import Self

H = TypeVar("H", contravariant=True)
Undo: TypeAlias = Callable[[], None]
"""Restores a host to what it was before `attach`, bit for bit. Undo in reverse order of attaching."""


class Adapter(Protocol[H]):
    """A small trained part that conditions a host network on a style.

    `H` is the host: a `Backbone` for `tokens` and `lora`, the preview engine for `stats`. `kind` is what `adapter.toml`
    and `Capabilities.adapters` call it, `layouts` the file layouts of other programs that it can be exported to.
    `wraps_layers` says that it wraps layers of the host, so that it must be attached before kinds that add layers.
    """

    kind: ClassVar[str]
    layouts: ClassVar[tuple[ExportFormat, ...]]
    wraps_layers: ClassVar[bool]

    @property
    def name(self) -> str:
        """What messages and recipes call it."""
        ...

    @classmethod
    def load(cls, path: Path, *, name: str = "") -> Self:
        """Read its file; InputError if the file is of another kind."""
        ...

    def check_fits(self, host: H) -> None:
        """InputError if it was made for another host than this one."""
        ...

    def attach(self, host: H, *more: Self) -> Undo:
        """Attach it, and `more` of its kind in this order, to `host`.

        InputError if one does not fit; then `host` is unchanged.
        """
        ...

    def trainable(self, host: H) -> Mapping[str, nn.Parameter]:
        """Its parameters by name, as they are on `host`, to which it is attached."""
        ...

    def export(self, layout: ExportFormat, *, base: str = "") -> tuple[dict[str, Tensor], dict[str, str]]:
        """Tensors and metadata of a file in `layout`, one of `layouts`.

        `base` names the model it was made for, where its tensors do not show that.
        """
        ...
