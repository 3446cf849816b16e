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
from diffstyle.training.__main__ import starter
from diffstyle.training.data import CropBox
from diffstyle.training.loop import Budget, Run, load_checkpoint
from diffstyle.training.starter.batches import denoising_batch, repainting_batch
from diffstyle.training.starter.conditioned_unet import ConditionedUNet
from diffstyle.training.starter.distil import DistilRecipe, DistilTrainer, Stage
from diffstyle.training.starter.networks import new_vae
from diffstyle.training.starter.stages import pack
from diffstyle.training.starter.style_set import StyleSet, make_style_set
from diffstyle.training.starter.vae import POLISH, VaeTrainer

RECIPE = replace(DistilRecipe(), stages=(Stage(0, 64, 1),), warmup_steps=1)


@pytest.fixture(scope="session")
def run(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every stage was trained for a step or two."""
    out = tmp_path_factory.mktemp("run")
    for stage in ("vae", "unet", "distil", "polish"):
        starter(shards, stage=stage, out=out, minutes=0.001, groups=1)
    return out


@pytest.fixture(scope="session")
def styles(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> StyleSet:
    return make_style_set(shards, tmp_path_factory.mktemp("styles"), groups=1, seed=0)


@pytest.mark.long
def test_what_the_stages_write_paints(run: Path, photo: Picture) -> None:
    stylizer = Stylizer.load(run / "diffusion", adapter=[run / "adapter" / "adapter.safetensors"], device="cpu")
    result = stylizer.stylize(photo, Style.from_text("mosaic"), engine=Diffusion(steps=2))
    settings = result.task.engine
    assert isinstance(settings, Diffusion)
    assert result.picture.size == photo.size
    assert (settings.start, settings.guidance) == ("preview", 1.0)  # from the folder's sampling.json


@pytest.mark.long
def test_a_stage_goes_on_where_it_stopped(shards: Path, run: Path) -> None:
    before = load_checkpoint(run / "vae.pt")
    assert before is not None
    starter(shards, stage="vae", out=run, minutes=before["seconds"] / 60 + 0.001, groups=1)
    after = load_checkpoint(run / "vae.pt")
    assert after is not None
    assert after["step"] > before["step"] > 0


@pytest.mark.long
def test_the_packed_model_predicts_what_the_trained_one_does(run: Path) -> None:
    state = load_checkpoint(run / "distil.pt")
    assert state is not None
    net = ConditionedUNet(0, 256)
    net.load_state_dict({k.removeprefix("net."): v for k, v in state["average"].items() if k.startswith("net.")})
    backbone = load_backbone(pack(run), device=torch.device("cpu"), dtype=torch.float32)
    adapter = TokensAdapter.load(run / "adapter" / "adapter.safetensors")
    assert adapter.space == StyleEncoder.load().space
    generator = torch.Generator().manual_seed(0)
    noisy, edges = torch.randn(1, 8, 16, 16, generator=generator), torch.rand(1, 1, 64, 64, generator=generator)
    embeddings, t, prompt = torch.randn(1, 256, generator=generator), torch.tensor([300]), torch.zeros(1, 1, 256)
    with torch.no_grad(), attached([adapter], backbone):
        expected = net.velocity(noisy, t, embeddings, edges, torch.ones(1))
        down, middle = backbone.pipeline.controlnet(noisy, t, prompt, edges.expand(-1, 3, -1, -1), return_dict=False)
        found = backbone.unet(
            noisy,
            t,
            prompt,
            added_cond_kwargs={"image_embeds": [embeddings[:, None]]},
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


def test_a_stage_needs_the_one_before_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no distil\.pt: train --stage distil first"):
        pack(tmp_path)


def test_polishing_holds_latents_where_they_were() -> None:
    trainer = VaeTrainer(new_vae(0), SqueezeNet(), POLISH, Budget(steps=1), Run())
    pictures = torch.randint(256, (2, 3, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    with torch.no_grad():
        assert float(trainer.losses(pictures)["anchor"]) == 0
        trainer.vae.encoder.layers[-1].bias += 0.5
        assert float(trainer.losses(pictures)["anchor"]) == pytest.approx(0.25 * POLISH.anchor_weight, rel=1e-3)


def test_distillation_resumes_as_if_never_stopped(styles: StyleSet) -> None:
    def trainer() -> DistilTrainer:
        torch.manual_seed(0)
        teacher = SqueezeNet().requires_grad_(False)
        return DistilTrainer(ConditionedUNet(0, 256), new_vae(0), teacher, RECIPE, Budget(steps=8), Run())

    def totals(of: DistilTrainer, count: int) -> list[float]:
        found: list[float] = []
        for _ in range(count):
            rng = np.random.default_rng((0, of.step))
            batch = repainting_batch(styles, size=64, count=1, each=2, caption_share=0.3, rng=rng)
            found.append(sum(v for k, v in of.advance([batch]).items() if k != "norm"))
        return found

    straight, first, second = trainer(), trainer(), trainer()
    expected = totals(straight, 4)  # from the third on the decoder moves too
    totals(first, 2)
    second.restore(first.state())
    assert totals(second, 2) == pytest.approx(expected[2:], rel=1e-3)


def test_batches_depend_on_the_generator_alone(styles: StyleSet) -> None:
    def draw(seed: int) -> torch.Tensor:
        rng = np.random.default_rng(seed)
        return repainting_batch(styles, size=48, count=2, each=2, caption_share=0.5, rng=rng).photos

    assert torch.equal(draw(1), draw(1))
    assert not torch.equal(draw(1), draw(2))
    drawn = denoising_batch(styles, size=48, count=6, rng=np.random.default_rng(0))
    assert (drawn.pictures.shape, drawn.edges.shape) == ((6, 3, 48, 48), (6, 1, 48, 48))
    assert drawn.embeddings.shape == (6, 256)


def test_a_photo_is_shown_at_the_size_of_its_rendering(styles: StyleSet) -> None:
    n = int(styles.rendered[0])
    box = CropBox.random(styles.pool.pixels[n], 64, zoom=(1, 1), rng=np.random.default_rng(3))
    assert box.cut(styles.photo_of(n), 64).shape == box.cut(styles.pool.pixels[n], 64).shape == (64, 64, 3)
