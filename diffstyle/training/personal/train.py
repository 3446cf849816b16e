"""`train_adapter`: pictures in, an adapter in the zoo and a report out."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import resource
import shutil
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import torch
from torch import Tensor

from diffstyle._version import __version__
from diffstyle.adapters.strokes import SPACE
from diffstyle.assets.zoo import INFO, LOOK, TENSORS, adapters_folder, check_new
from diffstyle.core.device import find_device
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.picture import Picture, PictureLike
from diffstyle.core.style import Reference, Style
from diffstyle.encoders.clip import StyleEncoder
from diffstyle.engines.adain.engine import AdaINEngine
from diffstyle.engines.diffusion.engine import DiffusionEngine
from diffstyle.evaluation.pictures import square
from diffstyle.formats.atomic import sha256
from diffstyle.formats.safetensors import read_safetensors, write_safetensors
from diffstyle.stylizer import Stylizer
from diffstyle.training.data import Pixels
from diffstyle.training.personal import report as reports
from diffstyle.training.personal.artist import carrying, statistics_of, strokes_of, unwrapped
from diffstyle.training.personal.choice import keep_nearest
from diffstyle.training.personal.dataset import Intake, Piece, take_in
from diffstyle.training.personal.material import EACH, Material, pixels_of, plain_photos
from diffstyle.training.personal.objective import Beginnings, Denoise, PaintStrokes, Preview
from diffstyle.training.personal.preview import COLOURS, tuned
from diffstyle.training.personal.recipe import AdapterRecipe
from diffstyle.training.personal.report import Report
from diffstyle.training.personal.run import OnTrainingStep, Progress, Samples, leads, run
from diffstyle.training.personal.trainable import opened

TUNING_STEPS = 100
TUNING_SHARE, REPORT_SHARE = 0.15, 0.1  # of the minutes: what the preview and the report take, the model has not
OWN_SIDE = 256
_PLAIN = ModelOptions()
SAMPLES, TUNED = ".jpg", ".preview.safetensors"
JUDGED = 2  # photos that the report is made of, and nothing is learned from


def train_adapter(
    pictures: str | Path | Sequence[PictureLike],
    *,
    name: str,
    model: str | Path = _PLAIN.model,
    recipe: AdapterRecipe | None = None,
    options: ModelOptions | None = None,
    photos: str | Path | None = None,
    samples: int = JUDGED,
    samples_every: int = 0,
    overwrite: bool = False,
    on_step: OnTrainingStep | None = None,
) -> Report:
    """Train a style adapter called `name` on a folder or a list of 3 to 500 pictures, for `model`.

    It is the user's own in the zoo afterwards: `Style` specs name it `adapter:NAME`, `Stylizer.load(adapter=...)` takes
    it, and its folder holds weights, style, recipe, card and sheet. A training that was stopped or killed goes on where
    it was when it is asked for again with the same pictures and recipe.

    Parameters
    ----------
    options
        How the model is loaded, in place of `model`.
    photos
        A folder of plain photos to try the hand on; those of scikit-image if not given.
    samples
        How many photos the report paints, and as many others are painted to see how much of what was learned is kept; 0
        for no report and all kept, where a model paints slowly.
    samples_every
        After how many steps these photos are painted with what was learned so far, to a file that `on_step` is told of;
        0 for never.

    Raises InputError for pictures, names, models and recipes that cannot be used; Cancelled when `on_step` says so.
    """
    recipe = recipe or AdapterRecipe()
    options = options or ModelOptions(model=str(model))
    folder = check_new(name, overwrite=overwrite)
    intake = take_in(pictures, seed=recipe.seed)
    plain = plain_photos(None if photos is None else Path(photos))
    judged, learned = plain[:samples], plain[samples:] or plain
    state = adapters_folder() / f".{name}.training.pt"
    job = _Job.of(name, options, recipe, intake, learned, state)
    sampled = [square(p) for p in judged] if samples_every else []
    made = job.train(on_step, sampled, samples_every, [square(p) for p in learned[:samples]])
    gc.collect()
    if not leads():
        made.tensors.unlink()
        return job.report(folder, made)
    partial = Path(tempfile.mkdtemp(prefix=f".{name}.", suffix=".partial", dir=folder.parent))
    try:
        report = job.write(partial, folder, made, judged)
        if folder.exists():
            shutil.rmtree(folder)
        partial.chmod(0o755)
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        made.tensors.unlink(missing_ok=True)
    for path in (state, state.with_suffix(SAMPLES), state.with_suffix(TUNED)):
        path.unlink(missing_ok=True)
    return report


@dataclass(frozen=True, slots=True)
class _Made:
    """What was learned in how many steps: the style it paints with the colours and strokes of the pictures learned
    from, by which it is judged, and with those of all, and the adapter's file, which keeps a share of what was learned.
    """

    progress: Progress
    share: float
    judged: Style
    style: Style
    tensors: Path


@dataclass(frozen=True, slots=True)
class _Job:
    """What one training is of."""

    name: str
    options: ModelOptions
    recipe: AdapterRecipe
    intake: Intake
    photos: tuple[Pixels, ...]
    state: Path

    @classmethod
    def of(
        cls,
        name: str,
        options: ModelOptions,
        recipe: AdapterRecipe,
        intake: Intake,
        photos: tuple[Pixels, ...],
        state: Path,
    ) -> _Job:
        """With the state of an earlier training put aside that was of other things."""
        job = cls(name, options, recipe, intake, photos, state)
        mark = state.with_suffix(".json")
        if not mark.exists() or mark.read_text("utf-8") != job._identity():
            for path in (state, state.with_suffix(TUNED)):
                path.unlink(missing_ok=True)
            mark.write_text(job._identity(), "utf-8")
        return job

    def _identity(self) -> str:
        of = (asdict(self.recipe), asdict(self.options.shareable()), self.intake.digests, __version__)
        return hashlib.sha256(json.dumps(of, sort_keys=True).encode()).hexdigest()

    def train(
        self, on_step: OnTrainingStep | None, sampled: Sequence[Picture], samples_every: int, tried: Sequence[Picture]
    ) -> _Made:
        with _among_processes(self.options.device):
            return self._trained(on_step, sampled, samples_every, tried)

    def _trained(
        self, on_step: OnTrainingStep | None, sampled: Sequence[Picture], samples_every: int, tried: Sequence[Picture]
    ) -> _Made:
        from accelerate import Accelerator

        stylizer = Stylizer.of(self.options)
        engine = unwrapped(stylizer.engine("diffusion"), DiffusionEngine)
        painter = unwrapped(stylizer.engine("adain"), AdaINEngine)
        encoder = engine.encoder or stylizer.encoder
        material, held = (self._material(pieces, encoder) for pieces in (self.intake.train, self.intake.held))
        preview = Preview(painter.network)
        measured = statistics_of(painter, self.intake.train)
        strokes = strokes_of(self.intake.train)
        size = self.recipe.size or engine.backbone.architecture.side or OWN_SIDE
        now = self._tuned(preview, measured, material, held, size=min(size, OWN_SIDE))

        cpu = engine.backbone.device.type == "cpu"
        precision = {torch.bfloat16: "bf16", torch.float16: "fp16"}.get(engine.backbone.dtype, "no")
        accelerator = Accelerator(cpu=cpu, mixed_precision=precision)

        trainable = opened(engine, self.recipe, name=self.name)
        count = self.recipe.batch
        if engine.policy.start == "preview":
            carry = carrying(engine, strokes)
            photos = Beginnings(engine, preview, carry, material, measured, now, size=size, count=count * EACH)
            with accelerator.autocast():
                objective: PaintStrokes | Denoise = PaintStrokes(engine, photos, material, size=size, count=count)
        else:
            objective = Denoise(engine, material, size=size, count=count)

        def look(pieces: Sequence[Piece], share: float = 1.0) -> Style:
            """The hand in the colours and strokes of these pictures, with a share of what the preview was tuned by."""
            code = measured.lerp(now, share)[COLOURS:]
            known = torch.cat((statistics_of(painter, pieces)[:COLOURS], code))
            pictures = Style.from_images([p.picture for p in pieces])
            eyes = {e.space: e.encode(pictures).embedding_in(e.space) for e in (encoder, stylizer.encoder)}
            return self._style(statistics={painter.space: known, SPACE: strokes_of(pieces)}, embeddings=eyes)

        def painted(photos: Sequence[Picture], share: float = 1.0) -> list[Picture]:
            style = look(self.intake.train, share)
            with accelerator.autocast():  # what is trained is in float32
                outs = [stylizer.stylize(p, style, engine="diffusion").picture for p in photos]
            trainable.ready()
            return outs

        untrained = trainable.values()
        progress = run(
            objective,
            objective.on(held) if held.pieces else None,
            trainable,
            self.recipe,
            accelerator=accelerator,
            state=self.state,
            seconds_left=60 * self.recipe.minutes * (1 - TUNING_SHARE - REPORT_SHARE),
            samples=Samples(
                samples_every, lambda: reports.so_far(self.state.with_suffix(SAMPLES), sampled, painted(sampled))
            )
            if sampled
            else None,
            on_step=on_step,
        )
        share = 1.0
        if tried and leads() and isinstance(objective, PaintStrokes):
            hand = pixels_of((*self.intake.train, *self.intake.held))  # one or two would decide by chance
            share = keep_nearest(
                trainable, untrained, lambda share: reports.mean_measures(painted(tried, share), tried, hand)
            )
        made = trainable.save(self.state.with_suffix(f".{os.getpid()}.safetensors"))
        every = (*self.intake.train, *self.intake.held)
        return _Made(progress, share, look(self.intake.train, share), look(every, share), made)

    def _tuned(self, preview: Preview, measured: Tensor, material: Material, held: Material, *, size: int) -> Tensor:
        """The preview's statistics of the hand, tuned once, however often the training is gone on with."""
        from accelerate import PartialState

        path = self.state.with_suffix(TUNED)
        with PartialState().main_process_first():
            if not path.exists():
                now = tuned(
                    preview,
                    measured,
                    material,
                    held,
                    steps=min(TUNING_STEPS, self.recipe.steps or TUNING_STEPS),
                    seconds=None if self.recipe.steps else 60 * self.recipe.minutes * TUNING_SHARE,
                    size=size,
                    seed=self.recipe.seed,
                )
                write_safetensors(path, {"statistics": now})
            return read_safetensors(path)[1]["statistics"].to(measured)

    def _style(self, *, statistics: Mapping[str, Tensor], embeddings: Mapping[str, Tensor]) -> Style:
        """What the adapter paints, with what the preview and the encoders know of it, by space."""
        known = b"".join(t.numpy().tobytes() for t in statistics.values())
        reference = Reference(
            hashlib.sha256(self._identity().encode() + known).hexdigest(),
            self.name,
            statistics=MappingProxyType(dict(statistics)),
            embeddings=MappingProxyType(dict(embeddings)),
        )
        return Style((reference,), self.name)

    def _material(self, pieces: Sequence[Piece], encoder: StyleEncoder) -> Material:
        def embedded(pictures: Sequence[Picture]) -> Tensor:
            style = encoder.encode(Style.from_images(list(pictures)))
            by_digest = {r.digest: r.embeddings[encoder.space] for r in style.references}
            return torch.stack([by_digest[p.digest()] for p in pictures])

        photos = embedded([Picture.from_array(p) for p in self.photos])
        if not pieces:
            return Material((), (), torch.zeros(0), torch.zeros(0), tuple(self.photos), photos)
        pictures = [p.picture for p in pieces]
        mean = encoder.encode(Style.from_images(pictures)).embedding_in(encoder.space)
        captions = tuple(p.caption for p in pieces)
        return Material(pixels_of(pieces), captions, embedded(pictures), mean, tuple(self.photos), photos)

    def write(self, partial: Path, folder: Path, made: _Made, judged: Sequence[Pixels]) -> Report:
        """Everything that the adapter's folder holds."""
        style = made.style
        tensors = Path(shutil.copyfile(made.tensors, partial / TENSORS))
        style_file = replace(style, references=tuple(replace(r, adapter=self.name) for r in style.references))
        style_file.save(partial / LOOK)
        report = self._judged(partial, folder, made, judged)
        shareable = self.options.shareable()
        info = {
            "name": self.name,
            "kind": self.recipe.kind,
            "backbone": shareable.model,
            "space": style.space,
            "source": f"trained with diffstyle {__version__} on {report.pictures} pictures",
            "sha256": sha256(tensors),
        }
        (partial / INFO).write_text("".join(f"{k} = {json.dumps(v)}\n" for k, v in info.items()), "utf-8")
        facts = {
            "version": __version__,
            "torch": torch.__version__,
            "model": shareable.model,
            "steps_run": report.steps,
        }
        pictures = "".join(f'  "{d}",\n' for d in self.intake.digests)
        (partial / "recipe.toml").write_text(
            self.recipe.to_toml()
            + "".join(f"{k} = {json.dumps(str(v))}\n" for k, v in facts.items())
            + f"pictures = [  # sha256 of each, decoded\n{pictures}]\n",
            "utf-8",
        )
        (partial / "CARD.md").write_text(report.card(), "utf-8")
        self.state.with_suffix(".json").unlink(missing_ok=True)
        return report

    def _judged(self, partial: Path, folder: Path, made: _Made, judged: Sequence[Pixels]) -> Report:
        hand = pixels_of(self.intake.held or self.intake.train)
        photos = [square(p) for p in judged]
        looks: tuple[reports.Look, reports.Look] = ({}, {})
        leaked = own = 0.0
        if photos:
            zero = Style.from_images([p.picture for p in self.intake.train])
            before = reports.painted(Stylizer.of(self.options), zero, photos)
            gc.collect()
            tensors = str(partial / TENSORS)
            adapted: dict[str, Any] = {"adapter": (tensors,)}
            if self.recipe.kind == "lora":
                adapted = {"lora": (*self.options.lora, tensors)}
            after = reports.painted(Stylizer.of(replace(self.options, **adapted)), made.judged, photos)
            looks = reports.looked_at(before, photos, hand), reports.looked_at(after, photos, hand)
            own = reports.own_ratio(pixels_of(self.intake.train), photos, hand) if self.intake.held else 0.0
            leaked = reports.leakage(before, after, pixels_of(self.intake.train))
            reports.sheet(partial / "sheet.jpg", photos, before, after, hand)
        return self.report(folder, made, *looks, leaked, own)

    def report(
        self,
        folder: Path,
        made: _Made,
        before: reports.Look | None = None,
        after: reports.Look | None = None,
        leaked: float = 0.0,
        own: float = 0.0,
    ) -> Report:
        """What came of it, with or without photos painted."""
        progress = made.progress
        return Report(
            self.name,
            folder,
            self.recipe.kind,
            self.options.shareable().model,
            len(self.intake.train) + len(self.intake.held),
            len(self.intake.held),
            progress.step,
            progress.seconds,
            _peak_memory(),
            tuple(progress.losses),
            tuple(progress.held),
            progress.stopped_early,
            before or {},
            after or {},
            leaked,
            made.share,
            own,
            self.intake.notes,
        )


@contextmanager
def _among_processes(device: str | None) -> Generator[None, None, None]:
    """Of several processes each takes a GPU of its own; afterwards, another training may want another precision."""
    from accelerate import PartialState
    from accelerate.state import AcceleratorState

    PartialState(cpu=find_device(device).type == "cpu")
    try:
        yield
    finally:
        cast("Any", AcceleratorState)._reset_state(reset_partial_state=True)


def _peak_memory() -> int:
    """Bytes: of the GPU where there is one, else of this process."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
