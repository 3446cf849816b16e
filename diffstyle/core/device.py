"""Devices and dtypes, and errors for lack of memory."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping
from typing import get_args

import torch

from diffstyle.core.errors import InputError
from diffstyle.core.model_options import DtypeName, MemoryMode


def find_device(name: str | None) -> torch.device:
    """The device called `name`, by default the first of CUDA, Apple's MPS and the CPU that is available.

    InputError if it cannot be used on this machine.
    """
    if name is None:
        mps = torch.backends.mps.is_available()
        name = "cuda" if torch.cuda.is_available() else "mps" if mps else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        if ran_out(error):
            raise InputError(f"The memory of {name} is full: close other programs, or give device=cpu.") from error
        raise InputError(f"There is no device {name!s} here: give cpu, or cuda where there is one.") from error
    return device


def fast_dtype(device: torch.device) -> torch.dtype:
    """The dtype for inference: float16 on CUDA, bfloat16 on CPUs with AVX512-bf16 (1.7x faster), else float32."""
    if device.type == "cpu":
        capabilities: Mapping[str, object] = torch.cpu.get_capabilities()
        fast = capabilities.get("avx512_bf16") and torch.backends.mkldnn.is_available()
        return torch.bfloat16 if fast else torch.float32
    return torch.float16 if device.type == "cuda" else torch.float32  # in half precision, decoding on MPS gives black


def mixed_precision(device: torch.device) -> torch.autocast:
    """An autocast context for training in bfloat16, disabled on CPUs without native support, which slow down by it."""
    quick = device.type != "cpu" or fast_dtype(device) == torch.bfloat16
    return torch.autocast(device.type, torch.bfloat16, enabled=quick)


def named_dtype(name: str) -> torch.dtype:
    """torch's dtype called `name`; InputError unless it is one of `DtypeName`."""
    if name not in get_args(DtypeName):
        raise InputError(f"dtype is {name!r}: give one of {', '.join(get_args(DtypeName))}.")
    found: torch.dtype = getattr(torch, name)
    return found


def dtype_name(dtype: torch.dtype) -> str:
    """The name of a dtype without its module: float32."""
    return str(dtype).removeprefix("torch.")


def ran_out(error: BaseException | None) -> bool:
    """Whether `error` was raised because a device is out of memory."""
    said = str(error)
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(
        words in said for words in ("out of memory", "not enough memory", "can't allocate memory")
    )


@contextlib.contextmanager
def enough_memory(action: str, *, device: torch.device, dtype: torch.dtype, memory: MemoryMode) -> Generator[None]:
    """Turn an out-of-memory error in the context into an InputError that suggests options which need less.

    `action` completes "not enough memory to ...". It also recognises such an error as the cause of another one. On a
    CPU no lower memory mode is suggested: it does not change what is loaded.
    """
    try:
        yield
    except (RuntimeError, MemoryError, InputError) as error:
        if not (ran_out(error) or ran_out(error.__cause__)):
            raise
        offers = ["memory=low"] if device.type != "cpu" and memory != "low" else []
        if dtype == torch.float32:
            offers.append("dtype=bfloat16" if device.type == "cpu" else "dtype=float16")
        advice = " or ".join(offers) or "a smaller model"
        raise InputError(
            f"There is not enough memory on {device} to {action}: give {advice}, or close other programs."
        ) from error
