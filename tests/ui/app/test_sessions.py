"""Sessions: separate for each page, closed with it, and what they keep."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pytest
from diffstyle_ui.app.context import open_context
from diffstyle_ui.app.parts import add_part, mixed, parts_of_style
from diffstyle_ui.app.sessions import Session
from diffstyle_ui.app.uploads import Limits
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
    session = Session(tmp_path)
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
    session = Session(tmp_path)
    with pytest.raises(InputError, match="no style yet"):
        mixed(session, [])
    parts = [StylePart(f"style {n}", Style.from_text(f"style {n}")) for n in range(MAX_ROWS + 1)]
    for part in (*parts[:MAX_ROWS], parts[0]):
        add_part(session, part)
    assert session.parts == tuple(parts[:MAX_ROWS])
    with pytest.raises(InputError, match="at most"):
        add_part(session, parts[-1])
