"""Sessions: separate for each page, closed with it, and what they keep; results, which outlive them."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest
from diffstyle_ui.app.context import AppContext, open_context
from diffstyle_ui.app.histories import KEEP_SECONDS, MAX_KEPT_PER_VISITOR, SavedResult
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


def saved(context: AppContext, session: Session, size: int = 1) -> SavedResult:
    """A result of `session`, saved as renders are."""
    file = session.history.next_file("result")
    file.write_bytes(b"x" * size)
    result = SavedResult(file, "", "a result", session.history.count, size)
    context.sessions.histories.add(session.history, result)
    return result


@pytest.mark.parametrize("unload_first", [True, False])
def test_results_survive_a_reload_for_their_visitor_alone(unload_first: bool, tmp_path: Path) -> None:
    with open_context(ModelOptions(), Limits(), tmp_path / "votes.csv") as context:
        sessions = context.sessions
        mine, stranger = sessions.visitors.new(), sessions.visitors.new()
        old, new = request("old", cookie=mine), request("new", cookie=mine)
        key = sessions.resume(old, "")
        result = saved(context, sessions.of(old))
        for other in (request("b", cookie=stranger), request("c"), request(None), request("old", cookie=stranger)):
            assert sessions.resume(other, key) != key
            assert not sessions.of(other).results
            assert not sessions.of(other).may_read(result.file)
        if unload_first:
            sessions.drop(old)
        assert sessions.resume(new, key) == key
        sessions.drop(old)
        assert sessions.of(new).result(1) == result
        assert sessions.of(new).may_read(result.file)
        owner, foreign = (sessions.client_of(request("x", cookie=c)).owner for c in (mine, stranger))
        assert sessions.owns(owner, result.file)
        assert not sessions.owns(foreign, result.file)
        assert saved(context, sessions.of(new)).number == 2
        for bad in (None, 3, "", "x", [key], {"key": key}):
            assert sessions.resume(request(f"page {bad}", cookie=mine), bad) not in ("", key)


def test_results_are_deleted_when_they_are_too_old(tmp_path: Path) -> None:
    with open_context(ModelOptions(), Limits(), tmp_path / "votes.csv") as context:
        sessions, cookie = context.sessions, context.sessions.visitors.new()
        closed, open_, program = request("closed", cookie=cookie), request("open", cookie=cookie), request("program")
        keys = [sessions.resume(page, "") for page in (closed, open_)]
        files = [saved(context, sessions.of(page)).file for page in (closed, open_, program)]
        sessions.drop(closed)
        sessions.drop(program)  # nobody knows its key
        assert [file.exists() for file in files] == [True, True, False]
        now = time.monotonic()
        sessions.histories.sweep(now + KEEP_SECONDS - 60)
        assert files[0].exists()
        sessions.histories.sweep(now + KEEP_SECONDS + 60)
        assert not files[0].exists()
        assert not files[1].exists()
        assert not sessions.of(open_).results
        assert sessions.resume(request("again", cookie=cookie), keys[0]) not in keys
        assert saved(context, sessions.of(open_)).file.exists()  # the page goes on
        with pytest.raises(InputError, match="no longer"):
            sessions.of(open_).result(1)


def test_kept_results_have_limits(tmp_path: Path) -> None:
    limits = Limits(max_visitor_mb=1, max_total_mb=4)
    with open_context(ModelOptions(), limits, tmp_path / "votes.csv") as context:
        sessions, size = context.sessions, 400_000
        cookie, other = sessions.visitors.new(), sessions.visitors.new()
        theirs = saved(context, sessions.of(request("theirs", "10.0.0.2", cookie=other)), size)
        pages = [request(f"page {n}", cookie=cookie) for n in range(MAX_KEPT_PER_VISITOR + 2)]
        kept: list[Path] = []
        for page in pages:
            sessions.resume(page, "")
            kept.append(saved(context, sessions.of(page), size).file)
            sessions.drop(page)
        assert [file.exists() for file in kept] == [False] * (len(pages) - 2) + [True, True]
        crowd = [request(f"crowd {n}", cookie=sessions.visitors.new()) for n in range(12)]
        for page in crowd:
            saved(context, sessions.of(page), size)
        assert sum(len(sessions.of(page).results) for page in crowd) == 2 * 2**20 // size
        assert theirs.file.exists()
        small: list[Path] = []
        for n in range(MAX_KEPT_PER_VISITOR + 3):
            page = request(f"small {n}", cookie=cookie)
            sessions.resume(page, "")
            small.append(saved(context, sessions.of(page)).file)
            sessions.drop(page)
        assert [file.exists() for file in small] == [False] * 3 + [True] * MAX_KEPT_PER_VISITOR
