"""The server: files, limits, crowds, passwords, and what is left when it stops."""

from __future__ import annotations

import inspect
import os
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import gradio as gr
import httpx
import numpy as np
import pytest
from diffstyle_ui.app import server
from diffstyle_ui.app.context import open_context
from diffstyle_ui.app.limits import Limits
from diffstyle_ui.app.page import build_page
from diffstyle_ui.command import AUTH_VARIABLE, account, ui
from gradio_client import Client, handle_file
from PIL import Image

from diffstyle import InputError
from diffstyle.core.model_options import ModelOptions
from tests.helpers.asynchronous import run_async
from tests.helpers.bad_files import BAD_FILES
from tests.helpers.page_client import accepts, ask, refusal
from tests.helpers.serving import ServedPage
from tests.ui.conftest import MAX_UPLOAD_MB, QUEUE_SIZE


@pytest.mark.parametrize("name", ["empty.jpg", "text.jpg", "truncated.jpg"])
def test_messages_about_uploads_name_the_file_without_its_folder(name: str, client: Client, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(BAD_FILES[name][0])
    sentence = refusal(client, "preview", photo=handle_file(tmp_path / name), style=["neon"])
    assert name in sentence
    assert "/" not in sentence


def test_two_hundred_million_pixels_are_refused_undecoded(client: Client, tmp_path: Path) -> None:
    Image.new("1", (20_000, 10_000)).save(tmp_path / "huge.png")
    assert "million pixels" in refusal(client, "preview", photo=handle_file(tmp_path / "huge.png"), style=["neon"])


def test_large_uploads_are_refused(served: ServedPage, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (900, 900, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.png")
    assert (tmp_path / "large.png").stat().st_size > MAX_UPLOAD_MB * 2**20
    with (tmp_path / "large.png").open("rb") as file:
        answer = httpx.post(f"{served.address}gradio_api/upload", files={"files": file})
    assert answer.status_code == 413


def test_no_file_outside_the_upload_folder_is_served(served: ServedPage, client: Client) -> None:
    secret = Path(__file__)
    tricks = [str(secret), f"/{secret}", f"file://{secret}", f"..{secret}", f"%2e%2e/%2e%2e{secret}", "pyproject.toml"]
    tricks += [f"{served.temporary}/../../../etc/passwd", "/etc/passwd", "/proc/self/environ", "//etc//passwd"]
    with httpx.Client(base_url=served.address) as http:
        for trick in tricks:
            for route in ("/gradio_api/file=", "/file=", "/gradio_api/file/", "/static/", "/assets/", "/theme/"):
                assert http.get(f"{route}{trick}").status_code in (400, 403, 404, 405, 422), f"{route}{trick}"
    for trick in (str(secret), "/etc/passwd", str(served.folder / "nothing.png")):
        for payload in ({"path": trick}, {"path": trick, "url": trick}, {"path": None, "url": f"file://{trick}"}):
            body = {"data": [{**payload, "meta": {"_type": "gradio.FileData"}}, ["neon"], []]}
            assert not accepts(served, "preview", body), f"{payload} was read"
    assert "There is no picture" in refusal(client, "preview", photo={"path": ""}, style=["neon"])


def test_a_full_queue_refuses_politely(client: Client, photo_file: Path) -> None:
    crowd = 3 * QUEUE_SIZE

    def answer(n: int) -> str:
        try:
            ask(client, "preview", photo=handle_file(photo_file), style=["neon"], strength=n / crowd)
        except Exception as error:  # gradio_client raises several kinds
            return str(error)
        return "answered"

    with ThreadPoolExecutor(crowd) as threads:
        answers = Counter(threads.map(answer, range(crowd)))
    assert answers["answered"] >= QUEUE_SIZE // 2  # the share of one visitor
    assert all("full" in sentence for sentence in answers if sentence != "answered"), answers


def free_port() -> int:
    """A port to listen at. Gradio's own search leaves a socket open for every port that is taken."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_password_a_proxy_path_and_nothing_left_behind(tmp_path: Path, photo_file: Path) -> None:
    with open_context(ModelOptions(), Limits(), tmp_path / "votes.csv") as context:
        folder = context.sessions.folder.parent

        async def start() -> tuple[gr.Blocks, str]:  # without a running loop, Gradio makes loops that nobody closes
            blocks = build_page(context)
            account = ("ada", "secret")
            return blocks, server.start(blocks, context, port=free_port(), auth=account, root_path="/style")

        blocks, address = run_async(start())
        address = address.removesuffix("/").removesuffix("/style")
        try:
            assert httpx.get(f"{address}/config").status_code == 401
            wrong, right = (
                httpx.post(f"{address}/login", data={"username": "ada", "password": word}) for word in ("no", "secret")
            )
            assert (wrong.status_code, right.status_code) == (400, 200)
            config = httpx.get(f"{address}/config", cookies=right.cookies).json()
            assert config["root"].endswith("/style")
            with photo_file.open("rb") as file:
                upload = httpx.post(f"{address}/gradio_api/upload", files={"files": file}, cookies=right.cookies)
            assert Path(upload.json()[0]).is_relative_to(folder)
        finally:
            server.stop(blocks)
    assert not folder.exists()


@pytest.mark.parametrize("auth", ["nobody", ":", "a:", ":b", ""])
def test_an_incomplete_password_is_refused(auth: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "account").write_text(auth)
    with pytest.raises(InputError, match="NAME:PASSWORD"):
        ui(auth_file=tmp_path / "account")
    monkeypatch.setenv(AUTH_VARIABLE, auth)
    with pytest.raises(InputError, match="NAME:PASSWORD"):
        ui()


def test_the_password_is_read_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "account").write_text("ada:sec:ret\n")
    assert account(tmp_path / "account") == ("ada", "sec:ret")
    monkeypatch.setenv(AUTH_VARIABLE, "bob:pass")
    assert account(None) == ("bob", "pass")
    assert AUTH_VARIABLE not in os.environ
    assert account(None) is None
    with pytest.raises(InputError, match="Cannot read"):
        account(tmp_path / "missing")


@pytest.mark.parametrize(
    "name", ["max_pixels", "max_upload_mb", "max_visitor_mb", "max_total_mb", "max_seconds", "queue_size"]
)
def test_limits_are_positive(name: str) -> None:
    with pytest.raises(InputError, match=name):
        Limits(**cast("dict[str, Any]", {name: 0}))


def test_the_command_line_has_the_limits_of_the_page() -> None:
    defaults = {name: p.default for name, p in inspect.signature(ui).parameters.items()}
    for field in fields(Limits):
        assert defaults[field.name] == field.default
    assert defaults["host"] == "127.0.0.1"  # not reachable from other machines
