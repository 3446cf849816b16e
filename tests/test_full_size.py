"""Models of full size, with random weights in the public layout: speed and memory do not depend on their values."""

from __future__ import annotations

import gc
import resource
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast, get_args

import open_clip
import pytest
import torch
from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType]

from benchmarks.diffusion import Family, content, random_model, style
from diffstyle import AdapterRecipe, Diffusion, Picture, Style, StyleEncoder, Task, train_adapter
from diffstyle.adapters.tokens import TokensAdapter
from diffstyle.backbones.backbone import Control
from diffstyle.backbones.load import ControlNetSource, load_backbone
from diffstyle.core.model_options import ModelOptions
from diffstyle.encoders.bridge import Bridge
from diffstyle.engines.diffusion.engine import DiffusionEngine
from diffstyle.engines.diffusion.settings import StyleAttention
from diffstyle.training.personal.recipe import AdapterKind
from tests.helpers import tiny
from tests.helpers.hub import snapshot_folder
from tests.helpers.pictures import waves

NAME = "ViT-H-14/laion2b_s32b_b79k"
REPOSITORY = "laion/CLIP-ViT-H-14-laion2B-s32B-b79K"


def gigabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


@pytest.mark.slow
def test_vit_h_14_from_the_hub_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot = snapshot_folder(tmp_path / "hub", REPOSITORY)
    config = cast("dict[str, Any]", open_clip.get_model_config("ViT-H-14"))
    model = open_clip.CLIP(**config)
    save_file(model.state_dict(), snapshot / "open_clip_model.safetensors")
    del model
    gc.collect()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("DIFFSTYLE_CACHE", str(tmp_path / "cache"))

    encoder = StyleEncoder.load(NAME)
    start = time.perf_counter()
    assert encoder.dim == 1024
    loaded = time.perf_counter()
    picture = Picture.from_array(waves(600, 400))
    of_picture = encoder.encode(Style.from_image(picture))
    pictured = time.perf_counter()
    raw = encoder.raw_texts(["ukiyo-e woodblock print, indigo and cream"])
    texted = time.perf_counter()
    of_text = encoder.encode(Style.from_text("ukiyo-e woodblock print, indigo and cream"))
    bridged = time.perf_counter()
    assert of_picture.embedding.shape == of_text.embedding.shape == raw[0].shape == (1024,)
    assert of_text.space == of_picture.space == NAME
    (kept,) = (tmp_path / "cache").rglob("*.safetensors")
    assert Bridge.load(kept).weight.shape == (1024, 1024)
    with capsys.disabled():
        print(
            f"\nViT-H-14 float32: loaded in {loaded - start:.1f} s, a picture of 600x400 in {pictured - loaded:.1f} s,"
            f" a text in {texted - pictured:.2f} s, the bridge fitted in {bridged - texted:.0f} s,"
            f" peak {gigabytes():.1f} GiB with the writing of the file"
        )


def painted(
    model: Path, folder: Path, *, steps: int, side: int, controlled: bool = True, attention: StyleAttention = "own"
) -> tuple[Picture, str]:
    """A picture by the model in `model` with the adapter and ControlNet in `folder`, and what it took."""
    nets = [ControlNetSource(str(folder / "controlnet"), Control("soft-edge"))] if controlled else ()
    start = time.perf_counter()
    backbone = load_backbone(model, device=torch.device("cpu"), dtype=torch.bfloat16, controlnets=nets)
    loaded = time.perf_counter()
    engine = DiffusionEngine(backbone, adapters=[(TokensAdapter.load(folder / "adapter.safetensors"), 1.0)])
    settings = Diffusion(steps=steps, guidance=3, prompt="a photo", style_attention=attention)
    look = style()
    shown = (Picture.from_array(waves(512, 512, seed=1)),)
    look = replace(look, references=tuple(replace(r, pictures=shown) for r in look.references))
    picture = engine.render(engine.prepare(Task(content(side), look, engine=settings)))
    done = time.perf_counter()
    return picture, f"loaded in {loaded - start:.1f} s, {steps} steps at {side} px in {done - loaded:.1f} s"


@pytest.mark.slow
def test_sd15_from_a_folder_and_from_a_single_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = random_model("sd15", tmp_path / "sd15", torch.bfloat16)
    from_folder, took = painted(folder, folder, steps=2, side=512)
    assert from_folder.size == (512, 512)
    gc.collect()
    # the ControlNet in the folder is left out of one file
    file = tiny.single_file(tmp_path / "v1-5.safetensors", folder, dtype=torch.bfloat16)
    from_file, took_file = painted(file, folder, steps=2, side=512)
    assert float((from_folder.pixels - from_file.pixels).abs().max()) <= 1 / 255
    with capsys.disabled():
        print(f"\nSD 1.5 bfloat16 with ControlNet and adapter: folder {took}; single file {took_file};", end=" ")
        print(f"peak {gigabytes():.1f} GiB with the writing of the files")


@pytest.mark.slow
def test_sdxl_from_a_folder_and_from_a_single_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = random_model("sdxl", tmp_path / "sdxl", torch.bfloat16)
    picture, took = painted(folder, folder, steps=2, side=1024, controlled=False)
    assert picture.size == (1024, 1024)
    with capsys.disabled():
        print(f"\nSDXL bfloat16 with adapter: {took}, peak {gigabytes():.1f} GiB with the writing of the files")
    gc.collect()
    file = tiny.single_file(tmp_path / "xl-base.safetensors", folder, dtype=torch.bfloat16)
    gc.collect()
    small = [painted(model, folder, steps=1, side=256, controlled=False)[0] for model in (folder, file)]
    assert float((small[0].pixels - small[1].pixels).abs().max()) <= 1 / 255


@pytest.mark.slow
@pytest.mark.parametrize("attention", ["inject", "share"])
@pytest.mark.parametrize(("name", "side"), [("sd15", 512), ("sdxl", 1024)])
def test_style_attention(
    tmp_path: Path, name: Family, side: int, attention: StyleAttention, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = random_model(name, tmp_path / name, torch.bfloat16)
    gc.collect()
    picture, took = painted(folder, folder, steps=2, side=side, controlled=False, attention=attention)
    assert picture.size == (side, side)
    with capsys.disabled():
        print(f"\n{name} bfloat16, style_attention={attention}: {took}, peak {gigabytes():.1f} GiB with the writing")


@pytest.mark.slow
def test_personal_adapters_for_sd15(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both kinds, at 512 px with checkpointing, from an adapter that reads the starter's encoder."""
    monkeypatch.setenv("DIFFSTYLE_ADAPTERS", str(tmp_path / "zoo"))
    folder = random_model("sd15", tmp_path / "sd15", torch.bfloat16)
    backbone = load_backbone(folder, device=torch.device("cpu"), dtype=torch.bfloat16, controlnets=())
    encoder = StyleEncoder.load()
    made = TokensAdapter.random(backbone.unet, width=encoder.dim, space=encoder.space)
    adapter = made.save(tmp_path / "reads-starter.safetensors")
    del backbone, made
    gc.collect()
    pictures = [waves(640, 512, seed=n) for n in range(5)]
    options = ModelOptions(model=str(folder), adapter=(str(adapter),), device="cpu")
    for kind in get_args(AdapterKind):
        recipe = AdapterRecipe(kind=kind, steps=3, batch=1, checkpointing=True)
        report = train_adapter(pictures, name=f"full-{kind}", recipe=recipe, options=options, samples=0)
        assert all(0 < loss < 100 for loss in report.losses)
        assert report.peak_memory < 16 * 2**30
        gc.collect()
        with capsys.disabled():
            print(
                f"\nSD 1.5 {kind}: {report.seconds / report.steps:.1f} s a step of one picture at 512 px, with held-out"
                f" looks, peak {report.peak_memory / 2**30:.1f} GiB with the writing of the files"
            )
