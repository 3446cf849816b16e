"""Tensors from files: safetensors and pickles, whole, damaged and malicious."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from diffstyle import InputError
from diffstyle.formats.safetensors import (
    read_pickle,
    read_safetensors,
    read_shapes,
    read_state,
    write_safetensors,
)

STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "b": torch.zeros(4, dtype=torch.float16)}


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (eval, ("open('evil-was-here', 'w')",))


def same(found: dict[str, torch.Tensor]) -> bool:
    return found.keys() == STATE.keys() and all(torch.equal(found[k], v) for k, v in STATE.items())


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_safetensors(path, {k: v.T.contiguous().T if v.ndim == 2 else v for k, v in STATE.items()}, {"kind": "test"})
    metadata, tensors = read_safetensors(path)
    assert metadata == {"kind": "test"}
    assert same(tensors)
    assert same(read_state(path))
    assert read_shapes(path) == {"a.weight": (2, 3), "b": (4,)}


@pytest.mark.parametrize("nested", [False, True])
def test_a_pickle_of_tensors_is_a_state(nested: bool, tmp_path: Path) -> None:
    state = {f"module.{k}": v for k, v in STATE.items()} | {"step": 7}
    torch.save({"state_dict": state} if nested else state, tmp_path / "a.pt")
    assert same(read_state(tmp_path / "a.pt"))


def test_no_code_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(Evil(), tmp_path / "evil.pt")
    for read in (read_pickle, read_state):
        with pytest.raises(InputError, match="plain tensors"):
            read(tmp_path / "evil.pt")
    (tmp_path / "evil.pt").rename(tmp_path / "evil.safetensors")  # a name proves nothing
    for read in (read_safetensors, read_shapes, read_state):
        with pytest.raises(InputError, match="it is a pickle"):
            read(tmp_path / "evil.safetensors")
    assert not (tmp_path / "evil-was-here").exists()


@pytest.mark.parametrize("size", [0, 4, 20, 90])
def test_a_truncated_file_gets_a_sentence(size: int, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_safetensors(path, STATE)
    path.write_bytes(path.read_bytes()[:size])
    for read in (read_safetensors, read_shapes):
        with pytest.raises(InputError, match="not a whole safetensors file"):
            read(path)


def test_a_missing_file_gets_a_sentence(tmp_path: Path) -> None:
    for read in (read_safetensors, read_shapes, read_pickle):
        with pytest.raises(InputError, match="no such file"):
            read(tmp_path / "nothing")
