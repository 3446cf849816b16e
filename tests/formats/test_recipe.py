"""Recipes survive the file they are in, and those of older versions still repeat their picture."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from diffstyle import InputError, Picture, Reference, Settings, Style, Stylizer, read_recipe
from diffstyle.cli import main
from diffstyle.core.model_options import ModelOptions
from diffstyle.engines.replay import task_of, upgraded
from diffstyle.formats.picture_file import encode
from diffstyle.formats.recipe import Recipe
from tests.conftest import ROOT, waves

OLD = ROOT / "tests" / "recipes"

any_settings = st.builds(
    Settings, strength=st.floats(0, 1), size=st.none() | st.integers(64, 8192), seed=st.integers(0, 2**63 - 1)
)
vectors = st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=300).map(torch.tensor)
any_reference = st.builds(
    Reference,
    digest=st.text(max_size=9),
    source=st.text(max_size=9),
    weight=st.floats(0.1, 9),
    pictures=st.just(()),
    exemplars=st.lists(st.binary(min_size=1, max_size=9), max_size=8).map(tuple),
    statistics=vectors.map(lambda vector: {"space-1": vector}),
)
any_style = st.builds(
    Style,
    references=st.lists(any_reference, min_size=1, max_size=3).map(tuple),
    name=st.text(max_size=20),
    licence=st.text(max_size=9),
)


def recipe(values: Settings, style: Style, **more: Any) -> Recipe:
    return Recipe(
        version="0.2.0",
        content="ab" * 32,
        content_source="Foto ä.jpg",
        style=style,
        settings=values,
        engine="diffusion",
        engine_values={"steps": 3, "prompt": "näher"},
        weights={"a/b.safetensors": "cd" * 32},
        runtime={"threads": "2"},
        options=ModelOptions(model="sd15", lora=("a:0.5", "b")),
        **more,
    )


@given(any_settings, any_style)
@settings(max_examples=40, deadline=None)
def test_recipes_survive_json(values: Settings, style: Style) -> None:
    made = recipe(values, style, negative_style=style, depth=16)
    back = Recipe.from_json(made.to_json())
    assert (back.settings, back.options, back.depth) == (values, made.options, 16)
    assert (back.engine, back.engine_values) == ("diffusion", made.engine_values)
    assert back.style == back.negative_style == style
    assert back.style.name == style.name
    for one, other in zip(back.style.references, style.references, strict=True):
        assert torch.equal(one.statistics["space-1"], other.statistics["space-1"])
    assert back.to_json() == made.to_json()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("alpha", [False, True])
def test_every_format_carries_the_recipe(kind: str, alpha: bool, tmp_path: Path) -> None:
    array = waves(40, 30)
    if alpha:
        array = np.dstack([array, array[..., 0]])
    path, made = tmp_path / f"x.{kind.lower()}", recipe(Settings(seed=7), Style((Reference("d", "s", 1.0),)))
    data = encode(Picture.from_array(array), kind, made.to_json())
    path.write_bytes(data)
    assert read_recipe(path).to_json() == made.to_json()
    if kind != "JPEG":
        assert np.array_equal(np.asarray(Image.open(BytesIO(data))), array)


def test_pictures_without_a_recipe_get_a_sentence(photo_file: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no diffstyle recipe"):
        read_recipe(photo_file)
    with pytest.raises(InputError, match="no such file"):
        read_recipe(tmp_path / "nothing.png")
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(InputError, match="not a picture"):
        read_recipe(tmp_path / "text.png")
    for text, expected in (
        ('{"version": 1}', "damaged"),
        ("[1]", "damaged"),
        (json.dumps({"schema": 99, "version": "9.0"}), "install that version"),
    ):
        (tmp_path / "x.png").write_bytes(encode(Picture.open(photo_file), "PNG", text))
        with pytest.raises(InputError, match=expected):
            read_recipe(tmp_path / "x.png")


@pytest.mark.parametrize("change", [{"depth": 10**400}, {"depth": 7}, {"steps": 10**400}, {"steps": [1e999]}])
def test_numbers_that_no_setting_has_are_damage(change: dict[str, Any], photo_file: Path, tmp_path: Path) -> None:
    values = json.loads(recipe(Settings(), Style.from_text("neon")).to_json())
    target = values if "depth" in change else values["engine"]["values"]
    target |= change
    (tmp_path / "x.png").write_bytes(encode(Picture.open(photo_file), "PNG", json.dumps(values)))
    with pytest.raises(InputError, match="damaged"):
        read_recipe(tmp_path / "x.png")


@pytest.mark.parametrize("name", ["0.1.0-adain-mask.png", "0.1.0-adain-deep.tif"])
def test_a_recipe_of_version_0_1_repeats_its_picture(name: str, stylizer: Stylizer) -> None:
    old = read_recipe(OLD / name)
    assert old.schema == 1
    photo = Picture.open(OLD / "photo.png")
    assert photo.digest() == old.content
    result = stylizer.render(task_of(old, photo))
    assert dict(result.weights) == dict(old.weights)
    saved = Picture.open(OLD / name)
    # the machine that made it computes in bfloat16 with two threads; in other numbers a few pixels differ a little
    difference = (result.picture.pixels - saved.pixels).abs()
    assert float(difference.mean()) < 1.5 / 255
    if dict(result.runtime) == dict(old.runtime):
        assert float(difference.max()) <= 0.51 / (2**old.depth - 1)
    now = result.recipe(depth=old.depth)
    assert upgraded(old).settings == now.settings
    assert upgraded(old).engine_values.items() <= now.engine_values.items()  # what is newer has its default


def test_a_recipe_of_a_model_that_was_replaced_is_read_and_names_its_version(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its settings are upgraded; a picture that would be another one is not made."""
    made = OLD / "0.1.0-diffusion-regions.webp"
    old, threads = read_recipe(made), 3
    torch.set_num_threads(threads)
    task = task_of(old, Picture.open(OLD / "photo.png"))
    assert (task.strength, task.seed, len(task.regions)) == (upgraded(old).settings.strength, old.settings.seed, 1)
    command = ["replay", str(made), "--content", str(OLD / "photo.png"), "-o", str(tmp_path / "x.webp")]
    with pytest.raises(SystemExit, match="2"):
        main(command)
    assert "was made with other weights: install diffstyle 0.1.0" in capsys.readouterr().err
    assert torch.get_num_threads() == threads != old.threads, "those of the recipe are set for the replay alone"
    assert not (tmp_path / "x.webp").exists()


def test_a_recipe_with_the_removed_texture_control_says_so() -> None:
    with pytest.raises(InputError, match=r"texture control.*install diffstyle 0\.1\.0"):
        read_recipe(OLD / "0.1.0-diffusion-texture.png")


def test_recipes_repeat_one_another_only_if_everything_is_equal(painting: Style) -> None:
    made = recipe(Settings(), painting)
    assert made.repeats(recipe(Settings(), painting))
    assert not made.repeats(recipe(Settings(seed=1), painting))
    assert not made.repeats(recipe(Settings(), Style.from_text("neon")))
    assert not made.repeats(recipe(Settings(), painting, depth=16))
