"""`diffstyle evaluate`: pairs, runs, renders that resume, tables and reports."""

from __future__ import annotations

import csv
import json
import math
import re
from pathlib import Path

import pytest

from diffstyle import InputError
from diffstyle.core.model_options import ModelOptions
from diffstyle.evaluation.metrics import registry
from diffstyle.evaluation.pairs import Run, crossed, read_costs, read_pairs, shared
from diffstyle.evaluation.plots import axes_of, pareto_front
from diffstyle.evaluation.render import render_pairs
from diffstyle.evaluation.table import measure
from diffstyle.stylizer import Stylizer
from tests.evaluation.helpers import make_pairs, make_run, save
from tests.helpers.cli import run


def test_pairs_are_read_in_all_forms(tmp_path: Path) -> None:
    pairs = make_pairs(tmp_path)
    assert read_pairs(tmp_path / "pairs.csv") == pairs
    short = tmp_path / "short.csv"
    short.write_text("# two columns\n0.png,1.png\n")
    (one,) = read_pairs(short, content=tmp_path / "photo", style=tmp_path / "style")
    assert (one.name, one.photo) == ("0_stylized_1", tmp_path / "photo" / "0.png")
    assert len(crossed(tmp_path / "photo", tmp_path / "style")) == 9


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no pairs"),
        ("a\n", "columns name,photo,style"),
        ("a,photo/0.png,style/0.png\na,photo/1.png,style/1.png\n", "repeats"),
        ("../a,photo/0.png,style/0.png\n", "no name of a file"),
        ("a,photo/9.png,style/0.png\n", "no such file"),
    ],
)
def test_bad_pairs_are_refused_with_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    make_pairs(tmp_path)
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_pairs(path)


def test_pairs_that_a_run_lacks_are_left_out_for_all(tmp_path: Path) -> None:
    pairs = make_pairs(tmp_path)
    whole, part = make_run(tmp_path / "whole", pairs, 0.2), make_run(tmp_path / "part", pairs[:2], 0.5)
    kept, notes = shared(pairs, [whole, part])
    assert [p.name for p in kept] == ["p0", "p1"]
    assert "part lacks 1 of 3 pictures (p2)" in notes[0]
    with pytest.raises(InputError, match=r"p0\.png"):
        shared(pairs, [Run("empty", {}, {})])


def test_costs_survive_a_line_that_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "costs.csv"
    path.write_text("p0,1.5,1000\np1,2.5\np2,0.")
    assert read_costs(path) == {"p0": (1.5, 1000), "p1": (2.5, None), "p2": (0.0, None)}
    path.write_text("p0,1.5,1000\np1")
    assert read_costs(path) == {"p0": (1.5, 1000)}


def test_figures_order_runs_as_they_were_made(tmp_path: Path) -> None:
    pairs = make_pairs(tmp_path)
    runs = [make_run(tmp_path / name, pairs, share) for name, share in (("photo", 0.0), ("half", 0.5), ("style", 1.0))]
    metrics = registry.chosen(["ssim", "content-lite", "style-lite", "leakage", "time"])
    table = measure(pairs, runs, metrics, side=64)
    for metric in metrics[:-1]:
        values = [table.summary(name, metric).value for name in table.runs]
        rising = metric.name == "leakage"
        assert values == sorted(values, reverse=not rising), metric.name
    assert table.values["photo", "style-lite"] == pytest.approx([1, 1, 1])
    assert math.isnan(table.summary("photo", metrics[-1]).value)
    assert table.difference("half", metrics[0]).value < 0
    assert table.difference("photo", metrics[0]).value == 0
    axes = axes_of(metrics)
    assert axes is not None
    assert [m.name for m in axes] == ["content-lite", "style-lite"]


def test_the_front_is_what_nothing_beats() -> None:
    points = [(1.0, 1.0), (2.0, 0.5), (0.5, 0.5), (math.nan, 9.0), (3.0, 0.1)]
    assert pareto_front(points, higher=(True, True)) == [0, 1, 4]
    assert pareto_front(points, higher=(False, False)) == [2, 4]


def test_the_command_writes_a_whole_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = make_pairs(tmp_path)
    for name, share in (("near", 0.1), ("far", 0.8)):
        make_run(tmp_path / name, pairs, share)
    out = tmp_path / "report"
    words = ("evaluate", str(tmp_path / "near"), str(tmp_path / "far"), "--pairs", str(tmp_path / "pairs.csv"))
    metrics = ("--metrics", "ssim,psnr,edges,style-lite,cfsd,time")
    assert run(*words, "-o", str(out), "--size", "64", *metrics) == 0
    captured = capsys.readouterr()
    assert "cfsd is left out" in captured.err
    assert "models pull vgg19" in captured.err
    html = (out / "report.html").read_text()
    assert html.count("data:image/png") == 1
    assert html.count("data:image/jpeg") == 2 * (2 + 1) * 4  # two runs, two best and one worst, four pictures each
    assert not re.search(r'(?:src|href)="https?:', html)
    assert "cfsd is left out" in html
    assert re.search(r"Δ -0\.\d+ \(-0\.\d+ to -0\.\d+\) ●", html)  # SSIM of the second run, pair by pair
    with (out / "summary.csv").open() as file:
        rows = {(r["run"], r["figure"]): r for r in csv.DictReader(file)}
    assert float(rows["near", "ssim"]["median"]) > float(rows["far", "ssim"]["median"])
    low, middle, high = (float(rows["far", "ssim"][k]) for k in ("low", "median", "high"))
    assert low <= middle <= high
    assert rows["near", "time"]["median"] == ""
    with (out / "values.csv").open() as file:
        assert [(r["run"], r["pair"]) for r in csv.DictReader(file)] == [
            (name, f"p{n}") for name in ("near", "far") for n in range(3)
        ]


def test_renders_resume_and_half_written_pictures_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs, out = make_pairs(tmp_path), tmp_path / "renders"

    def stop_at_two(done: int, total: int, name: str) -> None:
        assert (total, name) == (3, f"p{done}")
        if done == 2:
            raise KeyboardInterrupt

    def render(on_pair: object = None, size: int = 64) -> Run:
        return render_pairs(pairs, out, engine="adain", size=size, options=ModelOptions(), on_pair=on_pair)  # pyright: ignore

    with pytest.raises(KeyboardInterrupt):
        render(stop_at_two)
    first = {path.name: path.stat().st_mtime_ns for path in out.glob("p*.png")}
    assert sorted(first) == ["p0.png", "p1.png"]
    (out / ".p2.png.abc.partial").write_bytes(b"half")
    asked: list[str] = []

    def note(done: int, total: int, name: str) -> None:
        assert done < total
        asked.append(name)

    found = render(note)
    assert asked == ["p2"]
    assert {path.name: path.stat().st_mtime_ns for path in out.glob("p*.png") if path.name in first} == first
    assert sorted(found.pictures) == ["p0", "p1", "p2"]
    assert all(seconds > 0 and (memory is None or memory > 2**20) for seconds, memory in found.costs.values())
    assert json.loads((out / "run.json").read_text())["engine"] == "adain"
    monkeypatch.setattr(Stylizer, "render", None)
    assert render().pictures == found.pictures  # nothing is painted again
    with pytest.raises(InputError, match="painted otherwise"):
        render(size=80)


def test_the_protocol_says_when_it_is_not_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for n in range(2):
        save(tmp_path / "cnt" / f"c{n}.png", n)
        save(tmp_path / "sty" / f"s{n}.png", n + 9)
    out = tmp_path / "report"
    words = ("evaluate", "--engines", "adain", "--protocol", "styleid", "--data", str(tmp_path), "-o", str(out))
    assert run(*words, "--size", "64", "--metrics", "ssim") == 0
    assert "20 contents and 40 styles at 512 pixels, this run 2 and 2 at 64" in capsys.readouterr().err
    assert len(list((out / "renders" / "adain").glob("c*_stylized_s*.png"))) == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-o", "x"], "Name a folder of results"),
        (["-o", "x", "--engines", "magic"], "no engine called 'magic'"),
        (["-o", "x", "--engines", "media"], "paints styles in words"),
        (["-o", "x", "--engines", "adain"], "--pairs pairs.csv, or the folders"),
        (["-o", "x", "--engines", "adain", "--protocol", "styleid"], "--data DIR"),
        (["-o", "x", "--engines", "adain", "--size", "3"], "from 64 to 2048"),
        (["nowhere", "-o", "x", "--content", "a", "--style", "b"], "Cannot read the folder"),
        (["-o", "x", "--engines", "adain", "--metrics", "beauty"], "no figure called 'beauty'"),
        (["-o", "x", "--engines", "adain", "--metrics", "csd"], "csd is left out. CSD needs"),
    ],
)
def test_mistakes_are_sentences(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert run("evaluate", *words) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
