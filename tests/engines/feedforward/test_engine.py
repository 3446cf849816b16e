"""The engine of students: which styles it paints, how it refuses others, and damaged files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from diffstyle import InputError, Picture, Style, Stylizer, Task
from diffstyle.assets.students import SHIPPED, STUDENTS_VARIABLE, TENSORS, student_file, student_names
from diffstyle.engines.feedforward import engine
from diffstyle.engines.feedforward.network import StudentNetwork
from diffstyle.engines.feedforward.settings import Feedforward
from diffstyle.engines.feedforward.student import OwnStyle, read_student, write_student
from diffstyle.formats.safetensors import read_safetensors, write_safetensors
from tests.helpers.pictures import mean_difference, waves

POSTER = Style.from_image(waves(64, 64, seed=3))
STYLES = {"red chalk": Style.from_text("red chalk"), "poster": POSTER}


def made(path: Path, seed: int = 0) -> Path:
    """A student of two styles, not trained."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = StudentNetwork("tiny", len(STYLES))
        with torch.no_grad():
            network.rows.add_(0.3 * torch.randn_like(network.rows))
    path.parent.mkdir(parents=True, exist_ok=True)
    own = [OwnStyle.of(name, style) for name, style in STYLES.items()]
    write_student(path, network, own, licence="CC0", recipe="0" * 64)
    return path


@pytest.fixture
def students(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's own students, with one called mine."""
    monkeypatch.setenv(STUDENTS_VARIABLE, str(tmp_path / "students"))
    made(tmp_path / "students" / "mine" / TENSORS)
    return tmp_path / "students"


def paint(stylizer: Stylizer, photo: Picture, style: Style, student: str) -> Picture:
    return stylizer.stylize(photo, style, engine=Feedforward(student=student)).picture


def test_a_student_is_found_by_its_name(students: Path, stylizer: Stylizer, small_photo: Picture) -> None:
    assert student_names() == (SHIPPED, "mine")
    by_name = paint(stylizer, small_photo, STYLES["red chalk"], "mine")
    made(students / "given.safetensors")
    assert student_names() == (SHIPPED, "given", "mine")
    assert paint(stylizer, small_photo, STYLES["red chalk"], "given") == by_name
    result = stylizer.stylize(small_photo, POSTER, engine=Feedforward(student="mine"))
    assert result.weights == {"student/mine": read_student(student_file("mine")).digest}
    with pytest.raises(InputError, match="did you mean mine"):
        paint(stylizer, small_photo, POSTER, "mime")
    for nothing in ("something", "given.safetensors", "../students/mine"):
        with pytest.raises(InputError, match="There is no student called"):
            paint(stylizer, small_photo, POSTER, nothing)


def test_its_styles_are_known_by_name_words_and_picture(
    students: Path, stylizer: Stylizer, small_photo: Picture
) -> None:
    del students
    named = paint(stylizer, small_photo, Style.from_text("Poster"), "mine")
    assert paint(stylizer, small_photo, POSTER, "mine") == named
    chalk = paint(stylizer, small_photo, Style.from_text("red chalk"), "mine")
    assert chalk != named
    blend = Style.mix([(POSTER, 1), (STYLES["red chalk"], 3)])
    student = read_student(student_file("mine"))
    assert student.weights(blend) == pytest.approx([0.75, 0.25])  # pyright: ignore[reportUnknownMemberType]
    between, apart = paint(stylizer, small_photo, blend, "mine"), mean_difference(chalk, named)
    assert 0 < mean_difference(between, chalk) < mean_difference(between, named) < 1.5 * apart


def test_a_style_of_several_parts_is_one_style(students: Path, stylizer: Stylizer, small_photo: Picture) -> None:
    both = Style.mix([(POSTER, 1), (STYLES["red chalk"], 1)])
    own = [OwnStyle.of("both", both)]
    write_student(students / "blend.safetensors", StudentNetwork("tiny", 1), own, licence="", recipe="")
    named = paint(stylizer, small_photo, Style.from_text("both"), "blend")
    assert paint(stylizer, small_photo, both, "blend") == named
    with pytest.raises(InputError, match="does not paint 'red chalk': it was trained on both"):
        paint(stylizer, small_photo, STYLES["red chalk"], "blend")


@pytest.mark.parametrize("style", [Style.from_text("halftone"), Style.from_image(waves(64, 64, seed=8))])
def test_other_styles_are_refused_and_its_own_listed(
    style: Style, students: Path, stylizer: Stylizer, small_photo: Picture
) -> None:
    del students
    for asked in (style, Style.mix([(style, 1), (POSTER, 1)])):
        with pytest.raises(InputError, match="it was trained on red chalk, poster"):
            stylizer.prepare(Task(small_photo, asked, engine=Feedforward(student="mine")))


def test_a_student_that_was_trained_again_is_read_again(
    students: Path, stylizer: Stylizer, small_photo: Picture
) -> None:
    before = paint(stylizer, small_photo, POSTER, "mine")
    made(students / "mine" / TENSORS, seed=1)
    assert paint(stylizer, small_photo, POSTER, "mine") != before


def test_the_smallest_picture_is_painted(students: Path, stylizer: Stylizer) -> None:
    del students
    assert paint(stylizer, Picture.from_array(waves(16, 16)), POSTER, "mine").size == (16, 16)


def test_a_large_picture_is_painted_smaller(
    students: Path, stylizer: Stylizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    del students
    monkeypatch.setattr(engine, "LARGEST", 128)
    photo = Picture.from_array(waves(240, 210))
    result = stylizer.stylize(photo, POSTER, engine=Feedforward(student="mine"))
    assert result.picture.size == photo.size
    assert any("enlarged" in note for note in result.picture.notes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "other"}, "it is not a student"),
        ({"version": "3"}, "later version"),
        ({"size": "huge"}, "header is damaged"),
        ({"styles": "{"}, "header is damaged"),
        ({"styles": "[]"}, "header is damaged"),
        ({"styles": json.dumps([{"name": "a", "digest": "b"}])}, "not those of a student"),
        ({"size": "small"}, "not those of a student"),
    ],
)
def test_a_foreign_or_damaged_file_gets_a_sentence(change: dict[str, str], said: str, tmp_path: Path) -> None:
    path = made(tmp_path / "x.safetensors")
    facts, tensors = read_safetensors(path)
    write_safetensors(path, tensors, {**facts, **change})
    with pytest.raises(InputError, match=said):
        read_student(path)


def test_a_file_that_is_cut_off_or_not_finite_gets_a_sentence(tmp_path: Path) -> None:
    path = made(tmp_path / "x.safetensors")
    facts, tensors = read_safetensors(path)
    write_safetensors(path, {**tensors, "rows": tensors["rows"] * float("nan")}, facts)
    with pytest.raises(InputError, match="not finite"):
        read_student(path)
    whole = made(path).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="not a whole safetensors file"):
        read_student(path)
