"""Cancelling within a step: large networks ask between their blocks whether the render goes on."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from torch import nn

from diffstyle.core.cancelling import check_cancelled


@contextmanager
def interruptible(pipeline: Any) -> Generator[None, None, None]:
    """Within, every block of every network of `pipeline` raises Cancelled, before it computes, once the surrounding
    `cancellable` says so. A step of a large model takes seconds, a block a fraction of one.
    """
    networks = [part for part in pipeline.components.values() if isinstance(part, nn.Module)]
    blocks = [block for network in networks for block in network.modules() if next(block.children(), None) is not None]
    hooks = [block.register_forward_pre_hook(_ask) for block in blocks]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _ask(*_: Any) -> None:
    check_cancelled()
