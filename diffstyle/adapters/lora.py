"""The `lora` adapter: low-rank additions to a UNet's weights (Hu et al. 2022), in diffusers' or kohya's file layout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from diffstyle.backbones.recognise import Architecture, expect
from diffstyle.core.errors import InputError
from diffstyle.formats.atomic import fingerprint
from diffstyle.formats.safetensors import read_safetensors


@dataclass(frozen=True, slots=True, eq=False)
class LoraAdapter:
    """`state` are its tensors under the names of its file; diffusers tells the two layouts apart."""

    name: str
    state: Mapping[str, Tensor]
    architecture: Architecture | None
    scale: float = 1.0
    digest: str = ""

    @classmethod
    def load(cls, path: str | Path, *, name: str = "", scale: float = 1.0) -> LoraAdapter:
        """Read a safetensors file; InputError if it is no LoRA."""
        path = Path(path)
        found = expect(path, "lora", "a LoRA")
        return cls(name or path.name, read_safetensors(path)[1], found.architecture, scale, fingerprint(path))

    def check_fits(self, architecture: Architecture) -> None:
        """InputError if it was made for a UNet of another cross-attention width."""
        if self.architecture is None or self.architecture.cross_attention == architecture.cross_attention:
            return
        raise InputError(f"The LoRA {self.name} is for {self.architecture}, the model is {architecture}.")
