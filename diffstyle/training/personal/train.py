"""`train_adapter`: pictures in, an adapter in the zoo and a report out."""

from __future__ import annotations

import gc
import hashlib
import json
import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import torch
from torch import Tensor

from diffstyle._version import __version__
from diffstyle.adapters.stats import COLOURS
from diffstyle.assets.zoo import adapters_folder, check_new, replacing
from diffstyle.core.device import find_device
from diffstyle.core.errors import InputError
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.picture import Picture, PictureLike
from diffstyle.core.style import Reference, Style
from diffstyle.encoders.clip import StyleEncoder
from diffstyle.engines.exemplars.exemplars import with_exemplars
from diffstyle.formats.safetensors import read_safetensors, write_safetensors
from diffstyle.stylizer import Stylizer
from diffstyle.training.data import Pixels
from diffstyle.training.loop import STATE_FORMAT
from diffstyle.training.personal import report as reports
from diffstyle.training.personal.batches import ArtistPictures, FeatureMaps, pixels_of, plain_photos
from diffstyle.training.personal.choice import keep_best_factor
from diffstyle.training.personal.dataset import Dataset, TrainingImage, read_dataset
from diffstyle.training.personal.engines import TrainedEngines, statistics_of
from diffstyle.training.personal.objective import Denoise
from diffstyle.training.personal.output import TrainedAdapter, peak_memory, write_adapter
from diffstyle.training.personal.previewer import Previewer
from diffstyle.training.personal.recipe import AdapterRecipe
from diffstyle.training.personal.report import Report
from diffstyle.training.personal.run import OnTrainingStep, Samples, leads, train_objective
from diffstyle.training.personal.trainable import open_adapter
from diffstyle.training.personal.tuning import tune_preview

TUNING_STEPS = 100
TUNING_SHARE, REPORT_SHARE = 0.15, 0.1  # of the minutes: for the preview and for the report
LARGEST_TUNING_SIZE = 256  # pixels; also the size of crops where the model names none
SAMPLES, TUNED, IDENTITY = ".jpg", ".preview.safetensors", ".json"  # beside the checkpoint
REPORT_PHOTOS = 2
_PLAIN = ModelOptions()


def train_adapter(
    pictures: str | Path | Sequence[PictureLike],
    *,
    name: str,
    model: str | Path = _PLAIN.model,
    recipe: AdapterRecipe | None = None,
    options: ModelOptions | None = None,
    photos: str | Path | None = None,
    samples: int = REPORT_PHOTOS,
    samples_every: int = 0,
    overwrite: bool = False,
    on_step: OnTrainingStep | None = None,
) -> Report:
    """Train a style adapter called `name` on a folder or a list of 3 to 500 pictures, for `model`.

    The adapter is put into the user's zoo: styles name it `adapter:NAME`, `Stylizer.load(adapter=...)` takes it, and
    its folder holds weights, style, recipe, card and sheet. A training that was stopped or killed resumes when it is
    asked for again with the same pictures and recipe.

    Parameters
    ----------
    options
        How the model is loaded, in place of `model`.
    photos
        A folder of plain photos to train and measure on; those of scikit-image if not given.
    samples
        How many photos the report paints and, for a model with a tiny VAE, which paints quickly, how many others decide
        how much of the training is kept. With 0 there is no report and all is kept.
    samples_every
        After how many steps the report's photos are painted with the adapter as it is, to a file whose path `on_step`
        receives; 0 for never.

    Raises InputError for pictures, names, models and recipes that cannot be used; Cancelled when `on_step` returns
    False.
    """
    recipe = recipe or AdapterRecipe()
    options = options or ModelOptions(model=str(model))
    if options.runtime not in (_PLAIN.runtime, "torch"):
        raise InputError(f"runtime is {options.runtime}, but adapters are trained by torch alone: leave runtime out.")
    folder = check_new(name, overwrite=overwrite)
    dataset = read_dataset(pictures, seed=recipe.seed)
    plain = plain_photos(None if photos is None else Path(photos))
    report_photos, training_photos = plain[:samples], plain[samples:] or plain
    state = adapters_folder() / f".{name}.training.pt"
    job = _Job(name, options, recipe, dataset, training_photos, state)
    job.discard_other_states()
    painted = reports.contents(report_photos) if samples_every else []
    with _one_device_each(options.device):
        trained = job.train(on_step, painted, samples_every, reports.contents(training_photos[:samples]))
    gc.collect()
    if not leads():
        trained.tensors.unlink()
        return trained.report(folder)
    try:
        with replacing(folder) as partial:
            report = write_adapter(partial, folder, trained, report_photos)
    finally:
        trained.tensors.unlink(missing_ok=True)
    for suffix in (state.suffix, SAMPLES, TUNED, IDENTITY):
        state.with_suffix(suffix).unlink(missing_ok=True)
    return report


@dataclass(frozen=True, slots=True)
class _Job:
    """One training: what it is called, what it trains on, and its checkpoint `state`."""

    name: str
    options: ModelOptions
    recipe: AdapterRecipe
    dataset: Dataset
    photos: tuple[Pixels, ...]
    state: Path

    @property
    def identity(self) -> str:
        """A digest of all that decides the training: a checkpoint is resumed only if it is the same."""
        values = (
            asdict(self.recipe),
            asdict(self.options.shareable()),
            self.dataset.digests,
            __version__,
            STATE_FORMAT,
        )
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    def discard_other_states(self) -> None:
        """Remove the checkpoint of a training with the same name and another identity."""
        mark = self.state.with_suffix(IDENTITY)
        if not mark.exists() or mark.read_text("utf-8") != self.identity:
            for path in (self.state, self.state.with_suffix(TUNED)):
                path.unlink(missing_ok=True)
            mark.write_text(self.identity, "utf-8")

    def train(
        self,
        on_step: OnTrainingStep | None,
        samples: Sequence[Picture],
        samples_every: int,
        choice_photos: Sequence[Picture],
    ) -> TrainedAdapter:
        """Tune the preview, train the adapter, and keep the factor of both that is best on `choice_photos`."""
        from accelerate import Accelerator

        stylizer = Stylizer.of(self.options)
        engines = TrainedEngines.of(stylizer, self.recipe.kind)
        engine, encoder = engines.diffusion, engines.diffusion.encoder or stylizer.encoder
        seen = any(adapter.variant == "plus" for adapter, _ in engine.adapters)
        pictures, held = (self._pictures(i, encoder, seen=seen) for i in (self.dataset.train, self.dataset.held))
        previewer = Previewer(engines.preview.network)
        measured = statistics_of(engines.preview, [i.picture for i in self.dataset.train])
        size = self.recipe.size or engine.backbone.architecture.side or LARGEST_TUNING_SIZE
        tuned = self._tuned(previewer, measured, pictures, held, size=min(size, LARGEST_TUNING_SIZE))

        precision = {torch.bfloat16: "bf16", torch.float16: "fp16"}.get(engine.backbone.dtype, "no")
        accelerator = Accelerator(cpu=engine.backbone.device.type == "cpu", mixed_precision=precision)
        trainable = open_adapter(engine, self.recipe, name=self.name)
        objective = Denoise(engine, pictures, size=size, count=self.recipe.batch)

        def style(images: Sequence[TrainingImage], factor: float = 1.0) -> Style:
            """The style with the colours of `images`, and with the preview tuned by `factor`."""
            colours = statistics_of(engines.preview, [i.picture for i in images])[:COLOURS]
            statistics = torch.cat((colours, measured.lerp(tuned, factor)[COLOURS:]))
            source = Style.from_images([i.picture for i in images])
            embeddings = {e.space: e.encode(source).embedding_in(e.space) for e in (encoder, stylizer.encoder)}
            return self._style({engines.preview.space: statistics}, embeddings)

        def shown(images: Sequence[TrainingImage], factor: float) -> Style:
            return self._with_exemplars(style(images, factor), stylizer.encoder, images)

        def paint(photos: Sequence[Picture], factor: float = 1.0) -> list[Picture]:
            learned = shown(self.dataset.train, factor)
            with accelerator.autocast():  # trained parameters are float32
                painted = [stylizer.stylize(p, learned, engine=engines.name).picture for p in photos]
            trainable.ready()
            return painted

        def paint_samples() -> Path:
            return reports.write_samples(self.state.with_suffix(SAMPLES), samples, paint(samples))

        untrained = trainable.values()
        trainer = train_objective(
            objective,
            objective.on(held) if held.pictures else None,
            trainable,
            self.recipe,
            accelerator=accelerator,
            state=self.state,
            seconds_left=60 * self.recipe.minutes * (1 - TUNING_SHARE - REPORT_SHARE),
            samples=Samples(samples_every, paint_samples) if samples else None,
            on_step=on_step,
        )
        factor = 1.0
        if choice_photos and leads() and engine.is_quick:
            artist = pixels_of(self.dataset.images)  # all of them: one or two would decide by chance
            factor = keep_best_factor(
                trainable,
                untrained,
                lambda f: reports.mean_measures(paint(choice_photos, f), choice_photos, artist),
            )
        return TrainedAdapter(
            name=self.name,
            options=self.options,
            recipe=self.recipe,
            dataset=self.dataset,
            engine=engines.name,
            steps=trainer.step,
            seconds=trainer.seconds,
            peak_memory=peak_memory(),
            history=trainer.history,
            factor=factor,
            measured_style=self._with_exemplars(
                style(self.dataset.train, factor), stylizer.encoder, self.dataset.train
            ),
            style=self._with_exemplars(style(self.dataset.images, factor), stylizer.encoder, self.dataset.images),
            tensors=trainable.save(self.state.with_suffix(f".{os.getpid()}.safetensors")),
        )

    def _tuned(
        self, previewer: Previewer, measured: Tensor, pictures: ArtistPictures, held: ArtistPictures, *, size: int
    ) -> Tensor:
        """Tuned statistics of the artist, kept beside the checkpoint, so that a resumed training has the same."""
        from accelerate import PartialState

        path = self.state.with_suffix(TUNED)
        with PartialState().main_process_first():
            if not path.exists():
                tuned = tune_preview(
                    previewer,
                    measured,
                    pictures,
                    held,
                    steps=min(TUNING_STEPS, self.recipe.steps or TUNING_STEPS),
                    seconds=None if self.recipe.steps else 60 * self.recipe.minutes * TUNING_SHARE,
                    size=size,
                    seed=self.recipe.seed,
                )
                write_safetensors(path, {"statistics": tuned})
            return read_safetensors(path)[1]["statistics"].to(measured)

    def _style(self, statistics: Mapping[str, Tensor], embeddings: Mapping[str, Tensor]) -> Style:
        """A style of one reference with these statistics and embeddings by space."""
        content = b"".join(t.numpy().tobytes() for t in statistics.values())
        reference = Reference(
            hashlib.sha256(self.identity.encode() + content).hexdigest(),
            self.name,
            statistics=MappingProxyType(dict(statistics)),
            embeddings=MappingProxyType(dict(embeddings)),
        )
        return Style((reference,), self.name)

    def _with_exemplars(self, style: Style, encoder: StyleEncoder, images: Sequence[TrainingImage]) -> Style:
        """`style` with exemplars of these pictures, for the painter and for plus adapters."""
        pictures = [i.picture for i in images]
        (whole,) = with_exemplars(Style.from_collection(pictures, name=self.name), encoder).references
        return replace(style, references=tuple(replace(r, exemplars=whole.exemplars) for r in style.references))

    def _pictures(self, images: Sequence[TrainingImage], encoder: StyleEncoder, *, seen: bool) -> ArtistPictures:
        """`images` and the photos as `encoder` reads them; with what plus adapters read of them if they are `seen` by
        one.
        """

        def embedded(pictures: Sequence[Picture]) -> Tensor:
            style = encoder.encode(Style.from_images(list(pictures)))
            by_digest = {r.digest: r.embeddings[encoder.space] for r in style.references}
            return torch.stack([by_digest[p.digest()] for p in pictures])

        plain = [Picture.from_array(p) for p in self.photos]
        photos = embedded(plain)
        if not images:
            return ArtistPictures((), (), torch.zeros(0), torch.zeros(0), self.photos, photos)
        pictures = [i.picture for i in images]
        mean = encoder.encode(Style.from_images(pictures)).embedding_in(encoder.space)
        captions = tuple(i.caption for i in images)
        features: FeatureMaps | None = None
        if seen:
            own, theirs = (torch.stack([encoder.features(p) for p in group]) for group in (pictures, plain))
            features = FeatureMaps(own, own.mean(0), theirs, encoder.features(None))
        return ArtistPictures(pixels_of(images), captions, embedded(pictures), mean, self.photos, photos, features)


@contextmanager
def _one_device_each(device: str | None) -> Generator[None, None, None]:
    """Give each of several processes a GPU of its own; afterwards another training may use another precision."""
    from accelerate import PartialState
    from accelerate.state import AcceleratorState

    PartialState(cpu=find_device(device).type == "cpu")
    try:
        yield
    finally:
        cast("Any", AcceleratorState)._reset_state(reset_partial_state=True)
