"""Every kind of adapter, by its name, and the adapters of the zoo loaded by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from diffstyle.adapters.lora import LoraAdapter
from diffstyle.adapters.protocol import Adapter
from diffstyle.adapters.stats import StatsAdapter
from diffstyle.adapters.tokens import TokensAdapter
from diffstyle.assets.zoo import adapter_file, adapter_info
from diffstyle.core.errors import InputError

KINDS: Mapping[str, type[Adapter[Any]]] = {c.kind: c for c in (TokensAdapter, LoraAdapter, StatsAdapter)}


def load_adapter(name: str, *, kinds: Iterable[str] = tuple(KINDS)) -> Adapter[Any]:
    """The adapter called `name` in the zoo, its file verified.

    InputError if there is none, if it is damaged, or if it is of none of `kinds`, which are those that the host takes.
    """
    info = adapter_info(name)
    wanted = [kind for kind in kinds if kind in KINDS]
    if info.kind not in wanted:
        raise InputError(f"The adapter {name} is of kind {info.kind}: give one of kind {' or '.join(wanted)}.")
    return KINDS[info.kind].load(adapter_file(name), name=name)
