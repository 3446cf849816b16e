"""Whose colours a diffusion picture has: its own, or those of the preview that it began with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from diffstyle import Diffusion, Picture, Style, Stylizer
from diffstyle.engines.diffusion.colours import in_colours_of
from diffstyle.engines.registry import interactive_engine
from tests.helpers.models import load_tiny


def test_a_model_that_keeps_colours_has_the_previews_chroma(
    tiny_models: Path, tmp_path: Path, small_photo: Picture, painting: Style
) -> None:
    """And lightness of its own. Without the preview its colours are its own too."""
    for name in ("wordless", "wordless.adapter.safetensors"):
        copy = shutil.copytree if (tiny_models / name).is_dir() else shutil.copy
        copy(tiny_models / name, tmp_path / name)
    pictures: list[Picture] = []
    for keeps in (False, True):
        (tmp_path / "wordless" / "sampling.json").write_text(json.dumps({"start": "preview", "keeps_colours": keeps}))
        stylizer = load_tiny(tmp_path, "wordless")
        for start in (None, "content"):
            engine = Diffusion(steps=2, denoise=0.1, start=start)
            pictures.append(stylizer.stylize(small_photo, painting, engine=engine).picture)
    free, from_content, kept, kept_from_content = (p.pixels for p in pictures)
    assert torch.equal(from_content, kept_from_content)
    assert not torch.equal(free, kept)
    preview = Stylizer.load(device="cpu", dtype="float32").stylize(small_photo, painting, engine=interactive_engine())
    shown = preview.picture.pixels
    inside = ((kept > 0) & (kept < 1)).all(0)
    luma = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    chroma = ((kept - (kept * luma).sum(0)) - (shown - (shown * luma).sum(0)))[:, inside]
    assert float(chroma.abs().max()) < 1e-4
    assert float((((kept - shown) * luma).sum(0))[inside].abs().mean()) > 0.01


def test_a_model_that_keeps_detail_adds_back_what_its_vae_loses(
    tiny_models: Path, tmp_path: Path, small_photo: Picture, painting: Style
) -> None:
    """In proportion, and all of it at the lowest strength."""
    for name in ("wordless", "wordless.adapter.safetensors"):
        copy = shutil.copytree if (tiny_models / name).is_dir() else shutil.copy
        copy(tiny_models / name, tmp_path / name)
    engine = Diffusion(steps=2, denoise=0.1, start="content")
    pictures: list[torch.Tensor] = []
    for share in (0.0, 0.5, 1.0):
        (tmp_path / "wordless" / "sampling.json").write_text(json.dumps({"keeps_detail": share}))
        stylizer = load_tiny(tmp_path, "wordless")
        pictures.append(stylizer.stylize(small_photo, painting, engine=engine).picture.pixels)
    inside = torch.stack([(p > 0) & (p < 1) for p in pictures]).all(0)
    half, whole = ((p - pictures[0])[inside] for p in pictures[1:])
    assert float(whole.abs().mean()) > 0.01
    assert torch.allclose(whole, 2 * half, atol=1e-4)


@pytest.mark.parametrize("batch", [(), (2,)])
def test_lightness_is_kept_in_flat_areas(batch: tuple[int, ...]) -> None:
    """Of a picture whose left half is flat, alone and in a batch."""
    begin = torch.full((*batch, 3, 64, 128), 0.5)
    begin[..., 64:] += 0.3 * torch.randn(64, 64, generator=torch.Generator().manual_seed(0))
    change = in_colours_of(begin, begin + 0.1) - begin
    assert change.shape == begin.shape
    assert float(change[..., :40].abs().max()) < 0.01
    assert 0.08 < float(change[..., 90:].mean()) < 0.1
    assert torch.allclose(in_colours_of(begin, begin), begin)
