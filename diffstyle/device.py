"""Where to compute, and in which numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import torch

from diffstyle.errors import InputError
from diffstyle.model_options import DtypeName


def find_device(name: str | None) -> torch.device:
    """The device called `name`; without one CUDA, Apple's MPS or the CPU, the first that there is.

    Raises InputError if it cannot be computed on here.
    """
    if name is None:
        mps = torch.backends.mps.is_available()
        name = "cuda" if torch.cuda.is_available() else "mps" if mps else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise InputError(f"There is no device {name!s} here: give cpu, or cuda where there is one.") from error
    return device


def fast_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where the processor computes in it (1.7x on AVX512-bf16, see benchmarks.preview), else float32."""
    if device.type == "cpu":
        capabilities: Mapping[str, object] = torch.cpu.get_capabilities()
        fast = capabilities.get("avx512_bf16") and torch.backends.mkldnn.is_available()
        return torch.bfloat16 if fast else torch.float32
    return torch.float16 if device.type == "cuda" else torch.float32  # on MPS half precision decodes to black


def named_dtype(name: str) -> torch.dtype:
    """torch's dtype called `name`."""
    if name not in get_args(DtypeName):
        raise InputError(f"dtype is {name!r}: give one of {', '.join(get_args(DtypeName))}.")
    found: torch.dtype = getattr(torch, name)
    return found


def dtype_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
