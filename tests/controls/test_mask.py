"""Masks and regions: where is painted and in which style, on every engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from diffstyle import Cancelled, Picture, Style, Stylizer
from diffstyle.core.mask import Mask, Region
from diffstyle.core.task import Task
from diffstyle.engines.base import Step
from diffstyle.engines.diffusion.settings import Diffusion
from diffstyle.engines.replay import task_of
from diffstyle.formats.recipe import Recipe
from tests.conftest import waves
from tests.helpers.cli import run
from tests.helpers.masks import left_half
from tests.helpers.quick import engines_by_code, quick_engine
from tests.helpers.styles import OTHER_WORDS, suited

every_engine = pytest.mark.parametrize("engine", engines_by_code())


@pytest.fixture(scope="module", params=["starter", "tiny"])
def stylizer(request: pytest.FixtureRequest, stylizer: Stylizer, diffuser: Stylizer) -> Stylizer:
    return stylizer if request.param == "starter" else diffuser


@pytest.fixture(scope="module")
def other() -> Style:
    return Style.from_image(255 - waves(128, 128, seed=9) // 2)


def difference(a: Picture, b: Picture) -> torch.Tensor:
    return (a.pixels - b.pixels).abs()


@every_engine
def test_outside_a_mask_is_the_photo(engine: str, stylizer: Stylizer, photo: Picture, painting: Style) -> None:
    painting = suited(engine, painting)
    mask = left_half(*photo.size)
    out = stylizer.stylize(photo, painting, mask=mask, engine=quick_engine(engine)).picture
    middle = photo.width // 2
    assert torch.equal(out.pixels[..., middle:], photo.pixels[..., middle:])
    assert float(difference(out, photo)[..., : middle - 8].mean()) > 0.03


@every_engine
def test_no_mask_a_full_one_and_none_of_it(engine: str, stylizer: Stylizer, photo: Picture, painting: Style) -> None:
    painting = suited(engine, painting)
    plain = stylizer.stylize(photo, painting, engine=quick_engine(engine)).picture
    full = np.full((photo.height, photo.width), 255, np.uint8)
    everywhere = stylizer.stylize(photo, painting, mask=full, engine=quick_engine(engine), feather=9).picture
    assert everywhere == plain
    nowhere = stylizer.stylize(photo, painting, mask=0 * full, engine=quick_engine(engine), feather=9)
    assert nowhere.picture == photo
    assert "The mask is empty: nothing is painted." in nowhere.picture.notes
    still = stylizer.stylize(
        photo, painting, mask=full // 2, regions=[(full // 3, painting)], strength=0, engine=quick_engine(engine)
    )
    assert still.picture == photo


@every_engine
def test_each_region_gets_its_style(
    engine: str, stylizer: Stylizer, photo: Picture, painting: Style, other: Style
) -> None:
    """A region over everything is its style alone; half and half, each half is nearer to its own style's picture."""
    painting, other = suited(engine, painting), suited(engine, other, OTHER_WORDS)
    one, two = (stylizer.stylize(photo, s, engine=quick_engine(engine)).picture for s in (painting, other))
    full = np.full((photo.height, photo.width), 255, np.uint8)
    covered = stylizer.stylize(photo, painting, regions=[(full, other)], engine=quick_engine(engine)).picture
    assert float(difference(covered, two).max()) < 1e-3
    half = stylizer.stylize(
        photo, painting, regions=[(left_half(*photo.size), other)], engine=quick_engine(engine)
    ).picture
    middle = photo.width // 2
    for part, own, foreign in ((slice(0, middle - 8), two, one), (slice(middle + 8, None), one, two)):
        near, far = (float(difference(half, p)[..., part].mean()) for p in (own, foreign))
        assert near < 0.6 * far


def test_regional_diffusion_is_one_render(diffuser: Stylizer, photo: Picture, painting: Style, other: Style) -> None:
    """An adapter with masks of its own sees both styles in as many steps as one."""
    seen: list[int] = []
    regions = [Region(Mask.of(left_half(*photo.size)), other)]
    task = Task(photo, painting, regions=regions, engine=Diffusion(steps=3))
    diffuser.render(task, lambda step: seen.append(step.total))
    assert set(seen) == {3}
    preview: list[int] = []
    diffuser.render(replace(task, engine="adain"), lambda step: preview.append(step.total))
    assert set(preview) == {2}


def test_a_model_without_adapter_paints_each_region_by_itself(tiny_models: Path, photo: Picture) -> None:
    words = Stylizer.load(tiny_models / "worded", device="cpu", dtype="float32")
    one, two = Style.from_text("mosaic"), Style.from_text("neon")
    alone = [words.stylize(photo, s, engine=Diffusion(steps=2)).picture for s in (one, two)]
    half = words.stylize(photo, one, regions=[(left_half(*photo.size), two)], engine=Diffusion(steps=2)).picture
    middle = photo.width // 2
    assert torch.equal(half.pixels[..., :middle], alone[1].pixels[..., :middle])
    assert torch.equal(half.pixels[..., middle:], alone[0].pixels[..., middle:])


@every_engine
def test_feathering_softens_the_edge(engine: str, stylizer: Stylizer, photo: Picture, painting: Style) -> None:
    painting = suited(engine, painting)
    out = stylizer.stylize(
        photo, painting, mask=left_half(*photo.size), feather=20, engine=quick_engine(engine)
    ).picture
    far = photo.width // 2 + 45
    assert torch.equal(out.pixels[..., far:], photo.pixels[..., far:])
    assert not torch.equal(out.pixels[..., photo.width // 2 + 2], photo.pixels[..., photo.width // 2 + 2])


@every_engine
def test_masks_follow_the_size(engine: str, stylizer: Stylizer, photo: Picture, painting: Style) -> None:
    painting = suited(engine, painting)
    mask = left_half(*photo.size)
    out = stylizer.stylize(photo, painting, mask=mask, size=128, engine=quick_engine(engine)).picture
    small = photo.resized(out.size)
    assert torch.equal(out.pixels[..., 68:], small.pixels[..., 68:])
    assert not out.notes
    smaller = left_half(100, 50)
    said = stylizer.stylize(photo, painting, mask=smaller, engine=quick_engine(engine)).picture
    assert said.notes == ("array was resized: 100x50 to 232x152.",)


@every_engine
def test_a_region_can_be_cancelled(
    engine: str, stylizer: Stylizer, photo: Picture, painting: Style, other: Style
) -> None:
    painting, other = suited(engine, painting), suited(engine, other, OTHER_WORDS)
    task = Task(photo, painting, regions=[Region(Mask.of(left_half(*photo.size)), other)], engine=quick_engine(engine))
    before = stylizer.render(task).picture

    def stop(step: Step) -> bool:
        return 2 * step.done < step.total

    with pytest.raises(Cancelled):
        stylizer.render(task, stop)
    assert stylizer.render(task).picture == before


def test_a_recipe_keeps_masks_and_regions(stylizer: Stylizer, photo: Picture, painting: Style, other: Style) -> None:
    soft = Mask.of(left_half(*photo.size)).feathered(9)
    made = stylizer.stylize(photo, painting, mask=soft, regions=[(soft, other)], feather=2.5, engine="adain")
    again = Recipe.from_json(made.recipe().to_json())
    assert again.mask == soft
    assert [r.mask for r in again.regions] == [soft]
    assert stylizer.render(task_of(again, replace(photo))).picture == made.picture


def test_regions_on_the_command_line(photo_file: Path, painting_file: Path, tmp_path: Path) -> None:
    photo = Picture.open(photo_file)
    middle = photo.width // 2
    mask = tmp_path / "left=half.png"
    Image.fromarray(left_half(*photo.size)).save(mask)
    out = tmp_path / "out.png"
    assert run("stylize", str(photo_file), "--region", f"{mask}={painting_file}", "-o", str(out)) == 0
    only = Picture.open(out)
    assert torch.equal(only.pixels[..., middle:], photo.pixels[..., middle:])
    assert run("replay", str(out), "--content", str(photo_file)) == 0
    both = ["--region", f"rest={painting_file}", "--region", f"{mask}=neon", "--feather", "4"]
    assert run("stylize", str(photo_file), *both, "-o", str(out)) == 0
    assert not torch.equal(Picture.open(out).pixels[..., middle:], photo.pixels[..., middle:])
    assert run("stylize", str(photo_file), "-s", "neon", "--mask", str(mask), "-o", f"{tmp_path / 'many'}/") == 0
    assert run("stylize", str(photo_file), "-s", "neon", "--mask", str(mask), "-o", f"{tmp_path / 'many'}/") == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "Give the style"),
        (["--region", "neon"], "give MASK=STYLE"),
        (["--region", "=neon"], "give MASK=STYLE"),
        (["--region", "nowhere.png=neon"], "Cannot read nowhere.png"),
        (["--style", "neon", "--mask", "PAINTING"], "it is in colour"),
        (["--style", "neon", "--feather", "-1"], "feather"),
        (["--region", "HALF=neon", "--region", "SMALL=neon"], "different sizes"),
    ],
)
def test_bad_masks_get_a_sentence(
    options: list[str],
    message: str,
    photo_file: Path,
    painting_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, size in (("HALF", (232, 152)), ("SMALL", (100, 50))):
        Image.fromarray(left_half(*size)).save(tmp_path / f"{name}.png")
        options = [o.replace(name, str(tmp_path / f"{name}.png")) for o in options]
    options = [o.replace("PAINTING", str(painting_file)) for o in options]
    assert run("stylize", str(photo_file), *options, "-o", str(tmp_path / "out.png")) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()
