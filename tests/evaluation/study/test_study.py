"""Studies: what judges see, what they do not, and what their answers say."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from diffstyle import InputError, Picture
from diffstyle.evaluation.pairs import Pair
from diffstyle.evaluation.study.crowd import export_mturk
from diffstyle.evaluation.study.make import CHECK, StudyOptions, damaged, make_study, page
from diffstyle.evaluation.study.study import CONSENT, Key, Study, key_path
from diffstyle.evaluation.study.tally import disputed, sort_votes, tally
from diffstyle.evaluation.votes import Vote, read_votes, write_votes
from diffstyle.formats.atomic import sha256
from tests.conftest import waves
from tests.evaluation.helpers import make_pairs, make_run
from tests.helpers.cli import run

RUNS = ("secret-method", "other-method", "third-method")


def make(folder: Path, *, runs: int = 2, **options: object) -> tuple[Study, Key, list[Pair]]:
    pairs = make_pairs(folder)
    found = [make_run(folder / name, pairs, n / 3) for n, name in enumerate(RUNS[:runs])]
    study = make_study(folder / "study", pairs, found, StudyOptions(consent=CONSENT, **options))  # pyright: ignore
    return study, Key.read(key_path(folder / "study")), pairs


def answers(study: Study, key: Key, judge: str, prefers: str | None) -> list[Vote]:
    """All answers of a judge who attends to the checks and always prefers one run, or sees no difference."""
    found: list[Vote] = []
    for item in study.items:
        runs = {side: key.pictures[getattr(item, side)].run for side in ("a", "b")}
        wanted = next((r for r in runs.values() if r), "") if item.always else prefers
        choice = next((side for side, run in runs.items() if run and run == wanted), "same")
        found.append(Vote(judge=judge, pair=item.pair, question=item.question, choice=choice, a=item.a, b=item.b))
    return found


def test_nothing_that_judges_see_names_a_method(tmp_path: Path) -> None:
    study, key, pairs = make(tmp_path, runs=3, questions=("style", "Which one is yours?"))
    folder = tmp_path / "study"
    assert len([i for i in study.items if not i.always]) == 3 * 3 * 2  # pairs, pairings, questions
    for path in folder.rglob("*"):
        assert not any(name in path.name for name in RUNS)
        assert path.is_dir() or not any(name.encode() in path.read_bytes() for name in RUNS), path
    names = {path.stem for path in (folder / "pictures").iterdir()}
    assert all(re.fullmatch("[0-9a-f]{16}", name) for name in names)
    assert set(key.pictures) <= names
    assert key_path(folder) == tmp_path / "study.key.json"
    assert not list(folder.rglob("*key*"))
    first = next(iter(key.pictures.values()))
    assert first.sha256 == sha256(tmp_path / first.run / f"{first.pair}.png")
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len({path.stat().st_mtime_ns for path in files}) == 1  # nor does the order in which they were written
    firsts = [key.pictures[i.a].run for i in study.items if not i.always]
    assert len(set(firsts)) > 1  # the order of a and b says nothing
    with Image.open(folder / "pictures" / f"{study.items[0].a}.jpg") as image:
        assert not image.getexif()
        with Image.open(pairs[0].photo) as photo:
            assert image.size == photo.size


def test_the_same_seed_makes_the_same_study(tmp_path: Path) -> None:
    (one, _, _), (two, _, _), (three, _, _) = (make(tmp_path / str(n), seed=seed) for n, seed in enumerate((5, 5, 6)))
    assert one == two
    assert {i.a for i in one.items}.isdisjoint({i.a for i in three.items})


@pytest.mark.parametrize("served", [False, True])
def test_texts_cannot_break_the_page(tmp_path: Path, served: bool) -> None:
    questions = ("served", "the study", "</script><script>alert(1)</script>")
    study, _, _ = make(tmp_path, questions=questions)
    html = page(study, served=served)
    assert html.count("<script") == 1
    found = re.search(r"const STUDY = (.*);\nconst SERVED = (.*);\n", html)
    assert found
    assert tuple(json.loads(found[1])["questions"]) == questions
    assert found[2] == str(served).lower()
    with pytest.raises(InputError, match="question is empty"):
        make(tmp_path / "again", questions=(" ",))


def test_checks_have_one_right_answer(tmp_path: Path) -> None:
    study, key, _ = make(tmp_path, checks=3)
    checks = [item for item in study.items if item.always]
    assert [item.pair for item in checks] == [f"{CHECK}{n}" for n in (1, 2, 3)]
    for item in checks:
        assert sum(bool(key.pictures[name].run) for name in (item.a, item.b)) == 1
    picture = Picture.from_array(waves(64, 64, seed=1))
    copy = damaged(picture, seed=1)
    assert copy.size == picture.size
    assert float((copy.pixels - picture.pixels).abs().mean()) > 0.15
    assert copy == damaged(picture, seed=1)


def test_a_failed_study_leaves_nothing(tmp_path: Path) -> None:
    pairs = make_pairs(tmp_path)
    runs = [make_run(tmp_path / name, pairs, 0.5) for name in RUNS[:2]]
    (tmp_path / RUNS[1] / "p2.png").write_bytes(b"no picture")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match="not a picture"):
        make_study(tmp_path / "study", pairs, runs, StudyOptions(consent=""))
    assert sorted(tmp_path.iterdir()) == before
    with pytest.raises(InputError, match="at least two"):
        make_study(tmp_path / "study", pairs, runs[:1], StudyOptions(consent=""))


def test_answers_are_tallied(tmp_path: Path) -> None:
    """Three judges for the first run, one for the second, one who sees nothing and one who does not look."""
    study, key, _ = make(tmp_path)
    votes = [v for n in range(3) for v in answers(study, key, f"j{n}", RUNS[0])]
    votes += answers(study, key, "j3", RUNS[1]) + answers(study, key, "j4", None)
    careless = [Vote(judge="j5", pair=i.pair, question=i.question, choice="same", a=i.a, b=i.b) for i in study.items]
    other = Vote(judge="j6", pair="p0", choice="a", a="unknown", b="unknown too")
    one, two = study.items[:2]
    forged = [Vote(judge="j6", pair="p0", question="keep", choice="a", a=one.a, b=b) for b in (one.a, two.a, two.b)]
    unasked = Vote(judge="j6", pair=one.pair, question="like", choice="a", a=one.a, b=one.b)
    found = sort_votes([*votes, *careless, other, *forged, unasked], key, questions=study.questions)
    assert (found.left_out, found.missed["j5"], found.unmatched) == (("j5",), 2, 5)
    assert found.judges == ("j0", "j1", "j2", "j3", "j4")
    assert {(v.a, v.b) for v in found.votes} <= {RUNS[:2], RUNS[1::-1]}
    result = tally("keep", found.answers, key.runs)
    (duel,) = result.duels
    assert (duel.wins, duel.same) == ((9, 3), 3)
    assert duel.share.value == pytest.approx(10.5 / 15)
    assert not result.padded
    assert result.scores[RUNS[0]].value - result.scores[RUNS[1]].value == pytest.approx(np.log(10.5 / 4.5))
    assert len(disputed(found.answers)) == 3
    assert sort_votes([*votes, *careless], key, allowed_misses=2).left_out == ()
    changed = [*votes, *answers(study, key, "j0", RUNS[1])]  # the last answer counts
    assert tally("keep", sort_votes(changed, key).answers, key.runs).duels[0].wins == (6, 6)
    with pytest.raises(InputError, match="None of the answers"):
        sort_votes([other], key)


def test_the_commands_make_and_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = make_pairs(tmp_path)
    for n, name in enumerate(RUNS):
        make_run(tmp_path / name, pairs, n / 3)
    places = [tmp_path / name for name in RUNS]
    folder, export = tmp_path / "study", ("--export", "mturk", "--address", "https://host/study/")
    words = ("study", "make", *places, "--pairs", tmp_path / "pairs.csv", "-o", folder)
    assert run(*words, "--question", "keep", "--question", "style", "--per-judge", 4, *export) == 0
    assert run(*words) == 2
    assert "is there already" in capsys.readouterr().err
    study, key = Study.read(folder), Key.read(key_path(folder))
    with (tmp_path / "study.mturk-input.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(study.items)
    assert all(row["a_url"] == f"https://host/study/pictures/{row['a']}.jpg" for row in rows)
    layout = (tmp_path / "study.mturk-layout.html").read_text()
    assert set(re.findall(r"\$\{(\w+)\}", layout)) <= set(rows[0])
    write_votes(tmp_path / "one.csv", answers(study, key, "one", RUNS[0]))
    write_votes(tmp_path / "two.csv", answers(study, key, "two", RUNS[1]))
    out = tmp_path / "report"
    assert run("study", "report", folder, tmp_path / "one.csv", tmp_path / "two.csv", "-o", out) == 0
    assert f"{RUNS[0]} 3 : 3 {RUNS[1]}, same 0; 50%" in capsys.readouterr().out
    found = json.loads((out / "report.json").read_text())
    scores = found["questions"]["style"]["bradley_terry"]
    assert scores[RUNS[0]][0] > scores[RUNS[2]][0]
    assert not found["questions"]["style"]["virtual_wins"]  # ties are half wins for both
    html = (out / "report.html").read_text()
    assert "Where judges disagree" in html
    assert "data:image/jpeg" in html
    named = read_votes([out / "votes.csv"])
    assert {v.a for v in named} | {v.b for v in named} == set(RUNS)
    digests = {sha256(tmp_path / name / f"{p.name}.png") for name in RUNS for p in pairs}
    assert {v.a_sha256 for v in named} <= digests


def test_a_report_never_replaces_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study, key, _ = make(tmp_path)
    path, pairs = tmp_path / "votes.csv", (tmp_path / "pairs.csv").read_bytes()
    write_votes(path, answers(study, key, "one", RUNS[0]))
    before = path.read_bytes()
    assert run("study", "report", tmp_path / "study", path, "-o", tmp_path) == 2
    assert "reads or writes that file too" in capsys.readouterr().err
    assert path.read_bytes() == before
    path = path.rename(tmp_path / "answers.csv")
    assert run("study", "report", tmp_path / "study", path, "-o", tmp_path) == 0
    assert (tmp_path / "pairs.csv").read_bytes() == pairs
    assert f"keep,p0,{RUNS[0]},{RUNS[1]},1,0,0" in (tmp_path / "comparisons.csv").read_text()


def test_texts_are_literal_on_the_crowd_platform(tmp_path: Path) -> None:
    """There, ${NAME} is a variable and values of variables are HTML."""
    made, _, _ = make(tmp_path, questions=("A <b> & ${a}?",))
    export_mturk(replace(made, consent="Costs ${a_url}."), tmp_path / "study", "https://host")
    assert "Costs &#36;{a_url}." in (tmp_path / "study.mturk-layout.html").read_text()
    assert "A &lt;b&gt; &amp; &#36;{a}?" in (tmp_path / "study.mturk-input.csv").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--checks", "99"], "from 0 to 20"),
        (["--seed", "-1"], "seed is -1"),
        (["--export", "mturk"], "https://"),
        (["--size", "8"], "from 128 to 4096"),
    ],
)
def test_mistakes_are_sentences(
    tmp_path: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = make_pairs(tmp_path)
    make_run(tmp_path / "one", pairs, 0.5)
    given = (tmp_path / "one", tmp_path / "one", "--pairs", tmp_path / "pairs.csv", "-o", tmp_path / "study")
    assert run("study", "make", *given, *words) == 2
    assert said in capsys.readouterr().err
    assert run("study", "report", tmp_path, tmp_path / "none.csv", "-o", tmp_path / "out") == 2
