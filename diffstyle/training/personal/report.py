"""What came of a training, in figures and pictures, on photos and pictures of the hand that were not learned from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from diffstyle.core.picture import Picture
from diffstyle.core.style import Style
from diffstyle.evaluation.measures import (
    Array,
    Measures,
    measure,
    structure,
    texture_distance,
    texture_distance_of_all,
)
from diffstyle.evaluation.pictures import small, square
from diffstyle.formats.atomic import write_atomic
from diffstyle.stylizer import Stylizer
from diffstyle.training.data import Pixels
from diffstyle.training.personal.run import PATIENCE

Look = Mapping[str, Measures]
"""Means by engine: `preview` and `final`."""


@dataclass(frozen=True, slots=True)
class Report:
    """`before` and `after`: the measures of the style as its pictures give it, and with the adapter.

    They are against pictures that were held out, or `on_train`, where there were too few to hold any out. `leakage` is
    how much more the painted photos' edges lie where those of the learned pictures do than they did before: the subject
    shows through where it is well above 0. `kept` is the share of what was learned that other photos came nearest with,
    1 where none were tried. `own` is the texture ratio that the learned pictures have themselves to the held-out ones,
    their patches taken together, 0 where it was not measured: a yardstick for what is left to gain, and no bound.

    The held-out pictures also decided when training ended and, with the others, how much was kept: measures against
    them flatter.
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
    before: Look
    after: Look
    leakage: float
    kept: float
    own: float
    notes: tuple[str, ...]

    @property
    def on_train(self) -> bool:
        return self.held == 0

    @property
    def warnings(self) -> tuple[str, ...]:
        """What should make one think twice."""
        found: list[str] = []
        if self.stopped_early:
            found.append(
                f"Stopped early: the held-out pictures grew no nearer in {PATIENCE} looks, the best state was kept."
            )
        if self.on_train:
            found.append("Judged on the very pictures it learned from: with 5 or more, one in five is held out.")
        if self.kept < 1:
            much = f"Only {self.kept:.0%}" if self.kept else "Nothing"
            found.append(f"{much} of what was learned was kept: photos came no nearer to the style with more.")
        for name, was in self.before.items():
            now = self.after[name]
            if now.texture_ratio > was.texture_ratio:
                found.append(f"The {name} is no nearer to the style than without the adapter.")
            if now.structure < was.structure - 0.05:
                found.append(
                    f"The {name} keeps less of the photo: structure {was.structure:.2f} to {now.structure:.2f}."
                )
        if self.leakage > 0.05:
            found.append(f"The learned pictures' subjects may show through: leakage {self.leakage:.2f}.")
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
            against = "the pictures it learned from" if self.on_train else "held-out pictures"
            lines += ["", f"Photos painted in it, against {against}, before -> with the adapter:", ""]
            lines += ["| | texture ratio | colour ratio | structure |", "|---|---|---|---|"]
            for name, was in self.before.items():
                now = self.after[name]
                pairs = [(getattr(was, k), getattr(now, k)) for k in ("texture_ratio", "colour_ratio", "structure")]
                lines.append(f"| {name} | " + " | ".join(f"{a:.3f} -> {b:.3f}" for a, b in pairs) + " |")
            lines += ["", "A ratio is the distance to the style over the untouched photo's: lower is nearer. Structure"]
            lines += ["is how much of the photo's edges is in place. The loss that was trained is of texture's kind."]
            if not self.on_train:
                lines += ["", "The held-out pictures also decided when training ended and, with the others, how much"]
                lines += ["was kept, so the gain is flattered: it is no test on pictures that decided nothing."]
                lines += ["", f"The learned pictures themselves, their patches together: texture ratio {self.own:.3f}."]
            lines += ["", f"Content leakage: {self.leakage:+.3f}. `sheet.jpg`: photo, before, with the adapter."]
        lines += ["", *(f"- {w}" for w in self.warnings), *(f"- {n}" for n in self.notes)]
        return "\n".join(lines).rstrip() + "\n"


@dataclass(frozen=True, slots=True)
class Painted:
    """Photos painted in one style by each engine."""

    final: tuple[Picture, ...]
    preview: tuple[Picture, ...]


def painted(stylizer: Stylizer, style: Style, photos: Sequence[Picture]) -> Painted:
    def by(engine: str) -> tuple[Picture, ...]:
        name = "adain" if engine == "adain" else "diffusion"
        return tuple(stylizer.stylize(p, style, engine=name).picture for p in photos)

    return Painted(by("diffusion"), by("adain"))


def mean_measures(outs: Sequence[Picture], photos: Sequence[Picture], references: Sequence[Pixels]) -> Measures:
    """Of painted photos, over all of them and all references."""
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


def looked_at(outs: Painted, photos: Sequence[Picture], references: Sequence[Pixels]) -> Look:
    """Means of each engine."""
    return {
        "final": mean_measures(outs.final, photos, references),
        "preview": mean_measures(outs.preview, photos, references),
    }


def own_ratio(learned: Sequence[Pixels], photos: Sequence[Picture], held: Sequence[Pixels]) -> float:
    """Texture ratio of the patches of the learned pictures, all together, as if they were a painted photo's; mean over
    photos and held-out pictures.
    """
    hand, others = ([small(square(p)) for p in pictures] for pictures in (learned, held))
    contents = [small(p) for p in photos]
    found = [texture_distance_of_all(hand, o) / max(texture_distance(c, o), 1e-6) for o in others for c in contents]
    return sum(found) / len(found)


def leakage(before: Painted, after: Painted, learned: Sequence[Pixels]) -> float:
    """The most that one learned picture's edges gain in the painted photos, mean over photos."""

    def likeness(outs: Painted) -> Array:
        return np.array([[structure(small(o), small(square(p))) for p in learned] for o in outs.final], np.float32)

    gained = likeness(after) - likeness(before)
    return float(np.mean([row.max() for row in gained]))


def so_far(path: Path, photos: Sequence[Picture], painted: Sequence[Picture]) -> Path:
    """A row for each photo: itself, and as it is painted now."""
    rows = [np.concatenate([p.to_array()[..., :3] for p in row], 1) for row in zip(photos, painted, strict=True)]
    image = Image.fromarray(np.concatenate(rows, 0))
    write_atomic(path, lambda file: image.save(file, "JPEG", quality=90))
    return path


def sheet(path: Path, photos: Sequence[Picture], before: Painted, after: Painted, references: Sequence[Pixels]) -> None:
    """A row for each photo: itself, before, after; and a row of pictures of the hand."""
    rows = [(a, b, c) for a, b, c in zip(photos, before.final, after.final, strict=True)]
    cells = [np.concatenate([p.to_array()[..., :3] for p in row], 1) for row in rows]
    hand = [square(references[n % len(references)]).to_array() for n in range(3)]
    Image.fromarray(np.concatenate([*cells, np.concatenate(hand, 1)], 0)).save(path, quality=90)
