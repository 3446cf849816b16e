"""What a training writes: the adapter's folder in the zoo, with its report."""

from __future__ import annotations

import gc
import resource
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from diffstyle._version import __version__
from diffstyle.assets.zoo import CARD, LOOK, TENSORS, toml_lines, write_info
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.style import Style
from diffstyle.formats.atomic import sha256
from diffstyle.stylizer import Stylizer
from diffstyle.training.data import Pixels
from diffstyle.training.personal import report as reports
from diffstyle.training.personal.batches import pixels_of
from diffstyle.training.personal.dataset import Dataset
from diffstyle.training.personal.recipe import AdapterRecipe
from diffstyle.training.personal.report import EngineMeasures, Report
from diffstyle.training.personal.run import History


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedAdapter:
    """A finished training.

    `tensors` is the adapter's file, `factor` how much of the training it keeps, `engine` the engine that loads it.
    `measured_style` has the colours of the training pictures alone, `style` those of all pictures: the report measures
    the first, the folder holds the second.
    """

    name: str
    options: ModelOptions
    recipe: AdapterRecipe
    dataset: Dataset
    engine: str
    steps: int
    seconds: float
    peak_memory: int
    history: History
    factor: float
    measured_style: Style
    style: Style
    tensors: Path

    def report(
        self,
        folder: Path,
        before: EngineMeasures | None = None,
        after: EngineMeasures | None = None,
        *,
        leakage: float = 0.0,
        own: float = 0.0,
    ) -> Report:
        """The report, with or without measures of painted photos."""
        return Report(
            name=self.name,
            folder=folder,
            kind=self.recipe.kind,
            model=self.options.shareable().model,
            pictures=len(self.dataset.images),
            held=len(self.dataset.held),
            steps=self.steps,
            seconds=self.seconds,
            peak_memory=self.peak_memory,
            losses=tuple(self.history.losses),
            held_losses=tuple(self.history.held),
            stopped_early=self.history.stopped_early,
            before=before or {},
            after=after or {},
            leakage=leakage,
            kept=self.factor,
            own=own,
            notes=self.dataset.notes,
        )


def write_adapter(partial: Path, folder: Path, trained: TrainedAdapter, photos: Sequence[Pixels]) -> Report:
    """Write all files of an adapter into `partial`, which is renamed to `folder` afterwards; the report of `photos`."""
    tensors = Path(shutil.copyfile(trained.tensors, partial / TENSORS))
    style = trained.style
    named = replace(style, references=tuple(replace(r, adapter=trained.name) for r in style.references))
    named.save(partial / LOOK)
    report = _measured(partial, folder, trained, photos)
    model = trained.options.shareable().model
    info = {
        "name": trained.name,
        "kind": trained.recipe.kind,
        "backbone": model,
        "space": style.space,
        "source": f"trained with diffstyle {__version__} on {report.pictures} pictures",
        "sha256": sha256(tensors),
    }
    write_info(partial, info)
    facts = {"version": __version__, "torch": torch.__version__, "model": model, "steps_run": str(report.steps)}
    digests = "".join(f'  "{d}",\n' for d in trained.dataset.digests)
    pictures = f"pictures = [  # sha256 of each, decoded\n{digests}]\n"
    (partial / "recipe.toml").write_text(trained.recipe.to_toml() + toml_lines(facts) + pictures, "utf-8")
    (partial / CARD).write_text(report.card(), "utf-8")
    return report


def _measured(partial: Path, folder: Path, trained: TrainedAdapter, photos: Sequence[Pixels]) -> Report:
    """Paint and measure `photos` in the zero-shot style and with the adapter; write the sheet."""
    if not photos:
        return trained.report(folder)
    dataset, contents = trained.dataset, reports.contents(photos)
    learned, references = pixels_of(dataset.train), pixels_of(dataset.held or dataset.train)
    zero_shot = Style.from_images([i.picture for i in dataset.train])
    before = reports.painted(Stylizer.of(trained.options), zero_shot, contents, engine=trained.engine)
    gc.collect()
    tensors = str(partial / TENSORS)
    adapted: dict[str, Any] = {"adapter": (tensors,)}
    if trained.recipe.kind == "lora":
        adapted = {"lora": (*trained.options.lora, tensors)}
    stylizer = Stylizer.of(replace(trained.options, **adapted))
    after = reports.painted(stylizer, trained.measured_style, contents, engine=trained.engine)
    reports.write_report_sheet(partial / "sheet.jpg", contents, before, after, references)
    return trained.report(
        folder,
        reports.measures_of(before, contents, references),
        reports.measures_of(after, contents, references),
        leakage=reports.leakage(before, after, learned),
        own=reports.own_ratio(learned, contents, references) if dataset.held else 0.0,
    )


def peak_memory() -> int:
    """Bytes: of the GPU if there is one, else of this process."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
