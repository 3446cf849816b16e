"""Students that the page trains: what can be asked for, what is kept of it, and what comes of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from diffstyle_ui.app import student_jobs
from diffstyle_ui.app.limits import Limits
from diffstyle_ui.app.student_jobs import MAX_JOBS, StudentJob, keep_job, kept_job
from diffstyle_ui.app.student_progress import StudentProgress, smoothed
from diffstyle_ui.app.student_training import (
    StudentTraining,
    new_name,
    own_styles,
    student_recipe,
    teach,
)
from PIL import Image

from diffstyle import Cancelled, InputError, Style
from diffstyle.assets.students import own_students, student_file
from diffstyle.core.model_options import ModelOptions
from diffstyle.engines.feedforward.student import read_student
from diffstyle.formats.atomic import cache_folder
from diffstyle.training.distil.recipe import DistilRecipe
from diffstyle.training.distil.train import DistilStep
from tests.helpers.pictures import waves
from tests.helpers.students import students_home

RECIPE = DistilRecipe(size="tiny", steps=3, examples=2, crop=64, batch=2)
HALFTONE, ONE_BIT = Style.from_text("halftone"), Style.from_text("one-bit")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where students, examples and trainings are kept, small ones for speed."""
    return students_home(tmp_path, monkeypatch)


def photo_files(folder: Path, count: int = 2) -> list[Path]:
    files = [folder / f"photo {n}.png" for n in range(count)]
    for n, file in enumerate(files):
        Image.fromarray(waves(1000, 140, seed=n)).save(file)
    return files


def training(job: StudentJob, home: Path, limits: Limits | None = None) -> StudentTraining:
    return StudentTraining(job, ModelOptions(), limits or Limits(), home / "out")


def noting(steps: list[DistilStep], most: int = 99) -> Callable[[DistilStep], bool]:
    """A report that stops the training after `most` of its steps."""

    def report(step: DistilStep) -> bool:
        steps.append(step)
        return step.stage != "training" or step.done < most

    return report


def test_a_stopped_training_goes_on_from_what_is_kept_and_ends_with_files(home: Path) -> None:
    kept = keep_job("fast", {"halftone": HALFTONE}, photo_files(home), RECIPE, owner="me")
    for file in home.glob("*.png"):
        file.unlink()  # as uploads are after hours
    steps: list[DistilStep] = []
    with pytest.raises(Cancelled):
        teach(training(kept, home), noting(steps, most=2))
    assert not own_students()
    job = kept_job(kept.key)  # what a server that was started again knows
    assert job is not None
    assert job == kept
    steps.clear()
    done = teach(training(job, home), noting(steps))
    assert [(step.stage, step.done) for step in steps] == [("training", 3)]
    assert [file.name for file in done.files] == ["fast.safetensors", "fast.onnx"]
    assert done.files[0].read_bytes() == student_file("fast").read_bytes()
    assert done.files[1].stat().st_size > 100_000
    assert read_student(done.files[0]).names == "halftone"
    job.drop()
    assert kept_job(kept.key) is None
    assert not list((cache_folder() / "students").glob("*")), "nothing of the photos stays"


def test_photos_are_kept_small_within_the_limits(home: Path) -> None:
    job = keep_job("fast", {"halftone": HALFTONE}, photo_files(home), RECIPE, owner="me")
    with pytest.raises(InputError, match="photo 0"):
        job.read_photos(Limits(max_pixels=1000))
    folder = job.read_photos(Limits())
    assert folder is not None
    kept = sorted(folder.iterdir())
    assert [file.name for file in kept] == ["0000-photo 0.jpg", "0001-photo 1.jpg"]
    with Image.open(kept[0]) as image:
        assert max(image.size) == student_jobs.LONGEST
    before = [file.stat().st_mtime_ns for file in kept]
    assert job.read_photos(Limits()) == folder
    assert [file.stat().st_mtime_ns for file in kept] == before
    assert keep_job("fast", {"halftone": HALFTONE}, [], RECIPE, owner="me").read_photos(Limits()) is None
    with pytest.raises(InputError, match="at most 500"):
        keep_job("fast", {"halftone": HALFTONE}, [home] * 501, RECIPE, owner="me")


@pytest.mark.parametrize("key", [None, 7, "", "../cache", "0" * 32, "x" * 32, ["a"]])
def test_nobody_finds_a_training_without_its_key(key: object) -> None:
    keep_job("fast", {"halftone": HALFTONE}, [], RECIPE, owner="me")
    assert kept_job(key) is None


def test_the_oldest_trainings_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[str] = []
    for _ in range(MAX_JOBS + 1):
        keys.append(keep_job("fast", {"halftone": HALFTONE}, [], RECIPE, owner="me").key)
        time.sleep(0.01)  # their ages differ
    assert kept_job(keys[0]) is None
    assert all(kept_job(key) for key in keys[1:])
    monkeypatch.setattr(student_jobs, "KEEP_SECONDS", 0)
    last = keep_job("fast", {"halftone": HALFTONE}, [], RECIPE, owner="me")
    assert not [key for key in (*keys, last.key) if kept_job(key)]


def test_many_trainings_of_one_visitor_do_not_end_those_of_others() -> None:
    mine = keep_job("fast", {"halftone": HALFTONE}, [], RECIPE, owner="me").key
    for _ in range(MAX_JOBS + 2):
        keep_job("fast", {"halftone": HALFTONE}, [], RECIPE, owner="somebody else")
    assert kept_job(mine)


def test_a_mix_is_taught_by_the_references_that_blends_are_painted_from() -> None:
    both = Style.mix([(HALFTONE, 1), (ONE_BIT, 3)])
    assert own_styles([("both", both)]) == {"both": both}
    found = own_styles([("both", both), ("etching", Style.from_text("etching")), ("Etching", HALFTONE)])
    assert list(found) == ["both 1", "both 2", "etching", "Etching 2"]
    assert {style.references[0].digest for style in found.values()} >= {r.digest for r in both.references}
    assert all(style.references[0].weight == 1 for style in found.values())
    with pytest.raises(InputError, match="no style yet"):
        own_styles([])


def test_a_new_student_has_a_name_of_its_own(home: Path) -> None:
    assert new_name(["Van Gogh, Irises", "neon"]) == "van-gogh-irises-neon-fast"
    assert new_name(["浮世絵"]) == "fast"
    (home / "students" / "neon-fast").mkdir(parents=True)
    (home / "students" / "neon-fast" / "student.safetensors").touch()
    assert new_name(["Neon"]) == "neon-fast-2"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"minutes": 6}, "give one of 5, 20, 60"),
        ({"size": "huge"}, "size is"),
        ({"steps": "many"}, "steps is 'many'"),
        ({"steps": "0"}, "steps is 0"),
        ({"steps": 5001}, "at most 5000"),
        ({"examples": "1"}, "examples is 1"),
        ({"examples": 501}, "at most 500"),
    ],
)
def test_what_takes_too_long_or_makes_no_sense_is_refused(values: dict[str, Any], said: str) -> None:
    asked: dict[str, Any] = {"minutes": 5, "size": "small"} | values
    with pytest.raises(InputError, match=said):
        student_recipe(**asked)


def test_progress_says_what_is_done_and_how_long_the_rest_takes(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr("diffstyle_ui.app.student_progress.time.monotonic", lambda: clock.now)
    shown = StudentProgress(DistilRecipe(minutes=20))
    painting = DistilStep("painting", 3, 120, share=3 / 120)
    assert shown.add(painting)
    assert "Painting example 3 of 120, for 7 minutes at most" in shown.line(painting)
    assert shown.curve == {"__type__": "update"}
    sheet = home / "sheet.jpg"
    first = DistilStep("training", 1, None, 5.0, 0.2, sheet)
    assert not shown.add(first)  # too soon
    clock.now += 60
    second = DistilStep("training", 2, None, 3.0, 0.4, sheet)
    assert shown.add(second)
    assert "Step 2, 3:00 left" in shown.line(second)
    assert 'value="40" max="100"' in shown.line(second)
    assert "the teacher&#x27;s paintings" in shown.curve or "the teacher's paintings" in shown.curve
    assert shown.sheet(second) == {"__type__": "update"}
    Image.fromarray(waves(40, 40)).save(sheet)
    assert "<img" in shown.sheet(second)
    assert shown.sheet(second) == {"__type__": "update"}  # it is shown already
    assert "Writing" in shown.line(DistilStep("training", 9, None, 3.0, 1.0, sheet))


def test_losses_are_smoothed_from_the_first_on() -> None:
    assert smoothed([(1, 4.0), (2, 4.0)]) == [(1, pytest.approx(4.0)), (2, pytest.approx(4.0))]  # pyright: ignore[reportUnknownMemberType]
    jumpy = smoothed([(n, 5.0 + (-1) ** n) for n in range(40)])
    assert max(value for _, value in jumpy[20:]) - min(value for _, value in jumpy[20:]) < 0.3
