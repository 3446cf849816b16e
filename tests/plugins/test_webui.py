"""The extension for AUTOMATIC1111's web UI and Forge, on a stand-in for their base classes, with a real server."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from diffstyle.assets.zoo import style_files
from tests.conftest import ROOT
from tests.helpers.asynchronous import run_async
from tests.plugins.images import photo, pixels

EXTENSION, STAND_IN = ROOT / "plugins" / "webui", Path(__file__).parent / "webui_stand_in"
VALUES: dict[str, Any] = {
    "words": "charcoal drawing",
    "name": "",
    "strength": 1,
    "structure": 0.5,
    "colour": "The style's",
    "longest": 0,
}


@pytest.fixture
def host(server: str) -> Generator[SimpleNamespace, None, None]:
    """The script and the part of the Extras tab, loaded as `load_scripts` does, and the web UI's modules."""
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(STAND_IN))
        patch.syspath_prepend(str(EXTENSION))
        path = EXTENSION / "scripts" / "diffstyle.py"
        spec = importlib.util.spec_from_file_location(path.name, path)
        assert spec is not None
        assert spec.loader is not None
        module: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        names = ("images", "processing", "script_callbacks", "scripts", "scripts_postprocessing", "shared")
        found: dict[str, Any] = {name: importlib.import_module(f"modules.{name}") for name in names}
        namespace: dict[str, Any] = module.__dict__
        classes = [value for value in namespace.values() if inspect.isclass(value)]
        (script,) = [c for c in classes if issubclass(c, found["scripts"].Script)]
        (extras,) = [c for c in classes if issubclass(c, found["scripts_postprocessing"].ScriptPostprocessing)]
        for callback in found["script_callbacks"].callbacks:
            callback()
        found["shared"].opts.diffstyle_server = server
        yield SimpleNamespace(module=module, script=script(), extras=extras(), **found)
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in ("modules", "diffstyle_pil"):
            del sys.modules[name]


def test_the_fields_are_the_arguments_in_their_order(host: SimpleNamespace) -> None:
    async def built() -> tuple[list[Any], dict[str, Any]]:
        with gr.Blocks():
            return host.script.ui(True), host.extras.ui()

    fields, parts = run_async(built())
    assert list(parts) == ["enable", *VALUES]
    assert len(fields) == len(VALUES)
    assert list(inspect.signature(host.script.run).parameters) == ["p", *VALUES]
    assert list(inspect.signature(host.extras.process).parameters) == ["pp", *parts]
    assert (host.script.show(True), host.script.show(False)) == (True, False)
    assert set(host.shared.opts.labels) == {"diffstyle_server", "diffstyle_key"}
    assert host.module.named_styles()["choices"] == ["", *sorted(style_files())]


def test_extras_paints_if_it_is_enabled(host: SimpleNamespace) -> None:
    pp = host.scripts_postprocessing.PostprocessedImage(photo())
    host.extras.process(pp, **VALUES)
    assert np.array_equal(pixels(pp.image), pixels(photo()))
    host.extras.process(pp, enable=True, **VALUES)
    assert (pp.image.size, pp.image.mode) == ((96, 64), "RGB")
    assert np.abs(pixels(pp.image) - pixels(photo())).mean() > 10
    assert pp.info == {"diffstyle": "charcoal drawing"}
    assert host.shared.state.shown
    assert host.shared.state.sampling_step == host.shared.state.sampling_steps == 100


def test_strength_zero_gives_alpha_back_and_a_size_is_enlarged(host: SimpleNamespace) -> None:
    pp = host.scripts_postprocessing.PostprocessedImage(photo(mode="RGBA"))
    host.extras.process(pp, enable=True, **VALUES | {"strength": 0})
    assert np.array_equal(pixels(pp.image), pixels(photo(mode="RGBA")))
    pp = host.scripts_postprocessing.PostprocessedImage(photo(1000, 500))
    host.extras.process(pp, enable=True, **VALUES | {"longest": 64, "words": "", "name": "ukiyo-e"})
    assert pp.image.size == (1000, 500)


def test_img2img_paints_a_batch_with_seeds_that_count_up(host: SimpleNamespace) -> None:
    p = host.processing.StableDiffusionProcessingImg2Img([photo()], batch_size=2)
    found = host.script.run(p, *(VALUES | {"words": "van-gogh-irises"}).values())
    assert len(found.images) == 2
    assert found.seed == 1234
    assert "van-gogh-irises" in found.info
    assert [entry[3] for entry in host.images.saved[-2:]] == [1234, 1235]
    assert not np.array_equal(pixels(found.images[0]), pixels(found.images[1]))


@pytest.mark.parametrize("invert", [0, 1])
def test_an_inpainting_mask_holds(host: SimpleNamespace, invert: int) -> None:
    p = host.processing.StableDiffusionProcessingImg2Img([photo()], seed=1)
    p.image_mask = Image.new("L", (96, 64), 0)
    p.image_mask.paste(255, (0, 0, 48, 64))
    p.inpainting_mask_invert = invert
    (painted,) = host.script.run(p, *VALUES.values()).images
    same = (pixels(painted) == pixels(photo())).all(-1)
    kept, changed = (same[:, :46], same[:, 50:]) if invert else (same[:, 50:], same[:, :46])
    assert kept.all()
    assert changed.mean() < 0.1
    p.image_mask, p.inpainting_mask_invert = Image.new("L", (96, 64), 0), 0
    (kept,) = host.script.run(p, *VALUES.values()).images
    assert np.array_equal(pixels(kept), pixels(photo()))


def test_what_is_skipped_or_interrupted_is_not_painted(host: SimpleNamespace) -> None:
    pp = host.scripts_postprocessing.PostprocessedImage(photo())
    host.shared.state.skipped = True
    host.extras.process(pp, enable=True, **VALUES)
    host.shared.state.skipped, host.shared.state.interrupted = False, True
    with pytest.raises(host.module.DiffstyleError, match="Interrupted"):  # or the web UI would save the photo
        host.extras.process(pp, enable=True, **VALUES)
    assert (np.array_equal(pixels(pp.image), pixels(photo())), pp.info) == (True, {})
    p = host.processing.StableDiffusionProcessingImg2Img([photo()])
    assert host.script.run(p, *VALUES.values()).images == []


def test_what_cannot_be_painted_is_said(host: SimpleNamespace, no_server: str, old_server: str) -> None:
    def said(width: int = 96, **values: Any) -> str:
        pp = host.scripts_postprocessing.PostprocessedImage(photo(width, width // 2))
        with pytest.raises(host.module.DiffstyleError) as found:
            host.extras.process(pp, enable=True, **VALUES | values)
        return str(found.value)

    assert "There is no style" in said(words=" ")
    assert "0.4 million" in said(width=1000)
    host.shared.opts.diffstyle_server = no_server
    assert "No diffstyle server answers" in said()
    with pytest.raises(gr.Error, match="No diffstyle server answers"):
        host.module.named_styles()
    host.shared.opts.diffstyle_server = old_server
    assert "this plugin needs" in said()
