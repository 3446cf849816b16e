"""How the training of a student is shown: a line with a bar, a curve of its losses, and the newest sheet."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diffstyle.training.distil.recipe import DistilRecipe
from diffstyle_ui.app.events import UNCHANGED
from diffstyle_ui.widgets.html import progress, progress_bar
from diffstyle_ui.widgets.loss_curve import loss_curve
from diffstyle_ui.widgets.training_stage import samples_html

if TYPE_CHECKING:
    from diffstyle.training.distil.train import DistilStep  # its imports take seconds

SMOOTHING = 0.9  # of the losses of single steps, which differ by their photos
SHOWN_SECONDS = 0.4  # between updates
SHEET = "For each style: a photo, as the teacher paints it, and as the student does"


class StudentProgress:
    """The steps of one training so far."""

    def __init__(self, recipe: DistilRecipe) -> None:
        self.recipe = recipe
        self.losses: list[tuple[int, float]] = []
        self._begun: tuple[float, float] | None = None  # when the training began, and its share of the schedule then
        self._shown = self._sheet = 0.0

    def add(self, step: DistilStep) -> bool:
        """Note a step; whether the page is to show it, as it does a few times in a second."""
        if step.loss is not None:
            self.losses.append((step.done, step.loss))
            self._begun = self._begun or (time.monotonic(), step.share)
        due = time.monotonic() - self._shown >= SHOWN_SECONDS
        self._shown = time.monotonic() if due else self._shown
        return due or step.share >= 1

    @property
    def curve(self) -> Any:
        """The curve, an update; unchanged before the second step."""
        return loss_curve(smoothed(self.losses), compared="the teacher's paintings") or UNCHANGED

    def line(self, step: DistilStep) -> str:
        """What is done, and about how long it will take."""
        if step.loss is None:
            most = "" if self.recipe.steps is not None else f", for {self.recipe.minutes / 3:.0f} minutes at most"
            return progress(step.done, step.total or 0, what="Painting example", after=most)
        if step.share >= 1:
            return progress_bar(f"Step {step.done}. Writing the student, its sheet and its files …", 0, 0)
        return progress_bar(f"Step {step.done}{self._left(step.share)}", round(100 * step.share), 100)

    def sheet(self, step: DistilStep) -> Any:
        """The newest sheet, an update; unchanged if it is shown already."""
        changed = _changed(step.sheet)
        if step.sheet is None or changed <= self._sheet:
            return UNCHANGED
        self._sheet = changed
        return samples_html(step.sheet, SHEET)

    def _left(self, share: float) -> str:
        """About how long the rest will take."""
        began, first = self._begun or (0.0, 0.0)
        if share - first < 0.01:
            return ""
        seconds = (time.monotonic() - began) / (share - first) * (1 - share)
        minutes, seconds = divmod(round(seconds), 60)
        return f", {minutes}:{seconds:02} left"


def smoothed(losses: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Pairs of step and loss, each a moving average of those so far."""
    found: list[tuple[int, float]] = []
    mean = weight = 0.0
    for step, loss in losses:
        mean, weight = SMOOTHING * mean + (1 - SMOOTHING) * loss, SMOOTHING * weight + 1 - SMOOTHING
        found.append((step, mean / weight))
    return found


def _changed(path: Path | None) -> float:
    """When a file was written last; 0 if there is none."""
    return path.stat().st_mtime if path is not None and path.is_file() else 0.0
