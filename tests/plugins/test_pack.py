"""The archives of the plugins that talk to the server: complete, and with the one client inside."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from tests.conftest import ROOT

PLUGINS = ROOT / "plugins"
CLIENT = PLUGINS / "client" / "diffstyle_client.py"
ENTRIES = {
    "blender": ("__init__.py", "blender_manifest.toml"),
    "gimp": ("diffstyle/diffstyle.py",),
    "invokeai": ("diffstyle_nodes/__init__.py", "diffstyle_nodes/diffstyle_pil.py"),
    "krita": ("diffstyle.desktop", "diffstyle/__init__.py"),
    "webui": ("diffstyle/scripts/diffstyle.py", "diffstyle/diffstyle_pil.py"),
}


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archives")
    subprocess.run([sys.executable, PLUGINS / "pack.py", folder], check=True, timeout=60, capture_output=True)
    return folder


@pytest.mark.parametrize("host", ENTRIES)
def test_an_archive_holds_a_whole_plugin(archives: Path, host: str) -> None:
    with ZipFile(archives / f"diffstyle-{host}.zip") as archive:
        names = archive.namelist()
        assert set(ENTRIES[host]) <= set(names)
        assert not [name for name in names if name.startswith(("/", "..")) or "__pycache__" in name]
        (client,) = [name for name in names if name.endswith("diffstyle_client.py")]
        assert archive.read(client) == CLIENT.read_bytes()
        assert [name for name in names if name.endswith("README.md")]
        for name in names:
            if name.endswith(".py"):
                ast.parse(archive.read(name))
        if host == "gimp":
            assert archive.getinfo("diffstyle/diffstyle.py").external_attr >> 16 & 0o111


def test_archives_are_the_same_each_time(archives: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, PLUGINS / "pack.py", tmp_path], check=True, timeout=60, capture_output=True)
    assert {p.name: p.read_bytes() for p in archives.iterdir()} == {p.name: p.read_bytes() for p in tmp_path.iterdir()}


def test_an_archive_that_cannot_be_finished_leaves_the_old_one(
    archives: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.spec_from_file_location("plugins_pack", PLUGINS / "pack.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    target: Path = module.pack("krita", tmp_path)

    def broken(_: str) -> Iterator[tuple[str, Path]]:
        yield "first.py", CLIENT
        raise OSError("no space left")

    monkeypatch.setattr(module, "files_of", broken)
    with pytest.raises(OSError, match="no space"):
        module.pack("krita", tmp_path)
    assert list(tmp_path.iterdir()) == [target]
    assert target.read_bytes() == (archives / target.name).read_bytes()


def test_the_client_lies_in_one_place() -> None:
    for name, count in (("diffstyle_client.py", len(ENTRIES)), ("diffstyle_pil.py", 2)):
        links = [path for path in PLUGINS.rglob(name) if path.parent != CLIENT.parent]
        assert len(links) == count
        assert all(path.is_symlink() and path.resolve() == CLIENT.with_name(name) for path in links)


@pytest.mark.parametrize("host", ENTRIES)
def test_plugins_import_nothing_of_diffstyle(host: str) -> None:
    for path in (PLUGINS / host).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
            assert not [name for name in modules if name.split(".")[0] in ("diffstyle", "torch")], path
