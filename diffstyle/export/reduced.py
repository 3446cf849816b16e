"""ONNX networks made smaller: in half precision, and with 8-bit convolutions."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from diffstyle.core.errors import InputError
from diffstyle.core.quiet import quiet
from diffstyle.runtimes.exportable import Exportable
from diffstyle.runtimes.packages import package

Array = npt.NDArray[np.float32]
# Moments of whole maps leave the range of half precision, and so does what is made of shapes.
_FLOAT32 = ("InstanceNormalization", "ReduceMean", "Sqrt", "Div", "Range", "Resize", "Pad")


def in_half(model: Any) -> Any:
    """An ONNX ModelProto with weights and most maps in float16; inputs and outputs stay float32."""
    float16 = package("onnxruntime.transformers.float16")
    with quiet(bars=False):
        blocked = [*float16.DEFAULT_OP_BLOCK_LIST, *_FLOAT32]
        return float16.convert_float_to_float16(model, keep_io_types=True, op_block_list=blocked)


def check_int8(exportable: Exportable) -> None:
    """InputError for a network that does not keep its quality with 8-bit convolutions."""
    if not exportable.quantisable:
        raise InputError(f"{exportable.name} does not keep its quality in 8 bits: give --format onnx-fp16.")


def in_int8(exportable: Exportable, model: Any, photos: Iterable[Tensor]) -> Any:
    """An ONNX ModelProto with 8-bit convolutions (static, one scale a channel), calibrated on photos (1, 3, h, w)."""
    onnx, quantization = package("onnx"), package("onnxruntime.quantization")

    class Reader(quantization.CalibrationDataReader):
        """The inputs for each photo in turn."""

        def __init__(self) -> None:
            self._rows = (_named(exportable, photo, n) for n, photo in enumerate(photos))

        def get_next(self) -> dict[str, Array] | None:
            return next(self._rows, None)

    with tempfile.TemporaryDirectory(prefix="diffstyle-") as folder, quiet(bars=False):
        path = Path(folder) / "int8.onnx"
        quantization.quantize_static(
            model,
            str(path),
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            extra_options={"CalibMovingAverage": True},  # of the photos' ranges: one extreme value counts for less
        )
        found = onnx.load(str(path))
    onnx.helper.set_model_props(found, exportable.metadata())
    return found


def _named(exportable: Exportable, photo: Tensor, number: int) -> dict[str, Array]:
    inputs = exportable.from_photo(photo, number)
    return {each.name: value.numpy() for each, value in zip(exportable.inputs, inputs, strict=True)}
