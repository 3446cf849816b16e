"""Recipes and style files that ask for too much are refused before what they hold is decoded."""

from __future__ import annotations

import base64
import json
import resource
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from diffstyle import InputError, Picture, Style, Stylizer, read_recipe
from diffstyle.engines.registry import interactive_engine
from diffstyle.formats.budget import Budget


@pytest.fixture(scope="module")
def values(stylizer: Stylizer, small_photo: Picture, painting: Style) -> dict[str, Any]:
    """A recipe as JSON values."""
    result = stylizer.stylize(small_photo, painting, engine=interactive_engine())
    return json.loads(result.recipe().to_json())


def saved(path: Path, values: object) -> Path:
    inside = PngInfo()
    text = values if isinstance(values, str) else json.dumps(values)
    inside.add_itxt("diffstyle", text, zip=True)
    Image.new("RGB", (64, 64)).save(path, pnginfo=inside)
    return path


def mask_bomb(side: int) -> dict[str, str]:
    buffer = BytesIO()
    Image.new("1", (side, side)).save(buffer, "PNG")
    return {"source": "m.png", "png": base64.b64encode(buffer.getvalue()).decode("ascii")}


def test_masks_are_counted_before_they_are_decoded(values: dict[str, Any], tmp_path: Path) -> None:
    bomb = mask_bomb(11_000)
    regions = [{"mask": bomb, "style": values["style"]} for _ in range(6)]
    path = saved(tmp_path / "a.png", values | {"regions": regions})
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises(InputError, match="pixels of masks"):
        read_recipe(path)
    assert time.monotonic() - started < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


def many_references(values: dict[str, Any]) -> dict[str, Any]:
    style = values["style"]
    return values | {"style": style | {"references": style["references"] * 3000}}


def many_regions(values: dict[str, Any]) -> dict[str, Any]:
    return values | {"regions": [{"mask": mask_bomb(64), "style": values["style"]}] * 70}


def broken_mask(values: dict[str, Any]) -> dict[str, Any]:
    return values | {"mask": mask_bomb(64) | {"png": "AAAA"}}


@pytest.mark.parametrize(
    ("change", "reason"), [(many_references, "references"), (many_regions, "regions"), (broken_mask, "damaged")]
)
def test_too_much_is_refused_quickly(
    change: Callable[[dict[str, Any]], dict[str, Any]], reason: str, values: dict[str, Any], tmp_path: Path
) -> None:
    path = saved(tmp_path / "a.png", change(values))
    started = time.monotonic()
    with pytest.raises(InputError, match=reason):
        read_recipe(path)
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 50_000, "{}", "[]", "null", '{"schema": "x"}', "1" * 5000])
def test_json_that_is_no_recipe_is_damaged(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="damaged"):
        read_recipe(saved(tmp_path / "a.png", text))


def test_a_server_gives_less(values: dict[str, Any], tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", values | {"mask": mask_bomb(512)})
    assert read_recipe(path).mask is not None
    for budget in (Budget(mask_pixels=1000), Budget(references=0), Budget(tensor_bytes=10), Budget(characters=100)):
        with pytest.raises(InputError, match="at most"):
            read_recipe(path, budget)
