"""Styles as they are typed: what is no weight is an error, never words."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from diffstyle import InputError
from diffstyle.assets.style_spec import parse_style, style_paths
from tests.helpers.pictures import waves


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("style.jpg", "a=b.png", "photo.jpg", "time 10:30.png"):
        Image.fromarray(waves(64, 48)).save(tmp_path / name)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "weight", [":0,5", ":50%", "=0.5", "=50%", ":1/2", ":0.5x", ":0.5:0.5%", " : 0,5", ":", ":half"]
)
@pytest.mark.parametrize("name", ["style.jpg", "neon", "image:style.jpg", "preset:neon", "missing.jpg"])
def test_mistyped_weights_are_errors(name: str, weight: str) -> None:
    if weight == ":half" and "style.jpg" not in name:
        return  # "neon:half" may be words
    with pytest.raises(InputError, match=r"weight|no such file|called"):
        parse_style([f"{name}{weight}"])


@pytest.mark.parametrize("spec", ["style.jpg:0.6,photo.jpg:0.4", "neon:0.6,charcoal:0.4", "neon:0.6, charcoal"])
def test_several_styles_in_one_are_an_error(spec: str) -> None:
    with pytest.raises(InputError, match="of its own"):
        parse_style([spec])


def test_words_with_a_mistyped_weight() -> None:
    with pytest.raises(InputError, match="weight"):
        parse_style(["soft watercolour:0,5"])
    assert parse_style(["watercolour: soft and pale"]).prompt == "watercolour: soft and pale"
    assert parse_style(["neon lights, 50% grey"]).prompt == "neon lights, 50% grey"
    assert parse_style(["x = 5 in chalk"]).prompt == "x = 5 in chalk"


def test_names_with_signs_are_files() -> None:
    assert style_paths(["a=b.png", "time 10:30.png", "a=b.png:0.5"]) == [
        *(Path("a=b.png"), Path("time 10:30.png"), Path("a=b.png"))
    ]
    assert parse_style(["a=b.png:0.5"]).references[0].pictures


@pytest.mark.parametrize("what", [".", "..", "./", "~"])
def test_folders_are_no_styles(what: str) -> None:
    with pytest.raises(InputError, match="folder"):
        parse_style([what])
