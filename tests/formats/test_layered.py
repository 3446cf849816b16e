"""Layers put together are the result, and other programs read them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from diffstyle import Picture, Result, Style, Stylizer, read_recipe
from diffstyle.core.mask import Mask
from diffstyle.core.settings import EngineSettings
from diffstyle.core.task import settings_of
from diffstyle.formats.layered import layers, save_layers
from tests.helpers.cli import run
from tests.helpers.pictures import waves, with_alpha
from tests.helpers.styles import OTHER_WORDS, suited


@pytest.fixture(scope="module")
def result(engine: EngineSettings, stylizer: Stylizer, painting: Style) -> Result:
    """Two soft regions under a soft mask, at another size than the photo's, with transparency."""
    content = with_alpha(Picture.from_array(waves(120, 90)))
    across = torch.linspace(0, 1, 120).expand(1, 90, 120).contiguous()
    regions = [(Mask((across > n).float()), Style.from_image(waves(90, 90, seed=s))) for n, s in ((0.4, 8), (0.7, 9))]
    mask = Mask((across.flip(2) * 1.5).clamp(0, 1))
    regions = [
        (where, suited(engine, style, words))
        for (where, style), words in zip(regions, (OTHER_WORDS, "mosaic"), strict=True)
    ]
    return stylizer.stylize(
        content, suited(engine, painting), mask=mask, regions=regions, feather=12, size=96, engine=engine
    )


def test_layers_over_one_another_are_the_result(result: Result) -> None:
    *stack, mask = layers(result)
    assert [layer.name.split()[0] for layer in stack] == ["content", "style", "style", "style"]
    alpha = result.picture.alpha
    assert alpha is not None
    laid = stack[0].picture.pixels
    for layer in stack[1:]:
        assert layer.picture.alpha is not None
        laid = torch.lerp(
            laid, layer.picture.pixels, torch.where(alpha > 0, layer.picture.alpha / alpha, 0).clamp(0, 1)
        )
    assert float(((laid - result.picture.pixels) * (alpha > 0)).abs().max()) < 2 / 255
    assert mask.name == "mask"
    assert 0 < float(mask.picture.pixels.mean()) < 1


def test_a_result_without_regions_has_one_style_layer(stylizer: Stylizer, photo: Picture, painting: Style) -> None:
    plain = stylizer.stylize(photo, painting)
    content, style, mask = layers(plain)
    assert content.picture == photo
    assert torch.equal(style.picture.pixels, plain.picture.pixels)
    assert bool((mask.picture.pixels == 1).all())


def test_a_folder_and_a_file_hold_all_layers(result: Result, tmp_path: Path) -> None:
    written = save_layers(result, tmp_path / "parts")
    assert [p.name[0] for p in written] == ["0", "1", "2", "3", "4"]
    assert all(p.parent == tmp_path / "parts" for p in written)
    (tiff,) = save_layers(result, tmp_path / "all.tif")
    with tifffile.TiffFile(tiff) as file:
        pages = [page.asarray() for page in file.pages]
    for path, page in zip(written, pages, strict=True):
        with Image.open(path) as image:
            assert np.array_equal(np.asarray(image), page)
        assert read_recipe(path).settings == settings_of(result.task)
    assert read_recipe(tiff).settings == settings_of(result.task)


def test_a_place_that_cannot_be_written_is_refused_before_painting(
    photo_file: Path, painting_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run_with(place: Path) -> int:
        return run("stylize", photo_file, "-s", painting_file, "-o", tmp_path / "out.png", "--layers", place)

    for bad in (tmp_path / "x.png", photo_file / "folder"):
        assert run_with(bad) == 2
        assert str(bad) in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()
    assert run_with(tmp_path / "x.tif") == 0
    assert (tmp_path / "out.png").exists()
    assert (tmp_path / "x.tif").exists()
