"""Adapters of any kind attached to a backbone, and detached without a trace."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from typing import Any

from diffstyle.adapters.protocol import Adapter, Undo
from diffstyle.backbones.backbone import Backbone


def attach(adapters: Sequence[Adapter[Backbone]], backbone: Backbone) -> Undo:
    """Attach all `adapters`; the result detaches them, after which the networks are what they were, bit for bit.

    Adapters of one kind keep their order. InputError, with nothing attached, if one of
    them does not fit.
    """
    groups: dict[type[Adapter[Backbone]], list[Any]] = {}
    for adapter in adapters:
        groups.setdefault(type(adapter), []).append(adapter)
    with backbone.changing(), contextlib.ExitStack() as stack:
        for kind in sorted(groups, key=lambda k: not k.wraps_layers):
            first, *more = groups[kind]
            stack.callback(first.attach(backbone, *more))
        undo = stack.pop_all()

    def detach() -> None:
        with backbone.changing():
            undo.close()

    return detach


@contextlib.contextmanager
def attached(adapters: Sequence[Adapter[Backbone]], backbone: Backbone) -> Generator[Backbone]:
    """`backbone` with `adapters` attached inside the context."""
    detach = attach(adapters, backbone)
    try:
        yield backbone
    finally:
        detach()
