"""What a weights file is, by the names and shapes of its tensors: never by its own name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from diffstyle.core.errors import InputError
from diffstyle.formats.safetensors import read_shapes

Shapes = Mapping[str, tuple[int, ...]]
Kind = Literal["single file", "unet", "vae", "controlnet", "ip-adapter", "lora", "text encoder", "unknown"]

_LDM = "model.diffusion_model."
_FIRST = ("conv_in.weight", *(f"{part}input_blocks.0.0.weight" for part in ("", _LDM, "control_model.")))
"""The first layer of a UNet or ControlNet; by its whole name, for a VAE in the same file has a conv_in too."""
_LORA = re.compile(r"(lora_(down|up|A|B)(\.default)?|lora\.(down|up)|to_[kqv]_lora\.(down|up))\.weight$")


@dataclass(frozen=True, slots=True)
class Architecture:
    """What must agree between a UNet and what is attached to it: widths of its cross-attention and of its blocks."""

    cross_attention: int
    blocks: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """`sd15`, `sdxl` or `sd21` for the public ones, else ""."""
        public = {(768, 320): "sd15", (2048, 320): "sdxl", (1024, 320): "sd21"}
        return public.get((self.cross_attention, self.blocks[0] if self.blocks else 0), "")

    @property
    def side(self) -> int | None:
        """Of the pictures that the public ones were trained on, in pixels."""
        return {"sd15": 512, "sd21": 768, "sdxl": 1024}.get(self.name)

    def __str__(self) -> str:
        known = {"sd15": "SD 1.5", "sdxl": "SDXL", "sd21": "SD 2.1"}.get(self.name)
        return known or f"cross-attention width {self.cross_attention}"


@dataclass(frozen=True, slots=True)
class Recognised:
    """`architecture` of the UNet it is or belongs to, where its tensors show it."""

    kind: Kind
    architecture: Architecture | None = None


def recognise(path: Path) -> Recognised:
    """What the safetensors file `path` is; only its header is read."""
    return recognise_shapes(read_shapes(path))


def recognise_shapes(shapes: Shapes) -> Recognised:
    keys = list(shapes)
    if any(k.startswith("image_proj.") for k in keys) and any(k.startswith("ip_adapter.") for k in keys):
        return Recognised("ip-adapter", Architecture(_widest(shapes, "to_k_ip.weight")))
    if any(_LORA.search(k) for k in keys):
        return Recognised("lora", _of_lora(shapes))
    if any(k.startswith("control_model.") for k in keys) or any("controlnet_cond_embedding." in k for k in keys):
        return Recognised("controlnet", _of_unet(shapes))
    if any(k.startswith(_LDM) for k in keys):
        return Recognised("single file", _of_unet(shapes))
    if "conv_in.weight" in shapes and "time_embedding.linear_1.weight" in shapes:
        return Recognised("unet", _of_unet(shapes))
    if any(k.startswith(("encoder.", "decoder.")) for k in keys) and any("conv" in k for k in keys):
        return Recognised("vae")
    if any(k.endswith("embeddings.token_embedding.weight") for k in keys):
        return Recognised("text encoder")
    return Recognised("unknown")


def expect(path: Path, kind: Kind, what: str) -> Recognised:
    """What `path` is, if it is `kind`; else an InputError that says what it is instead."""
    found = recognise(path)
    if found.kind != kind:
        instead = "nothing that diffstyle knows" if found.kind == "unknown" else f"a file of kind {found.kind}"
        raise InputError(f"Cannot use {path} as {what}: by its tensors it is {instead}.")
    return found


def architecture_of(config: object) -> Architecture:
    """Of a diffusers UNet or ControlNet, from its config."""
    values = cast("Mapping[str, Any]", config)
    cross: Any = values["cross_attention_dim"]
    width = int(cross[0] if isinstance(cross, (list, tuple)) else cross)  # pyright: ignore[reportUnknownArgumentType]
    return Architecture(width, tuple(int(n) for n in values["block_out_channels"]))


def _of_unet(shapes: Shapes) -> Architecture:
    first = next((shapes[k][0] for k in _FIRST if k in shapes), 0)
    return Architecture(_widest(shapes, "attn2.to_k.weight"), (first,) if first else ())


def _of_lora(shapes: Shapes) -> Architecture | None:
    down = {k: s for k, s in shapes.items() if "attn2" in k and re.search(r"to_[kv]\b|to_[kv][._]", k)}
    widths = [
        s[1] for k, s in down.items() if re.search(r"(lora_down|lora_A|lora\.down|_lora\.down)", k) and len(s) >= 2
    ]
    return Architecture(max(widths)) if widths else None


def _widest(shapes: Shapes, suffix: str) -> int:
    return max((s[1] for k, s in shapes.items() if k.endswith(suffix)), default=0)
