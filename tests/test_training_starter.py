"""The recipe of the starter's diffusion model, run for a few steps on pictures made here."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from diffstyle import InputError, Picture, Style, StyleEncoder, Stylizer
from diffstyle.adapters.attach import attached
from diffstyle.adapters.tokens import TokensAdapter
from diffstyle.backbones.load import load_backbone
from diffstyle.encoders.squeezenet import SqueezeNet
from diffstyle.ops import losses
from diffstyle.training import checkpoint
from diffstyle.training.__main__ import starter
from diffstyle.training.data import Window, prefetch
from diffstyle.training.sitting import Run, Sitting, sit
from diffstyle.training.starter.distil import DistilRecipe, DistilTrainer, Stage
from diffstyle.training.starter.looks import Looks, make_looks
from diffstyle.training.starter.material import pictures, repaints
from diffstyle.training.starter.networks import new_vae
from diffstyle.training.starter.painter import Painter
from diffstyle.training.starter.recipe import pack
from diffstyle.training.starter.vae import POLISH, VaeTrainer
from tests.conftest import waves
from tests.test_training import make_shards

RECIPE = replace(DistilRecipe(), stages=(Stage(0, 64, 1),), warmup_steps=1)


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shards(tmp_path_factory.mktemp("shards"))


@pytest.fixture(scope="module")
def run(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every stage was trained for a step or two."""
    out = tmp_path_factory.mktemp("run")
    with pytest.raises(InputError, match=r"holds no vae\.pt: train --stage vae first"):
        starter(shards, stage="unet", out=out, minutes=0.001, groups=1)
    for stage in ("vae", "unet", "distil", "polish"):
        starter(shards, stage=stage, out=out, minutes=0.001, groups=1)
    return out


@pytest.fixture(scope="module")
def looks(shards: Path, run: Path) -> Looks:
    return make_looks(shards, run, groups=1, seed=0)


def test_what_the_stages_write_paints(run: Path, photo: Picture) -> None:
    stylizer = Stylizer.load(run / "diffusion", adapter=[run / "adapter" / "adapter.safetensors"], device="cpu")
    result = stylizer.stylize(photo, Style.from_text("mosaic"), steps=2)
    assert result.picture.size == photo.size
    assert (result.task.start, result.task.guidance) == ("preview", 1.0)  # from the folder's sampling.json


def test_a_stage_goes_on_where_it_stopped(shards: Path, run: Path) -> None:
    before = checkpoint.load(run / "vae.pt")
    assert before is not None
    starter(shards, stage="vae", out=run, minutes=before["seconds"] / 60 + 0.001, groups=1)
    after = checkpoint.load(run / "vae.pt")
    assert after is not None
    assert after["step"] > before["step"] > 0


def test_the_packed_model_predicts_what_the_trained_one_does(run: Path) -> None:
    state = checkpoint.load(run / "distil.pt")
    assert state is not None
    painter = Painter(0, 256)
    painter.load_state_dict(
        {k.removeprefix("painter."): v for k, v in state["average"].items() if k.startswith("painter.")}
    )
    backbone = load_backbone(pack(run), device=torch.device("cpu"), dtype=torch.float32)
    adapter = TokensAdapter.load(run / "adapter" / "adapter.safetensors")
    assert adapter.space == StyleEncoder.load().space
    generator = torch.Generator().manual_seed(0)
    noisy, edges = torch.randn(1, 8, 16, 16, generator=generator), torch.rand(1, 1, 64, 64, generator=generator)
    told, t, prompt = torch.randn(1, 256, generator=generator), torch.tensor([300]), torch.zeros(1, 1, 256)
    with torch.no_grad(), attached([adapter], backbone):
        expected = painter.velocity(noisy, t, told, edges, torch.ones(1))
        down, middle = backbone.pipeline.controlnet(noisy, t, prompt, edges.expand(-1, 3, -1, -1), return_dict=False)
        found = backbone.unet(
            noisy,
            t,
            prompt,
            added_cond_kwargs={"image_embeds": [told[:, None]]},
            down_block_additional_residuals=down,
            mid_block_additional_residual=middle,
        ).sample
    assert torch.allclose(found, expected, atol=0.01)  # written in fp16


def test_the_polished_vae_is_packed(run: Path) -> None:
    average, before = (checkpoint.load(run / f"{name}.pt") for name in ("polish", "vae"))
    assert average is not None
    assert before is not None
    backbone = load_backbone(pack(run), device=torch.device("cpu"), dtype=torch.float32)
    for name, value in backbone.pipeline.vae.state_dict().items():
        assert torch.allclose(value, average["average"][name], atol=1e-3), name  # written in fp16
    name = "encoder.layers.0.weight"
    assert not torch.equal(average["average"][name], before["average"][name])


def test_polishing_holds_latents_where_they_were() -> None:
    trainer = VaeTrainer(new_vae(0), SqueezeNet(), POLISH, torch.device("cpu"))
    pictures = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert float(trainer.losses(pictures)["anchor"]) == 0
        trainer.vae.encoder.layers[-1].bias += 0.5
        assert float(trainer.losses(pictures)["anchor"]) == pytest.approx(0.25 * POLISH.anchor_weight, rel=1e-3)


def test_a_resumed_run_goes_on_as_if_never_stopped(looks: Looks, tmp_path: Path) -> None:
    def trainer() -> DistilTrainer:
        torch.manual_seed(0)
        return DistilTrainer(
            Painter(0, 256), new_vae(0), SqueezeNet().requires_grad_(False), RECIPE, torch.device("cpu")
        )

    def steps(run: DistilTrainer, count: int) -> list[float]:
        totals: list[float] = []
        for _ in range(count):
            rng = np.random.default_rng((0, run.step))
            batch = repaints(looks, size=64, styles=1, each=2, told_share=0.3, rng=rng)
            totals.append(sum(v for k, v in run.advance(batch, 0.5).items() if k != "norm"))
        return totals

    straight = trainer()
    expected = steps(straight, 4)
    first = trainer()
    steps(first, 2)
    checkpoint.save(tmp_path / "distil.pt", first.state())
    second = trainer()
    state = checkpoint.load(tmp_path / "distil.pt")
    assert state is not None
    second.restore(state)
    assert steps(second, 2) == pytest.approx(expected[2:], rel=1e-3)


def test_batches_depend_on_the_generator_alone(looks: Looks) -> None:
    def draw(seed: int) -> torch.Tensor:
        return repaints(looks, size=48, styles=2, each=2, told_share=0.5, rng=np.random.default_rng(seed)).photos

    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))
    drawn = pictures(looks, size=48, count=6, rng=np.random.default_rng(0))
    assert (drawn.pictures.shape, drawn.edges.shape) == ((6, 3, 48, 48), (6, 1, 48, 48))
    assert drawn.embeddings.shape == (6, 256)


def test_batches_of_processes_are_those_of_a_thread(looks: Looks) -> None:
    def make(step: int) -> torch.Tensor:
        return repaints(looks, size=48, styles=1, each=2, told_share=0.5, rng=np.random.default_rng(step)).goals

    threaded, forked = (list(islice(prefetch(make, 5, workers=w), 4)) for w in (0, 2))
    assert [n for n, _ in threaded] == [n for n, _ in forked] == [5, 6, 7, 8]
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(threaded, forked, strict=True))


def test_batches_of_processes_are_told_how_far_the_schedule_is(tmp_path: Path) -> None:
    class Counts(Run):
        seen: list[float]

        def advance(self, batch: float, progress: float) -> dict[str, float]:
            assert batch <= progress  # it was made before
            time.sleep(0.02)
            self.seen.append(batch)
            self.step += 1
            return {}

    net = torch.nn.Linear(1, 1)
    trainer = Counts(net, torch.optim.AdamW(net.parameters()), torch.device("cpu"))
    trainer.seen = []
    sit(trainer, lambda _, progress: progress, Sitting(tmp_path, 0.03, "cpu", workers=1), name="counts")
    assert trainer.seen[0] == 0
    assert trainer.seen[-1] > 0.5
    assert trainer.seen == sorted(trainer.seen)
    assert (tmp_path / "counts.pt").exists()


def test_a_known_goal_shows_the_photo_in_place(looks: Looks) -> None:
    """A window cuts the same part of a rendering and of its photo."""
    n = int(looks.rendered[0])
    window = Window.random(looks.pool.pixels[n], 64, zoom=(1, 1), rng=np.random.default_rng(3))
    assert window.cut(looks.photo_of(n), 64).shape == window.cut(looks.pool.pixels[n], 64).shape == (64, 64, 3)
    whole = waves(96, 96)
    assert np.array_equal(Window(10, 20, 32, False).cut(whole, 32), whole[20:52, 10:42])
    assert np.array_equal(Window(10, 20, 32, True).cut(whole, 32), whole[20:52, 10:42][:, ::-1])


def test_sliced_wasserstein_knows_a_texture_from_another() -> None:
    generator = torch.Generator().manual_seed(0)
    a = torch.rand(2, 6, 16, 16, generator=generator)
    directions = torch.randn(6, 8, generator=generator)
    places = torch.arange(256)
    shuffled = a.flatten(2)[:, :, torch.randperm(256, generator=generator)].reshape(a.shape)
    assert float(losses.sliced_wasserstein(shuffled, a, directions, places).max()) < 1e-6
    near, far = (losses.sliced_wasserstein(a + d * a.square(), a, directions, places) for d in (0.1, 1.0))
    assert (near > 0).all()
    assert (far > near).all()
