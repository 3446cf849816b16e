"""Optimisations that go on where they were interrupted: their state is kept in the user's cache folder."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from diffstyle.core.errors import InputError
from diffstyle.core.style import Style
from diffstyle.core.task import ResolvedTask, record_of, settings_of
from diffstyle.engines.optimised.descent import Snapshot
from diffstyle.formats.atomic import cache_folder
from diffstyle.formats.safetensors import read_safetensors, write_safetensors

EVERY = 30.0  # seconds between two states that are kept
KEPT = 4  # states; the oldest ones are dropped


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """Where an optimisation is: at which of its sizes, and how far there."""

    level: int
    snapshot: Snapshot


class Progress:
    """The state of one optimisation on disk."""

    def __init__(self, path: Path) -> None:
        self._path, self._last = path, time.monotonic()

    @classmethod
    def of(cls, task: ResolvedTask, *sources: Mapping[str, str]) -> Progress:
        """That of a task, computed with weights and on a machine that `sources` name."""
        parts = [task.content.digest(), repr(settings_of(task)), repr(record_of(task.engine)), repr(sources)]
        parts += [r.mask.digest() for r in task.regions]
        if task.previous is not None:
            parts += [task.previous.painted.digest(), task.previous.trust.digest()]
        parts += [part for style in task.styles for part in _parts(style)]
        name = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
        return cls(cache_folder() / "optimisations" / f"{name}.safetensors")

    def found(self) -> Stage | None:
        """What was kept of it; None if nothing was, or it is damaged."""
        with contextlib.suppress(InputError, KeyError, ValueError):
            if self._path.is_file():
                metadata, tensors = read_safetensors(self._path)
                return Stage(int(metadata["level"]), Snapshot(int(metadata["done"]), tensors))
        return None

    def keep(self, level: int, make: Callable[[], Snapshot]) -> None:
        """Keep the state, if the last one is old enough."""
        if time.monotonic() - self._last < EVERY:
            return
        snapshot = make()
        tensors: dict[str, Tensor] = {name: t.detach().cpu() for name, t in snapshot.tensors.items()}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_safetensors(self._path, tensors, {"level": str(level), "done": str(snapshot.done)})
        others = sorted(self._path.parent.glob("*.safetensors"), key=lambda p: p.stat().st_mtime)
        for old in others[:-KEPT]:
            old.unlink(missing_ok=True)
        self._last = time.monotonic()

    def clear(self) -> None:
        """Drop it: the optimisation is done."""
        self._path.unlink(missing_ok=True)


def _parts(style: Style) -> list[str]:
    found: list[str] = []
    for r in style.references:
        found += [r.digest, repr(r.weight), *(hashlib.sha256(data).hexdigest() for data in r.exemplars)]
    return found
