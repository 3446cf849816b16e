"""`diffstyle style gallery`: every medium and named style on one photo."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from diffstyle.assets.zoo import style_files
from diffstyle.cli.gallery import sheet
from diffstyle.core.picture import Picture
from diffstyle.data import catalogue
from diffstyle.data.catalogue import Entry, entries
from diffstyle.data.words.artists import ARTISTS
from diffstyle.engines.media.registry import MEDIA
from tests.helpers.cli import run
from tests.helpers.pictures import waves


def test_every_medium_and_named_style_is_an_entry() -> None:
    groups: dict[str, list[str]] = {}
    for entry in entries():
        groups.setdefault(entry.group, []).append(entry.label)
    assert groups["Media"] == list(MEDIA)
    assert groups["Named styles"] == list(style_files())
    assert "watercolour" in groups["Painted media"]
    assert set(groups["Painters"]) <= set(ARTISTS)
    assert len(groups["Painters"]) > 50


def test_a_gallery_is_painted_by_group(
    photo_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = [Entry("Media", "low-poly", "text:low-poly"), Entry("Named styles", "neon", "preset:neon")]
    monkeypatch.setattr(catalogue, "entries", lambda: tuple(few))
    sizes: list[tuple[int, int]] = []
    for n, options in enumerate(([], ["--group", "media"])):
        out = tmp_path / f"{n}.png"
        assert run("style", "gallery", photo_file, "-o", out, "--size", 96, *options) == 0
        assert str(out) in capsys.readouterr().out
        with Image.open(out) as image:
            sizes.append(image.size)
    assert sizes[0][0] == sizes[1][0]
    assert sizes[0][1] > 1.5 * sizes[1][1]


def test_bad_values_get_a_sentence(photo_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = photo_file.read_bytes()
    assert run("style", "gallery", photo_file, "-o", tmp_path / "x.png", "--group", "Painters of dogs") == 2
    assert "'Named styles'" in capsys.readouterr().err
    assert run("style", "gallery", photo_file, "-o", photo_file) == 2
    assert run("style", "gallery", tmp_path / "none.jpg", "-o", tmp_path / "x.png") == 2
    assert not (tmp_path / "x.png").exists()
    assert photo_file.read_bytes() == before


def test_a_sheet_has_rows_of_labelled_pictures() -> None:
    picture = Picture.from_array(waves(60, 40))
    image = sheet([("A", f"a long label {n}", picture) for n in range(5)] + [("B", "b", picture)], columns=3)
    assert image.size == (8 + 3 * 68, 2 * 44 + 3 * (40 + 22 + 8) + 8)
