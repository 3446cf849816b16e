"""The docker for Krita: in Krita itself where it is installed, and on a stand-in for its Python module with PyQt6."""

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

from diffstyle.assets.zoo import style_files
from tests.conftest import ROOT

HERE, PLUGIN = Path(__file__).parent, ROOT / "plugins" / "krita"
KRITA = shutil.which("kritarunner")
HOSTS = [
    pytest.param(
        "krita", marks=pytest.mark.skipif(KRITA is None, reason="Krita is not installed: no kritarunner on the PATH")
    ),
    pytest.param(
        "stand-in",
        marks=pytest.mark.skipif(
            importlib.util.find_spec("PyQt6") is None, reason="PyQt6 is not installed: pip install PyQt6"
        ),
    ),
]


@pytest.fixture(scope="module", params=HOSTS)
def found(
    request: pytest.FixtureRequest,
    server: str,
    old_server: str,
    no_server: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Mapping[str, Any]:
    """What a run noted of each scene."""
    folder = tmp_path_factory.mktemp("krita")
    plugins = folder / "data" / "krita" / "pykrita"
    shutil.copytree(PLUGIN, plugins)
    shutil.copy(HERE / "krita_batch.py", plugins)
    task = {"server": server, "old_server": old_server, "no_server": no_server, "folder": str(folder)}
    (folder / "runtime").mkdir(mode=0o700)
    environment = os.environ | {
        "DIFFSTYLE_TASK": json.dumps(task),
        "PYTHONPATH": str(plugins),
        "QT_QPA_PLATFORM": "offscreen",
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_DATA_HOME": str(folder / "data"),
        "XDG_RUNTIME_DIR": str(folder / "runtime"),
    }
    words = [str(KRITA), "-s", "krita_batch", "-f", "main"]
    if request.param == "stand-in":
        paths = [str(plugins), str(HERE / "krita_stand_in"), os.environ.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(paths)
        words = [sys.executable, "-c", "import krita, krita_batch; krita_batch.main()"]
    run = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=200)
    assert (folder / "found.json").is_file(), run.stdout[-3000:] + run.stderr[-3000:]
    noted = json.loads((folder / "found.json").read_text())
    assert "traceback" not in noted, noted["traceback"]
    return noted


def test_the_new_layer_lies_above_the_old_one_with_the_selection_as_its_mask(found: Mapping[str, Any]) -> None:
    assert found["plain"] == ""
    assert found["plain-layers"] == ["photo", "charcoal drawing"]
    assert found["plain-masks"] == ["transparencymask"]
    assert found["plain-selection"] == [10, 8, 30, 20]
    assert found["plain-off"] > 30
    assert found["plain-old"]


@pytest.mark.parametrize("depth", ["U8", "U16"])
def test_strength_zero_gives_the_layer_back(found: Mapping[str, Any], depth: str) -> None:
    assert found[f"back-{depth}"] == ""
    assert (found[f"back-{depth}-off"], found[f"back-{depth}-depth"]) == (0, depth)


def test_sizes_previews_and_names(found: Mapping[str, Any]) -> None:
    assert found["styles"] == f"{len(style_files())} named styles: type a part of a name."
    assert (found["reduced"], found["reduced-bounds"]) == ("", [96, 64])
    assert (found["preview"], found["preview-shown"]) == ("", 240)


def test_what_is_cancelled_adds_no_layer(found: Mapping[str, Any]) -> None:
    assert found["busy"] == "diffstyle is painting: wait, or press Cancel."
    assert (found["cancelled"], found["cancelled-layers"]) == ("Cancelled.", 0)


@pytest.mark.parametrize("scene", ["deleted", "deleted-group"])
def test_a_layer_that_is_deleted_while_it_is_painted_is_painted(found: Mapping[str, Any], scene: str) -> None:
    assert found[scene] == ""
    assert found[f"{scene}-layer"] == ["charcoal drawing", 10, 8, 30, 20]


@pytest.mark.parametrize(
    ("scene", "said"),
    [
        ("no-document", "There is no document: open one."),
        ("no-layer", "There is no layer: select one, and no mask."),
        ("mask", "There is no layer: select one, and no mask."),
        ("no-style", "There is no style: describe it in words"),
        ("no-server", "No diffstyle server answers at http://127.0.0.1:9"),
        ("old-server", "runs diffstyle 0.1.9, and this plugin needs"),
        ("no-address", "is no address"),
        ("empty", "The layer is empty"),
        ("outside", "The selection lies outside the layer"),
        ("huge", "0.4 million"),
        ("closed", "The document was closed while diffstyle painted"),
    ],
)
def test_what_cannot_be_painted_is_said(found: Mapping[str, Any], scene: str, said: str) -> None:
    assert said in found[scene]
