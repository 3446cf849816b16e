"""The snippets for programs in docs/ui.md run as they are printed, but for the address."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from diffstyle import read_recipe
from tests.conftest import ROOT
from tests.helpers.browser import CAT
from tests.helpers.serving import ServedPage

PRINTED = "http://127.0.0.1:7860"


def snippet(language: str, page: ServedPage) -> str:
    """The only snippet in `language` of the chapter for programs, for `page`."""
    chapter = (ROOT / "docs" / "ui.md").read_text("utf-8").split("## For programs")[1].split("\n## ")[0]
    (found,) = re.findall(rf"```{language}\n(.*?)```", chapter, re.S)
    assert PRINTED in found
    return found.replace(PRINTED, page.address.rstrip("/"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Image.open(CAT) as cat:
        cat.resize((180, 120)).save(tmp_path / "photo.jpg")
    return tmp_path


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_python_snippet_runs(served: ServedPage, folder: Path) -> None:
    (folder / "paint.py").write_text(snippet("python", served))
    said = run([sys.executable, "paint.py"], folder)
    assert "0.8 [{'label'" in said
    recipe = read_recipe(folder / "result.png")
    assert recipe.settings.strength == 0.8
    assert recipe.settings.seed == 7
    assert recipe.content_source == "photo.jpg"


@pytest.mark.long  # it installs a package
def test_the_javascript_snippet_runs(served: ServedPage, folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("There is no Node.")
    (folder / "package.json").write_text("{}")
    command = [npm, "install", "--no-audit", "--no-fund", "@gradio/client"]
    installed = subprocess.run(command, cwd=folder, capture_output=True, timeout=300)
    if installed.returncode:
        pytest.skip("npm cannot install @gradio/client here.")
    (folder / "paint.mjs").write_text(snippet("js", served))
    run(["node", "paint.mjs"], folder)
    recipe = read_recipe(folder / "result.png")
    assert recipe.settings.strength == 0.8
    assert {reference.prompt for reference in recipe.style.references} >= {"pale watercolour"}
