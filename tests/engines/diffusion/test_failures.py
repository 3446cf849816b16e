"""Overflows, too little memory, and other ways to run a model: the same picture, or one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from diffstyle import Diffusion, InputError, Picture, Style, Stylizer, Task
from diffstyle.core.device import enough_memory
from tests.helpers.models import diffusion_engine, load_tiny
from tests.helpers.pictures import largest_difference

QUICK = Diffusion(steps=2)


@pytest.fixture(scope="module")
def plain_picture(worded: Stylizer, small_photo: Picture, painting: Style) -> Picture:
    return worded.stylize(small_photo, painting, engine=QUICK).picture


def test_a_render_that_overflows_is_repeated_in_float32(
    tiny_models: Path, small_photo: Picture, painting: Style
) -> None:
    stylizer = load_tiny(tiny_models, "wordless", dtype="bfloat16")
    task = Task(small_photo, painting, engine=QUICK)

    def overflow(_: Any, __: Any, output: Any) -> Any:
        return output * float("nan") if output.dtype == torch.bfloat16 else output

    diffusion_engine(stylizer).backbone.unet.conv_out.register_forward_hook(overflow)
    picture = stylizer.render(task).picture
    assert any("float32" in note for note in picture.notes)
    assert bool(torch.isfinite(picture.pixels).all())
    steps: list[int] = []
    again = stylizer.render(task, lambda s: steps.append(s.done))
    assert steps == [0, 1, 1, 2]  # it begins in float32
    assert again.picture == picture
    assert again.picture.notes == picture.notes
    assert again.runtime["dtype"] == "float32"


def test_a_model_without_finite_numbers_is_called_damaged(
    tiny_models: Path, small_photo: Picture, painting: Style
) -> None:
    stylizer = load_tiny(tiny_models, "wordless")

    def spoil(_: Any, __: Any, output: Any) -> Any:
        return output * float("nan")

    diffusion_engine(stylizer).backbone.unet.conv_out.register_forward_hook(spoil)
    with pytest.raises(InputError, match="no finite numbers"):
        stylizer.stylize(small_photo, painting, engine=QUICK)


def test_a_render_without_memory_is_repeated_with_less(
    tiny_models: Path, small_photo: Picture, painting: Style, plain_picture: Picture
) -> None:
    stylizer = load_tiny(tiny_models, "worded")
    backbone = diffusion_engine(stylizer).backbone
    enough = {"balanced"}

    def refuse(_: Any, __: Any) -> None:
        if backbone.memory not in enough:
            raise torch.OutOfMemoryError("CUDA out of memory")

    backbone.unet.register_forward_pre_hook(refuse)
    picture = stylizer.stylize(small_photo, painting, engine=QUICK).picture
    assert any("memory=balanced" in note for note in picture.notes)
    assert largest_difference(picture, plain_picture) <= 1e-3
    enough.clear()
    with pytest.raises(InputError, match="smaller size"):
        stylizer.stylize(small_photo, painting, engine=QUICK)


@pytest.mark.parametrize(
    "where", ["diffusers.StableDiffusionImg2ImgPipeline.from_pretrained", "diffstyle.backbones.backbone.arrange"]
)
@pytest.mark.parametrize(("dtype", "advice"), [("float32", "dtype=bfloat16"), ("bfloat16", "a smaller model")])
def test_a_model_too_large_for_the_memory_is_refused_with_advice(
    where: str, dtype: str, advice: str, tiny_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(where, refuse)
    with pytest.raises(InputError, match=f"not enough memory on cpu to load the model worded: give {advice}") as caught:
        Stylizer.load(tiny_models / "worded", device="cpu", dtype=dtype)
    assert "fetch" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "cause", "dtype", "message"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), None, torch.float32, "give memory=low or dtype=float16"),
        (InputError("Cannot use it."), torch.OutOfMemoryError("CUDA out"), torch.float16, "give memory=low, or close"),
        (InputError("Cannot use it."), ValueError("a shape"), torch.float16, "Cannot use it"),
    ],
)
def test_a_gpu_is_offered_a_lower_mode(
    error: Exception, cause: Exception | None, dtype: torch.dtype, message: str
) -> None:
    gpu = torch.device("cuda")
    with pytest.raises(InputError, match=message), enough_memory("load", device=gpu, dtype=dtype, memory="fast"):
        raise error from cause


@pytest.mark.parametrize("options", [{"memory": "balanced"}, {"memory": "low"}, {"attention": "sliced"}])
def test_less_memory_gives_the_same_picture(
    options: dict[str, Any], tiny_models: Path, small_photo: Picture, painting: Style, plain_picture: Picture
) -> None:
    def paint(style_scale: float) -> Picture:
        engine = Diffusion(steps=2, style_scale=style_scale)
        return stylizer.stylize(small_photo, painting, engine=engine).picture

    stylizer = load_tiny(tiny_models, "worded", **options)
    assert largest_difference(paint(1), plain_picture) <= 1e-3
    assert largest_difference(paint(0), plain_picture) > 1e-2  # the adapter acts


def test_xformers_that_cannot_be_used_breaks_nothing(
    tiny_models: Path, small_photo: Picture, painting: Style, plain_picture: Picture
) -> None:
    with pytest.warns(UserWarning, match="xformers cannot be used here"):
        stylizer = load_tiny(tiny_models, "worded", attention="xformers")
    painted = stylizer.stylize(small_photo, painting, engine=QUICK).picture
    assert largest_difference(painted, plain_picture) < 1e-4  # of two models that were loaded apart
