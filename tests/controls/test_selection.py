"""Masks from what a photo shows: its foreground, its sky, what a few strokes point at, words."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest
import torch
import transformers as untyped
from PIL import Image

from diffstyle import InputError, Picture, read_recipe
from diffstyle.controls.selection import found_by_words, inverse, scribbled, select
from diffstyle.core.mask import Mask
from tests.conftest import ROOT
from tests.helpers import tiny
from tests.helpers.cli import run
from tests.helpers.pictures import waves

transformers: Any = untyped


@pytest.fixture(scope="module")
def ball() -> tuple[Picture, torch.Tensor]:
    """An orange ball with grain on a bluish wall, and where it is (1, H, W)."""
    y, x = np.mgrid[0:200, 0:300]
    there = (y - 110) ** 2 + (x - 130) ** 2 < 60**2
    wall = waves(300, 200) // 8 + np.array([40, 60, 90])
    scene = np.where(there[..., None], np.array([230, 120, 20]), wall)
    grain = np.random.default_rng(0).integers(-10, 10, scene.shape)
    return Picture.from_array((scene + grain).clip(0, 255).astype(np.uint8)), torch.from_numpy(there)[None]


def overlap(mask: Mask, there: torch.Tensor) -> float:
    """Intersection over union."""
    found = mask.values > 0.5
    return float((found & there).sum() / (found | there).sum())


def test_the_foreground_is_found(ball: tuple[Picture, torch.Tensor]) -> None:
    photo, there = ball
    assert overlap(select(photo, "foreground"), there) > 0.9
    assert select(photo, "foreground") == select(photo, "foreground")
    assert overlap(select(photo, "background"), ~there) > 0.9
    assert overlap(select(photo, "box:50,30,210,190"), there) > 0.9
    large = photo.resized((900, 600))
    assert select(large, "foreground").size == (900, 600)
    found = select(photo, "foreground")
    assert inverse(inverse(found)) == found


def test_a_real_subject_is_found() -> None:
    from skimage import data

    coffee = Picture.from_array(cast("npt.NDArray[np.uint8]", data.coffee()))
    mask = select(coffee, "foreground").values[0]
    assert float(mask[150:250, 250:400].mean()) > 0.95  # the cup
    assert float(mask[:60, :60].mean()) < 0.05


def test_a_person_is_found_whole() -> None:
    """With hair, suit and helmet; without the flag and the shuttle behind her."""
    from skimage import data

    astronaut = Picture.from_array(cast("npt.NDArray[np.uint8]", data.astronaut()))
    mask = select(astronaut, "person")
    assert mask == select(astronaut, "foreground") == select(astronaut, "subject")
    assert mask == inverse(select(astronaut, "background"))
    inside = {"hair": (30, 220), "face": (110, 220), "suit": (350, 200), "shoulder": (290, 110), "helmet": (440, 400)}
    outside = {"flag": (150, 20), "shuttle": (100, 420), "wall": (60, 330), "black box": (230, 480)}
    values = mask.values[0]
    assert {what: round(float(values[at]), 1) for what, at in inside.items()} == dict.fromkeys(inside, 1.0)
    assert {what: round(float(values[at]), 1) for what, at in outside.items()} == dict.fromkeys(outside, 0.0)
    larger = select(astronaut.resized((900, 900)), "person").resized((512, 512))
    assert overlap(larger, mask.values > 0.5) > 0.97


def landscape(sky: tuple[int, int, int]) -> tuple[Picture, torch.Tensor]:
    """A sky that gets lighter downwards, a jagged ridge, textured ground; and where the sky is (1, H, W)."""
    y, x = np.mgrid[0:200, 0:300]
    there = y < 90 + 20 * np.abs((x % 100) / 50 - 1)
    above = np.array(sky) + (y / 4)[..., None]
    grain = np.random.default_rng(0).integers(-30, 30, (200, 300, 1))
    scene = np.where(there[..., None], above, np.array([70, 90, 50]) + grain)
    return Picture.from_array(scene.clip(0, 255).astype(np.uint8)), torch.from_numpy(there)[None]


@pytest.mark.parametrize("sky", [(90, 140, 210), (190, 190, 195), (220, 150, 90), (20, 40, 110)])
def test_the_sky_is_found(sky: tuple[int, int, int]) -> None:
    photo, there = landscape(sky)
    assert overlap(select(photo, "sky"), there) > 0.95
    assert select(photo, "sky") == select(photo, "sky")
    assert overlap(select(photo.resized((900, 600)), "sky").resized((300, 200)), there) > 0.95


def test_a_photo_without_sky_has_none() -> None:
    upside_down = Picture(landscape((90, 140, 210))[0].pixels.flip(1))
    for photo in (Picture.open(ROOT / "examples" / "cat.jpg"), upside_down):
        with pytest.raises(InputError, match="No sky"):
            select(photo, "sky")


def test_a_few_strokes_select_the_subject_under_them(ball: tuple[Picture, torch.Tensor], tmp_path: Path) -> None:
    photo, there = ball
    marks = np.full((200, 300), 128, np.uint8)
    marks[108:112, 100:160] = 255
    assert overlap(scribbled(photo, marks), there) > 0.9
    marks[20:24, 20:280] = 0
    Image.fromarray(marks).save(tmp_path / "marks.png")
    found = select(photo, f"scribble:{tmp_path / 'marks.png'}")
    assert overlap(found, there) > 0.9
    assert bool((found.values[0, 108:112, 100:160] == 1).all())
    assert float(found.values[0, 20:24, 20:280].max()) == 0
    assert scribbled(photo.resized((900, 600)), marks).size == (900, 600)
    on_nothing = np.zeros((200, 300, 4), np.uint8)  # transparent black is no stroke
    on_nothing[108:112, 100:160] = 255
    assert overlap(scribbled(photo, on_nothing), there) > 0.9


@pytest.mark.parametrize(
    ("grey", "said"), [(128, "no white strokes"), (0, "no white strokes"), (255, "leaves nothing")]
)
def test_strokes_that_select_nothing_are_refused(grey: int, said: str, ball: tuple[Picture, torch.Tensor]) -> None:
    with pytest.raises(InputError, match=said):
        scribbled(ball[0], np.full((200, 300), grey, np.uint8))


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("box:0,0,5000,9", "not inside"),
        ("box:9,9,4,4", "not inside"),
        ("a dog", "models pull clipseg"),
        ("box:1,2", "Cannot read"),
        ("", "give"),
    ],
)
def test_a_selection_that_finds_nothing_says_what_to_do(
    what: str, said: str, ball: tuple[Picture, torch.Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=said):
        select(ball[0], what)
    with pytest.raises(InputError, match="foreground"):
        select(np.full((64, 64, 3), 90, np.uint8), "foreground")


def test_words_are_found_by_clipseg(ball: tuple[Picture, torch.Tensor], tmp_path: Path) -> None:
    folder = clipseg(tmp_path / "clipseg")
    photo, _ = ball
    mask = found_by_words(photo, "ball", folder)
    assert mask.size == photo.size
    assert mask.source == "ball"
    assert found_by_words(photo, "ball", folder) == mask


def test_the_command_line_paints_the_foreground_or_all_but_that(
    ball: tuple[Picture, torch.Tensor], painting_file: Path, tmp_path: Path
) -> None:
    photo, there = ball
    path, out = tmp_path / "ball.png", tmp_path / "out.png"
    photo.to_pil().save(path)
    for option, inside in (("--only", there), ("--except", ~there)):
        assert run("stylize", path, "-s", painting_file, "-o", out, option, "foreground") == 0
        moved = (Picture.open(out).pixels - photo.pixels).abs().amax(0, keepdim=True) > 0.02
        assert float(moved[inside].float().mean()) > 0.7
        assert float(moved[~inside].float().mean()) < 0.1
        recipe = read_recipe(out)
        assert recipe.mask is not None
        assert overlap(recipe.mask, inside) > 0.9


def clipseg(folder: Path) -> Path:
    """A tiny random CLIPSeg in transformers' layout."""
    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_attention_heads": 2,
        "num_hidden_layers": 3,
    }
    config = transformers.CLIPSegConfig(
        text_config={**sizes, "vocab_size": 49408, "bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1},
        vision_config={**sizes, "image_size": 32, "patch_size": 8},
        projection_dim=16,
        reduce_dim=16,
        extract_layers=[0, 1, 2],
        decoder_num_attention_heads=2,
        decoder_intermediate_size=32,
    )
    transformers.CLIPSegForImageSegmentation(config).save_pretrained(folder)
    images = transformers.ViTImageProcessor(size={"height": 32, "width": 32})
    words = tiny.tokenizer(folder.with_name("layout"))
    transformers.CLIPSegProcessor(images, words).save_pretrained(folder)
    return folder
