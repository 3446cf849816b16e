"""The house itself: what may import what, what importing costs, what is shipped."""

from __future__ import annotations

import ast
import hashlib
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import diffstyle
from diffstyle.adapters.tokens import TokensAdapter
from diffstyle.assets.manifest import manifest, read_toml, weights_folder
from diffstyle.assets.zoo import adapter_file, adapter_folders, style_files
from diffstyle.encoders.clip import StyleEncoder
from tests.conftest import ROOT

# from the ground up: a module may import from its own floor and those before it
FLOORS = (
    {"errors", "files", "tensors", "sphere", "model_options", "device", "latest", "light"},
    {"picture", "picture_file", "style", "region", "style_file", "ipadpt", "task", "recipe"}
    | {"weights", "zoo", "style_spec", "space", "models"},
    {"colours", "captions", "procedural"},
    {"bridge", "encoder_source", "clip_model", "encoder", "backbones", "conditioning", "selection"},
    {"engines", "controls"},
    {"stylizer", "layers"},
    {"training", "evaluation", "cli"},
)
FLOOR = {room: n for n, rooms in enumerate(FLOORS) for room in rooms}


def modules() -> Iterator[Path]:
    for path in sorted((ROOT / "diffstyle").rglob("*.py")):
        if path.parent != ROOT / "diffstyle" or not path.name.startswith("__"):
            yield path


def imported_rooms(path: Path) -> Iterator[str]:
    """Every room that a module imports from, at its top, inside a function or through `from diffstyle import X`."""
    homes: dict[str, str] = vars(diffstyle)["_HOME"]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            module = node.module or ""
            assert not module.startswith("diffstyle_ui"), f"{path} imports the UI"
            if module == "diffstyle":
                yield from (homes.get(a.name, a.name).split(".")[0] for a in node.names if a.name != "__version__")
            elif module.startswith("diffstyle."):
                yield module.split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (a.name.split(".")[1] for a in node.names if a.name.startswith("diffstyle."))


@pytest.mark.parametrize("path", list(modules()), ids=lambda p: str(p.relative_to(ROOT / "diffstyle")))
def test_imports_point_one_way(path: Path) -> None:
    room = path.relative_to(ROOT / "diffstyle").parts[0].removesuffix(".py")
    assert room in FLOOR, f"{path} has no floor: give it one in FLOORS"
    for other in imported_rooms(path):
        assert FLOOR[other] <= FLOOR[room], f"{path} on floor {FLOOR[room]} imports {other} on floor {FLOOR[other]}"


def test_no_module_is_longer_than_four_hundred_lines() -> None:
    long = [str(p) for p in modules() if len(p.read_text("utf-8").splitlines()) > 400]
    assert not long


def test_the_page_keeps_to_what_is_public() -> None:
    for path in sorted((ROOT / "ui").rglob("*.py")):
        text = path.read_text("utf-8")
        assert len(text.splitlines()) <= 400, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("diffstyle"):
                assert not [a.name for a in node.names if a.name.startswith("_")], f"{path} imports what is private"


def test_all_is_true_and_small() -> None:
    assert sorted(diffstyle.__all__) == diffstyle.__all__
    assert len(diffstyle.__all__) <= 16
    for name in diffstyle.__all__:
        assert getattr(diffstyle, name).__doc__ or name == "__version__", f"{name} is not documented"
    with pytest.raises(AttributeError):
        _ = diffstyle.nothing_of_the_kind  # pyright: ignore


def test_importing_does_nothing(tmp_path: Path) -> None:
    code = "import sys, diffstyle; print(sorted(m for m in sys.modules if m in ('torch', 'numpy', 'PIL', 'cyclopts')))"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
    assert not list(tmp_path.iterdir())


def test_help_is_quick() -> None:
    """In the processor's seconds, for others may be at work beside it."""

    def worked() -> float:
        of_children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return of_children.ru_utime + of_children.ru_stime

    command = [sys.executable, "-m", "diffstyle", "--help"]
    seconds: list[float] = []
    for _ in range(5):
        begun = worked()
        subprocess.run(command, capture_output=True, check=True)
        seconds.append(worked() - begun)
    assert min(seconds) < 0.5


def test_manifest_is_what_is_shipped() -> None:
    entries = manifest()
    shipped = {str(p.relative_to(weights_folder())) for p in weights_folder().rglob("*.safetensors")}
    shipped |= {f"starter/clip/{n}" for n in ("open_clip_config.json", "bpe_vocabulary.txt.gz")}
    shipped = {name for name in shipped if not name.startswith("starter/styles/")}
    assert shipped == set(entries)
    for name, entry in entries.items():
        data = (weights_folder() / name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (entry.size, entry.sha256)


def test_adapters_are_what_their_cards_say() -> None:
    assert "starter" in adapter_folders()
    for name, folder in adapter_folders().items():
        assert adapter_file(name) == folder / "adapter.safetensors"
        values = read_toml(folder / "adapter.toml")
        assert {"name", "kind", "backbone", "space", "source", "licence", "sha256"} <= set(values)
        assert (folder / "CARD.md").is_file()
        assert TokensAdapter.load(adapter_file(name)).space == values["space"]
        if values["backbone"] == "starter":
            assert values["space"] == StyleEncoder.load().space


def test_starter_pack_keeps_its_budget() -> None:
    def megabytes(folder: Path) -> float:
        return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6

    assert megabytes(weights_folder() / "starter" / "clip") <= 14
    assert megabytes(weights_folder() / "starter" / "preview") <= 6
    assert megabytes(weights_folder() / "starter" / "diffusion") <= 30
    assert all(megabytes(folder) <= 4 for folder in adapter_folders().values())
    assert max(p.stat().st_size for p in weights_folder().rglob("*.safetensors")) <= 15e6
    assert megabytes(weights_folder() / "starter") <= 48
    assert len(style_files()) >= 32
