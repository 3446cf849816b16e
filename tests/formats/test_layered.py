"""Layers give the result again, and other programs read them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from diffstyle import Picture, Style, Stylizer, read_recipe
from diffstyle.cli import main
from diffstyle.core.mask import Mask
from diffstyle.core.task import EngineName, Result
from diffstyle.formats.layered import layers, save_layers
from tests.conftest import waves


@pytest.fixture(scope="module", params=["adain", "diffusion"])
def result(request: pytest.FixtureRequest, stylizer: Stylizer, painting: Style) -> Result:
    """Two soft regions under a soft mask, at another size than the photo's, with transparency."""
    engine: EngineName = request.param
    content = Picture.from_array(np.dstack([waves(120, 90), waves(120, 90, seed=5)[..., :1]]))
    across = torch.linspace(0, 1, 120).expand(1, 90, 120).contiguous()
    regions = [(Mask((across > n).float()), Style.from_image(waves(90, 90, seed=s))) for n, s in ((0.4, 8), (0.7, 9))]
    mask = Mask((across.flip(2) * 1.5).clamp(0, 1))
    return stylizer.stylize(content, painting, mask=mask, regions=regions, feather=12, size=96, engine=engine)


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


def test_a_plain_result_has_one_style(stylizer: Stylizer, photo: Picture, painting: Style) -> None:
    plain = stylizer.stylize(photo, painting)
    content, style, mask = layers(plain)
    assert content.picture == photo
    assert torch.equal(style.picture.pixels, plain.picture.pixels)
    assert bool((mask.picture.pixels == 1).all())


def test_a_folder_and_a_file_hold_them_all(result: Result, tmp_path: Path) -> None:
    written = save_layers(result, tmp_path / "parts")
    assert [p.name[0] for p in written] == ["0", "1", "2", "3", "4"]
    assert all(p.parent == tmp_path / "parts" for p in written)
    (tiff,) = save_layers(result, tmp_path / "all.tif")
    with tifffile.TiffFile(tiff) as file:
        pages = [page.asarray() for page in file.pages]
    for path, page in zip(written, pages, strict=True):
        with Image.open(path) as image:
            assert np.array_equal(np.asarray(image), page)
        assert read_recipe(path).settings == result.task.settings
    assert read_recipe(tiff).settings == result.task.settings


def test_a_bad_place_is_refused_before_painting(
    photo_file: Path, painting_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(layers: Path) -> object:
        out = str(tmp_path / "out.png")
        with pytest.raises(SystemExit) as left:
            main(["stylize", str(photo_file), "-s", str(painting_file), "-o", out, "--layers", str(layers)])
        return left.value.code

    for bad in (tmp_path / "x.png", photo_file / "folder"):
        assert run(bad) == 2
        assert str(bad) in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()
    assert run(tmp_path / "x.tif") == 0
    assert (tmp_path / "out.png").exists()
    assert (tmp_path / "x.tif").exists()
