"""The plug-in for GIMP, in GIMP 3 itself: skipped where it is not installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from diffstyle import Picture
from diffstyle.formats.picture_file import encode
from tests.conftest import ROOT
from tests.plugins.conftest import png

GIMP = next((found for name in ("gimp-console-3.0", "gimp-console-3") if (found := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(
    GIMP is None, reason="GIMP 3 is not installed: there is no gimp-console-3.0 on the PATH"
)


@pytest.fixture(scope="module")
def scenes(
    server: str, old_server: str, no_server: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Mapping[str, Any]]:
    """The folder with the files that a run of GIMP wrote, and what it noted of each scene."""
    folder, profile = tmp_path_factory.mktemp("gimp"), tmp_path_factory.mktemp("profile")
    shutil.copytree(ROOT / "plugins" / "gimp", profile / "plug-ins" / "diffstyle")
    (folder / "photo.png").write_bytes(png(96, 64))
    (folder / "alpha.png").write_bytes(png(96, 64, "RGBA"))
    rng = np.random.default_rng(0)
    deep = Picture.from_array(rng.integers(0, 65536, (64, 96, 4), dtype=np.uint16))
    (folder / "deep.png").write_bytes(encode(deep, "PNG", "", depth=16))
    task = {"server": server, "old_server": old_server, "no_server": no_server, "folder": str(folder)}
    script = shutil.copy(Path(__file__).with_name("gimp_batch.py"), folder)
    assert GIMP is not None
    words = [GIMP, "-i", "--batch-interpreter", "python-fu-eval", "-b", f"exec(open({script!r}).read())", "--quit"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment |= {"GIMP3_DIRECTORY": str(profile), "DIFFSTYLE_TASK": json.dumps(task)}
    run = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=240)
    assert (folder / "found.json").is_file(), run.stdout + run.stderr
    return folder, json.loads((folder / "found.json").read_text())


def test_the_new_layer_lies_above_the_old_one_with_the_selection_as_its_mask(scenes: Any) -> None:
    folder, found = scenes
    assert found["plain"]["error"] == ""
    (new,) = found["plain"]["new"]
    assert (new["name"], new["offsets"], new["parent"]) == ("charcoal drawing", [5, 7], "group")
    assert new["order"] == ["charcoal drawing", "photo"]
    assert new["selected"] == ["charcoal drawing"]
    assert Picture.open(folder / "plain.png").size == (96, 64)
    mask = Picture.open(folder / "plain-mask.png").to_array(8)[..., 0]
    expected = np.zeros((64, 96), np.uint8)
    expected[10:30, 10:40] = 255  # the selection, seen from the layer's corner
    assert np.array_equal(mask, expected)
    before, after = (Picture.open(folder / f"{name}.png").to_array(8)[..., :3] for name in ("photo", "plain"))
    assert np.abs(before.astype(int) - after).mean() > 10


@pytest.mark.parametrize(("scene", "depth", "most"), [("alpha", 8, 0), ("deep", 16, 0), ("profiled", 8, 2)])
def test_strength_zero_gives_the_layer_back(scenes: Any, scene: str, depth: Literal[8, 16], most: int) -> None:
    folder, found = scenes
    assert found[scene]["error"] == ""
    before = Picture.open(folder / f"{scene}-before.png").to_array(depth).astype(int)
    after = Picture.open(folder / f"{scene}.png").to_array(depth).astype(int)
    assert np.abs(before - after[..., : before.shape[2]]).max() <= most
    assert found[scene]["new"][0]["precision"] == ("u16-non-linear" if depth == 16 else "u8-non-linear")


def test_what_a_mask_hides_is_transparent(scenes: Any) -> None:
    folder, found = scenes
    assert found["masked"]["error"] == ""
    alpha = Picture.open(folder / "masked.png").to_array(8)[..., 3]
    assert (alpha[:, :40] == 255).all()
    assert (alpha[:, 40:] == 0).all()


def test_the_selection_is_that_of_the_start(scenes: Any) -> None:
    folder, found = scenes
    assert [new["name"] for new in found["meanwhile"]["new"]] == ["painted"]
    expected = np.zeros((64, 96), np.uint8)
    expected[10:30, 10:40] = 255
    assert np.array_equal(Picture.open(folder / "meanwhile-mask.png").to_array(8)[..., 0], expected)


def test_a_smaller_size_is_enlarged_to_the_layer(scenes: Any) -> None:
    folder, found = scenes
    assert found["reduced"]["error"] == ""
    assert Picture.open(folder / "reduced.png").size == (1000, 500)


@pytest.mark.parametrize(
    ("scene", "said"),
    [
        ("no-style", "There is no style: describe it in words"),
        ("no-server", "No diffstyle server answers at http://127.0.0.1:9: start one with diffstyle serve"),
        ("old-server", "runs diffstyle 0.1.9, and this plugin needs"),
        ("no-address", "is no address"),
        ("outside", "The selection lies outside the layer"),
        ("locked", "are locked"),
        ("two", "2 layers are selected: select one."),
        ("channel", "is a mask or a channel"),
        ("gray", "choose Image > Mode > RGB first"),
        ("huge", "0.4 million"),
    ],
)
def test_what_cannot_be_painted_is_said(scenes: Any, scene: str, said: str) -> None:
    _, found = scenes
    assert said in found[scene]["error"]
    assert found[scene]["new"] == []
