"""Every network of the starter as ONNX: equal to torch at three sizes, with free height and width."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
import torch

from diffstyle.export.files import write
from diffstyle.export.targets import exportable, target_names
from diffstyle.runtimes.conversion import TOLERANCE, example_photo, read_props
from diffstyle.runtimes.sessions import OnnxSession

pytestmark = pytest.mark.long


@pytest.mark.parametrize("name", target_names())
def test_it_equals_torch_at_three_sizes(name: str, tmp_path: Path) -> None:
    made = exportable(name)
    written = write(made, "onnx", tmp_path / "network.onnx")
    assert len({(d.height, d.width) for d in written.differences}) == 3
    assert all(d.largest <= TOLERANCE for d in written.differences)
    model = onnx.load(str(written.files[0]))
    said = read_props(model)
    assert said["name"] == name
    assert set(json.loads(said["inputs"])) == {each.name for each in model.graph.input}
    assert set(json.loads(said["outputs"])) == {each.name for each in model.graph.output}
    free = [d.dim_param for each in model.graph.input for d in each.type.tensor_type.shape.dim if d.dim_param]
    assert len(free) >= 2
    assert str(Path(__file__).parents[2]).encode() not in written.files[0].read_bytes()


@pytest.mark.parametrize("name", [name for name in target_names() if name != "preview"])  # test_runtimes has that
def test_it_is_a_program_of_torch_for_any_size(name: str, tmp_path: Path) -> None:
    written = write(exportable(name), "pt2", tmp_path / "network.pt2")
    assert len({(d.height, d.width) for d in written.differences}) == 3
    assert all(d.largest <= TOLERANCE for d in written.differences)


def test_the_scales_of_adapters_are_inputs(tmp_path: Path) -> None:
    """At 0 the embedding counts for nothing; at 1 it does."""
    made = exportable("unet")
    (path,) = write(made, "onnx", tmp_path / "unet.onnx").files
    session = OnnxSession(path.read_bytes(), device=torch.device("cpu"))
    names = [each.name for each in made.inputs]
    inputs = dict(zip(names, made.from_photo(example_photo(64, 64), 0), strict=True))
    other = {**inputs, "embedding": -inputs["embedding"]}

    def predicted(inputs: dict[str, torch.Tensor], scale: float) -> torch.Tensor:
        return session.run({**inputs, "scales": torch.tensor([scale, 1.0])})["prediction"]

    assert torch.equal(predicted(inputs, 0.0), predicted(other, 0.0))
    assert not torch.allclose(predicted(inputs, 1.0), predicted(other, 1.0), atol=1e-3)
