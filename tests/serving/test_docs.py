"""The snippets of docs/serving.md run as they are printed, but for address and key; the description is complete."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

from diffstyle import Picture, Settings, read_recipe
from diffstyle.core.fields import fields_of
from diffstyle.engines.registry import engine_names, settings_class
from diffstyle.serving.edit import TAKEN
from tests.conftest import ROOT
from tests.serving.conftest import KEYS, Api

PRINTED = "http://127.0.0.1:8000"


def text() -> str:
    return (ROOT / "docs" / "serving.md").read_text("utf-8")


def test_the_python_example_runs(api: Api, photo_file: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", text(), re.S)
    folder = photo_file.parent
    Image.open(photo_file).save(folder / "photo.jpg")
    code = code.replace(PRINTED, api.url).replace('"any"', repr(KEYS["ada"])).replace("512x512", "256x256")
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    recipe = read_recipe(folder / "result.png")
    assert (recipe.settings.strength, recipe.settings.seed, recipe.settings.size) == (0.8, 7, 256)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_curl_examples_run(api: Api, photo_file: Path, painting_file: Path) -> None:
    (block,) = re.findall(r"With curl:\n\n```\n(.*?)```", text(), re.S)
    folder = painting_file.parent
    Image.open(photo_file).save(folder / "photo.jpg")
    for line in block.replace(PRINTED, api.url).replace("size=512", "size=128").splitlines():
        line = line.replace("curl ", f"curl -sSf -H 'Authorization: Bearer {KEYS['ada']}' ", 1)
        done = subprocess.run(line, shell=True, cwd=folder, capture_output=True, timeout=60)
        assert done.returncode == 0, (line, done.stderr)
    for name in ("preview.png", "both.png", "again.png"):
        assert Picture.open(folder / name).size == (232, 152)


def test_openapi_describes_every_setting(api: Api) -> None:
    described: dict[str, Any] = httpx2.get(f"{api.url}/openapi.json").json()
    content = described["paths"]["/v1/images/edits"]["post"]["requestBody"]["content"]
    fields = content["multipart/form-data"]["schema"]["properties"]
    assert fields["strength"] == {
        "type": "number",
        "description": "How far to go from the photo (0) to the style (1).",
        "default": 1.0,
        "minimum": 0,
        "maximum": 1,
    }
    for info in fields_of(Settings):
        assert info.name in fields
    for engine in engine_names():
        for info in fields_of(settings_class(engine)):
            assert (f"{engine}.{info.name}" if info.name in TAKEN else info.name) in fields
    named = text().replace("{name}", "{id}")
    for path, methods in described["paths"].items():
        assert re.sub(r"{\w+}", "{id}", path) in named, f"docs/serving.md does not name {path}"
        assert all(method["summary"] for method in methods.values())
