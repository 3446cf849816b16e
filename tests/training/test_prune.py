"""Pruned students: which channels are removed, that silent ones change nothing, and what training begins with."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
import torch

from diffstyle import InputError
from diffstyle.engines.feedforward.network import StudentNetwork
from diffstyle.engines.feedforward.settings import Size
from diffstyle.engines.feedforward.student import OwnStyle, Student, read_student, write_student
from diffstyle.formats.safetensors import read_safetensors, write_safetensors
from diffstyle.training.distil.prune import convolutions, importance, kept_width, pruned
from diffstyle.training.distil.recipe import DistilRecipe
from diffstyle.training.distil.start import Start, with_styles
from tests.helpers.students import STYLES, random_student, students_home

RECIPE = DistilRecipe(size="tiny")
OWN = [OwnStyle(name, f"{n:064d}") for n, name in enumerate(STYLES)]


def network(folder: Path, size: Size = "tiny") -> StudentNetwork:
    return read_student(random_student(folder / "x.safetensors", size=size)).network.requires_grad_(False)


def silence(made: StudentNetwork) -> None:
    """Every second channel of every map becomes 0: no scale and no shift, and where no style follows, no filter."""
    odd, at = slice(1, None, 2), 0
    for conv in convolutions(made.shape):
        if conv.affine:
            width = len(importance(made.state_dict(), made.shape)[conv.writes])
            for rows in (made.rows, made.neutral[None]):
                rows[:, at : at + width][:, odd] = -1  # a difference from 1
                rows[:, at + width : at + 2 * width][:, odd] = 0
            at += 2 * width
        elif conv.name != "head":
            made.get_parameter(f"{conv.name}.weight")[odd] = 0
    made.get_parameter("stem.bias")[odd] = 0


@torch.no_grad()
def paint(made: StudentNetwork, strength: float = 1.0) -> torch.Tensor:
    photo = torch.rand(1, 3, 48, 56, generator=torch.Generator().manual_seed(1))
    return made(photo, torch.tensor([[0.3, 0.7, 0.0]]), torch.tensor([[strength]]))


@pytest.mark.parametrize("size", get_args(Size))
def test_channels_that_are_silent_are_removed_and_change_nothing(size: Size, tmp_path: Path) -> None:
    whole = network(tmp_path, size)
    loud = paint(whole)
    silence(whole)
    small = pruned(whole, 0.5)
    assert small.shape.widths == tuple(width // 2 for width in whole.shape.widths)
    for strength in (1.0, 0.4):
        assert torch.allclose(paint(small, strength), paint(whole, strength), atol=1e-4)
    assert float((paint(small) - loud).abs().mean()) > 0.01  # what was silenced did matter


@pytest.mark.parametrize(
    ("width", "share", "kept"),
    [(64, 0.35, 40), (32, 0.35, 24), (16, 0.35, 8), (128, 0.3, 88), (16, 0.9, 8), (64, 0.05, 64), (12, 0.1, 8)],
)
def test_widths_are_multiples_of_8(width: int, share: float, kept: int) -> None:
    assert kept_width(width, share) == kept


def test_a_third_of_the_channels_is_half_of_the_parameters(tmp_path: Path) -> None:
    whole = network(tmp_path, "base")
    small = pruned(whole, 0.35)
    assert all(width % 8 == 0 for width in small.shape.widths)
    count, before = (sum(p.numel() for p in n.parameters()) for n in (small, whole))
    assert 0.35 < count / before < 0.5
    assert pruned(small, 0.35).shape.eighth < small.shape.eighth


def test_streams_count_what_every_block_adds(tmp_path: Path) -> None:
    whole = network(tmp_path)
    before = importance(whole.state_dict(), whole.shape)["eighth"]
    sites = list(whole.shape.normalised)
    last_block = 2 * sum(sites[:7])  # of down4, down8, and the first five convolutions of blocks
    quiet = int(before.argmin())
    whole.rows[:, last_block + quiet] = 20.0  # the scale of the last block's output
    after = importance(whole.state_dict(), whole.shape)["eighth"]
    assert int(after.argmax()) == quiet
    others = torch.arange(64) != quiet
    assert torch.equal(before[others], after[others])


def test_a_pruned_student_is_written_and_read(tmp_path: Path) -> None:
    small, path = pruned(network(tmp_path), 0.4), tmp_path / "pruned.safetensors"
    write_student(path, small, OWN, licence="CC0", recipe="", dtype=torch.float32)
    read = read_student(path)
    assert (read.network.shape, read.network.size, read.network.pruned) == (small.shape, "tiny", True)
    assert torch.equal(paint(read.network), paint(small))
    assert read_safetensors(path)[0]["version"] == "2"  # which diffstyle without pruning refuses as a later one
    plain, _ = read_safetensors(tmp_path / "x.safetensors")
    assert plain["version"] == "1"
    assert "widths" not in plain


@pytest.mark.parametrize(
    "widths",
    [
        *("0,16,40,40,40,40,16,16,8", "-8,16,40,40,40,40,16,16,8", "8,16,40,40,40,40,16,16,17"),
        *("8,16,1000000000,40,40,40,16,16,8", "8,16,40,40,40,16,16,8", "8,16,40,40,40,40,40,16,16,8", "8.0"),
        *("", "8", "[8,16,40,40,40,40,16,16,8]", "8,16,40,40,40,40,16,,8", "8" * 10_000),
    ],
)
def test_damaged_or_absurd_widths_are_refused(widths: str, tmp_path: Path) -> None:
    path = tmp_path / "pruned.safetensors"
    write_student(path, pruned(network(tmp_path), 0.4), OWN, licence="CC0", recipe="")
    facts, tensors = read_safetensors(path)
    assert facts["widths"] == "8,16,40,40,40,40,16,16,8"
    write_safetensors(path, tensors, {**facts, "widths": widths})
    with pytest.raises(InputError, match="header is damaged"):
        read_student(path)
    write_safetensors(path, tensors, {**facts, "widths": "8,16,40,40,40,40,16,16,9"})
    with pytest.raises(InputError, match="not those of a student"):
        read_student(path)


def test_known_styles_keep_their_rows_and_new_ones_begin_with_the_mean(tmp_path: Path) -> None:
    student: Student = read_student(random_student(tmp_path / "x.safetensors"))
    rows = student.network.rows
    made = with_styles(student, [OWN[2], OwnStyle("new", "f" * 64), OwnStyle("Mosaic", "e" * 64)])
    assert torch.equal(made.rows, torch.stack((rows[2], rows.mean(0), rows[0])))
    assert all(torch.equal(v, made.state_dict()[k]) for k, v in student.network.state_dict().items() if k != "rows")


def test_a_pruned_student_is_pruned_once_and_named_in_the_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = students_home(tmp_path, monkeypatch) / "students"
    home.mkdir()
    random_student(home / "whole.safetensors")
    first = Start(student="whole", prune=0.4).begin(DistilRecipe(), OWN)  # its size is not that of the recipe
    assert (first.network.size, first.network.shape.eighth) == ("tiny", 40)
    assert first.described == "whole, without 40% of its channels"
    write_student(home / "small.safetensors", first.network, OWN, licence="CC0", recipe="")
    second = Start(student="small").begin(DistilRecipe(), OWN)
    assert second.network.shape == first.network.shape
    assert second.digest != first.digest != Start(student="whole", prune=0.5).begin(RECIPE, OWN).digest


def test_a_style_is_known_by_its_digest_before_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A training that is resumed under another name must begin with the same rows, or from its start."""
    home = students_home(tmp_path, monkeypatch) / "students"
    home.mkdir()
    student = read_student(random_student(home / "whole.safetensors"))
    swapped = OwnStyle(OWN[0].name, OWN[1].digest)
    assert torch.equal(with_styles(student, [swapped]).rows[0], student.network.rows[1])
    known, strange = (Start(student="whole").begin(RECIPE, [OwnStyle(n, "f" * 64)]) for n in (OWN[0].name, "new"))
    assert known.digest != strange.digest


def test_what_cannot_begin_gets_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = students_home(tmp_path, monkeypatch) / "students"
    home.mkdir()
    random_student(home / "whole.safetensors")
    with pytest.raises(InputError, match="size is base, but whole has size tiny"):
        Start(student="whole").begin(DistilRecipe(size="base"), OWN)
    with pytest.raises(InputError, match="removes no channel of whole"):
        Start(student="whole", prune=0.01).begin(RECIPE, OWN)
    with pytest.raises(InputError, match="There is no student called 'while': did you mean whole"):
        Start(student="while").begin(RECIPE, OWN)
    with pytest.raises(InputError, match=r"prune is 0\.95"):
        Start(student="whole", prune=0.95)
