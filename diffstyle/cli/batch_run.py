"""Running a batch: what is painted already is left out, the rest is given to workers, and what failed is said."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TextIO

from diffstyle.cli.asked import Asked
from diffstyle.cli.batch_items import Item
from diffstyle.cli.batch_painter import Outcome, Painter
from diffstyle.cli.finished import Finished
from diffstyle.cli.job import Request
from diffstyle.cli.progress import Progress, say
from diffstyle.core.errors import InputError
from diffstyle.formats.atomic import Inputs, check_writable
from diffstyle.formats.places import identity, local_path, partials, shown, sweep

LOST = "no worker said what became of it: run the command again."


class Workers(Protocol):
    """What paints a batch."""

    def key(self) -> str:
        """`Painter.key` of the workers."""
        ...

    def paint(self, items: Sequence[Item]) -> Iterator[tuple[Item, Outcome]]:
        """What becomes of each of `items`, in any order."""
        ...

    def close(self) -> None:
        """Stop them."""
        ...


class InProcess:
    """A painter in this process."""

    def __init__(self, request: Request, asked: Asked) -> None:
        self._painter = Painter(request, asked)

    def key(self) -> str:
        """`Painter.key` of the painter."""
        return self._painter.key()

    def paint(self, items: Sequence[Item]) -> Iterator[tuple[Item, Outcome]]:
        """What becomes of each of `items`, in order."""
        for item in items:
            yield item, self._painter.paint(item)

    def close(self) -> None:
        """Do nothing."""


@dataclass(slots=True)
class Batch:
    """The photos of a run, who paints them, where lines for machines go, and what has become of the photos."""

    request: Request
    items: Sequence[Item]
    workers: Workers
    output: TextIO
    painted: int = 0
    skipped: int = 0
    failed: list[str] = field(default_factory=lambda: list[str]())
    _targets: list[str] = field(default_factory=lambda: list[str]())
    _others: set[tuple[str, str]] = field(default_factory=lambda: set[tuple[str, str]]())  # partials of other runs
    _noted: set[str] = field(default_factory=lambda: set[str]())

    def run(self) -> int:
        """Paint what is not there yet, and say what has become of all. Exit code 1 if anything failed."""
        finished: Finished | None = None
        waiting: list[Item] = []
        for item in self._usable():
            if item.existed and finished is None:  # a cluster loads the model to know what it would paint
                finished = Finished(["batch", self.workers.key()])
            if item.existed and finished is not None and finished.has(item.stamps()):
                self._count(item, Outcome("skipped"))
            else:
                waiting.append(item)
        if waiting:
            self._paint(waiting, finished)
        print(f"{self.painted} painted, {self.skipped} already there, {len(self.failed)} failed.", file=sys.stderr)
        for line in self.failed:
            print(f"  {line}", file=sys.stderr)
        return 1 if self.failed else 0

    def tidy(self) -> None:
        """Delete what killed workers left of this run under temporary names; to be called when all have stopped."""
        sweep(self._targets, keep=self._others)

    def _usable(self) -> list[Item]:
        """The photos that can be painted; the others have failed."""
        sources = {identity(item.source) for item in self.items if not item.problem}
        places = [local_path(item.source) for item in self.items]
        style, options = self.request.style.files, self.request.options.files
        inputs = Inputs.of([*(p for p in places if p is not None), *style, *options])
        usable: list[Item] = []
        for item in self.items:
            target = local_path(item.target)
            try:
                if item.problem:
                    raise InputError(item.problem)
                if target is not None and (target in inputs or target.is_dir()):
                    check_writable(target, inputs)  # says why not
                if identity(item.target) in sources:
                    raise InputError(
                        f"Cannot write {shown(item.target)}: it is one of the photos, name another folder."
                    )
                usable.append(item)
            except InputError as error:
                self._count(item, Outcome("failed", str(error)))
        return usable

    def _paint(self, waiting: Sequence[Item], finished: Finished | None) -> None:
        left = {item.target: item for item in waiting}
        self._targets = list(left)
        self._others = partials(self._targets)
        progress = Progress("picture", shown=not self.request.files.json_lines)
        try:
            for n, (item, outcome) in enumerate(self.workers.paint(waiting), 1):
                left.pop(item.target, None)
                progress.update(n, len(waiting), item.label.rpartition("/")[2])
                self._count(item, outcome)
                if outcome.status != "failed":
                    finished = finished or Finished(["batch", self.workers.key()])
                    finished.note(item.stamps())
        finally:
            progress.close()
        for item in left.values():
            self._count(item, Outcome("failed", LOST))

    def _count(self, item: Item, outcome: Outcome) -> None:
        for note in dict.fromkeys(outcome.notes):
            if note not in self._noted:
                self._noted.add(note)
                say(note)
        if outcome.status == "failed":
            self.failed.append(f"{item.label}: {outcome.reason}")
            self._print({"content": item.label, "error": outcome.reason})
        elif outcome.status == "skipped":
            self.skipped += 1
            self._print({"content": item.label, "out": shown(item.target), "skipped": True})
        else:
            self.painted += 1
            self._print(outcome.facts)

    def _print(self, values: dict[str, Any]) -> None:
        """One line for machines."""
        if self.request.files.json_lines:
            print(json.dumps(values), file=self.output, flush=True)
