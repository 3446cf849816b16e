"""The house itself: what may import what, what importing costs, what is shipped."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import re
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
from diffstyle.core.fields import fields_of
from diffstyle.core.settings import Settings
from diffstyle.encoders.clip import StyleEncoder
from diffstyle.engines.registry import ENGINES, settings_class
from tests.conftest import ROOT

# From the ground up: a module imports from its own floor and those before it.
FLOORS = [
    *["_version", "core", "formats", "assets", "ops", "data", "encoders", "backbones", "adapters", "runtimes"],
    *["engines", "controls", "stylizer", "video", "export", "serving", "evaluation", "training", "cli"],
]
ROOMS_IN_THE_ROOT = {"__init__", "__main__", "_version", "stylizer"}
_REFERENCE = re.compile(r"diffstyle(_ui)?(\.\w+)+(:\w+)?")


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(p): p for p in sorted((ROOT / "diffstyle").rglob("*.py"))}
FACADE = {"diffstyle", "diffstyle.__main__"}  # the public names, which may point anywhere


def imported(path: Path) -> Iterator[str]:
    """Every module of ours that a module imports: at its top, inside a function, for types alone, or by a string that
    something imports later, "diffstyle.room.module:name".
    """
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            module = node.module or ""
            if module.split(".")[0] in ("diffstyle", "diffstyle_ui"):
                for alias in node.names:
                    full = f"{module}.{alias.name}"
                    yield full if full in MODULES else module
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] in ("diffstyle", "diffstyle_ui"))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _REFERENCE.fullmatch(node.value):
            name = node.value.partition(":")[0]
            if name in MODULES or name.startswith("diffstyle_ui"):
                yield name


GRAPH = {name: sorted(set(imported(path)) - {name}) for name, path in MODULES.items() if name not in FACADE}


@pytest.mark.parametrize("name", GRAPH)
def test_imports_point_down(name: str) -> None:
    floor = FLOORS.index(name.split(".")[1])
    for other in GRAPH[name]:
        assert not other.startswith("diffstyle_ui"), f"{name} imports the page"
        assert other not in FACADE, f"{name} imports the public names: import from where {other} takes them"
        assert FLOORS.index(other.split(".")[1]) <= floor, f"{name} imports {other}, which is on a floor above"


def test_no_imports_go_in_circles() -> None:
    checked: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, "a circle: " + " -> ".join((*path[path.index(name) :], name))
        if name not in checked:
            for other in GRAPH.get(name, ()):
                visit(other, (*path, name))
            checked.add(name)

    for name in GRAPH:
        visit(name, ())


def test_only_a_few_modules_lie_in_the_root() -> None:
    assert {p.stem for p in (ROOT / "diffstyle").glob("*.py")} <= ROOMS_IN_THE_ROOT


def test_engines_are_not_asked_for_by_name() -> None:
    """Outside their folders, the registry and the trainings that make one engine's weights."""
    names = {entry.name for entry in ENGINES}
    classes = {entry.settings.rpartition(":")[2] for entry in ENGINES}
    for path in (*MODULES.values(), *sorted((ROOT / "ui").rglob("*.py"))):
        room = path.relative_to(ROOT).parts[1]
        if room in ("engines", "training") or module_name(path) in FACADE:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Compare):
                said = {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
                said |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
                assert not said & (names | classes), f"{path}:{node.lineno} compares an engine's name"
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
                said = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
                assert not said & classes, f"{path}:{node.lineno} asks for an engine's class"


def test_the_registry_says_what_the_settings_say() -> None:
    for entry in ENGINES:
        cls = settings_class(entry.name)
        assert cls.name == entry.name
        assert all(info.help for info in fields_of(cls)), f"a setting of {entry.name} has no help"
        assert {f.name for f in dataclasses.fields(cls)} == {info.name for info in fields_of(cls)}
    assert {f.name for f in dataclasses.fields(Settings)} == {info.name for info in fields_of(Settings)}


def test_no_module_is_longer_than_four_hundred_lines() -> None:
    long = [name for name, path in MODULES.items() if len(path.read_text("utf-8").splitlines()) > 400]
    assert not long


def test_page_and_plugins_keep_to_what_is_public() -> None:
    for path in [*sorted((ROOT / "ui").rglob("*.py")), *sorted((ROOT / "plugins").rglob("*.py"))]:
        text = path.read_text("utf-8")
        assert len(text.splitlines()) <= 400, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("diffstyle"):
                assert not [a.name for a in node.names if a.name.startswith("_")], f"{path} imports what is private"


def test_all_is_true_and_small() -> None:
    assert sorted(diffstyle.__all__) == diffstyle.__all__
    assert len(diffstyle.__all__) <= 20
    for name in diffstyle.__all__:
        found = getattr(diffstyle, name)
        written_by_python = f"{name}("  # how the docstring of an undocumented dataclass begins
        documented = found.__doc__ and not found.__doc__.startswith(written_by_python)
        assert documented or name == "__version__", f"{name} is not documented"
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
