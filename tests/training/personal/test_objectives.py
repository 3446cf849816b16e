"""The objectives of a personal adapter on real models, and the preview that is tuned with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from diffstyle import AdapterRecipe, Picture, Stylizer
from diffstyle.ops.patches import relative_texture_distance
from diffstyle.training.loop import Budget, Run, fit
from diffstyle.training.personal.batches import ArtistPictures
from diffstyle.training.personal.engines import TrainedEngines, statistics_of
from diffstyle.training.personal.objective import Denoise
from diffstyle.training.personal.previewer import Previewer
from diffstyle.training.personal.recipe import AdapterKind
from diffstyle.training.personal.run import AdapterTrainer
from diffstyle.training.personal.trainable import open_adapter
from diffstyle.training.personal.tuning import tune_preview
from tests.helpers.personal import every_kind, options


@every_kind
def test_only_the_adapter_moves(kind: AdapterKind, tiny_models: Path, pictures: ArtistPictures) -> None:
    from accelerate import Accelerator

    recipe = AdapterRecipe(kind=kind, steps=2, size=64, learning_rate=0.05)
    engine = TrainedEngines.of(Stylizer.of(options(tiny_models, "worded")), kind).diffusion
    trainable = open_adapter(engine, recipe, name="mine")
    networks = [m for m in engine.backbone.pipeline.components.values() if isinstance(m, nn.Module)]
    own = {id(p) for p in trainable.parameters.values()}
    before = [(p, p.detach().clone()) for net in networks for p in net.parameters() if id(p) not in own]
    start = trainable.values()
    trainer = AdapterTrainer(
        Denoise(engine, pictures, size=64, count=2),
        None,
        trainable,
        recipe,
        accelerator=Accelerator(cpu=True),
        seconds_left=60,
        samples=None,
    )
    assert trainer.budget == Budget(steps=2)
    fit(trainer, trainer.batch, Run(workers=None, log_every=0), name="mine")
    assert len(before) > 50
    assert all(torch.equal(p, old) for p, old in before)
    assert any(not torch.equal(v, start[k]) for k, v in trainable.values().items())


@pytest.fixture(scope="session")
def measured(engines: TrainedEngines, pictures: ArtistPictures) -> Tensor:
    return statistics_of(engines.preview, [Picture.from_array(p) for p in pictures.pictures])


def test_a_tuned_preview_comes_nearer(engines: TrainedEngines, pictures: ArtistPictures, measured: Tensor) -> None:
    """In texture, with the colours as measured."""
    previewer = Previewer(engines.preview.network)
    tuned = tune_preview(previewer, measured, pictures, pictures, steps=20, size=96, seed=0)
    assert torch.equal(tuned[:9], measured[:9])
    batch = pictures.painting(size=96, count=4, rng=np.random.default_rng(99))

    def distance(statistics: Tensor) -> float:
        generator = torch.Generator().manual_seed(9)
        crops = batch.crops.repeat_interleave(2, 0)
        with torch.no_grad():
            painted = previewer(batch.photos, statistics)
            return float(relative_texture_distance(painted, batch.photos, crops, generator, scales=3).mean())

    assert distance(tuned) < 0.97 * distance(measured)


def test_tuning_that_helps_no_held_out_picture_is_not_kept(engines: TrainedEngines, pictures: ArtistPictures) -> None:
    """The held-out pictures are in another style: the measured statistics stay."""
    flat = replace(pictures, pictures=tuple(np.full((160, 160, 3), 30 * n, np.uint8) for n in range(4)))
    measured = statistics_of(engines.preview, [Picture.from_array(p) for p in flat.pictures])
    previewer = Previewer(engines.preview.network)
    assert torch.equal(tune_preview(previewer, measured, pictures, flat, steps=5, size=64, seed=0), measured)


def test_tuning_ends_with_its_time(engines: TrainedEngines, pictures: ArtistPictures, measured: Tensor) -> None:
    previewer = Previewer(engines.preview.network)
    short = tune_preview(previewer, measured, pictures, pictures, steps=10**6, seconds=1e-3, size=64, seed=0)
    one = tune_preview(previewer, measured, pictures, pictures, steps=1, size=64, seed=0)
    assert torch.equal(short, one)
