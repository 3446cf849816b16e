"""What people install: sdist, from it the wheel, in a clean environment outside the repository."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = [pytest.mark.package, pytest.mark.long]


def run(*command: object, cwd: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(c) for c in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)  # the wheel is built from the sdist
    assert len(list(folder.glob("*.tar.gz"))) == 1
    (path,) = folder.glob("*.whl")
    return path


def test_nothing_else_is_at_the_top(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    top = {n.split("/")[0] for n in names if not n.split("/")[0].endswith(".dist-info")}
    assert top <= {"diffstyle", "diffstyle_ui"}
    assert "diffstyle/_weights/manifest.toml" in names
    assert {"diffstyle/py.typed", "diffstyle_ui/py.typed", "diffstyle_ui/app/page.py"} <= set(names)
    assert not [n for n in names if n.startswith(("diffstyle/_weights", "diffstyle/_adapters")) and n.endswith(".py")]


def test_the_wheel_repaints_a_picture_elsewhere(wheel: Path, tmp_path: Path, photo_file: Path) -> None:
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel, cwd=tmp_path)
    where = run(python, "-c", "import diffstyle; print(diffstyle.__file__)", cwd=tmp_path)
    assert str(environment) in where
    assert "Open the web page" in run(environment / "bin" / "diffstyle", "--help", cwd=tmp_path)
    out = tmp_path / "out.png"
    for style in ("munch-scream", "stained glass in red and blue"):
        run(environment / "bin" / "diffstyle", "stylize", photo_file, "--style", style, "-o", out, cwd=tmp_path)
        assert out.stat().st_size > 1000
        out.unlink()
