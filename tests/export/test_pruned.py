"""A pruned student as files of other programs, and on every runtime: it paints what torch paints."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
import torch

from diffstyle.engines.feedforward.exportable import exportable
from diffstyle.engines.feedforward.student import OwnStyle, read_student, write_student
from diffstyle.export import files
from diffstyle.export.files import NetworkFormat, write
from diffstyle.runtimes.conversion import differences, to_onnx
from diffstyle.runtimes.exportable import Exportable
from diffstyle.runtimes.sessions import OnnxSession, OpenVinoSession
from diffstyle.training.distil.prune import pruned
from tests.helpers.students import STYLES, random_student

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Exportable:
    """A student without a third of its channels, ready for export."""
    folder = tmp_path_factory.mktemp("pruned")
    whole = read_student(random_student(folder / "whole.safetensors", size="small")).network
    path = folder / "small.safetensors"
    write_student(path, pruned(whole, 0.35), [OwnStyle(n, n * 8) for n in STYLES], licence="CC0", recipe="r" * 64)
    return exportable(path, "small")


@pytest.fixture(scope="module")
def model(made: Exportable) -> onnx.ModelProto:
    """It as ONNX; converting takes seconds."""
    return to_onnx(made)


@pytest.fixture(autouse=True)
def converted(made: Exportable, model: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch) -> None:
    def again(asked: Exportable) -> onnx.ModelProto:
        assert asked is made
        return model

    monkeypatch.setattr(files, "to_onnx", again)


def test_runtimes_paint_what_torch_paints(made: Exportable, model: onnx.ModelProto) -> None:
    kernels = {tuple(i.dims) for i in model.graph.initializer if i.name.startswith("blocks8")}
    assert kernels == {(40, 40, 3, 3)}
    data = model.SerializeToString()
    assert max(d.largest for d in differences(made, OnnxSession(data, device=CPU))) < 1e-3
    assert max(d.largest for d in differences(made, OpenVinoSession(data, dtype=torch.float32))) < 1e-3


@pytest.mark.parametrize(
    ("kind", "suffix", "most"),
    [
        ("openvino", ".xml", 1e-4),
        ("safetensors", ".safetensors", 0.0),
        pytest.param("onnx-fp16", ".onnx", 0.005, marks=pytest.mark.long),
        pytest.param("onnx-int8", ".onnx", 0.06, marks=pytest.mark.long),
        pytest.param("pt2", ".pt2", 1e-4, marks=pytest.mark.long),
    ],
)
def test_every_format_holds_it(kind: NetworkFormat, suffix: str, most: float, made: Exportable, tmp_path: Path) -> None:
    written = write(made, kind, tmp_path / f"small{suffix}")
    assert all(path.is_file() for path in written.files)
    assert max((d.mean for d in written.differences), default=0.0) <= most
