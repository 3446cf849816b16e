"""`diffstyle export`: what it refuses, in a sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch

from diffstyle import InputError
from diffstyle.engines.feedforward.exportable import exportable
from diffstyle.export.files import write
from diffstyle.formats.safetensors import read_safetensors
from diffstyle.runtimes import packages
from tests.helpers.cli import run
from tests.helpers.students import random_student

OPENED: dict[str, Any] = {".onnx": onnx.load, ".PT2": torch.export.load, ".safetensors": read_safetensors}


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert run("export", *arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("diffstyle: ")
    assert len(said.splitlines()) == 1
    return said


def test_unknown_names_get_similar_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean preview" in refused(capsys, "previev", "-o", tmp_path / "a.onnx")
    assert "vae-encoder" in refused(capsys, "zzzz", "-o", tmp_path / "a.onnx")


def test_the_suffix_must_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "end it with .xml" in refused(capsys, "preview", "--format", "openvino", "-o", tmp_path / "a.onnx")
    assert "format" in refused(capsys, "preview", "--format", "tflite", "-o", tmp_path / "a.tflite")
    assert ".onnx, .xml, .pt2 or .safetensors" in refused(capsys, "preview", "-o", tmp_path / "a.tflite")


@pytest.mark.parametrize("suffix", OPENED)
def test_the_name_of_the_file_says_the_format(suffix: str, tmp_path: Path) -> None:
    out = tmp_path / f"out{suffix}"
    assert run("export", random_student(tmp_path / "fast.safetensors"), "-o", out) == 0
    OPENED[suffix](out)  # raises for any other format


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 a pickle", b"\x10\x00\x00\x00\x00\x00\x00\x00{ no json", b"\x89PNG"]
)
def test_foreign_files_get_a_sentence(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "fast.safetensors"
    path.write_bytes(content)
    assert "Cannot use" in refused(capsys, path, "-o", tmp_path / "a.onnx")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_damaged_student_gets_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = random_student(tmp_path / "fast.safetensors")
    path.write_bytes(path.read_bytes()[:-100])
    assert "fetch it again" in refused(capsys, path, "-o", tmp_path / "a.onnx")


def test_what_is_read_is_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = random_student(tmp_path / "fast.safetensors")
    before = path.read_bytes()
    assert "choose another name" in refused(capsys, path, "--format", "safetensors", "-o", path)
    assert path.read_bytes() == before


def test_a_missing_package_names_the_extra(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        del name

    monkeypatch.setattr(packages, "find_spec", missing)
    student = random_student(tmp_path / "fast.safetensors")
    assert "diffstyle[export]" in refused(capsys, student, "-o", tmp_path / "a.onnx")


def test_what_does_not_stand_8_bits_says_so(tmp_path: Path) -> None:
    made = replace(exportable(random_student(tmp_path / "fast.safetensors"), "fast"), quantisable=False)
    with pytest.raises(InputError, match="give --format onnx-fp16"):
        write(made, "onnx-int8", tmp_path / "a.onnx")
    assert not (tmp_path / "a.onnx").exists()


def test_a_folder_without_photos_gets_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    student = random_student(tmp_path / "fast.safetensors")
    empty = tmp_path / "photos"
    empty.mkdir()
    asked = (student, "--format", "onnx-int8", "-o", tmp_path / "a.onnx", "--photos")
    assert "no pictures" in refused(capsys, *asked, empty)
    assert "no folder" in refused(capsys, *asked, tmp_path / "nowhere")
