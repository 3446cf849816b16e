"""The extension for Blender, in Blender itself: skipped where neither Blender nor its module bpy is installed."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from diffstyle import Picture
from diffstyle.assets.zoo import style_files
from tests.conftest import ROOT

BATCH = Path(__file__).with_name("blender_batch.py")
BLENDER = shutil.which("blender")
BPY = importlib.util.find_spec("bpy") is not None
pytestmark = pytest.mark.skipif(not (BLENDER or BPY), reason="neither Blender nor bpy is installed: pip install bpy")


@pytest.fixture(scope="module")
def found(server: str, old_server: str, no_server: str, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """What a run of Blender noted, and the folder that it wrote to."""
    folder = tmp_path_factory.mktemp("blender")
    subprocess.run([sys.executable, ROOT / "plugins" / "pack.py", folder], check=True, capture_output=True, timeout=60)
    task = {
        "server": server,
        "old_server": old_server,
        "no_server": no_server,
        "folder": str(folder),
        "archive": str(folder / "diffstyle-blender.zip"),
    }
    words = [sys.executable, str(BATCH)] if BPY else [str(BLENDER), "--background", "--python", str(BATCH)]
    environment = os.environ | {"BLENDER_USER_RESOURCES": str(folder / "user"), "DIFFSTYLE_TASK": json.dumps(task)}
    run = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=280)
    assert (folder / "found.json").is_file(), run.stdout[-4000:] + run.stderr[-4000:]
    return json.loads((folder / "found.json").read_text()) | {"folder": folder}


def test_the_archive_is_installed_enabled_and_disabled(found: Mapping[str, Any]) -> None:
    assert found["enabled"]
    assert found["disabled"]
    assert found["address"] == "http://127.0.0.1:8000"
    assert (found["list"], found["names"]) == ("", sorted(style_files()))


def test_a_render_is_painted_as_a_new_image_with_the_bits_of_the_output(found: Mapping[str, Any]) -> None:
    assert found["render"] == ""
    assert found["render-image"] == ["Render, charcoal drawing", [120, 80], True, True]
    assert found["output"] == ["PNG", "16"]
    before, after = (Picture.open(found["folder"] / name) for name in ("render.png", "painted.png"))
    assert before.size == after.size
    assert float((before.pixels - after.pixels).abs().mean()) > 0.05


def test_strength_zero_gives_textures_back(found: Mapping[str, Any]) -> None:
    assert (found["bytes"], found["floats"]) == ("", "")
    assert found["bytes-off"] < 1e-6
    assert found["bytes-space"]
    assert found["floats-deep"]
    assert found["floats-off"] < 1e-4


def test_a_texture_takes_the_place_of_another_at_its_size(found: Mapping[str, Any]) -> None:
    assert found["replace"] == ""
    assert found["replaced"] == ["bytes, charcoal drawing.001", [96, 64], True]


def test_a_preview_replaces_the_last_one(found: Mapping[str, Any]) -> None:
    assert (found["preview"], found["preview-size"]) == ("", [96, 64])


def test_a_render_is_painted_at_its_own_size_and_not_at_that_of_the_settings(found: Mapping[str, Any]) -> None:
    assert (found["another-size"], found["another-size-image"]) == ("", [[120, 80]])


def test_a_preview_in_the_editor_is_no_source(found: Mapping[str, Any]) -> None:
    assert found["editor-preview"] == ["diffstyle preview", "diffstyle preview", "bytes"]
    assert found["editor-painted"] == ["bytes, charcoal drawing.002", [96, 64]]
    assert found["editor-off"] < 1e-6
    assert found["render-preview"] == ["Render Result", [120, 80]]


def test_a_texture_that_is_deleted_while_it_is_painted_is_painted(found: Mapping[str, Any]) -> None:
    assert found["gone"] == ["short, charcoal drawing", [96, 64], True]


@pytest.mark.parametrize(
    ("scene", "said"),
    [
        ("no-render", "There is no render yet: render the scene first."),
        ("no-style", "There is no style: describe it in words"),
        ("no-image", "There is no image 'nothing'"),
        ("preview-typo", "There is no image 'TYPO'"),
        ("preview-of-nothing", "The image that this preview shows is gone or renamed"),
        ("render-preview-painted", "use Stylise Render"),
        ("the-render", "use Stylise Render"),
        ("tiles", "tiles is a UDIM with tiles: open a single image."),
        ("huge", "0.4 million"),
        ("no-server", "No diffstyle server answers at http://127.0.0.1:9"),
        ("old-server", "runs diffstyle 0.1.9, and this plugin needs"),
        ("elsewhere", "allow online access"),
    ],
)
def test_what_cannot_be_painted_is_said(found: Mapping[str, Any], scene: str, said: str) -> None:
    assert said in found[scene]
