"""Places a pipeline: device, memory layout, offloading, attention, in this order."""

from __future__ import annotations

from typing import Any

import torch

from diffstyle.core.model_options import Attention, MemoryMode

SLOWER: dict[MemoryMode, MemoryMode] = {"fast": "balanced", "balanced": "low"}
"""The next mode that needs less memory."""


def arrange(pipeline: Any, *, device: torch.device, memory: MemoryMode, attention: Attention) -> None:
    """Place `pipeline` on `device`. Call it again after changing any of its modules.

    fast: everything on the device. balanced: one part at a time on a GPU, the VAE in slices. low: layer by layer on a
    GPU, the VAE in tiles. On a CPU nothing is offloaded, and only the VAE's tiles and slices save memory.
    """
    pipeline.remove_all_hooks()
    for name in ("unet", "vae", "controlnet"):
        module = getattr(pipeline, name, None)
        if module is not None:
            module.to(memory_format=torch.channels_last)
    _vae(pipeline.vae, slicing=memory != "fast", tiling=memory == "low")
    if device.type == "cpu" or memory == "fast":
        pipeline.to(device)
    elif memory == "balanced":
        pipeline.enable_model_cpu_offload(device=device)
    else:
        pipeline.enable_sequential_cpu_offload(device=device)
    if attention == "sliced":
        _slice(pipeline.unet)
    elif attention == "xformers":
        _xformers(pipeline)


def _vae(vae: Any, *, slicing: bool, tiling: bool) -> None:
    if hasattr(vae, "use_slicing"):
        vae.use_slicing = slicing
    if hasattr(vae, "use_tiling"):
        vae.use_tiling = tiling


def _slice(unet: Any) -> None:
    """Compute attention head by head, except where an adapter is attached: diffusers would replace it."""
    for name, module in unet.named_modules():
        processor = getattr(module, "processor", None)
        if name.endswith("attn1") and processor is not None and "IPAdapter" not in type(processor).__name__:
            module.set_attention_slice(1)


def _xformers(pipeline: Any) -> None:
    """Use xformers' attention; if it fails, warn and keep PyTorch's own."""
    import warnings

    try:
        pipeline.enable_xformers_memory_efficient_attention()
    except Exception as error:  # a missing or broken extension fails in many ways
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
        warnings.warn(f"xformers cannot be used here ({reason}): using PyTorch's own attention.", stacklevel=2)
