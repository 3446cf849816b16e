"""Sessions: separate for each page, closed with it, and what they keep."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest
from diffstyle_ui.app.context import open_context
from diffstyle_ui.app.limits import Limits
from diffstyle_ui.app.parts import add_part, mixed, parts_of_style
from diffstyle_ui.app.sessions import MAX_PER_CLIENT, Session
from diffstyle_ui.app.uploads import Uploads, upload_path
from diffstyle_ui.app.visitors import COOKIE
from diffstyle_ui.widgets.style_rows import MAX_ROWS, StylePart

from diffstyle import InputError, Style
from diffstyle.core.model_options import ModelOptions


def test_closing_a_page_deletes_what_it_had(tmp_path: Path) -> None:
    with open_context(ModelOptions(), Limits(), tmp_path / "votes.csv") as context:
        one, other = (gr.Request(session_hash=name) for name in "ab")
        session, beside = context.session(one), context.session(other)
        assert session.folder != beside.folder
        (session.folder / "result.png").write_bytes(b"x")
        with session.rendering() as cancel:
            assert session.rendering_now
            context.sessions.drop(one)
            assert cancel.is_set()
        assert not session.rendering_now
        assert not session.folder.exists()
        assert beside.folder.exists()
        assert context.session(one) is not session
        everything = context.sessions.folder.parent
    assert not everything.exists()


def test_a_new_render_cancels_the_old_one(tmp_path: Path) -> None:
    session = Session(tmp_path, "somebody", Uploads(tmp_path))
    with session.rendering() as first, session.rendering() as second:
        assert first.is_set()
        assert not second.is_set()
        assert session.rendering_now


def test_a_style_is_split_into_rows_that_mix_to_it(tmp_path: Path) -> None:
    with open_context(ModelOptions(), Limits(), tmp_path / "votes.csv") as context:
        known = context.space.styles["neon"]
        style = Style.mix([(Style.from_text("dark charcoal"), 3), (known, 1)])
        parts = parts_of_style(context, style)
    assert {part.label: round(weight, 3) for part, weight in parts} == {"Neon": 0.333, "dark charcoal": 1}
    again = Style.mix([(part.style, weight) for part, weight in parts])
    weights = {r.digest: r.weight for r in again.references}
    assert weights == pytest.approx({r.digest: r.weight for r in style.references})


def test_a_mix_has_a_limit_and_no_duplicates(tmp_path: Path) -> None:
    session = Session(tmp_path, "somebody", Uploads(tmp_path))
    with pytest.raises(InputError, match="no style yet"):
        mixed(session, [])
    parts = [StylePart(f"style {n}", Style.from_text(f"style {n}")) for n in range(MAX_ROWS + 1)]
    for part in (*parts[:MAX_ROWS], parts[0]):
        add_part(session, part)
    assert session.parts == tuple(parts[:MAX_ROWS])
    with pytest.raises(InputError, match="at most"):
        add_part(session, parts[-1])


def request(page: str | None, address: str = "10.0.0.1", cookie: str = "") -> gr.Request:
    """A request as Gradio hands it on."""
    http = SimpleNamespace(client=SimpleNamespace(host=address), cookies={COOKIE: cookie} if cookie else {})
    made = gr.Request(session_hash=page)
    made.request = cast("Any", http)
    return made


def test_made_up_sessions_end_nobody_elses(tmp_path: Path) -> None:
    with open_context(ModelOptions(), Limits(), tmp_path / "votes.csv") as context:
        sessions = context.sessions
        cookie = sessions.visitors.new()
        requests = [request("a"), request("b", cookie=cookie), request("c", "10.0.0.2")]
        working = [sessions.of(r) for r in requests]
        for session in working:
            session.parts = (StylePart("words", Style.from_text("words")),)
        for n in range(600):
            sessions.of(request(f"made-up-{n}"))
        assert len(sessions) <= MAX_PER_CLIENT + 1
        assert all(sessions.of(r) is s for r, s in zip(requests, working, strict=True))
        for n in range(MAX_PER_CLIENT):
            with pytest.raises(InputError, match="too many") if n >= MAX_PER_CLIENT - 2 else nullcontext():
                sessions.of(request(f"busy-{n}")).parts = working[0].parts
        assert all(sessions.of(r) is s for r, s in zip(requests, working, strict=True))


def test_a_session_is_reached_by_its_owner_alone(tmp_path: Path) -> None:
    with open_context(ModelOptions(), Limits(), tmp_path / "votes.csv") as context:
        sessions = context.sessions
        cookie, other = sessions.visitors.new(), sessions.visitors.new()
        mine = sessions.of(request("page", cookie=cookie))
        strangers = [
            request("page"),
            request("page", cookie=other),
            request("page", cookie=f"{cookie}x"),
            request(None),
        ]
        for stranger in strangers:
            assert sessions.of(stranger) is not mine
            sessions.drop(stranger)
        assert sessions.of(request("page", cookie=cookie)) is mine
        nameless = [sessions.of(request(None)) for _ in range(20)]
        assert len({session.folder for session in nameless}) == 20
        assert sum(session.folder.exists() for session in nameless) <= 8
        assert sessions.of(request("~")) not in nameless


def test_only_own_files_are_read(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path / "uploads")
    for name in ("uploads/mine.png", "uploads/theirs.png", "secret.png", "session/result.png", "uploads/unknown.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "uploads/link.png").symlink_to(tmp_path / "secret.png")
    for owner, name in (("me", "mine"), ("you", "theirs"), ("me", "link")):
        uploads.add(owner, tmp_path / f"uploads/{name}.png")
    uploads.add("me", tmp_path / "secret.png")
    session = Session(tmp_path / "session", "me", uploads)
    for name in ("uploads/mine.png", "session/result.png", "uploads/../uploads/mine.png"):
        assert upload_path(session, {"path": str(tmp_path / name)}).read_bytes() == b"x"
    for name in (
        "uploads/theirs.png",
        "secret.png",
        "uploads/link.png",
        "uploads/unknown.png",
        "session/../secret.png",
    ):
        with pytest.raises(InputError, match="expired"):
            upload_path(session, {"path": str(tmp_path / name)})
    bad: list[Any] = [None, {}, "text", [1], *({"path": p} for p in (None, 3, "\0", ["a"], "x" * 9999))]
    for payload in bad:
        with pytest.raises(InputError, match=r"no picture|expired"):
            upload_path(session, payload)
