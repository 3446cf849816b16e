"""Tiles: where they lie, that no seam is seen, and that a pipeline is afterwards what it was."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from diffstyle import Cancelled, Diffusion, InputError, Picture, Style, Stylizer, Task
from diffstyle.backbones.recognise import Architecture
from diffstyle.engines.base import Step
from diffstyle.engines.diffusion import tiled as tiled_module
from diffstyle.engines.diffusion.tiled import tiled
from diffstyle.engines.diffusion.tiles import Tiles, seam_score
from tests.helpers.models import diffusion_engine
from tests.helpers.pictures import grainy, mean_difference


@given(st.integers(1, 200), st.integers(1, 200), st.integers(4, 64), st.data())
@settings(max_examples=60, deadline=None)
def test_tiles_cover_a_picture_and_overlap(height: int, width: int, side: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(1, side // 2))
    tiles = Tiles(height, width, side, overlap)
    weights = torch.zeros(height, width)
    for window in tiles:
        weight = tiles.weight(window)
        assert max(weight.shape) <= side
        window.of(weights).add_(weight)
    assert len(list(tiles)) == tiles.count
    assert float(weights.min()) > 0.5 / overlap**2
    for starts in (tiles.rows, tiles.columns):
        assert all(b - a <= side - overlap for a, b in pairwise(starts))


def test_the_seam_score_finds_seams() -> None:
    generator = torch.Generator().manual_seed(0)
    smooth = torch.rand((3, 12, 12), generator=generator)
    plain = torch.nn.functional.interpolate(smooth[None], size=(256, 256), mode="bilinear")[0]
    rows, columns = [128], [96, 160]
    assert seam_score(plain, rows, columns, scale=8) < 1.3
    patched = plain.clone()
    patched[:, :, 96:160] += 0.05
    patched[:, 128:] += 0.05
    assert seam_score(patched, rows, columns, scale=8) > 3
    assert seam_score(plain, [], [], scale=8) == 1


def gradient(width: int, height: int) -> Picture:
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    return Picture.from_array((np.stack([0.3 + 0.4 * x, 0.5 + 0.3 * y, 0.9 - 0.4 * x], -1) * 255).astype(np.uint8))


@pytest.mark.parametrize("content", [grainy(256, 160), gradient(256, 160)], ids=["photo", "gradient"])
def test_tiles_leave_no_seam(content: Picture, stylizer: Stylizer, painting: Style) -> None:
    tiles, whole = (
        stylizer.stylize(content, painting, engine=Diffusion(tile=tile, overlap=64, steps=2)) for tile in (128, 1024)
    )
    assert tiles.measures["seam_score"] <= 1.1  # strokes differ from place to place by themselves
    assert "seam_score" not in whole.measures
    assert 0 < mean_difference(tiles.picture, whole.picture) < 0.05


def test_tiles_promise_what_the_engine_promises(stylizer: Stylizer, cut_out: Picture, painting: Style) -> None:
    """On the one control that only this engine has: strength 0, equal seeds, size and alpha."""
    content = cut_out.resized((149, 105))

    def paint(strength: float, seed: int = 3) -> Picture:
        engine = Diffusion(tile=128, overlap=32, steps=2)
        return stylizer.stylize(content, painting, engine=engine, strength=strength, seed=seed).picture

    assert paint(0) == content
    out = paint(1)
    assert out == paint(1) != paint(1, seed=4)
    assert out.size == content.size
    assert out.alpha is not None
    assert content.alpha is not None
    assert torch.equal(out.alpha, content.alpha)


def test_soft_masks_and_regions_hold_in_tiles(diffuser: Stylizer, painting: Style, other_painting: Style) -> None:
    """On the starter-like random model, which paints boldly: outside the mask is the photo, bit for bit."""
    content = grainy(200, 136)
    ramp = (torch.arange(200) / 120).clamp(0, 1).flip(0)  # 0 in the last columns
    mask = ramp.expand(136, 200).contiguous().numpy()
    left = np.zeros((136, 200), np.float32)
    left[:, :60] = 1

    def paint(tile: int) -> Picture:
        engine = Diffusion(tile=tile, overlap=32, steps=2)
        return diffuser.stylize(content, painting, mask=mask, regions=[(left, other_painting)], engine=engine).picture

    tiles = paint(128)
    clear = int((ramp == 0).nonzero()[0])
    assert torch.equal(tiles.pixels[..., clear:], content.pixels[..., clear:])
    assert mean_difference(tiles, content) > 0.01
    assert mean_difference(tiles, paint(1024)) < 0.05


def test_progress_is_reported_and_cancelled_by_tile(stylizer: Stylizer, painting: Style) -> None:
    task, seen = Task(grainy(200, 136), painting, engine=Diffusion(tile=128, steps=2)), list[tuple[int, int]]()
    before = stylizer.render(task)

    def watch(step: Step) -> bool:
        seen.append((step.done, step.total))
        return step.done < 3

    with pytest.raises(Cancelled):
        stylizer.render(task, watch)
    assert [done for done, _ in seen] == [0, 1, 2, 3]
    total = seen[0][1]
    seen.clear()
    again = stylizer.render(task, lambda s: seen.append((s.done, s.total)))
    assert again.picture == before.picture
    assert sorted(set(seen)) == [(n, total) for n in range(total + 1)]
    assert seen == sorted(seen)


def test_beyond_twice_its_own_side_a_public_model_paints_in_tiles(
    diffuser: Stylizer, painting: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    large, small = grainy(200, 136), grainy(120, 100)

    def paint(content: Picture, tile: int | None = None, overlap: int = 64) -> Picture:
        engine = Diffusion(steps=2, tile=tile, overlap=overlap)
        return diffuser.stylize(content, painting, engine=engine).picture

    whole, alone = paint(large), paint(small)
    monkeypatch.setattr(Architecture, "side", 64)
    tiles = paint(large)
    assert tiles != whole
    assert tiles == paint(large, tile=128)
    assert "seam_score" in tiles.measures
    assert paint(large, tile=1024) == whole
    assert "seam_score" in paint(large, overlap=1000).measures
    assert paint(small) == alone


def test_a_pipeline_is_afterwards_what_it_was(diffuser: Stylizer, painting: Style) -> None:
    content = grainy(200, 136)
    plain = Task(content, painting, engine=Diffusion(steps=2))
    before = diffuser.render(plain).picture
    with pytest.raises(Cancelled):
        diffuser.render(Task(content, painting, engine=Diffusion(steps=2, tile=128)), lambda s: s.done < 2)
    pipeline = diffusion_engine(diffuser).backbone.pipeline
    assert "forward" not in vars(pipeline.unet)
    assert "forward" not in vars(pipeline.controlnet)
    assert diffuser.render(plain).picture == before


class Pointwise(torch.nn.Module):
    """Stands for a UNet that looks at each latent alone, and for its ControlNet."""

    def forward(self, sample: Tensor, _: int, **given: Any) -> tuple[Tensor] | tuple[list[Tensor], Tensor]:
        def pooled(pixels: Tensor) -> Tensor:
            return torch.nn.functional.avg_pool2d(pixels, 8)

        if "controlnet_cond" in given:
            return [sample + pooled(given["controlnet_cond"])], sample
        masks = given["cross_attention_kwargs"]["ip_adapter_masks"][0]
        control = given["down_block_additional_residuals"][0] + given["mid_block_additional_residual"]
        return (sample * pooled(masks) + control,)


@pytest.mark.parametrize("size", [(24, 40), (16, 61), (70, 16)])
def test_every_tile_gets_its_own_part_of_all_inputs(size: tuple[int, int]) -> None:
    """Of noise, of what ControlNets see, and of the masks of regions: nets that look at points do not see the tiles."""
    generator = torch.Generator().manual_seed(0)
    sample = torch.randn((2, 1, *size), generator=generator)
    shown, masks = (torch.rand((1, 1, 8 * size[0], 8 * size[1]), generator=generator) for _ in range(2))
    pipeline = SimpleNamespace(unet=Pointwise(), controlnet=Pointwise(), vae=None)

    def step() -> Tensor:
        down, middle = pipeline.controlnet(sample, 1, controlnet_cond=shown)
        control = {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}
        return pipeline.unet(sample, 1, cross_attention_kwargs={"ip_adapter_masks": [masks]}, **control)[0]

    whole, seen = step(), list[int]()
    tiles = Tiles(*size, 16, 4)
    with tiled(pipeline, tiles, scale=8, on_tile=seen.append):
        assert float((step() - whole).abs().max()) < 1e-5
    assert seen == list(range(1, tiles.count + 1))
    assert torch.equal(step(), whole)


def test_a_very_large_picture_is_encoded_and_decoded_in_tiles(
    stylizer: Stylizer, painting: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Task(grainy(300, 200), painting, engine=Diffusion(tile=256, steps=1))
    whole = stylizer.render(task).picture
    monkeypatch.setattr(tiled_module, "VAE_PIXELS", 0)
    monkeypatch.setattr(tiled_module, "VAE_SIDE", 256)
    parts = stylizer.render(task).picture
    assert 0 < mean_difference(whole, parts) < 2 / 255


@pytest.mark.parametrize("bad", [{"tile": 64}, {"tile": 4096}, {"overlap": 8}, {"overlap": 65, "tile": 128}])
def test_absurd_tiles_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(InputError, match=r"tile|overlap"):
        Diffusion(**bad)  # pyright: ignore[reportArgumentType]
