"""Recognises weights files by the names and shapes of their tensors, never by the file name."""

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
"""Full names of the first layer of a UNet or ControlNet; a VAE in the same file has a conv_in too."""
_OTHER_LORAS = {
    "hada_w": "a LoHa",
    "lokr_w": "a LoKr",
    "oft_blocks": "an OFT",
    "oft_diag": "an OFT",
    "glora_": "a GLoRA",
    "dora_scale": "a DoRA",
    "lora_magnitude_vector": "a DoRA",
}
_LORA = re.compile(r"(lora_(down|up|A|B)(\.\w+)?|lora\.(down|up)|to_[kqv]_lora\.(down|up))\.weight$")


@dataclass(frozen=True, slots=True)
class Architecture:
    """Widths of a UNet's cross-attention and blocks, which must agree with those of adapters and ControlNets."""

    cross_attention: int
    blocks: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """`sd15`, `sdxl` or `sd21` for the public models, else ""."""
        public = {(768, 320): "sd15", (2048, 320): "sdxl", (1024, 320): "sd21"}
        return public.get((self.cross_attention, self.blocks[0] if self.blocks else 0), "")

    @property
    def side(self) -> int | None:
        """The side in pixels of the pictures that a public model was trained on, else None."""
        return {"sd15": 512, "sd21": 768, "sdxl": 1024}.get(self.name)

    def __str__(self) -> str:
        known = {"sd15": "SD 1.5", "sdxl": "SDXL", "sd21": "SD 2.1"}.get(self.name)
        return known or f"cross-attention width {self.cross_attention}"


@dataclass(frozen=True, slots=True)
class Recognised:
    """The kind of a file and, where its tensors show it, the `architecture` of the UNet that it is or belongs to."""

    kind: Kind
    architecture: Architecture | None = None


def recognise(path: Path) -> Recognised:
    """Recognise the safetensors file `path`; only its header is read."""
    return recognise_shapes(read_shapes(path))


def recognise_shapes(shapes: Shapes) -> Recognised:
    """Recognise a file by its tensors' shapes, by name."""
    keys = list(shapes)
    if any(k.startswith("image_proj.") for k in keys) and any(k.startswith("ip_adapter.") for k in keys):
        return Recognised("ip-adapter", Architecture(_widest(shapes, "to_k_ip.weight")))
    if any(_LORA.search(k) or other_lora(k) for k in keys):
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


def other_lora(key: str) -> str:
    """What a relative of LoRA is called, found out from the name of one of its tensors; "" for anything else."""
    return next((name for part, name in _OTHER_LORAS.items() if part in key), "")


def expect(path: Path, kind: Kind, what: str) -> Recognised:
    """Recognise `path`, which is to be used as `what`; InputError with its actual kind unless it is of `kind`."""
    found = recognise(path)
    if found.kind != kind:
        instead = "of no known kind" if found.kind == "unknown" else f"of kind {found.kind}"
        raise InputError(f"Cannot use {path} as {what}: it is {instead}.")
    return found


def architecture_of(config: object) -> Architecture:
    """The architecture of a diffusers UNet or ControlNet with this `config`."""
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
