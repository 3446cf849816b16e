"""`--engine diffusion --runtime`: torch's picture, whatever is asked; refusals; nothing painted with old weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from diffstyle import Cancelled, Diffusion, InputError, Picture, Style, Stylizer, Task
from diffstyle.engines.base import Step
from diffstyle.engines.diffusion.exported import networks
from diffstyle.formats.atomic import CACHE_VARIABLE
from diffstyle.runtimes.cached import FOLDER
from tests.helpers import tiny
from tests.helpers.cli import run
from tests.helpers.models import diffusion_engine, load_tiny
from tests.helpers.pictures import grainy, largest_difference, mean_difference

NEAR = 1e-4  # float32 against float32
PLAIN: dict[str, Any] = {"steps": 2, "denoise": 0.8, "style_scale": 2.0}
SIZE = (68, 52)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Every network is converted once for all tests: that takes seconds."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(folder))
        yield folder


@pytest.fixture(scope="module")
def exported(tiny_models: Path) -> Stylizer:
    """A model with style adapter and ControlNet, run by OpenVINO in float32."""
    return load_tiny(tiny_models, "wordless", runtime="openvino")


def half(width: int, height: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """White on the left, with a slope in the middle."""
    return np.tile(np.linspace(510, -255, width).clip(0, 255).astype(np.uint8), (height, 1))


def tasks(style: Style, other: Style) -> dict[str, Task]:
    """What a graph could get wrong: rows, numbers of styles, where they act, scales that change, sides."""
    content = grainy(*SIZE)

    def task(size: tuple[int, int] = SIZE, **engine: Any) -> Task:
        return Task(content if size == SIZE else grainy(*size), style, engine=Diffusion(**(PLAIN | engine)), seed=3)

    blend = Style.mix({style: 0.7, other: 0.3})
    mask = half(*SIZE)
    parts = {
        "plain": task(),
        "guidance": task(guidance=4.0),
        "a style that ends": task(style_end=0.5, blocks="up_blocks.1=0.5"),
        "odd sides": task((61, 43)),
        "tiles": task((168, 80), tile=128, overlap=32),
        "guided by neighbours": task(guide="nnst"),
        "euler": task(scheduler="euler-a"),
    }
    changed: dict[str, dict[str, Any]] = {
        "strength": {"strength": 0.5},
        "structure": {"structure": 0.1},
        "mask": {"mask": mask},
        "region": {"regions": [(mask, other)]},
        "negative style": {"negative_style": other, "engine": Diffusion(**PLAIN, guidance=4.0)},
        "blend": {"style": blend},
        "blend of tokens": {"style": blend, "engine": Diffusion(**PLAIN, blend="tokens", guidance=2.0)},
    }
    plain: dict[str, Any] = {"content": content, "style": style, "engine": Diffusion(**PLAIN), "seed": 3}
    return parts | {name: Task(**(plain | values)) for name, values in changed.items()}


NAMES = tuple(tasks(Style.from_text("ink"), Style.from_text("oil")))
LONG = ("a style that ends", "euler", "strength", "mask", "negative style", "blend")


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.long) if n in LONG else n for n in NAMES])
def test_the_picture_is_that_of_torch(
    name: str, exported: Stylizer, diffuser: Stylizer, painting: Style, other_painting: Style
) -> None:
    task = tasks(painting, other_painting)[name]
    result = exported.render(task)
    assert largest_difference(result.picture, diffuser.render(task).picture) <= NEAR
    assert mean_difference(result.picture, Picture(result.task.content.pixels)) > 0.02
    assert result.runtime["runtime"].startswith("openvino")


@pytest.mark.long
@pytest.mark.parametrize(("model", "options"), [("worded", {"runtime": "openvino"}), ("wordless", {"runtime": "onnx"})])
@pytest.mark.parametrize("name", ["plain", "guidance", "odd sides", "blend of tokens"])
def test_other_models_and_runtimes_too(
    model: str, options: dict[str, Any], name: str, tiny_models: Path, painting: Style, other_painting: Style
) -> None:
    task = tasks(painting, other_painting)[name]
    other, plain = (load_tiny(tiny_models, model, **each).render(task).picture for each in (options, {}))
    assert largest_difference(other, plain) <= NEAR


def test_steps_are_shown_and_can_be_cancelled(exported: Stylizer, diffuser: Stylizer, painting: Style) -> None:
    task = Task(grainy(*SIZE), painting, engine=Diffusion(**PLAIN))
    shown: dict[Stylizer, list[Picture]] = {exported: [], diffuser: []}
    for stylizer, pictures in shown.items():

        def look(step: Step, pictures: list[Picture] = pictures) -> None:
            if step.preview is not None:
                pictures.append(step.preview())

        stylizer.render(task, look)
    assert len(shown[exported]) == len(shown[diffuser]) == 2
    assert all(largest_difference(*pair) <= NEAR for pair in zip(*shown.values(), strict=True))
    with pytest.raises(Cancelled):
        exported.render(task, lambda step: step.done < 1)
    unet = diffusion_engine(exported).backbone.unet
    assert "forward" not in vars(unet)  # torch's again
    assert exported.render(task).picture == exported.render(task).picture


def test_a_picture_is_the_same_in_any_company(exported: Stylizer, painting: Style, other_painting: Style) -> None:
    first = tasks(painting, other_painting)["plain"]
    alone = exported.render(first).picture
    exported.render(tasks(painting, other_painting)["region"])
    assert exported.render(first).picture == alone


def test_what_the_cache_holds_names_no_folder(exported: Stylizer, cache: Path, painting: Style) -> None:
    exported.render(Task(grainy(*SIZE), painting, engine=Diffusion(**PLAIN)))
    kept = sorted((cache / FOLDER).glob("painting-*.onnx"))
    assert {p.name.rsplit("-", 1)[0].removeprefix("painting-") for p in kept} == {
        *("unet", "controlnet", "encoder", "decoder")
    }
    assert not [p for p in kept if str(Path(__file__).parents[2]).encode() in p.read_bytes()]


def test_what_an_export_cannot_do_gets_a_sentence(
    exported: Stylizer, tiny_models: Path, painting: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=r"style_attention=share .*give runtime=torch"):
        exported.stylize(grainy(*SIZE), painting, engine=Diffusion(style_attention="share"))
    with pytest.raises(InputError, match=r"attention=sliced .*runtime=torch"):
        load_tiny(tiny_models, "wordless", runtime="openvino", attention="sliced")
    with pytest.raises(InputError, match=r"UNet reads more .*addition_embed_type.*runtime=torch"):
        load_tiny(tiny_models, "xl", runtime="openvino")
    monkeypatch.setattr(networks, "LARGEST", 100_000)
    with pytest.raises(InputError, match=r"million parameters.*give runtime=torch"):
        load_tiny(tiny_models, "wordless", runtime="openvino")


def test_the_digest_follows_everything_that_acts(tiny_models: Path, tmp_path: Path) -> None:
    """Two of one model are the same network; other adapters, LoRAs and their scales make another."""
    lora = tiny.lora(tmp_path / "lora.safetensors")
    other = tiny.adapter(tmp_path / "other.safetensors", tiny_models / "wordless", plus=True)

    def digest(**options: Any) -> str:
        unet = diffusion_engine(load_tiny(tiny_models, "wordless", **options)).backbone.unet
        return networks.digest_of(networks.plain_copy(unet))

    same, again, *changed = (
        digest(**options)
        for options in (
            {},
            {},
            {"lora": [lora]},
            {"lora": [f"{lora}:0.5"]},
            {"adapter": [other]},
            {"dtype": "bfloat16"},  # its weights are rounded
        )
    )
    assert same == again
    assert len({same, *changed}) == 5


@pytest.mark.long
def test_loras_act(tiny_models: Path, tmp_path: Path) -> None:
    lora = tiny.lora(tmp_path / "lora.safetensors")
    task = Task(grainy(*SIZE), Style.from_text("watercolour"), engine=Diffusion(**PLAIN))
    plain, with_lora, other = (
        load_tiny(tiny_models, "worded", **options).render(task).picture
        for options in ({}, {"lora": [f"{lora}:4"]}, {"lora": [f"{lora}:4"], "runtime": "openvino"})
    )
    assert largest_difference(other, with_lora) <= NEAR
    assert largest_difference(plain, with_lora) > 10 * NEAR


@pytest.mark.long
def test_a_model_without_adapter_and_controlnet(tiny_models: Path) -> None:
    task = Task(grainy(*SIZE), Style.from_text("watercolour"), engine=Diffusion(**PLAIN, guidance=3.0))
    other, plain = (
        load_tiny(tiny_models, "worded", adapter=[], **options).render(task).picture
        for options in ({"runtime": "openvino"}, {})
    )
    assert largest_difference(other, plain) <= NEAR


@pytest.mark.long
def test_numbers_that_overflow_are_painted_again_in_float32(tiny_models: Path, painting: Style) -> None:
    """The session of bfloat16 is not used again."""
    stylizer = load_tiny(tiny_models, "wordless", runtime="openvino", dtype="bfloat16")
    engine, task = diffusion_engine(stylizer), Task(grainy(*SIZE), painting, engine=Diffusion(**PLAIN))
    rough = stylizer.render(task).picture
    engine.backbone.in_dtype(torch.float32)
    exact = stylizer.render(task)
    assert exact.runtime["dtype"] == "float32"
    assert 0 < largest_difference(rough, exact.picture) < 0.1


@pytest.mark.long
def test_the_starter_paints_from_the_command_line(photo_file: Path, tmp_path: Path) -> None:
    """Two style adapters, one of which reads patches of pictures; replayed bit for bit."""
    out, plain = tmp_path / "out.png", tmp_path / "plain.png"
    asked = ("stylize", photo_file, "--style", "stained glass", "--engine", "diffusion", "--dtype", "float32")
    assert run(*asked, "--runtime", "openvino", "-o", out) == 0
    assert run(*asked, "-o", plain) == 0
    assert largest_difference(Picture.open(out), Picture.open(plain)) <= 1.5 / 255
    assert run("replay", out, "--content", photo_file, "-o", tmp_path / "again.png") == 0
