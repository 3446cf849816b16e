"""Networks converted from torch to ONNX, and compared with torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from diffstyle.core.errors import InputError
from diffstyle.core.quiet import quiet
from diffstyle.runtimes.exportable import OPSET, Exportable, Side
from diffstyle.runtimes.packages import package
from diffstyle.runtimes.sessions import Session

TOLERANCE = 1e-3  # the largest difference from torch in float32


@dataclass(frozen=True, slots=True)
class Difference:
    """The largest absolute difference of an exported network's outputs from torch's, and the mean one, for a photo of
    `height` x `width` pixels.
    """

    height: int
    width: int
    largest: float
    mean: float


@torch.no_grad()
def traced(exportable: Exportable) -> ExportedProgram:
    """The network as a graph of torch operators, for photos of any size that its inputs allow."""
    photo = example_photo(*exportable.sizes[0])
    dynamic = _as_arguments(exportable, _dimensions(exportable))
    with quiet(bars=False):
        inputs = exportable.from_photo(photo, 0)
        return torch.export.export(exportable.module, inputs, dynamic_shapes=dynamic, strict=False)


def _as_arguments(exportable: Exportable, each: list[Any]) -> tuple[Any, ...]:
    """One value for each input, as torch wants them: those of `*inputs` as one tuple."""
    kinds = [p.kind for p in signature(exportable.module.forward).parameters.values()]
    if Parameter.VAR_POSITIONAL not in kinds:
        return tuple(each)
    named = kinds.index(Parameter.VAR_POSITIONAL)
    return (*each[:named], *([tuple(each[named:])] if each[named:] else []))


def _dimensions(exportable: Exportable) -> list[dict[int, Any] | None]:
    """What torch is told of each input's dynamic dimensions.

    Sides that go together are multiples of one symbol. A side that is any number is only called dynamic: torch cannot
    prove of padding to a multiple that it fits for every number.
    """
    given = [side for each in exportable.inputs for side in each.sides.values()]
    related = {side.name: Dim(side.name, min=1) for side in given if side.multiple > 1}

    def of(side: Side) -> Any:
        one: Any = related.get(side.name)
        if one is None:
            return Dim.DYNAMIC
        return one if side.multiple == 1 else side.multiple * one

    return [{number: of(side) for number, side in each.sides.items()} or None for each in exportable.inputs]


@torch.no_grad()
def to_onnx(exportable: Exportable) -> Any:
    """The network as an ONNX ModelProto with its metadata; InputError without the packages of the `export` extra."""
    onnx, _ = package("onnx"), package("onnxscript")
    program = traced(exportable)
    with quiet(bars=False):
        converted: Any = torch.onnx.export(
            program,
            dynamo=True,
            opset_version=OPSET,
            input_names=[each.name for each in exportable.inputs],
            output_names=list(exportable.outputs),
            verbose=False,
        )
    model = converted.model_proto
    _without_traces(model)
    _name_sides(model, exportable)
    onnx.helper.set_model_props(model, exportable.metadata())
    return model


def checked(exportable: Exportable, session: Session, *, tolerance: float = TOLERANCE) -> list[Difference]:
    """Differences of an exported network from torch at the three sizes; InputError if one is above `tolerance`."""
    found = differences(exportable, session)
    worst = max(found, key=lambda each: each.largest)
    if not worst.largest <= tolerance:
        raise InputError(
            f"The export of {exportable.name} differs from torch by {worst.largest:.2g} at {worst.height}x"
            f"{worst.width}: nothing was written, report this line as an issue."
        )
    return found


@torch.no_grad()
def differences(exportable: Exportable, session: Session) -> list[Difference]:
    """The largest difference of a session's outputs from torch's at each of the exportable's sizes."""
    found: list[Difference] = []
    for number, (height, width) in enumerate(exportable.sizes):
        inputs = exportable.from_photo(example_photo(height, width), number)
        expected = exportable.module(*inputs)
        wanted: Sequence[Tensor] = (expected,) if isinstance(expected, Tensor) else expected
        names = [each.name for each in exportable.inputs]
        got = session.run(dict(zip(names, inputs, strict=True)))
        apart = [(got[name] - value).abs() for name, value in zip(exportable.outputs, wanted, strict=True)]
        largest, mean = (max(float(measure(a)) for a in apart) for measure in (torch.max, torch.mean))
        found.append(Difference(height, width, largest, mean))
    return found


def example_photo(height: int, width: int) -> Tensor:
    """(1, 3, height, width): smooth colours with some noise, always the same."""
    generator = torch.Generator().manual_seed(height * 8192 + width)
    coarse = torch.rand((1, 3, 5, 5), generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear", align_corners=True)
    return (smooth + 0.1 * torch.randn((1, 3, height, width), generator=generator)).clamp(0, 1)


def read_props(model: Any) -> Mapping[str, str]:
    """The metadata of an ONNX ModelProto."""
    return {str(entry.key): str(entry.value) for entry in model.metadata_props}


def _without_traces(model: Any) -> None:
    """Remove what torch notes of its own tracing: the folders of this machine are nobody's business."""
    graph = model.graph
    for each in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        each.ClearField("metadata_props")
        each.ClearField("doc_string")


def _name_sides(model: Any, exportable: Exportable) -> None:
    """Give the dynamic dimensions of the inputs their names; torch numbers them."""
    given = {each.name: each for each in exportable.inputs}
    renamed: dict[str, str] = {}
    for value in model.graph.input:
        for number, side in given[value.name].sides.items():
            if side.multiple == 1:
                renamed[value.type.tensor_type.shape.dim[number].dim_param] = side.name
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param in renamed:
                dim.dim_param = renamed[dim.dim_param]
