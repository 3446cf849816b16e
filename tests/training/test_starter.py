"""Training of the starter's diffusion model, for a step or two of each stage on small pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from diffstyle import Diffusion, InputError, Picture, Style, StyleEncoder, Stylizer
from diffstyle.adapters.attach import attached
from diffstyle.adapters.tokens import TokensAdapter
from diffstyle.backbones.load import load_backbone
from diffstyle.encoders.squeezenet import SqueezeNet
from diffstyle.training.__main__ import pairs as make
from diffstyle.training.__main__ import starter
from diffstyle.training.loop import Budget, Run, load_checkpoint
from diffstyle.training.pairs import make as pairs_make
from diffstyle.training.pairs.dataset import Pair, PairBatch, draw, read_pairs
from diffstyle.training.pairs.requests import EACH, Material, requests
from diffstyle.training.starter.conditioned_unet import ConditionedUNet
from diffstyle.training.starter.networks import new_vae
from diffstyle.training.starter.repaint import RepaintRecipe, RepaintTrainer, Stage
from diffstyle.training.starter.stages import pack
from diffstyle.training.starter.vae import POLISH, VaeTrainer

WIDTH = 152  # of the features of the starter's encoder
RECIPE = replace(RepaintRecipe(), stages=(Stage(0, 16, 2),), warmup_steps=1)


@pytest.fixture(scope="session")
def painted(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small shard of pairs."""
    out = tmp_path_factory.mktemp("pairs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs_make, "SHARD", 2)
        make(shards, out=out, count=2)
    return out


@pytest.fixture(scope="session")
def pairs(painted: Path) -> list[Pair]:
    return read_pairs(painted, new_vae(0), StyleEncoder.load())


@pytest.fixture(scope="session")
def run(shards: Path, painted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every stage was trained for a step or two."""
    out = tmp_path_factory.mktemp("run")
    for stage in ("vae", "polish", "repaint"):
        starter(shards, stage=stage, out=out, pairs=painted, minutes=0.001)
    return out


@pytest.mark.long
def test_what_the_stages_write_paints(run: Path, photo: Picture) -> None:
    adapters = [run / name / "adapter.safetensors" for name in ("adapter", "adapter-marks")]
    stylizer = Stylizer.load(run / "diffusion", adapter=adapters, device="cpu")
    result = stylizer.stylize(photo, Style.from_text("mosaic"), engine=Diffusion(steps=2))
    settings = result.task.engine
    assert isinstance(settings, Diffusion)
    assert result.picture.size == photo.size
    assert (settings.start, settings.guidance) == ("painter", 1.0)  # from the folder's sampling.json


@pytest.mark.long
def test_a_stage_goes_on_where_it_stopped(shards: Path, run: Path) -> None:
    before = load_checkpoint(run / "vae.pt")
    assert before is not None
    starter(shards, stage="vae", out=run, minutes=before["seconds"] / 60 + 0.001)
    after = load_checkpoint(run / "vae.pt")
    assert after is not None
    assert after["step"] > before["step"] > 0


@pytest.mark.long
def test_the_packed_model_predicts_what_the_trained_one_does(run: Path) -> None:
    state = load_checkpoint(run / "repaint.pt")
    assert state is not None
    net = ConditionedUNet(0, 256, WIDTH)
    net.load_state_dict(state["average"])
    backbone = load_backbone(pack(run), device=torch.device("cpu"), dtype=torch.float32)
    assert [c.conditioning for c in backbone.controls] == ["edges-and-tones"]
    names = ("adapter", "adapter-marks")
    adapters = [TokensAdapter.load(run / name / "adapter.safetensors") for name in names]
    assert [a.space for a in adapters] == [StyleEncoder.load().space] * 2
    assert [a.tokens for a in adapters] == [4, 16]
    generator = torch.Generator().manual_seed(0)
    noisy, hints = torch.randn(1, 8, 16, 16, generator=generator), torch.rand(1, 3, 64, 64, generator=generator)
    embeddings, features = torch.randn(1, 256, generator=generator), torch.randn(1, 400, WIDTH, generator=generator)
    t, prompt = torch.tensor([300]), torch.zeros(1, 1, 256)
    with torch.no_grad(), attached(adapters, backbone):
        expected = net.velocity(noisy, t, embeddings, features, hints, torch.ones(1))
        down, middle = backbone.pipeline.controlnet(noisy, t, prompt, hints, return_dict=False)
        found = backbone.unet(
            noisy,
            t,
            prompt,
            added_cond_kwargs={"image_embeds": [embeddings[:, None], features[:, None]]},
            down_block_additional_residuals=down,
            mid_block_additional_residual=middle,
        ).sample
    assert torch.allclose(found, expected, atol=0.01)  # written in fp16


@pytest.mark.long
def test_the_polished_vae_is_packed(run: Path) -> None:
    average, before = (load_checkpoint(run / f"{name}.pt") for name in ("polish", "vae"))
    assert average is not None
    assert before is not None
    backbone = load_backbone(pack(run), device=torch.device("cpu"), dtype=torch.float32)
    for name, value in backbone.pipeline.vae.state_dict().items():
        assert torch.allclose(value, average["average"][name], atol=1e-3), name  # written in fp16
    name = "encoder.layers.0.weight"
    assert not torch.equal(average["average"][name], before["average"][name])


def test_packing_needs_a_trained_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no repaint\.pt: train --stage repaint first"):
        pack(tmp_path)


def test_training_needs_pairs(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no pairs-\*\.tar"):
        read_pairs(tmp_path, new_vae(0), StyleEncoder.load())


def test_pairs_go_on_with_the_first_shard_that_is_missing(shards: Path, painted: Path) -> None:
    path = next(painted.glob("*.tar"))
    before = path.stat().st_mtime_ns
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs_make, "SHARD", 2)
        make(shards, out=painted, count=2)
    assert path.stat().st_mtime_ns == before


def test_requests_depend_on_seed_and_number_alone() -> None:
    rng = np.random.default_rng(0)
    photos = [rng.integers(0, 256, (300, 420, 3), dtype=np.uint8) for _ in range(3)]
    material = Material(photos, photos, ("Claude Monet",))
    for number in range(8):
        one, again = (requests(material, number, seed=3) for _ in range(2))
        assert len(one) == EACH
        for a, b in zip(one, again, strict=True):
            assert np.array_equal(a.photo, b.photo)
            assert (a.caption, a.seed, a.strength) == (b.caption, b.seed, b.strength)
            assert a.style.references[0].digest == b.style.references[0].digest


def test_a_batch_holds_the_same_crops_of_photo_and_painting(pairs: list[Pair]) -> None:
    side = int(pairs[0].painting.shape[1])
    marked = [replace(p, photo=p.painting, hints=_counted(p)) for p in pairs]
    batch = draw(marked, side=16, count=4, rng=np.random.default_rng(0))
    assert torch.equal(batch.photos, batch.paintings)
    assert batch.hints.shape == (4, 3, 64, 64)
    assert batch.features.shape == (4, 400, WIDTH)
    assert side >= 64
    corners = (batch.hints[:, :, 0, 0] * 255).round()
    assert bool((corners % 4 == 0).all())  # hints are cut where latents are


def _counted(pair: Pair) -> torch.Tensor:
    """Hints that say at which pixel they are, up to 252."""
    h, w = pair.hints.shape[1:]
    rows, columns = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    return torch.stack([rows, columns, rows]).clamp_max(252).to(torch.uint8)


def test_polishing_holds_latents_where_they_were() -> None:
    trainer = VaeTrainer(new_vae(0), SqueezeNet(), POLISH, Budget(steps=1), Run())
    pictures = torch.randint(256, (2, 3, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    with torch.no_grad():
        assert float(trainer.losses(pictures)["anchor"]) == 0
        trainer.vae.encoder.layers[-1].bias += 0.5
        assert float(trainer.losses(pictures)["anchor"]) == pytest.approx(0.25 * POLISH.anchor_weight, rel=1e-3)


def test_repainting_resumes_as_if_never_stopped(pairs: list[Pair]) -> None:
    def trainer() -> RepaintTrainer:
        torch.manual_seed(0)
        net = ConditionedUNet(0, 256, WIDTH)
        return RepaintTrainer(net, torch.zeros(400, WIDTH), RECIPE, Budget(steps=8), Run())

    def batch(step: int) -> PairBatch:
        return draw(pairs, side=16, count=2, rng=np.random.default_rng((0, step)))

    def totals(of: RepaintTrainer, count: int) -> list[float]:
        return [of.advance([batch(of.step)])["velocity"] for _ in range(count)]

    straight, first, second = trainer(), trainer(), trainer()
    expected = totals(straight, 4)
    totals(first, 2)
    second.restore(first.state())
    assert totals(second, 2) == pytest.approx(expected[2:], rel=1e-3)
