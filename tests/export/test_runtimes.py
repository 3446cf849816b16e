"""`--runtime`: the same picture from torch, ONNX Runtime and OpenVINO; refusals; the cache."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch

from diffstyle import InputError, Picture, Style, Stylizer
from diffstyle.core.model_options import ModelOptions, Runtime
from diffstyle.engines.adain.exportable import starter
from diffstyle.engines.adain.network import CODE
from diffstyle.engines.feedforward.settings import Feedforward
from diffstyle.engines.feedforward.student import read_student
from diffstyle.engines.registry import engine_names, settings_class
from diffstyle.export.files import write
from diffstyle.formats.atomic import CACHE_VARIABLE
from diffstyle.formats.recipe import read_recipe
from diffstyle.runtimes import cached, packages
from diffstyle.runtimes.conversion import TOLERANCE
from tests.export.conftest import STYLES
from tests.helpers.cli import run
from tests.helpers.pictures import largest_difference

LEVELS = 2 / 255


@pytest.fixture(scope="module")
def settings(student: Path) -> Feedforward:
    del student
    return Feedforward(student="fast")


@pytest.fixture(scope="module", autouse=True)
def cache(student: Path, exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache in which the student is converted already."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(folder))
        kept = cached.cached_file("student", read_student(student).digest)
        kept.parent.mkdir()
        shutil.copy(exported, kept)
        yield folder


def loaded(runtime: Runtime) -> Stylizer:
    return Stylizer.load(device="cpu", dtype="float32", runtime=runtime)


def test_the_preview_is_a_program_of_torch_for_any_size(tmp_path: Path) -> None:
    written = write(starter(), "pt2", tmp_path / "preview.pt2")
    assert all(d.largest <= TOLERANCE for d in written.differences)
    paint: Any = torch.export.load(written.files[0]).module()
    style = torch.full((1, 3), 0.5), 0.2 * torch.eye(3)[None], torch.zeros(1, CODE)
    for height, width in ((9, 64), (16, 16), (33, 9), (131, 70)):
        painted = paint(torch.rand(1, 3, height, width), *style)
        assert painted.shape == (1, 3, height, width)
        assert painted.isfinite().all()


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
@pytest.mark.parametrize("strength", [1.0, 0.4])
def test_the_preview_is_the_same(runtime: Runtime, strength: float, small_photo: Picture, painting: Style) -> None:
    def paint(runtime: Runtime) -> Picture:
        return loaded(runtime).stylize(small_photo, painting, engine="adain", strength=strength).picture

    assert largest_difference(paint(runtime), paint("torch")) <= LEVELS


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_a_student_is_the_same(runtime: Runtime, settings: Feedforward, small_photo: Picture) -> None:
    style = Style.from_text(STYLES[0])
    for strength in (1.0, 0.4):
        other, torch_ = (
            loaded(r).stylize(small_photo, style, engine=settings, strength=strength) for r in (runtime, "torch")
        )
        assert largest_difference(other.picture, torch_.picture) <= LEVELS
        assert other.picture != small_photo
        assert runtime in other.runtime["runtime"]
        assert "runtime" not in torch_.runtime


def test_several_sizes_one_after_another(settings: Feedforward, photo: Picture) -> None:
    """Sizes that are no multiple of anything, smaller than the network's margin too."""
    style = Style.from_text(STYLES[1])
    other, plain = loaded("openvino"), loaded("torch")
    for size in ((16, 40), (65, 33), (97, 70), (65, 33)):
        content = photo.resized(size)
        pictures = [s.stylize(content, style, engine=settings).picture for s in (other, plain)]
        assert pictures[0].size == size
        assert largest_difference(pictures[0], pictures[1]) <= LEVELS


@pytest.mark.parametrize("name", [n for n in engine_names() if not settings_class(n).capabilities.runtimes])
def test_engines_without_an_export_say_so(name: str) -> None:
    with pytest.raises(InputError, match=rf"engine {name} has no export.*give runtime=torch, or the engine adain"):
        loaded("onnx").engine(name)


def test_a_runtime_that_does_not_exist_gets_a_sentence() -> None:
    wrong: Any = "tflite"
    with pytest.raises(InputError, match="give one of auto, torch, onnx, openvino"):
        ModelOptions(runtime=wrong)


def test_a_runtime_that_is_not_installed_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        del name

    monkeypatch.setattr(packages, "find_spec", missing)
    with pytest.raises(InputError, match=r"pip install 'diffstyle\[export\]'"):
        loaded("openvino")
    assert packages.chosen_runtime("auto", "openvino") == "torch"
    assert packages.chosen_runtime("torch", "openvino") == "torch"


def test_a_session_is_converted_once_and_again_when_damaged(
    settings: Feedforward, small_photo: Picture, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffstyle.runtimes import conversion

    style, calls = Style.from_text(STYLES[1]), list[str]()
    first = loaded("onnx").stylize(small_photo, style, engine=settings).picture
    (path,) = (cache / cached.FOLDER).glob("student-*.onnx")
    model = onnx.load(str(path))

    def counted(made: Any) -> onnx.ModelProto:
        calls.append(made.name)
        return model

    monkeypatch.setattr(conversion, "to_onnx", counted)
    assert loaded("onnx").stylize(small_photo, style, engine=settings).picture == first
    assert not calls
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert loaded("onnx").stylize(small_photo, style, engine=settings).picture == first
    assert calls
    assert [p.name for p in path.parent.iterdir() if "partial" in p.name] == []


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_a_picture_is_replayed_bit_for_bit(
    runtime: Runtime, settings: Feedforward, photo: Picture, tmp_path: Path
) -> None:
    content, out = tmp_path / "photo.png", tmp_path / "out.png"
    photo.to_pil().save(content)
    options = ("--engine", "feedforward", "--student", settings.student, "--runtime", runtime)
    assert run("stylize", content, "--style", STYLES[0], *options, "-o", out) == 0
    assert read_recipe(out).options.runtime == runtime
    assert run("replay", out, "--content", content, "-o", tmp_path / "again.png") == 0
