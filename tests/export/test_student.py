"""Students as files of other programs: what they say, that they paint as torch does, that others can run them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from safetensors import safe_open

from diffstyle import Picture
from diffstyle.engines.feedforward.exportable import exportable
from diffstyle.engines.feedforward.network import SMALLEST
from diffstyle.export import files
from diffstyle.export.files import write
from diffstyle.runtimes.conversion import differences, example_photo, read_props
from diffstyle.runtimes.exportable import Exportable
from diffstyle.runtimes.sessions import OnnxSession, OpenVinoSession
from tests.export.conftest import STYLES
from tests.helpers.cli import run

CPU = torch.device("cpu")
ELSEWHERE = """
import sys
import numpy as np
import onnxruntime as ort

session = ort.InferenceSession(sys.argv[1])
photo = np.load(sys.argv[2])
weights = np.zeros((1, session.get_inputs()[1].shape[1]), np.float32)
weights[0, 0] = 1
feeds = {"photo": photo, "weights": weights, "strength": np.ones((1, 1), np.float32)}
np.save(sys.argv[3], session.run(None, feeds)[0])
assert not [name for name in sys.modules if name.split(".")[0] in ("diffstyle", "torch")]
"""


@pytest.fixture
def converted(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The student is converted to ONNX once for all tests: that takes seconds."""

    def again(made: Exportable) -> onnx.ModelProto:
        assert made.name == "fast"
        return onnx.load(str(exported))

    monkeypatch.setattr(files, "to_onnx", again)


def props(path: Path) -> dict[str, str]:
    return dict(read_props(onnx.load(str(path))))


def test_the_file_says_what_it_is(exported: Path) -> None:
    said = props(exported)
    assert said["name"] == "fast"
    assert tuple(json.loads(said["styles"])) == STYLES
    assert "sRGB from 0 to 1" in json.loads(said["inputs"])["photo"]
    assert (len(said["recipe"]), len(said["weights_sha256"])) == (64, 64)
    assert said["licence"]


def test_height_and_width_are_free_and_opset_is_20(exported: Path) -> None:
    model = onnx.load(str(exported))
    assert [opset.version for opset in model.opset_import if not opset.domain] == [20]
    shapes = {i.name: [d.dim_param or d.dim_value for d in i.type.tensor_type.shape.dim] for i in model.graph.input}
    assert shapes == {"photo": [1, 3, "height", "width"], "weights": [1, 2], "strength": [1, 1]}


def test_webgpu_can_bind_every_operator(exported: Path) -> None:
    """A shader has eight buffers on many devices, for inputs and outputs together."""
    nodes = onnx.load(str(exported)).graph.node
    assert not [n.name for n in nodes if len(n.input) + len(n.output) > 8 and n.op_type != "Concat"]


def test_it_names_no_folder_of_this_machine(exported: Path) -> None:
    data = exported.read_bytes()
    assert str(Path(__file__).parents[2]).encode() not in data
    assert b"site-packages" not in data


@pytest.mark.parametrize("size", [(17, 40), (48, 48), (65, 130)])
def test_weights_and_strength_are_inputs(exported: Path, student: Path, size: tuple[int, int]) -> None:
    network = exportable(student, "fast").module
    session = OnnxSession(exported.read_bytes(), device=CPU)
    photo = example_photo(max(size[0], SMALLEST), size[1])
    for weights, strength in (([1.0, 0.0], 1.0), ([0.3, 0.7], 0.4)):
        inputs = {"photo": photo, "weights": torch.tensor([weights]), "strength": torch.tensor([[strength]])}
        with torch.no_grad():
            expected = network(*inputs.values())
        assert float((session.run(inputs)["painting"] - expected).abs().max()) < 1e-3
    near, far = (
        session.run({"photo": photo, "weights": torch.tensor([[0.0, 1.0]]), "strength": torch.tensor([[s]])})
        for s in (0.1, 1.0)
    )
    assert (near["painting"] - photo).abs().mean() < (far["painting"] - photo).abs().mean()


def test_openvino_paints_the_same(exported: Path, student: Path) -> None:
    session = OpenVinoSession(exported.read_bytes(), dtype=torch.float32)
    assert max(d.largest for d in differences(exportable(student, "fast"), session)) < 1e-3


def test_a_trained_student_runs_elsewhere(exported: Path, photos: Path, tmp_path: Path) -> None:
    """Trained for three steps, exported, and run by plain onnxruntime in a process without diffstyle and torch."""
    photo = Picture.open(photos / "0.png")
    np.save(tmp_path / "photo.npy", photo.pixels[None].numpy())
    command = [sys.executable, "-c", ELSEWHERE, exported, tmp_path / "photo.npy", tmp_path / "out.npy"]
    subprocess.run(command, check=True, cwd=tmp_path, env={"PATH": ""})
    found = np.load(tmp_path / "out.npy")[0]
    here = tmp_path / "here.png"
    options = ("--engine", "feedforward", "--student", "fast", "--dtype", "float32", "--runtime", "torch")
    assert run("stylize", photos / "0.png", "--style", STYLES[0], *options, "-o", here) == 0
    assert np.abs(found - Picture.open(here).pixels.numpy()).max() <= 2 / 255
    assert np.abs(found - photo.pixels.numpy()).mean() > 0.01  # it does paint


@pytest.mark.usefixtures("converted")
def test_int8_is_close(student: Path, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "int8.onnx"
    assert run("export", "fast", "--format", "onnx-int8", "--photos", photos, "-o", out) == 0
    kinds = {node.op_type for node in onnx.load(str(out)).graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= kinds
    found = differences(exportable(student, "fast"), OnnxSession(out.read_bytes(), device=CPU))
    assert 0 < max(d.mean for d in found) < 0.04
    assert props(out)["name"] == "fast"


@pytest.mark.usefixtures("converted")
def test_half_precision_is_smaller(student: Path, exported: Path, tmp_path: Path) -> None:
    written = write(exportable(student, "fast"), "onnx-fp16", tmp_path / "half.onnx")
    weights = {i.name: i.data_type for i in onnx.load(str(written.files[0])).graph.initializer}
    assert weights["stem.weight"] == onnx.TensorProto.FLOAT16
    assert written.files[0].stat().st_size < 0.75 * exported.stat().st_size
    assert max(d.mean for d in written.differences) < 0.005


@pytest.mark.parametrize("kind", ["openvino", pytest.param("pt2", marks=pytest.mark.long), "safetensors"])
@pytest.mark.usefixtures("converted")
def test_other_formats(kind: Any, student: Path, tmp_path: Path) -> None:
    suffix = {"openvino": ".xml", "pt2": ".pt2", "safetensors": ".safetensors"}[kind]
    written = write(exportable(student, "fast"), kind, tmp_path / f"fast{suffix}")
    assert all(path.is_file() for path in written.files)
    assert {p.name for p in tmp_path.iterdir()} == {p.name for p in written.files}
    here = str(Path(__file__).parents[2]).encode()
    assert not any(here in path.read_bytes() for path in written.files)
    if kind == "safetensors":
        with safe_open(written.files[0], "pt") as file:  # pyright: ignore[reportUnknownVariableType]
            assert file.metadata()["name"] == "fast"
    else:
        assert max(d.largest for d in written.differences) < 1e-3
