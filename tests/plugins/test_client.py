"""The client that the plugins for GIMP, Blender, Krita, the web UIs and InvokeAI share, against a real server."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from diffstyle_client import (
    ADDRESS,
    COLOURS,
    MAX_SIDE,
    NEEDS,
    PREVIEW_SIDE,
    STRENGTH,
    STRUCTURE,
    Cancelled,
    DiffstyleError,
    Look,
    Server,
    chosen_style,
    fitted,
    png_size,
)
from PIL import Image

from diffstyle import Picture, __version__
from diffstyle.assets.zoo import style_files
from diffstyle.core.fields import fields_of
from diffstyle.core.settings import MAX_SIDE as SETTINGS_SIDE
from diffstyle.core.settings import Settings
from diffstyle.formats.picture_file import encode
from diffstyle.serving.renderer import PREVIEW_SIDE as SERVER_SIDE
from tests.conftest import ROOT
from tests.plugins.conftest import MAX_MB, answering, opened, png
from tests.serving.conftest import KEYS, api_server

CLIENT = ROOT / "plugins" / "client" / "diffstyle_client.py"


def test_it_needs_python_alone(tmp_path: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(CLIENT.parent)!r}); import diffstyle_client"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], cwd=tmp_path, check=True, timeout=30)


def test_its_defaults_are_those_of_diffstyle() -> None:
    settings, infos = Settings(), {info.name: info for info in fields_of(Settings)}
    assert (settings.strength, settings.structure) == (STRENGTH, STRUCTURE)
    assert (COLOURS[0], set(COLOURS)) == (settings.colour, set(infos["colour"].choices or ()))
    assert (MAX_SIDE, PREVIEW_SIDE) == (SETTINGS_SIDE, SERVER_SIDE)
    assert ADDRESS in (ROOT / "docs" / "serving.md").read_text("utf-8")
    assert tuple(map(int, NEEDS.split("."))) <= tuple(map(int, __version__.split(".")[:3]))


def test_the_server_says_its_version_and_its_styles(server: str) -> None:
    assert Server(server).check() == __version__
    assert Server(f" {server}/ ").check() == __version__
    assert Server(server).style_names() == sorted(style_files())
    assert "ukiyo-e" in Server(server).style_names("japanese woodblock", 5)


def test_a_picture_is_painted_at_its_size_and_shown_while_it_grows(server: str, tmp_path: Path) -> None:
    shown: list[tuple[float, bytes | None]] = []
    look = Look(style="van-gogh-starry-night", seed=3)
    painted = Server(server).stylise(png(96, 64), look, on_progress=lambda done, data: shown.append((done, data)))
    assert png_size(painted) == (96, 64)
    assert shown[0] == (0.0, None)
    assert shown[-1] == (1.0, None)
    assert [done for done, _ in shown] == sorted(done for done, _ in shown)
    partials = [data for _, data in shown if data is not None]
    assert partials
    assert {png_size(data) for data in partials} == {(96, 64)}
    assert painted == Server(server).stylise(png(96, 64), look)
    assert opened(painted, tmp_path).size == (96, 64)


def test_strength_zero_gives_16_bits_and_alpha_back(server: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    photo = Picture.from_array(rng.integers(0, 65536, (40, 60, 4), dtype=np.uint16))
    sent = encode(photo, "PNG", "", depth=16)
    back = opened(Server(server).stylise(sent, Look(style="neon", strength=0, depth=16)), tmp_path)
    assert np.array_equal(back.to_array(16), photo.to_array(16))


def test_a_mask_keeps_what_it_covers(server: str) -> None:
    photo, mask = png(96, 64), Image.new("LA", (96, 64), (0, 255))
    mask.paste((0, 0), (0, 0, 48, 64))
    buffer = BytesIO()
    mask.save(buffer, "PNG")
    painted = Server(server).stylise(photo, Look(style="charcoal drawing"), mask=buffer.getvalue())
    before, after = (np.asarray(Image.open(BytesIO(data)).convert("RGB")) for data in (photo, painted))
    assert np.array_equal(before[:, 50:], after[:, 50:])
    assert not np.array_equal(before[:, :46], after[:, :46])


def test_previews_are_small(server: str) -> None:
    assert png_size(Server(server).preview(png(700, 350), Look(style="mosaic", depth=16))) == (512, 256)


def test_what_is_cancelled_ends_at_once_and_the_server_goes_on(server: str) -> None:
    begun = time.monotonic()
    look = Look(style="van-gogh-irises")
    with pytest.raises(Cancelled):
        Server(server).stylise(png(700, 500), look, cancelled=lambda: time.monotonic() - begun > 0.5)
    assert time.monotonic() - begun < 3
    assert png_size(Server(server).preview(png(60, 40), look)) == (60, 40)


def too_large() -> bytes:
    buffer = BytesIO()
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (1600, 1600, 3), dtype=np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("picture", "look", "said"),
    [
        (lambda: png(8, 8), Look(style=" "), "There is no style"),
        (lambda: png(8, 8), Look(style="neon", strength=2), "strength is 2"),
        (lambda: png(8, 8), Look(style="charcoal drawing", colour="pink"), "colour"),
        (lambda: b"no picture", Look(style="neon"), "picture.png"),
        (lambda: png(1000, 500), Look(style="neon"), "0.4 million"),
        (too_large, Look(style="neon"), f"{MAX_MB} MB|--max-upload-mb"),
    ],
)
def test_what_the_server_refuses_is_said(server: str, picture: Callable[[], bytes], look: Look, said: str) -> None:
    for ask in (Server(server).stylise, Server(server).preview):
        with pytest.raises(DiffstyleError, match=said):
            ask(picture(), look)


@pytest.mark.parametrize(
    "address", ["localhost", "ftp://x", "http://", "http://a:99999", "http://[", "http://a b", "", "a b"]
)
def test_an_address_that_is_none_is_said(address: str) -> None:
    with pytest.raises(DiffstyleError, match="is no address: give one such as"):
        Server(address).check()


@pytest.mark.parametrize("address", ["http://ada:secretpw@localhost:9", "ada:secretpw@localhost", "http://:secretpw@["])
def test_a_password_in_the_address_is_not_shown(address: str) -> None:
    with pytest.raises(DiffstyleError) as said:
        Server(address).check()
    assert "secretpw" not in str(said.value)
    assert "before the @" in str(said.value) or "is no address" in str(said.value)


@pytest.mark.parametrize("key", ["schlüssel", "two\nlines"])
def test_a_key_that_is_none_is_said(server: str, key: str) -> None:
    with pytest.raises(DiffstyleError, match="The API key has characters that no key has"):
        Server(server, key).check()


@pytest.mark.parametrize(("version", "old"), [("0.2", False), ("0.2.0", False), ("0.1", True), ("1", False)])
def test_versions_of_any_length_compare(version: str, old: bool) -> None:
    with answering({"data": [{"owned_by": "diffstyle", "version": version}]}) as address:
        if old:
            with pytest.raises(DiffstyleError, match="or newer"):
                Server(address).check()
        else:
            assert Server(address).check() == version


@pytest.mark.parametrize("body", [{"data": {}}, {"data": [1]}, {"data": "ab"}, {"data": []}, {"data": 3}, {}, "\xff["])
def test_what_is_no_list_of_models_or_styles_comes_from_another_server(body: object) -> None:
    with answering(body) as address, pytest.raises(DiffstyleError, match="is not diffstyle serve"):
        Server(address).check()
    if body not in ({"data": {}}, {"data": []}):  # an empty list is one
        with answering(body) as address, pytest.raises(DiffstyleError, match="is not diffstyle serve"):
            Server(address).style_names()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("data: {\n", "is not diffstyle serve"),
        ("data: 3\n", "is not diffstyle serve"),
        ('data: {"type": "image_edit.completed"}\n', "is not diffstyle serve"),
        ('data: {"type": "image_edit.completed", "b64_json": "a"}\n', "is not diffstyle serve"),
        ('data: {"error": "text"}\n', "is not diffstyle serve"),
        ('data: {"error": {"message": "Too large."}}\n', r"^Too large\.$"),
        ('data: {"type": "image_edit.comp', "ended before the picture was finished"),
        (": waiting\n", "ended before the picture was finished"),
    ],
)
def test_a_stream_that_breaks_off_or_is_another_is_said(answer: str, said: str) -> None:
    with answering(answer) as address, pytest.raises(DiffstyleError, match=said):
        Server(address).stylise(png(8, 8), Look(style="neon"))


def test_an_answer_that_is_cut_off_is_said() -> None:
    with answering("half", announced=100) as address, pytest.raises(DiffstyleError, match=r"connection to .* was lost"):
        Server(address).preview(png(8, 8), Look(style="neon"))


def test_a_server_that_is_missing_old_or_another_is_said(no_server: str, old_server: str) -> None:
    with pytest.raises(DiffstyleError, match=r"No diffstyle server answers at .*: start one with diffstyle serve"):
        Server(no_server).check()
    with pytest.raises(DiffstyleError, match=r"runs diffstyle 0\.1\.9, and this plugin needs .* or newer"):
        Server(old_server).check()
    older = {"data": [{"id": "starter", "owned_by": "diffstyle"}]}
    with answering(older) as address, pytest.raises(DiffstyleError, match="runs an old diffstyle"):
        Server(address).check()
    for body, status in (({"data": [{"owned_by": "x"}]}, 200), ("<html>", 200), ([1], 200), ("gone", 404), ({}, 500)):
        with answering(body, status) as other, pytest.raises(DiffstyleError, match="is not diffstyle serve"):
            Server(other).check()


def test_keys(tmp_path: Path) -> None:
    with api_server(tmp_path, ready=False) as api:
        assert Server(api.url, KEYS["ada"]).check() == __version__
        with pytest.raises(DiffstyleError, match="does not answer without an API key"):
            Server(api.url).check()
        with pytest.raises(DiffstyleError, match="does not take the plugin's API key"):
            Server(api.url, "wrong").check()


def test_small_things() -> None:
    assert chosen_style(" neon ", "mosaic") == "neon"
    assert chosen_style(" ", "mosaic") == "mosaic"
    assert fitted(4000, 3000, 0) == (4000, 3000)
    assert fitted(4000, 3000, 1000) == (1000, 750)
    assert fitted(4000, 1, 1000) == (1000, 1)
    assert fitted(40, 30, 1000) == (40, 30)
    with pytest.raises(DiffstyleError, match="no PNG"):
        png_size(b"<html>")
