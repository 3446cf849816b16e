"""`diffstyle evaluate`: pairs, runs, renders that resume, tables and reports."""

from __future__ import annotations

import csv
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from diffstyle import InputError
from diffstyle.core.model_options import ModelOptions
from diffstyle.evaluation.case import open_view
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
    plain = tmp_path / "plain.csv"
    plain.write_text("photo,photo/0.png,style/0.png\n#1,photo/1.png,style/1.png\n")
    assert [pair.name for pair in read_pairs(plain)] == ["photo", "#1"]  # neither a header nor a comment


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no pairs"),
        ("a\n", "columns name,photo,style"),
        ("a,photo/0.png,style/0.png\na,photo/1.png,style/1.png\n", "repeats"),
        ("../a,photo/0.png,style/0.png\n", "not a file name"),
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
    path.write_bytes("p\xe9,1.5\n".encode("latin-1"))
    with pytest.raises(InputError, match="UTF-8"):
        read_costs(path)


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
    pairs = make_pairs(tmp_path, 6)
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
    assert html.count("data:image/jpeg") == 2 * (3 + 3) * 4  # two runs, three best and three worst, four pictures each
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
            (name, f"p{n}") for name in ("near", "far") for n in range(6)
        ]


def test_a_report_on_few_pairs_claims_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One pair with a name that is HTML and a formula at once."""
    pairs = [replace(pair, name='=<b>, "é" x') for pair in make_pairs(tmp_path, 1)]
    for name, share in (("near", 0.1), ("<i>far", 0.8)):
        make_run(tmp_path / name, pairs, share)
    with (tmp_path / "pairs.csv").open("w", newline="") as file:
        csv.writer(file).writerow([pairs[0].name, *map(str, (pairs[0].photo, pairs[0].style))])  # absolute, no header
    out = tmp_path / "report"
    words = ("evaluate", tmp_path / "near", tmp_path / "<i>far", "--pairs", tmp_path / "pairs.csv", "-o", out)
    assert run(*words, "--size", 64, "--metrics", "ssim, edges,") == 0
    html = (out / "report.html").read_text()
    assert "<i>" not in html
    assert "&lt;b&gt;" in html
    assert "nan" not in re.sub(r'"data:[^"]*"', "", html)
    assert "nan" not in capsys.readouterr().out
    assert not re.search(r"Δ -0\.\d+ .*●</small>", html)
    with (out / "values.csv").open() as file:
        assert [row["pair"] for row in csv.DictReader(file)] == [f"'{pairs[0].name}"] * 2


def test_a_report_never_replaces_what_it_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = make_pairs(tmp_path, 1)
    make_run(tmp_path / "one", pairs, 0.1)
    (tmp_path / "pairs.csv").rename(tmp_path / "values.csv")
    before = (tmp_path / "values.csv").read_bytes()
    assert run("evaluate", tmp_path / "one", "--pairs", tmp_path / "values.csv", "-o", tmp_path) == 2
    assert "reads or writes that file too" in capsys.readouterr().err
    assert (tmp_path / "values.csv").read_bytes() == before


def test_odd_pictures_are_compared(tmp_path: Path) -> None:
    """A grey result, one with alpha, one of 16 bits, and one of another size."""
    pairs = make_pairs(tmp_path, 4)
    folder = tmp_path / "odd"
    folder.mkdir()
    photos = [Image.open(pair.photo) for pair in pairs]
    photos[0].convert("L").save(folder / "p0.png")
    photos[1].convert("RGBA").save(folder / "p1.png")
    Image.fromarray(np.asarray(photos[2].convert("L")).astype(np.uint16) * 257).save(folder / "p2.png")
    photos[3].resize((160, 100)).save(folder / "p3.png")
    table = measure(pairs, [Run.of(folder)], registry.chosen(["ssim", "psnr", "edges", "colour"]), side=64)
    assert table.values["odd", "ssim"][:3] == pytest.approx([1, 1, 1], abs=0.01)
    assert table.values["odd", "psnr"][1] == math.inf
    assert table.values["odd", "ssim"][3] > 0.8
    assert all(math.isfinite(v) for v in table.values["odd", "colour"])


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
    with pytest.raises(InputError, match="other settings"):
        render(size=80)
    save(pairs[1].photo, 77)  # another photo under the same name
    with pytest.raises(InputError, match="other files"):
        render()
    (out / "p1.png").unlink()
    with pytest.raises(TypeError):  # it would be painted again
        render()


def test_the_protocol_says_when_it_is_not_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for n in range(2):
        save(tmp_path / "cnt" / f"c{n}.png", n)
        save(tmp_path / "sty" / f"s{n}.png", n + 9)
    out = tmp_path / "report"
    words = ("evaluate", "--engines", "adain", "--protocol", "styleid", "--data", str(tmp_path), "-o", str(out))
    assert run(*words, "--size", "64", "--metrics", "ssim") == 0
    assert "20 contents and 40 styles at 512 pixels, this run 2 and 2 at 64" in capsys.readouterr().err
    assert len(list((out / "renders" / "adain").glob("c*_stylized_s*.png"))) == 4


def test_the_protocol_takes_central_squares_as_styleid_does(tmp_path: Path) -> None:
    """A photo with two margins that StyleID's code never sees: `CenterCrop(min(x, y))`, then 512 x 512 pixels."""
    rng = np.random.default_rng(1)
    middle = rng.integers(0, 255, (64, 64, 3), np.uint8)
    for folder, margin in (("wide", 0), ("other", 255)):
        for part in ("cnt", "sty"):
            (tmp_path / folder / part).mkdir(parents=True)
            pixels = np.pad(middle, ((0, 0), (18, 17), (0, 0)), constant_values=margin)  # 17.5 is rounded to 18
            Image.fromarray(pixels).save(tmp_path / folder / part / f"{part}.png")
        words = ("evaluate", "--engines", "adain", "--protocol", "styleid", "--data", tmp_path / folder)
        assert run(*words, "--size", 64, "--metrics", "ssim", "-o", tmp_path / folder / "out") == 0
    painted = [tmp_path / folder / "out" / "renders" / "adain" / "cnt_stylized_sty.png" for folder in ("wide", "other")]
    with Image.open(painted[0]) as first, Image.open(painted[1]) as second:
        assert first.size == (64, 64)
        assert np.array_equal(np.asarray(first), np.asarray(second))
    reports = [(tmp_path / folder / "out" / "report.html").read_text() for folder in ("wide", "other")]
    one, other = (re.findall(r"data:image/jpeg[^\"]*", report) for report in reports)
    assert len(one) == 3
    assert one == other  # margins are not shown either
    views = [open_view(tmp_path / "wide" / "cnt" / "cnt.png", side=64, square=square) for square in (True, False)]
    assert [tuple(view.pixels.shape) for view in views] == [(3, 64, 64), (3, 48, 64)]
    assert np.array_equal(np.rint(views[0].array * 255).astype(np.uint8), middle)


def test_settings_of_an_engine_are_set_and_recorded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_pairs(tmp_path, 1)
    words = (
        "evaluate",
        "--engines",
        "nnst,adain",
        "--pairs",
        tmp_path / "pairs.csv",
        "--size",
        64,
        "--metrics",
        "ssim",
    )

    def painted(out: str, *more: str) -> bytes:
        assert run(*words, *more, "-o", tmp_path / out) == 0
        return (tmp_path / out / "renders" / "nnst" / "p0.png").read_bytes()

    plain = painted("plain")
    assert plain != painted("changed", "--set", "nnst.scales=1", "--set", "nnst.refine-steps=0")
    record = json.loads((tmp_path / "changed" / "renders" / "nnst" / "run.json").read_text())
    assert (record["engine"], record["settings"]["scales"], record["settings"]["refine_steps"]) == ("nnst", 1, 0)
    capsys.readouterr()
    assert run(*words, "-o", tmp_path / "changed") == 2
    assert "other settings" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-o", "x", "--engines", "adain", "--set", "scales=3"], "write it as adain.SETTING=VALUE"),
        (["-o", "x", "--engines", "adain", "--set", "nnst.scales=3"], "add it to --engines"),
        (["-o", "x", "--engines", "nnst", "--set", "nnst.colours=3"], "no setting colours"),
        (["-o", "x", "--engines", "nnst", "--set", "nnst.scales=many"], "scales is 'many'"),
        (["-o", "x"], "Name a folder of results"),
        (["-o", "x", "--engines", "magic"], "no engine called 'magic'"),
        (["-o", "x", "--engines", "media"], "paints styles in words"),
        (["-o", "x", "--engines", "adain"], "--pairs pairs.csv, or the folders"),
        (["-o", "x", "--engines", "adain", "--protocol", "styleid"], "--data DIR"),
        (["-o", "x", "--engines", "adain", "--size", "3"], "from 64 to 2048"),
        (["-o", "x", "--engines", "adain", "--seed", "-1"], "seed is -1"),
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
