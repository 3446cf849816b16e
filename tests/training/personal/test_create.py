"""Personal styles that are made without training."""

from __future__ import annotations

from pathlib import Path

import pytest

from diffstyle import InputError, Picture, Stylizer, read_recipe
from diffstyle.assets.style_spec import parse_style
from diffstyle.assets.zoo import adapter_file, adapter_info
from diffstyle.formats.style_files import load
from diffstyle.training.personal.create import create_style
from tests.helpers.cli import run as command


def test_a_style_is_made_painted_replayed_and_removed(
    artist: Path, zoo: Path, photo_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("adapters", "create", "ink", artist) == 0
    assert "A style of 6 pictures" in capsys.readouterr().out
    assert {p.name for p in (zoo / "ink").iterdir()} == {"CARD.md", "adapter.toml", "style.style.safetensors"}
    assert [p.name for p in zoo.iterdir()] == ["ink"]
    assert command("adapters", "list") == 0
    assert "pictures for any model" in capsys.readouterr().out
    assert command("adapters", "info", "ink") == 0
    assert "style.style.safetensors, whole" in capsys.readouterr().out

    style = parse_style(["adapter:ink"])
    (reference,) = style.references
    assert len(reference.exemplars) == 6
    assert not style.adapters  # there is nothing to load
    for suffix in ("png", "jpg"):  # the recipe is larger than one header of a JPEG
        out, again = tmp_path / f"out.{suffix}", tmp_path / f"again.{suffix}"
        assert command("stylize", photo_file, "-s", "adapter:ink", "-o", out) == 0
        assert read_recipe(out).engine == "nnst"
        assert command("replay", out, "--content", photo_file, "-o", again) == 0
        assert Picture.open(out) == Picture.open(again)
    assert command("stylize", photo_file, "-s", "adapter:ink", "--engine", "adain", "-o", tmp_path / "a.png") == 0

    capsys.readouterr()
    assert command("adapters", "export", "ink", "--format", "kohya", "-o", tmp_path) == 2
    assert "has no weights to export: give others its style file" in capsys.readouterr().err
    assert command("stylize", photo_file, "-s", "ukiyo-e", "--adapter", "ink", "-o", tmp_path / "b.png") == 2
    assert "is of kind pictures" in capsys.readouterr().err
    assert command("adapters", "remove", "ink") == 0
    assert not (zoo / "ink").exists()


@pytest.mark.usefixtures("zoo")
@pytest.mark.parametrize(
    ("name", "folder", "message"),
    [
        ("../evil", "artist", "is not a valid name"),
        ("starter", "artist", "comes with diffstyle"),
        ("ink", "empty", "Found no pictures"),
        ("ink", "nowhere", "Cannot read the folder"),
        ("ink", "two", "at least 3 different ones"),
        ("ink", "text", "this is not a picture"),
    ],
)
def test_what_makes_no_style_is_refused(
    name: str, folder: str, message: str, artist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for other in ("empty", "two", "text"):
        (tmp_path / other).mkdir()
    for n in range(3):
        (tmp_path / "text" / f"{n}.png").write_bytes(b"words")
        if n < 2:
            (tmp_path / "two" / f"{n}.png").write_bytes((artist / f"{n}.png").read_bytes())
    assert command("adapters", "create", name, artist if folder == "artist" else tmp_path / folder) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.rglob("adapter.toml"))


@pytest.mark.usefixtures("zoo")
def test_a_taken_name_and_a_damaged_file_get_a_sentence(artist: Path, stylizer: Stylizer) -> None:
    create_style(artist, name="ink", licence="CC0", stylizer=stylizer)
    first = load(adapter_file("ink"))
    assert first.licence == "CC0"
    with pytest.raises(InputError, match="give overwrite"):
        create_style(artist, name="ink", stylizer=stylizer)
    create_style(artist, name="ink", overwrite=True, stylizer=stylizer)
    again = load(adapter_file("ink"))
    assert again == first
    assert again.references[0].exemplars == first.references[0].exemplars
    path = adapter_info("ink").file
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="damaged: make it again"):
        adapter_file("ink")
