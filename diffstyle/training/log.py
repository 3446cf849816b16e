"""A run's losses: averaged over a window, one CSV row and one printed line each."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path


class Log:
    def __init__(self, path: Path, every: int = 50) -> None:
        self.path, self.every = path, every
        self.header: list[str] = []
        self.sums: dict[str, list[float]] = defaultdict(list)
        path.parent.mkdir(parents=True, exist_ok=True)

    def add(self, step: int, seconds: float, terms: dict[str, float]) -> None:
        """Terms need not be there at every step: each is averaged over the steps that had it."""
        for name, value in terms.items():
            self.sums[name].append(value)
        if (step + 1) % self.every == 0:
            means = {k: sum(v) / len(v) for k, v in sorted(self.sums.items())}
            self.sums.clear()
            row = {"step": step + 1, "seconds": round(seconds, 1)} | {k: round(v, 5) for k, v in means.items()}
            with self.path.open("a", newline="") as file:
                writer = csv.DictWriter(file, row.keys())
                if self.header != list(row):  # also when a resumed run has other terms
                    self.header = list(row)
                    writer.writeheader()
                writer.writerow(row)
            print("  ".join(f"{k} {v}" for k, v in row.items()), flush=True)
