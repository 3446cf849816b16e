"""The page's modules: who may import whom."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.conftest import ROOT

PAGE = ROOT / "ui" / "diffstyle_ui"
MODULES = {".".join(p.relative_to(PAGE.parent).with_suffix("").parts): p for p in sorted(PAGE.rglob("*.py"))}


def imported(module: str) -> Iterator[str]:
    """The page's modules that `module` imports."""
    for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("diffstyle_ui"):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else str(node.module)


def test_no_import_circles() -> None:
    try:
        list(TopologicalSorter({m: set(imported(m)) for m in MODULES}).static_order())
    except CycleError as error:
        pytest.fail(f"import circle: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("module", [m for m in MODULES if ".widgets." in m])
def test_widgets_import_widgets_only(module: str) -> None:
    assert all(".widgets." in other for other in imported(module))


@pytest.mark.parametrize("module", [m for m in MODULES if ".tabs." in m])
def test_tabs_import_no_tab(module: str) -> None:
    assert not [other for other in imported(module) if ".tabs." in other]


def test_no_module_names_an_engine() -> None:
    from diffstyle.engines.registry import engine_names

    named = re.compile("|".join(rf"[\"']{name}[\"']" for name in engine_names()))
    assert not [m for m, path in MODULES.items() if named.search(path.read_text("utf-8"))]
