"""What a command says while it works: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import Any

EVERY = 5.0  # seconds between two plain lines


def say(text: str) -> None:
    """One line on standard error, at once."""
    print(f"diffstyle: {text}", file=sys.stderr, flush=True)


def counted(number: int, noun: str) -> str:
    """ "1 clip" or "3 clips"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


@dataclass(slots=True)
class Progress:
    """Steps of `unit`: a bar where standard error is a terminal, a line every few seconds where it is not."""

    unit: str = "step"
    shown: bool = True
    _bar: Any = None
    _last: float = field(default_factory=time.monotonic)

    def update(self, done: int, total: int | None, note: str = "") -> None:
        """`done` steps of `total`, None if nobody knows; `note` stands behind them."""
        if not self.shown:
            return
        if sys.stderr.isatty():
            self._draw(done, total, note)
        elif time.monotonic() - self._last >= EVERY:
            self._last = time.monotonic()
            say(f"{self.unit} {done}{f' of {total}' if total else ''}{f', {note}' if note else ''}")

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _draw(self, done: int, total: int | None, note: str) -> None:
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(unit=self.unit, leave=False)
        self._bar.total = total
        self._bar.set_postfix_str(note)
        self._bar.update(done - self._bar.n)
