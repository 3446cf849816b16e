"""Settings, tasks and recipes: validated once, and the same after a round trip."""

from __future__ import annotations

import inspect
from dataclasses import fields
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from diffstyle import InputError, Picture, Reference, Settings, Style, Stylizer, Task, read_recipe
from diffstyle.core.model_options import ModelOptions
from diffstyle.formats.picture_file import encode
from diffstyle.formats.recipe import Recipe
from tests.conftest import waves

any_settings = st.builds(
    Settings,
    strength=st.floats(0, 1),
    size=st.none() | st.integers(64, 8192),
    seed=st.integers(0, 2**63 - 1),
)
vectors = st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=300).map(torch.tensor)
any_reference = st.builds(
    Reference,
    digest=st.text(max_size=9),
    source=st.text(max_size=9),
    weight=st.floats(0.1, 9),
    picture=st.none(),
    statistics=vectors.map(lambda vector: {"space-1": vector}),
)
any_style = st.builds(
    Style,
    references=st.lists(any_reference, min_size=1, max_size=3).map(tuple),
    name=st.text(max_size=20),
    licence=st.text(max_size=9),
)


@given(any_settings, any_style)
@settings(max_examples=60, deadline=None)
def test_recipes_survive_json(values: Settings, style: Style) -> None:
    made = ({"a/b.safetensors": "cd" * 32}, {"threads": "2"}, ModelOptions(model="sd15", lora=("a:0.5", "b")))
    recipe = Recipe("0.1.0", "ab" * 32, "photo.jpg", style, values, *made, style)
    back = Recipe.from_json(recipe.to_json())
    assert back.settings == values
    assert back.options == recipe.options
    assert back.negative_style == style
    assert back.style == style
    assert back.style.name == style.name
    for one, other in zip(back.style.references, style.references, strict=True):
        assert torch.equal(one.statistics["space-1"], other.statistics["space-1"])
    assert back.to_json() == recipe.to_json()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("alpha", [False, True])
def test_every_format_carries_the_recipe(kind: str, alpha: bool, tmp_path: Path) -> None:
    array = waves(40, 30)
    if alpha:
        array = np.dstack([array, array[..., 0]])
    path = tmp_path / f"x.{kind.lower()}"
    recipe = Recipe(
        "0.1.0", "ab" * 32, "Foto ä.jpg", Style((Reference("d", "s", 1.0),)), Settings(seed=7), {}, {}, ModelOptions()
    )
    data = encode(Picture.from_array(array), kind, recipe.to_json())
    path.write_bytes(data)
    assert read_recipe(path).to_json() == recipe.to_json()
    if kind != "JPEG":
        assert np.array_equal(np.asarray(Image.open(BytesIO(data))), array)


@pytest.mark.parametrize(
    "bad",
    [
        {"strength": 1.01},
        {"strength": -0.1},
        {"strength": float("nan")},
        {"strength": float("inf")},
        {"size": 63},
        {"size": 8193},
        {"seed": -1},
        {"seed": 2**63},
        {"engine": "magic"},
        {"structure": 1.5},
        {"denoise": -0.1},
        {"start": "middle"},
        {"style_start": 0.7, "style_end": 0.3},
        {"steps": 0},
        {"guidance": 31},
        {"scheduler": "magic"},
        {"blend": "stir"},
        {"prompt": "x" * 2001},
    ],
)
def test_values_out_of_range_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(bad))):
        Settings(**bad)  # pyright: ignore[reportArgumentType]


def test_stylize_takes_exactly_the_settings_with_their_defaults() -> None:
    parameters = inspect.signature(Stylizer.stylize).parameters
    given = {
        n: p.default
        for n, p in parameters.items()
        if n not in ("self", "content", "style", "negative_style", "mask", "regions", "on_step")
    }
    assert given == {f.name: f.default for f in fields(Settings)}


def test_a_task_is_its_settings_and_two_pictures(photo: Picture, painting: Style) -> None:
    values = Settings(strength=0.25, size=128, seed=3)
    task = Task.of(photo, painting, values)
    assert task.settings == values
    assert (task.content, task.style) == (photo, painting)


def test_pictures_without_a_recipe_get_a_sentence(photo_file: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no diffstyle recipe"):
        read_recipe(photo_file)
    with pytest.raises(InputError, match="no such file"):
        read_recipe(tmp_path / "nothing.png")
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(InputError, match="not a picture"):
        read_recipe(tmp_path / "text.png")
    (tmp_path / "damaged.png").write_bytes(encode(Picture.open(photo_file), "PNG", '{"version": 1}'))
    with pytest.raises(InputError, match="damaged"):
        read_recipe(tmp_path / "damaged.png")
