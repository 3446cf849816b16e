"""Tiles: where they lie, whether they are seen, and what a pipeline is after them."""

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

from diffstyle import Cancelled, InputError, Picture, Settings, Style, Stylizer
from diffstyle.backbones.recognise import Architecture
from diffstyle.engines.base import Step
from diffstyle.engines.diffusion import tiled as tiled_module
from diffstyle.engines.diffusion.engine import DiffusionEngine
from diffstyle.engines.diffusion.tiled import tiled
from diffstyle.engines.diffusion.tiles import Tiles, seam_score
from tests.conftest import waves


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


def test_a_seam_is_seen_by_its_score() -> None:
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


def photo_like(width: int, height: int) -> Picture:
    grain = np.random.default_rng(0).integers(-20, 20, (height, width, 3))
    return Picture.from_array((waves(width, height) + grain).clip(0, 255).astype(np.uint8))


def gradient(width: int, height: int) -> Picture:
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    return Picture.from_array((np.stack([0.3 + 0.4 * x, 0.5 + 0.3 * y, 0.9 - 0.4 * x], -1) * 255).astype(np.uint8))


@pytest.mark.parametrize("content", [photo_like(400, 300), gradient(400, 300)], ids=["photo", "gradient"])
def test_no_seam_is_seen(content: Picture, stylizer: Stylizer, painting: Style) -> None:
    result = stylizer.stylize(content, painting, engine="diffusion", tile=128, overlap=64)
    assert result.measures["seam_score"] <= 1.05
    whole = stylizer.stylize(content, painting, engine="diffusion", tile=1024)
    assert "seam_score" not in whole.measures
    apart = (result.picture.pixels - whole.picture.pixels).abs().mean()
    assert 0 < float(apart) < 0.03


def test_progress_is_told_and_cancelled_by_tile(stylizer: Stylizer, painting: Style) -> None:
    content, seen = photo_like(300, 200), list[tuple[int, int]]()
    before = stylizer.stylize(content, painting, engine="diffusion", tile=128)

    def watch(step: Step) -> bool:
        seen.append((step.done, step.total))
        return step.done < 3

    with pytest.raises(Cancelled):
        stylizer.stylize(content, painting, engine="diffusion", tile=128, on_step=watch)
    assert [done for done, _ in seen] == [0, 1, 2, 3]
    total = seen[0][1]
    seen.clear()
    again = stylizer.stylize(
        content, painting, engine="diffusion", tile=128, on_step=lambda s: seen.append((s.done, s.total))
    )
    assert again.picture == before.picture
    assert sorted(set(seen)) == [(n, total) for n in range(total + 1)]
    assert seen == sorted(seen)


def test_beyond_twice_its_own_side_a_public_model_paints_in_tiles(
    diffuser: Stylizer, painting: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    large, small = photo_like(300, 200), photo_like(120, 100)
    whole = diffuser.stylize(large, painting).picture
    alone = diffuser.stylize(small, painting).picture
    monkeypatch.setattr(Architecture, "side", 64)
    result = diffuser.stylize(large, painting)
    assert result.picture != whole
    assert result.picture == diffuser.stylize(large, painting, tile=128).picture
    assert "seam_score" in result.measures
    assert diffuser.stylize(large, painting, tile=1024).picture == whole
    assert diffuser.stylize(large, painting, overlap=1000).measures
    assert diffuser.stylize(small, painting).picture == alone


def test_a_pipeline_is_afterwards_what_it_was(diffuser: Stylizer, painting: Style) -> None:
    content = photo_like(300, 200)
    before = diffuser.stylize(content, painting).picture
    with pytest.raises(Cancelled):
        diffuser.stylize(content, painting, tile=128, on_step=lambda s: s.done < 2)
    engine: Any = diffuser.engine("diffusion")
    while not isinstance(engine, DiffusionEngine):
        engine = engine.engine
    pipeline = engine.backbone.pipeline
    assert "forward" not in vars(pipeline.unet)
    assert "forward" not in vars(pipeline.controlnet)
    assert diffuser.stylize(content, painting).picture == before


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
def test_every_tile_is_shown_its_own_part(size: tuple[int, int]) -> None:
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


def test_a_very_large_picture_is_coded_in_tiles_too(
    stylizer: Stylizer, painting: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = photo_like(400, 300)
    whole = stylizer.stylize(content, painting, engine="diffusion", tile=256).picture
    monkeypatch.setattr(tiled_module, "VAE_PIXELS", 0)
    monkeypatch.setattr(tiled_module, "VAE_SIDE", 256)
    parts = stylizer.stylize(content, painting, engine="diffusion", tile=256).picture
    assert 0 < float((whole.pixels - parts.pixels).abs().mean()) < 2 / 255


@pytest.mark.parametrize("bad", [{"tile": 64}, {"tile": 4096}, {"overlap": 8}, {"overlap": 65, "tile": 128}])
def test_absurd_tiles_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(InputError, match=r"tile|overlap"):
        Settings(**bad)  # pyright: ignore[reportArgumentType]
