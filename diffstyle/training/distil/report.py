"""The report of a training: losses on photos that were learned from and on others, a sheet of paintings, and a card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from diffstyle.core.picture import Picture
from diffstyle.engines.feedforward.network import StudentNetwork
from diffstyle.evaluation import sheets
from diffstyle.training.data import to_batch
from diffstyle.training.distil.examples import Example

OVER_FIT = 1.15  # held-out loss over that on the photos learned from
SHOWN = 3  # photos of a sheet


@dataclass(frozen=True, slots=True)
class DistilReport:
    """The outcome: losses of the averaged network, `before` training and after it, on examples it `trained` on and on
    those `held` out; `start` says which student it began with, if any.
    """

    name: str
    folder: Path
    size: str
    styles: tuple[str, ...]
    parameters: int
    examples: int
    steps: int
    seconds: float
    before: float
    trained: float
    held: float
    recipe: str
    start: str = ""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on what makes the student doubtful."""
        found: list[str] = []
        if self.held > OVER_FIT * self.trained:
            found.append(
                f"It paints photos it has not seen less well, by {self.held / self.trained - 1:.0%} of the loss: give"
                " more photos."
            )
        if not self.start and self.held > 0.6 * self.before:
            found.append("It has learned little so far: give more minutes.")
        return tuple(found)

    def to_json(self) -> str:
        return json.dumps(asdict(self) | {"folder": str(self.folder), "warnings": self.warnings})

    def card(self) -> str:
        """CARD.md."""
        lines = [f"# {self.name}", "", f"A student of size {self.size}, {self.parameters:,} parameters, trained with"]
        lines += [f"diffstyle. It paints: {', '.join(self.styles)}.", ""]
        lines += [f"- begun with {self.start}"] if self.start else []
        lines += [f"- {self.examples} photos, each painted in every style; one in eight was held out"]
        lines += [f"- {self.steps} steps in {self.seconds / 60:.1f} minutes"]
        lines += [f"- loss {self.before:.3f} before training; {self.trained:.3f} on photos it learned from,"]
        lines += [f"  {self.held:.3f} on others", f"- recipe {self.recipe[:12]}", *(f"- {w}" for w in self.warnings)]
        lines += ["", "`sheet.jpg`: for each style, held-out photos, as the teacher paints them, as the student does."]
        return "\n".join(lines) + "\n"


@torch.no_grad()
def write_sheet(path: Path, network: StudentNetwork, examples: Sequence[Example], styles: Sequence[str]) -> Path:
    """A row for each style: held-out photos, each beside the teacher's painting and the student's."""
    device = next(network.parameters()).device
    rows: list[sheets.Pixels] = []
    for n, name in enumerate(styles):
        weights = torch.nn.functional.one_hot(torch.tensor([n]), len(styles)).float().to(device)
        cells: list[Picture] = []
        for example in examples[:SHOWN]:
            out = network(to_batch([example.photo]).to(device), weights, torch.ones(1, 1, device=device))[0].cpu()
            cells += [Picture.from_array(example.photo), Picture.from_array(example.paintings[n]), Picture(out)]
        rows.append(sheets.labelled(sheets.row(cells), name))
    path.parent.mkdir(parents=True, exist_ok=True)
    return sheets.write_sheet(path, rows)
