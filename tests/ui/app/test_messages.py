"""Error messages, training options and the vote log."""

from __future__ import annotations

import csv
import logging
from pathlib import Path

import gradio as gr
import pytest
from diffstyle_ui.app.histories import SavedResult
from diffstyle_ui.app.sessions import Session
from diffstyle_ui.app.training import recipe_for
from diffstyle_ui.app.uploads import Uploads
from diffstyle_ui.app.user_errors import UNEXPECTED, user_errors
from diffstyle_ui.app.votes import log_vote, random_pair

from diffstyle import InputError
from diffstyle.evaluation.votes import COLUMNS


def test_user_errors_are_shown_as_escaped_sentences() -> None:
    @user_errors
    def fail() -> None:
        raise InputError("size is <b>: give a number.")

    with pytest.raises(gr.Error) as caught:
        fail()
    assert caught.value.message == "size is &lt;b&gt;: give a number."


def test_unexpected_errors_are_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    @user_errors
    def fail() -> None:
        raise KeyError("/a/path/of/the/server")

    with caplog.at_level(logging.ERROR), pytest.raises(gr.Error) as caught:
        fail()
    assert caught.value.message == UNEXPECTED
    assert "/a/path/of/the/server" in caplog.text


@pytest.mark.parametrize("steps", ["many", "0", "1.5"])
def test_training_steps_are_whole_numbers(steps: str) -> None:
    with pytest.raises(InputError, match="steps is"):
        recipe_for(8, steps)


def test_training_steps_replace_minutes() -> None:
    assert recipe_for(3, "").minutes == 3
    assert recipe_for(3, " 12 ").steps == 12


def test_votes_are_lines_that_no_spreadsheet_evaluates(tmp_path: Path) -> None:
    results = [SavedResult(tmp_path / f"{n}.png", "", f"=SUM({n})") for n in range(2)]
    session = Session(tmp_path / "visitor", "somebody", Uploads(tmp_path))
    with pytest.raises(InputError, match="at least two"):
        random_pair(session)
    session.history.results = tuple(results)
    assert set(random_pair(session)) == set(results)
    path = tmp_path / "deep" / "votes.csv"
    for choice in ("a", "same"):
        log_vote(path, session, (results[0], results[1]), choice)
    header, *lines = csv.reader(path.read_text().splitlines())
    assert tuple(header) == COLUMNS
    assert [line[COLUMNS.index("choice")] for line in lines] == ["a", "same"]
    assert lines[0][COLUMNS.index("a")] == "'=SUM(0)"
    with pytest.raises(InputError, match="choice"):
        log_vote(path, session, (results[0], results[1]), "both")
