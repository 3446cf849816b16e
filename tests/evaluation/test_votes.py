"""The one format of choices between two pictures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from diffstyle import InputError
from diffstyle.evaluation.votes import COLUMNS, Vote, append_votes, read_votes, write_votes


def vote(choice: str = "a", **values: str) -> Vote:
    return Vote(**{"judge": "x", "pair": "p0", "a": "one", "b": "two", **values, "choice": choice})  # pyright: ignore


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "votes.csv"
    votes = [vote(question="=1+1", a="'quoted", pair="'=1+1"), vote("same", b='with "quotes", and\na line')]
    append_votes(path, votes[:1])
    append_votes(path, votes[1:])
    assert read_votes([path]) == votes
    assert "\n=1+1" not in path.read_text().replace(",", "\n")  # no spreadsheet evaluates it
    write_votes(tmp_path / "again.csv", votes)
    assert read_votes([tmp_path / "again.csv", path]) == votes * 2


def test_a_file_of_an_older_page_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    path.write_text("when,visitor,choice,a,a_sha256,b,b_sha256\n2026-01-02,ab12,b,Mosaic,00,Neon,11\n")
    append_votes(path, [vote()])
    first, second = read_votes([path])
    assert (first.judge, first.choice, first.a, first.b_sha256, first.pair) == ("ab12", "b", "Mosaic", "11", "")
    assert second == vote()
    assert path.read_text().splitlines()[0] == ",".join(COLUMNS)


@pytest.mark.parametrize(
    "answer", ["Answer.choice\n,b", "Answer.choice.a,Answer.choice.same,Answer.choice.b\n,false,false,true"]
)
def test_results_of_mechanical_turk_are_read(tmp_path: Path, answer: str) -> None:
    names, values = answer.split("\n")
    path = tmp_path / "Batch_1.csv"
    path.write_text(f"WorkerId,Input.pair,Input.question,Input.a,Input.b,{names}\nW1,p0,keep,aa,bb{values}\n")
    (found,) = read_votes([path])
    assert (found.judge, found.pair, found.question, found.choice, found.a) == ("W1", "p0", "keep", "b", "aa")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x,y\n1,2\n", "votes have the columns"),
        ("judge,choice,a,b\nj,left,1,2\n", "one of a, b, same"),
        ("judge,choice,a,b\n,a,1,2\n", "names no judge"),
        (json.dumps({"rows": []}), "study page"),
        ("[1, 2]", "study page"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "votes.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_votes([path])
    with pytest.raises(InputError):
        append_votes(path, [vote()])
    assert path.read_text() == text
