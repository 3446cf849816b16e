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

    InputError if there is none, it is damaged, or it is of none of `kinds`, those that the host takes.
    """
    info = adapter_info(name)
    if info.kind not in KINDS or info.kind not in (wanted := tuple(kinds)):
        wanted = tuple(k for k in kinds if k in KINDS)
        raise InputError(f"The adapter {name} is of kind {info.kind}: give one of kind {' or '.join(wanted)}.")
    return KINDS[info.kind].load(adapter_file(name), name=name)
