"""How the server starts: what it imports, and what it says if its models cannot be loaded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread

import pytest
from diffstyle_ui.app.limits import Limits

from diffstyle.assets.manifest import weights_folder
from diffstyle.engines.registry import interactive_engine
from diffstyle.serving.renderer import Renderer
from tests.helpers.cli import run

SLOW = ("diffusers", "transformers", "accelerate", "peft", "open_clip")
CODE = f"""
import sys
from diffstyle_ui.app.gradio_import import without_stubs
with without_stubs():
    import diffstyle_ui.app.page
from gradio import component_meta
print([name for name in {SLOW} if name in sys.modules])
print(component_meta.create_or_modify_pyi.__module__, [type(finder).__module__ for finder in sys.meta_path])
"""
OURS = "diffstyle_ui.app.gradio_import"


def test_the_page_is_imported_without_what_its_first_screen_does_not_need() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    loaded, patched = done.stdout.splitlines()
    assert loaded == "[]"
    assert patched.split()[0] == OURS
    assert patched.count(OURS) == 1  # the hook is gone


def test_other_engines_are_loaded_when_nobody_asks_for_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diffstyle.serving.renderer.QUIET_SECONDS", 0.5)
    renderer = Renderer(limits=Limits())
    busy = Event()
    try:
        renderer.load()
        monkeypatch.setattr("diffstyle.serving.renderer.engine_names", lambda: [interactive_engine()])
        monkeypatch.setattr("diffstyle.serving.renderer.whole_model", bool)
        renderer.previews.submit(lambda _: busy.wait(60))
        thread = Thread(target=renderer.load_others)
        thread.start()
        thread.join(2.0)
        assert thread.is_alive()
        busy.set()
        thread.join(60)
        assert not thread.is_alive()
    finally:
        busy.set()
        renderer.close()


def test_a_missing_model_is_said_before_the_server_starts(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("ui", "--model", "sd15") == 2
    assert "diffstyle is at" not in capsys.readouterr().out


@pytest.mark.parametrize("server", [("ui",), ("serve", "--port", "0")])
def test_damaged_weights_stop_the_server_with_a_sentence(server: tuple[str, ...], tmp_path: Path) -> None:
    weights = shutil.copytree(weights_folder(), tmp_path / "weights")
    for file in (weights / "starter" / "preview").glob("*.safetensors"):
        file.write_bytes(file.read_bytes()[:-8] + b"damaged.")
    environment = os.environ | {"DIFFSTYLE_WEIGHTS": str(weights)}
    command = [sys.executable, "-m", "diffstyle", *server]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "damaged" in done.stderr
