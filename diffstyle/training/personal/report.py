"""The report of a training: figures and pictures, on photos and pictures by the artist that were not trained on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from diffstyle.core.picture import Picture
from diffstyle.core.style import Style
from diffstyle.core.task import Task
from diffstyle.evaluation import sheets
from diffstyle.evaluation.measures import (
    Array,
    Measures,
    measure,
    structure,
    texture_distance,
    texture_distance_of_all,
)
from diffstyle.evaluation.pictures import SIDE, small, square
from diffstyle.stylizer import Stylizer
from diffstyle.training.data import Pixels
from diffstyle.training.personal.run import PATIENCE

EngineMeasures = Mapping[str, Measures]
"""Mean measures of the `preview` and of the `final` engine."""


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a training.

    `before` and `after` are measures of the zero-shot style of the pictures and of the style with the adapter, against
    held-out pictures or, where there were too few to hold any out (`on_train`), against the training pictures.
    `leakage` is how much the painted photos' edges have gained in correlation with those of a training picture: well
    above 0, the picture's subject shows through. `kept` is the factor that `keep_best_factor` chose, 1 if it was not
    asked. `own` is the texture ratio of the training pictures themselves to the held-out ones, 0 if not measured: a
    yardstick for what is left to gain, not a bound.

    The held-out pictures also decided when training ended and, with the others, `kept`, so measures against them are
    too good.
    """

    name: str
    folder: Path
    kind: str
    model: str
    pictures: int
    held: int
    steps: int
    seconds: float
    peak_memory: int
    losses: tuple[float, ...]
    held_losses: tuple[tuple[int, float], ...]
    stopped_early: bool
    before: EngineMeasures
    after: EngineMeasures
    leakage: float
    kept: float
    own: float
    notes: tuple[str, ...]

    @property
    def on_train(self) -> bool:
        return self.held == 0

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on what makes the adapter doubtful."""
        found: list[str] = []
        if self.stopped_early:
            found.append(f"Stopped early: no better held-out loss in {PATIENCE} evaluations; the best state was kept.")
        if self.on_train:
            found.append("Measured on its own training pictures: from 5 pictures on, one in five is held out.")
        if self.kept < 1:
            much = f"Only {self.kept:.0%}" if self.kept else "Nothing"
            found.append(f"{much} of the training was kept: with more, photos came no nearer to the style.")
        for name, was in self.before.items():
            now = self.after[name]
            if now.texture_ratio > was.texture_ratio:
                found.append(f"The {name} is no nearer to the style than without the adapter.")
            if now.structure < was.structure - 0.05:
                found.append(
                    f"The {name} keeps less of the photo: structure {was.structure:.2f} to {now.structure:.2f}."
                )
        if self.leakage > 0.05:
            found.append(f"The subjects of the training pictures may show through: leakage {self.leakage:.2f}.")
        return tuple(found)

    def to_json(self) -> str:
        return json.dumps(asdict(self) | {"folder": str(self.folder), "warnings": self.warnings})

    def card(self) -> str:
        """CARD.md."""
        lines = [f"# {self.name}", "", f"A {self.kind} adapter for the model {self.model}, trained with diffstyle."]
        lines += ["", f"- {self.pictures} pictures, {self.held} of them held out"]
        lines += [
            f"- {self.steps} steps in {self.seconds / 60:.1f} minutes, {self.peak_memory / 2**30:.1f} GiB at most"
        ]
        if self.before:
            against = "its training pictures" if self.on_train else "held-out pictures"
            lines += ["", f"Photos painted in it, measured against {against}, before -> with the adapter:", ""]
            lines += ["| | texture ratio | colour ratio | structure |", "|---|---|---|---|"]
            for name, was in self.before.items():
                now = self.after[name]
                pairs = [(getattr(was, k), getattr(now, k)) for k in ("texture_ratio", "colour_ratio", "structure")]
                lines.append(f"| {name} | " + " | ".join(f"{a:.3f} -> {b:.3f}" for a, b in pairs) + " |")
            lines += ["", "A ratio is the distance to the style over that of the untouched photo: lower is nearer."]
            lines += [
                "Structure is how much of the photo's edges is kept. The training loss resembles the texture ratio,"
            ]
            lines += ["so look at the sheet too."]
            if not self.on_train:
                lines += ["", "The held-out pictures also decided when training ended and, with the others, how much"]
                lines += ["was kept, so the gain is overstated."]
                lines += ["", f"The training pictures themselves have the texture ratio {self.own:.3f}."]
            lines += ["", f"Content leakage: {self.leakage:+.3f}. `sheet.jpg`: photo, before, with the adapter."]
        lines += ["", *(f"- {w}" for w in self.warnings), *(f"- {n}" for n in self.notes)]
        return "\n".join(lines).rstrip() + "\n"


@dataclass(frozen=True, slots=True)
class Painted:
    """Photos painted in one style: by the engine that has the adapter, and by the interactive one."""

    final: tuple[Picture, ...]
    preview: tuple[Picture, ...]


def contents(photos: Sequence[Pixels]) -> list[Picture]:
    """The middle squares of photos, SIDE pixels a side: what is painted for samples, choice and report."""
    return [square(p, SIDE) for p in photos]


def painted(stylizer: Stylizer, style: Style, photos: Sequence[Picture], *, engine: str) -> Painted:
    """Every photo in `style`, by the engine of that name and by the interactive one."""
    tasks = [Task(p, style, engine=engine) for p in photos]
    final = tuple(stylizer.render(t).picture for t in tasks)
    return Painted(final, tuple(stylizer.preview(t).picture for t in tasks))


def mean_measures(outs: Sequence[Picture], photos: Sequence[Picture], references: Sequence[Pixels]) -> Measures:
    """Mean measures of painted photos `outs` over all of them and all references."""
    found = [
        measure(small(photo), small(square(r)), small(out))
        for photo, out in zip(photos, outs, strict=True)
        for r in references
    ]
    count = len(found)
    return Measures(
        sum(m.texture_ratio for m in found) / count,
        sum(m.colour_ratio for m in found) / count,
        sum(m.structure for m in found) / count,
    )


def measures_of(outs: Painted, photos: Sequence[Picture], references: Sequence[Pixels]) -> EngineMeasures:
    """Mean measures of each engine."""
    return {
        "final": mean_measures(outs.final, photos, references),
        "preview": mean_measures(outs.preview, photos, references),
    }


def own_ratio(learned: Sequence[Pixels], photos: Sequence[Picture], held: Sequence[Pixels]) -> float:
    """Texture ratio of the patches of all training pictures, taken as if a painted photo had them; mean over photos and
    held-out pictures.
    """
    patches, others = ([small(square(p)) for p in pictures] for pictures in (learned, held))
    contents = [small(p) for p in photos]
    found = [texture_distance_of_all(patches, o) / max(texture_distance(c, o), 1e-6) for o in others for c in contents]
    return sum(found) / len(found)


def leakage(before: Painted, after: Painted, learned: Sequence[Pixels]) -> float:
    """The largest gain in edge correlation of a painted photo with one training picture, mean over photos."""

    def likeness(outs: Painted) -> Array:
        return np.array([[structure(small(o), small(square(p))) for p in learned] for o in outs.final], np.float32)

    gained = likeness(after) - likeness(before)
    return float(np.mean([row.max() for row in gained]))


def write_samples(path: Path, photos: Sequence[Picture], painted: Sequence[Picture]) -> Path:
    """A row for each photo: the photo, and as it is painted now."""
    return sheets.write_sheet(path, [sheets.row(pair) for pair in zip(photos, painted, strict=True)])


def write_report_sheet(
    path: Path, photos: Sequence[Picture], before: Painted, after: Painted, references: Sequence[Pixels]
) -> Path:
    """A row for each photo: the photo, before and after training; below, a row of the artist's pictures."""
    rows = [sheets.row(cells) for cells in zip(photos, before.final, after.final, strict=True)]
    artist = contents([references[n % len(references)] for n in range(3)])
    return sheets.write_sheet(path, [*rows, sheets.row(artist)])
