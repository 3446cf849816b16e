"""Models of full size, with random weights in the public layout: speed and memory do not depend on their values."""

from __future__ import annotations

import gc
import resource
import time
from pathlib import Path
from typing import Any, cast

import open_clip
import pytest
from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType]

from diffstyle import Picture, Style, StyleEncoder
from diffstyle.bridge import Bridge
from tests.conftest import waves

NAME = "ViT-H-14/laion2b_s32b_b79k"
REPOSITORY = "models--laion--CLIP-ViT-H-14-laion2B-s32B-b79K"


def gigabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


@pytest.mark.slow
def test_vit_h_14_from_the_hub_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot = tmp_path / "hub" / REPOSITORY / "snapshots" / "0123456789abcdef0123456789abcdef01234567"
    snapshot.mkdir(parents=True)
    (tmp_path / "hub" / REPOSITORY / "refs").mkdir()
    (tmp_path / "hub" / REPOSITORY / "refs" / "main").write_text(snapshot.name)
    config = cast("dict[str, Any]", open_clip.get_model_config("ViT-H-14"))
    model = open_clip.CLIP(**config)
    save_file(model.state_dict(), snapshot / "open_clip_model.safetensors")
    del model
    gc.collect()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("DIFFSTYLE_CACHE", str(tmp_path / "cache"))

    encoder = StyleEncoder.load(NAME)
    begun = time.perf_counter()
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
            f"\nViT-H-14 float32: loaded in {loaded - begun:.1f} s, a picture of 600x400 in {pictured - loaded:.1f} s,"
            f" a text in {texted - pictured:.2f} s, the bridge fitted in {bridged - texted:.0f} s,"
            f" peak {gigabytes():.1f} GiB with the writing of the file"
        )
