"""Which networks paint and how they are held: what a Stylizer is loaded with."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from diffstyle.core.errors import InputError

DtypeName = Literal["float32", "bfloat16", "float16"]
MemoryMode = Literal["fast", "balanced", "low"]
Attention = Literal["sdpa", "xformers", "sliced"]
Conditioning = Literal["canny", "soft-edge", "edges-and-tones", "lineart", "tile", "depth"]
LoraHalf = Literal["content", "style"]
ExportFormat = Literal["ip-adapter", "diffusers-lora", "kohya"]
NetworkFormat = Literal["onnx", "onnx-fp16", "onnx-int8", "openvino", "pt2", "safetensors"]
Runtime = Literal["auto", "torch", "onnx", "openvino"]
SchedulerName = Literal["ddim", "dpm++", "unipc", "euler-a", "lcm", "tcd"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """Options of `Stylizer.load`, and of the command line.

    Parameters
    ----------
    model
        starter, sd15, sdxl, a diffusers folder, a .safetensors file, or a hub id in the local cache.
    adapter
        Style adapter in IP-Adapter layout: a name of `diffstyle models list` or a file, with :SCALE behind it if you
        like; several act together.
    controlnet
        ControlNet: a name, folder or file with its conditioning behind it, as PATH:canny; canny, soft-edge,
        edges-and-tones, lineart, tile, depth; then :SCALE and :START-END in shares of the steps if you like.
    lora
        LoRA in diffusers' or kohya's layout: a name or a file, with :SCALE behind it if you like; of a B-LoRA one half
        acts alone with :style or :content, before the scale.
    encoder
        What makes embeddings for the adapter: starter, an open_clip folder or file, or ARCHITECTURE/TAG; the one that
        the adapter names if not given.
    device
        Where to compute: cpu, cuda, mps; the fastest there is if not given.
    dtype
        float32, bfloat16 or float16; the fastest that the device computes in if not given.
    memory
        fast; balanced and low take less memory and more time.
    attention
        sdpa is PyTorch's own; xformers where it is installed and works; sliced takes less memory and more time.
    runtime
        What runs the networks of engines that have an export: torch; onnx, which is ONNX Runtime; openvino; auto takes
        the one that was measured fastest for the engine, if it is installed.
    """

    model: str = "starter"
    adapter: tuple[str, ...] = ()
    controlnet: tuple[str, ...] = ()
    lora: tuple[str, ...] = ()
    encoder: str | None = None
    device: str | None = None
    dtype: str | None = None
    memory: MemoryMode = "fast"
    attention: Attention = "sdpa"
    runtime: Runtime = "auto"

    def __post_init__(self) -> None:
        for name, choices in (("memory", MemoryMode), ("attention", Attention), ("runtime", Runtime)):
            if getattr(self, name) not in get_args(choices):
                raise InputError(f"{name} is {getattr(self, name)!r}: give one of {', '.join(get_args(choices))}.")

    @property
    def name(self) -> str:
        """The model without the folders of this machine."""
        return _bare(self.model)

    @property
    def files(self) -> list[Path]:
        """The files and folders among them."""
        named = (self.model, *self.adapter, *self.controlnet, *self.lora, self.encoder or "")
        paths = [Path(text.removesuffix(part_of(text))) for text in named if text]
        return [path for path in paths if path.exists()]

    def shareable(self) -> ModelOptions:
        """What a recipe says of them: without the folders of this machine, which are nobody's business, and without
        device, dtype and memory, of which it says what they came to.
        """
        own = {name: tuple(_bare(v) for v in getattr(self, name)) for name in ("adapter", "controlnet", "lora")}
        plain = replace(self, device=None, dtype=None, memory="fast")
        return replace(plain, model=self.name, encoder=self.encoder and _bare(self.encoder), **own)


def part_of(text: str) -> str:
    """What stands behind a name or path: conditioning, scale and range, colons included; "" if nothing does."""
    found = _PART.search(text)
    return found[0] if found else ""


def _bare(text: str) -> str:
    """A path without its folder; a name of a model or a hub id as it is. What stands behind it stays."""
    part = part_of(text)
    path = text.removesuffix(part)
    hub_id = re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", path) and not path.endswith(_FILES)
    if hub_id and not Path(path).exists():
        return text
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1] + part


_NUMBER = r"-?\d*\.?\d+"
_PART = re.compile(rf"(:({'|'.join((*get_args(Conditioning), *get_args(LoraHalf)))}|{_NUMBER}|{_NUMBER}-{_NUMBER}))+$")
_FILES = (".safetensors", ".bin", ".pt", ".ckpt")
