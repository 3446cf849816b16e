"""`--runtime` of servers: engines with an export paint by it, all others by torch, and the start says so."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from diffstyle import Diffusion, InputError, Picture, Style, Stylizer
from diffstyle.core.model_options import ModelOptions
from diffstyle.engines.registry import engine_names, exported, runnable
from diffstyle.formats.recipe import Recipe, read_recipe
from diffstyle.runtimes import packages
from diffstyle.runtimes.cached import FOLDER
from diffstyle.serving.renderer import Renderer
from tests.helpers.cli import run
from tests.helpers.personal import options
from tests.helpers.serving import serving
from tests.serving.conftest import until, upload

SAID = (
    "openvino runs adain, feedforward and diffusion;"
    " torch runs nnst, media, gatys, gaussian and strotss, and models without an export.\n"
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of both servers: the second one finds the networks converted."""
    return tmp_path_factory.mktemp("home")


def painted(url: str, photo: Path, engine: str, prompt: str) -> Recipe:
    """The recipe of a picture from the server."""
    fields = {"engine": engine, "prompt": prompt}
    answer = httpx2.post(f"{url}v1/images/edits", data=fields, files={"image": upload(photo)}, timeout=60)
    assert answer.status_code == 200, answer.text
    saved = photo.with_name(f"{engine}.png")
    saved.write_bytes(base64.b64decode(answer.json()["data"][0]["b64_json"]))
    return read_recipe(saved)


def test_every_engine_has_a_runtime_that_it_can_use() -> None:
    asked = ModelOptions(runtime="openvino")
    assert exported("openvino") == exported("onnx") == ("adain", "feedforward", "diffusion")
    assert exported("torch") == exported("auto") == ()
    for name in engine_names():
        assert runnable(asked, name).runtime == ("openvino" if name in exported("openvino") else "auto")


def test_a_server_says_what_runs_what_and_trains_with_torch() -> None:
    renderer, usual = Renderer(ModelOptions(runtime="openvino", dtype="float32")), Renderer()
    try:
        assert f"{renderer.runtimes}\n" == SAID
        assert usual.runtimes is None
        assert renderer.training_options == ModelOptions(dtype="float32")  # teachers have no export
    finally:
        renderer.close()
        usual.close()


def test_a_mixed_stylizer_paints_with_every_engine(small_photo: Picture, painting: Style) -> None:
    mixed = Stylizer.of(ModelOptions(runtime="openvino", device="cpu"), mixed=True)
    plain = Stylizer.load(device="cpu")
    halftone = Style.from_text("halftone")
    by_rule = mixed.stylize(small_photo, halftone, engine="media")
    assert by_rule.picture == plain.stylize(small_photo, halftone, engine="media").picture
    assert "runtime" not in by_rule.runtime
    assert by_rule.recipe().options.runtime == "auto"  # so that it is replayed where nothing is mixed
    assert mixed.engine("adain").runtime["runtime"].startswith("openvino")
    with pytest.raises(InputError, match="has no export that runtime=openvino could run"):
        Stylizer.of(ModelOptions(runtime="openvino", device="cpu")).stylize(small_photo, painting, engine="nnst")


def test_a_model_without_an_export_is_painted_by_torch(
    tiny_models: Path, small_photo: Picture, painting: Style
) -> None:
    asked = replace(options(tiny_models, "xl"), runtime="openvino")
    painted = Stylizer.of(asked, mixed=True).stylize(small_photo, painting, engine=Diffusion(steps=1))
    assert "runtime" not in painted.runtime
    assert painted.recipe().options.runtime == "auto"  # so that it is replayed by torch
    with pytest.raises(InputError, match="give runtime=torch"):
        Stylizer.of(asked).stylize(small_photo, painting, engine="diffusion")


@pytest.mark.long
def test_a_server_paints_with_what_each_engine_has(home: Path, photo_file: Path) -> None:
    with serving(home, "--port", 0, "--runtime", "openvino", command="serve") as page:
        assert page.process.stdout is not None
        assert page.process.stdout.readline() == SAID
        assert {p.name.split("-")[0] for p in (home / FOLDER).iterdir()} == {"preview", "student"}  # converted by then
        until(lambda: httpx2.get(f"{page.address}readyz").status_code == 200, seconds=60)
        recipes = {
            name: painted(page.address, photo_file, name, words)
            for name, words in (("adain", "neon"), ("feedforward", "mosaic"), ("media", "halftone"))
        }
    for name, recipe in recipes.items():
        said = recipe.runtime.get("runtime", "")
        assert said.startswith("openvino") == (name in exported("openvino"))
        assert recipe.options.runtime == ("openvino" if said else "auto")


@pytest.mark.long
def test_the_page_says_it_too(home: Path) -> None:
    with serving(home, "--runtime", "openvino") as page:
        assert page.process.stdout is not None
        assert page.process.stdout.readline() == SAID


def test_a_runtime_that_is_missing_is_said_before_the_server_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> None:
        del name

    monkeypatch.setattr(packages, "find_spec", missing)
    assert run("serve", "--port", "0", "--runtime", "openvino") == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "pip install 'diffstyle[export]'" in said.err
