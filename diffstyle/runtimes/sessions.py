"""ONNX files run by ONNX Runtime and by OpenVINO."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from cachetools import LRUCache
from torch import Tensor

from diffstyle.core.errors import InputError
from diffstyle.core.model_options import Runtime
from diffstyle.runtimes.packages import package, version_of

KEPT_SHAPES = 4
_PROVIDERS = ("TensorrtExecutionProvider", "CUDAExecutionProvider")  # the faster one first
_PRECISIONS = {torch.float32: "f32", torch.bfloat16: "bf16"}


class Session(Protocol):
    """A network ready to run outside torch."""

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Outputs by name for inputs by name, all on the CPU and in float32."""
        ...


class OnnxSession:
    """Run by ONNX Runtime: on CUDA through TensorRT or CUDA where its package has them, else on the CPU, in the types
    of the file and with torch's number of threads.
    """

    def __init__(self, model: bytes, *, device: torch.device) -> None:
        """InputError if `model` is not a whole ONNX file that ONNX Runtime can run."""
        ort = package("onnxruntime")
        ort.set_default_logger_severity(3)
        options = ort.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.inter_op_num_threads = 1
        there = ort.get_available_providers()
        wanted = [p for p in _PROVIDERS if p in there] if device.type == "cuda" else []
        try:
            self._session: Any = ort.InferenceSession(model, options, [*wanted, "CPUExecutionProvider"])
        except Exception as error:  # the package raises a dozen kinds, which share no base
            raise InputError("It is not a whole ONNX file that ONNX Runtime can run: export it again.") from error
        self._outputs = [str(out.name) for out in self._session.get_outputs()]

    @property
    def provider(self) -> str:
        """What computes: CPUExecutionProvider, CUDAExecutionProvider or TensorrtExecutionProvider."""
        return str(self._session.get_providers()[0])

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        found = self._session.run(self._outputs, {k: v.contiguous().numpy() for k, v in inputs.items()})
        return {name: torch.from_numpy(value) for name, value in zip(self._outputs, found, strict=True)}


class OpenVinoSession:
    """Run by OpenVINO on the CPU, in `dtype` inside, float32 or bfloat16.

    The network is compiled for each shape of its inputs, which makes it faster; the last KEPT_SHAPES are kept.
    """

    def __init__(self, model: bytes | Path, *, dtype: torch.dtype) -> None:
        """InputError if `model` is not a whole ONNX or OpenVINO file that OpenVINO can run."""
        openvino = package("openvino")
        self._core: Any = openvino.Core()
        try:
            self._model: Any = self._core.read_model(model)
        except RuntimeError as error:
            raise InputError("It is not a whole ONNX file that OpenVINO can run: export it again.") from error
        self._dtype = dtype
        self._compiled: LRUCache[tuple[tuple[str, tuple[int, ...]], ...], Any] = LRUCache(KEPT_SHAPES)

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        compiled = self._for_shapes({name: tuple(value.shape) for name, value in inputs.items()})
        request = compiled.create_infer_request()
        found = request.infer({k: v.contiguous().numpy() for k, v in inputs.items()})
        named = {port: torch.from_numpy(value.copy()) for port, value in found.items()}
        return {name: value for port, value in named.items() for name in port.get_names()}  # a tensor may have several

    def _for_shapes(self, shapes: Mapping[str, tuple[int, ...]]) -> Any:
        key = tuple(shapes.items())
        if key not in self._compiled:
            self._model.reshape({name: list(shape) for name, shape in shapes.items()})
            config = {
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_PRECISION_HINT": _PRECISIONS[self._dtype],
                "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            }
            self._compiled[key] = self._core.compile_model(self._model, "CPU", config)
        return self._compiled[key]


def open_session(model: bytes, runtime: Runtime, *, device: torch.device, dtype: torch.dtype) -> Session:
    """An ONNX file ready to run. OpenVINO computes in `dtype`; ONNX Runtime in the types of the file."""
    if runtime == "openvino":
        return OpenVinoSession(model, dtype=dtype)
    return OnnxSession(model, device=device)


def dtype_inside(runtime: Runtime, dtype: torch.dtype) -> torch.dtype:
    """What a runtime computes in where an engine computes in `dtype`: OpenVINO in bfloat16 too, others in float32."""
    if runtime == "torch" or (runtime == "openvino" and dtype == torch.bfloat16):
        return dtype
    return torch.float32


def described(runtime: Runtime) -> dict[str, str]:
    """A runtime as recipes name it; nothing for torch."""
    packages = {"onnx": "onnxruntime", "openvino": "openvino"}
    name = packages.get(runtime)
    return {} if name is None else {"runtime": f"{name} {version_of(name)}"}
