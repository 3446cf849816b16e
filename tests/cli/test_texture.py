"""`diffstyle texture`: nothing but a style's marks, of any shape, that tile where asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from diffstyle import InputError, Picture, Style, Stylizer
from tests.helpers.cli import run


def test_a_texture_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "paper.png"
    code = run("texture", "munch-scream", "-o", out, "--size", 128, "--height", 96)
    assert code == 0
    assert str(out) in capsys.readouterr().out
    assert Picture.open(out).size == (128, 96)


@pytest.mark.parametrize("arguments", [["--size", 20], ["--seed", -1], ["--size", 9000]])
def test_bad_values_get_a_sentence(arguments: list[object], tmp_path: Path) -> None:
    assert run("texture", "mosaic", "-o", tmp_path / "x.png", *arguments) == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("size", [(128, 128), (200, 136)])
def test_a_tileable_texture_has_no_seam(size: tuple[int, int], stylizer: Stylizer, painting: Style) -> None:
    pixels = stylizer.texture(painting, size=size, tileable=True, seed=3).pixels
    assert (pixels.shape[2], pixels.shape[1]) == size
    for dim in (1, 2):
        across = (pixels.select(dim, 0) - pixels.select(dim, -1)).abs().mean()
        steps = pixels.diff(dim=dim).abs().mean([d for d in range(3) if d != dim])
        assert float(across) < 1.5 * float(steps.quantile(0.9))


def test_seeds_make_textures(stylizer: Stylizer, painting: Style) -> None:
    one, same, other = (stylizer.texture(painting, size=(96, 96), seed=s) for s in (1, 1, 2))
    assert one == same
    assert one != other


def test_a_size_out_of_range_gets_a_sentence(stylizer: Stylizer, painting: Style) -> None:
    with pytest.raises(InputError, match="give sides from 64"):
        stylizer.texture(painting, size=(64, 10_000))
