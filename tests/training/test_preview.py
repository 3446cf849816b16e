"""Training of the preview network, for a few steps on small pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from diffstyle.encoders.squeezenet import SqueezeNet
from diffstyle.engines.adain.network import PreviewNetwork, UpConv
from diffstyle.formats.safetensors import read_safetensors
from diffstyle.training.data import read_shards
from diffstyle.training.loop import Budget, Run, load_checkpoint
from diffstyle.training.preview import sheet
from diffstyle.training.preview.data import PreviewPictures, render_samples
from diffstyle.training.preview.train import PreviewRecipe, PreviewTrainer, Stage, train_preview

RECIPE = replace(PreviewRecipe(), stages=(Stage(0, 32, 48, 2),), warmup_steps=1)


@pytest.fixture(scope="session")
def pictures(shards: Path) -> PreviewPictures:
    photos, art = (read_shards(shards, f"{kind}-clean-*", "train") for kind in ("photo", "art"))
    return PreviewPictures(photos, art, render_samples(photos, 2, seed=0))


def teacher() -> SqueezeNet:
    torch.manual_seed(1)
    return SqueezeNet().requires_grad_(False)


def test_training_lowers_the_loss(pictures: PreviewPictures) -> None:
    trainer = PreviewTrainer(teacher(), RECIPE, Budget(steps=100), Run())
    batch = pictures.batch(0, size=32, style_size=48, styles=2, seed=0)
    totals: list[float] = []
    for _ in range(9):
        terms = trainer.advance([batch])
        share = RECIPE.style_share((trainer.step - 1) / 100)
        totals.append(sum(v / (share if k in ("style", "moment") else 1) for k, v in terms.items() if k != "norm"))
    assert totals[8] < 0.9 * totals[0]  # steps 0 and 8 both have the identity term


def test_batches_are_a_function_of_the_step(pictures: PreviewPictures) -> None:
    one, same, other = (pictures.batch(n, size=32, style_size=48, styles=2, seed=0) for n in (3, 3, 4))
    assert torch.equal(one[0], same[0])
    assert torch.equal(one[1], same[1])
    assert not torch.equal(one[0], other[0])
    assert one[0].shape == (4, 3, 32, 32)
    assert one[1].shape == (2, 3, 48, 48)


def test_a_run_goes_on_and_paints_its_sheet(
    pictures: PreviewPictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("SIDE", 64), ("ROWS", 1), ("COLUMNS", 2)):
        monkeypatch.setattr(sheet, name, value)
    train_preview(pictures, teacher(), RECIPE, Run(tmp_path), minutes=0.001)
    before = load_checkpoint(tmp_path / "preview.pt")
    assert before is not None
    minutes = before["seconds"] / 60 + 0.001
    net = train_preview(pictures, teacher(), RECIPE, Run(tmp_path), minutes=minutes)
    state = load_checkpoint(tmp_path / "preview.pt")
    assert state is not None
    assert state["step"] > before["step"] > 0
    assert all(torch.equal(v, state["average"][k]) for k, v in net.state_dict().items())
    with Image.open(tmp_path / "sheet.jpg") as painted:
        assert painted.size == (3 * 64, 2 * 64)


@pytest.mark.long
def test_the_command_writes_the_network(shards: Path, tmp_path: Path) -> None:
    from diffstyle.training.__main__ import preview

    preview(shards, out=tmp_path, minutes=0.01, renderings=2)
    PreviewNetwork().load_state_dict(read_safetensors(tmp_path / "preview.safetensors")[1])


def test_the_folded_enlargement_is_the_plain_one() -> None:
    layer = UpConv(5, 4)
    torch.nn.init.normal_(layer.bias)
    x = torch.randn(2, 5, 6, 9, generator=torch.Generator().manual_seed(0))
    large = torch.nn.functional.interpolate(x, scale_factor=2)
    plain = torch.nn.functional.pad(large, (1, 1, 1, 1), mode="replicate")
    plain = torch.nn.functional.conv2d(plain, layer.weight, layer.bias)
    assert torch.allclose(layer(x), plain, atol=1e-5)


def test_the_network_fits_its_budget() -> None:
    assert sum(p.numel() for p in PreviewNetwork().parameters()) * 2 < 5.6e6
