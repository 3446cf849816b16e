"""A network written to a file, compared with torch before anything is written."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from diffstyle.core.errors import InputError
from diffstyle.core.model_options import NetworkFormat
from diffstyle.core.quiet import quiet
from diffstyle.export.calibration import calibration_photos
from diffstyle.export.reduced import check_int8, in_half, in_int8
from diffstyle.formats.atomic import write_atomic
from diffstyle.formats.safetensors import write_safetensors
from diffstyle.runtimes.conversion import TOLERANCE, Difference, checked, to_onnx, traced
from diffstyle.runtimes.exportable import Exportable
from diffstyle.runtimes.packages import package
from diffstyle.runtimes.sessions import OnnxSession, OpenVinoSession

if TYPE_CHECKING:
    from torch.export import ExportedProgram

SUFFIXES: dict[NetworkFormat, str] = {
    "onnx": ".onnx",
    "onnx-fp16": ".onnx",
    "onnx-int8": ".onnx",
    "openvino": ".xml",
    "pt2": ".pt2",
    "safetensors": ".safetensors",
}
METADATA = "diffstyle.json"  # the name of the metadata inside .pt2
_CPU = torch.device("cpu")
_ROUGH = 0.5  # the largest difference of a network in half precision; 8 bits are judged by the mean
_ROUGH_MEAN = 0.05


@dataclass(frozen=True, slots=True)
class Written:
    """The `files` that were written, and their differences from torch; none for plain weights."""

    files: tuple[Path, ...]
    differences: tuple[Difference, ...]


def format_named(out: Path) -> NetworkFormat:
    """The format that a file called `out` is written in; InputError for a name of no format."""
    kinds: list[NetworkFormat] = [kind for kind, suffix in SUFFIXES.items() if suffix == out.suffix.lower()]
    if not kinds:
        *others, last = dict.fromkeys(SUFFIXES.values())
        raise InputError(f"{out} is no name for a network: end it with {', '.join(others)} or {last}.")
    return kinds[0]


def check_suffix(out: Path, kind: NetworkFormat) -> None:
    """InputError if a file of this format cannot be called `out`."""
    if out.suffix.lower() != SUFFIXES[kind]:
        raise InputError(f"{out} is no name for {kind}: end it with {SUFFIXES[kind]}.")


def write(exportable: Exportable, kind: NetworkFormat, out: Path, *, photos: Path | None = None) -> Written:
    """Write a network to `out`, whole or not at all; openvino writes a second file beside it, with the suffix .bin.

    `photos` is a folder to calibrate onnx-int8 with. InputError where the network differs from torch by more than its
    format accounts for, and for packages that are missing.
    """
    check_suffix(out, kind)
    with torch.no_grad():
        return _WRITERS[kind](exportable, out, photos)


def _onnx(exportable: Exportable, out: Path, photos: Path | None) -> Written:
    del photos
    return _checked_onnx(exportable, to_onnx(exportable), out, TOLERANCE)


def _onnx_half(exportable: Exportable, out: Path, photos: Path | None) -> Written:
    del photos
    return _checked_onnx(exportable, in_half(to_onnx(exportable)), out, _ROUGH)


def _onnx_int8(exportable: Exportable, out: Path, photos: Path | None) -> Written:
    check_int8(exportable)
    shown = list(calibration_photos(photos))
    model = in_int8(exportable, to_onnx(exportable), shown)
    return _checked_onnx(exportable, model, out, float("inf"))


def _checked_onnx(exportable: Exportable, model: Any, out: Path, tolerance: float) -> Written:
    data: bytes = model.SerializeToString()
    found = checked(exportable, OnnxSession(data, device=_CPU), tolerance=tolerance)
    if max(each.mean for each in found) > _ROUGH_MEAN:
        raise InputError(f"{exportable.name} loses too much so: give --format onnx.")
    write_atomic(out, lambda file: file.write(data))
    return Written((out,), tuple(found))


def _openvino(exportable: Exportable, out: Path, photos: Path | None) -> Written:
    del photos
    openvino = package("openvino")
    model = openvino.Core().read_model(to_onnx(exportable).SerializeToString())
    for key, value in exportable.metadata().items():
        model.set_rt_info(value, ["diffstyle", key])
    with tempfile.TemporaryDirectory(prefix="diffstyle-") as folder:
        path = Path(folder) / out.name
        openvino.save_model(model, str(path), compress_to_fp16=False)
        found = checked(exportable, OpenVinoSession(path, dtype=torch.float32))
        pair = (out.with_suffix(".bin"), out)  # the weights first: a network without them cannot be opened
        for target in pair:
            with (Path(folder) / target.name).open("rb") as made:
                write_atomic(target, lambda file, made=made: shutil.copyfileobj(made, file))
    return Written(pair[::-1], tuple(found))


def _pt2(exportable: Exportable, out: Path, photos: Path | None) -> Written:
    del photos
    program = traced(exportable)
    for node in program.graph.nodes:  # the folders of this machine are nobody's business
        node.meta.pop("stack_trace", None)
    extra: dict[str, Any] = {METADATA: json.dumps(exportable.metadata(), ensure_ascii=False)}
    with tempfile.TemporaryDirectory(prefix="diffstyle-") as folder, quiet(bars=False):
        path = Path(folder) / out.name
        torch.export.save(program, path, extra_files=extra)
        found = checked(exportable, _Program(exportable, torch.export.load(path)))
        with path.open("rb") as made:
            write_atomic(out, lambda file: shutil.copyfileobj(made, file))
    return Written((out,), tuple(found))


def _safetensors(exportable: Exportable, out: Path, photos: Path | None) -> Written:
    del photos
    state = {name: tensor.detach().clone() for name, tensor in exportable.module.state_dict().items()}
    write_safetensors(out, state, exportable.metadata())
    return Written((out,), ())


class _Program:
    """A loaded .pt2 as a session."""

    def __init__(self, exportable: Exportable, program: ExportedProgram) -> None:
        self._module: Any = program.module()
        self._exportable = exportable

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        found = self._module(*[inputs[each.name] for each in self._exportable.inputs])
        values: Sequence[Tensor] = (found,) if isinstance(found, Tensor) else found
        return dict(zip(self._exportable.outputs, values, strict=True))


_WRITERS: dict[NetworkFormat, Callable[[Exportable, Path, Path | None], Written]] = {
    "onnx": _onnx,
    "onnx-fp16": _onnx_half,
    "onnx-int8": _onnx_int8,
    "openvino": _openvino,
    "pt2": _pt2,
    "safetensors": _safetensors,
}
