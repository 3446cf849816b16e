"""The `lora` adapter: low-rank additions to a UNet's weights (Hu et al. 2022), in diffusers' or kohya's file layout."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, cast

from torch import Tensor, nn

from diffstyle.adapters.protocol import Undo
from diffstyle.backbones.backbone import Backbone
from diffstyle.backbones.recognise import Architecture, expect, other_lora
from diffstyle.core.errors import InputError
from diffstyle.core.model_options import ExportFormat, LoraHalf
from diffstyle.core.quiet import quiet
from diffstyle.formats.atomic import fingerprint
from diffstyle.formats.safetensors import read_safetensors

_BASES = {"sd15": ("sd_v1-5", "stable-diffusion-v1"), "sdxl": ("sdxl_base_v1-0", "stable-diffusion-xl-v1-base")}
"""What kohya's scripts and the modelspec call the public models."""
HALVES: Mapping[LoraHalf, str] = {"content": "up_blocks.0.attentions.0", "style": "up_blocks.0.attentions.1"}
"""The block of SDXL that each half of a B-LoRA adds to (Frenkel et al. 2024)."""


@dataclass(frozen=True, slots=True, eq=False)
class LoraAdapter:
    """`state` holds its tensors under the names of its file; diffusers tells the two layouts apart."""

    kind: ClassVar[str] = "lora"
    layouts: ClassVar[tuple[ExportFormat, ...]] = ("diffusers-lora", "kohya")
    wraps_layers: ClassVar[bool] = True

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
        state = read_safetensors(path)[1]
        if other := next((kind for kind in map(other_lora, state) if kind), ""):
            raise InputError(f"Cannot use {path}: it is {other}, of which a part would be lost; give a plain LoRA.")
        renamed = {_plain(key): tensor for key, tensor in state.items()}
        return cls(name or path.name, renamed, found.architecture, scale, fingerprint(path))

    def half(self, name: LoraHalf) -> LoraAdapter:
        """Its `content` or its `style` alone; InputError if it has no layers in that block of SDXL."""
        block = _letters(HALVES[name])
        state = {key: tensor for key, tensor in self.state.items() if block in _letters(key)}
        if not state:
            raise InputError(f"The LoRA {self.name} has no {name} half: it has no layers in {HALVES[name]}.")
        return replace(self, name=f"{self.name}:{name}", state=state)

    def check_fits(self, host: Backbone) -> None:
        """InputError if it was made for a UNet of another cross-attention width."""
        own, other = self.architecture, host.architecture
        if own is not None and own.cross_attention != other.cross_attention:
            raise InputError(f"The LoRA {self.name} is for {own}, the model is {other}.")

    def unused(self, host: Backbone) -> tuple[str, ...]:
        """The layers in its file that no network of `host` has a place for."""
        pipeline = host.pipeline
        networks = [host.unet, *(getattr(pipeline, n, None) for n in ("text_encoder", "text_encoder_2"))]
        names = {_letters(n) for m in networks if m is not None for n, _ in m.named_modules()} - {""}
        return tuple(
            layer
            for layer in _layers(self.state)
            if not _OTHER_NAMES.search(layer)
            and not any(n.endswith(own) or own.endswith(n) for own in [_letters(_PREFIX.sub("", layer))] for n in names)
        )

    def attach(self, host: Backbone, *more: LoraAdapter) -> Undo:
        """Add it and `more` to the UNet, each at its scale. The undo unloads every LoRA of the pipeline."""
        adapters, pipeline = (self, *more), host.pipeline

        def undo() -> None:
            with host.changing(), quiet():
                pipeline.unload_lora_weights()

        with host.changing():
            try:
                for adapter in adapters:
                    adapter.check_fits(host)
                    adapter._load_into(host)
                pipeline.set_adapters([a._key for a in adapters], [a.scale for a in adapters])
            except BaseException:
                undo()
                raise
        return undo

    def trainable(self, host: Backbone) -> dict[str, nn.Parameter]:
        """The two matrices of every layer it adds to."""
        return {k: p for k, p in host.unet.named_parameters() if f".{self._key}." in k}

    def export(self, layout: ExportFormat, *, base: str = "") -> tuple[dict[str, Tensor], dict[str, str]]:
        """diffusers-lora: its tensors as they are. kohya: renamed, alpha equal to the rank, with a modelspec header."""
        if layout == "diffusers-lora":
            return dict(self.state), {"format": "pt", "diffstyle": "lora/1"}
        state = _to_kohya(self.state, self.name)
        rank = str(next(len(v) for k, v in state.items() if k.endswith("lora_down.weight")))
        family = (self.architecture.name if self.architecture is not None else "") or base
        version, architecture = _BASES.get(family, (family, family))
        return state, {
            "format": "pt",
            "ss_network_module": "networks.lora",
            "ss_network_dim": rank,
            "ss_network_alpha": rank,
            "ss_base_model_version": version,
            "modelspec.sai_model_spec": "1.0.0",
            "modelspec.architecture": f"{architecture}/lora",
            "modelspec.implementation": "diffusers",
        }

    @property
    def _key(self) -> str:
        """Its name in the pipeline: two LoRAs may have equal names, and names may hold dots."""
        return f"diffstyle_{id(self):x}"

    def _load_into(self, host: Backbone) -> None:
        unused = self.unused(host)
        state = {k: v for k, v in self.state.items() if _END.sub("", k) not in unused}
        try:
            with quiet():
                host.pipeline.load_lora_weights(state, adapter_name=self._key)
                host.pipeline.set_adapters([self._key], [self.scale])
        except (ValueError, RuntimeError, LookupError, TypeError, AttributeError) as error:  # diffusers raises them all
            raise InputError(f"The LoRA {self.name} does not fit the model {host.architecture}.") from error


_PREFIX = re.compile(r"^(unet\.|text_encoder(_2)?\.|lora_(unet|te[12]?)_)")
_END = re.compile(r"[._](lora[._](down|up|A|B)|alpha$|lora_linear_layer).*$")
_OTHER_NAMES = re.compile(r"processor|(input|output|middle)_block")  # diffusers alone knows what these stand for


def _plain(key: str) -> str:
    """A tensor's name without what PEFT adds to it: the name of its adapter, and `base_model.model`."""
    key = re.sub(r"\.lora_([AB])\.(?!weight$|bias$)\w+\.(weight|bias)$", r".lora_\1.\2", key)
    rest = key.removeprefix("base_model.model.")
    return key if rest == key else rest if rest.startswith(("unet.", "text_encoder")) else f"unet.{rest}"


def _layers(state: Mapping[str, Tensor]) -> dict[str, None]:
    """The layers that tensors add to, by their names in the file."""
    return dict.fromkeys(_END.sub("", key) for key in state if _END.search(key))


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _to_kohya(state: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """Tensors of diffusers' layout (`unet.PATH.lora_A.weight`) under kohya's names."""
    from diffusers.utils import state_dict_utils

    convert = cast("Any", state_dict_utils).convert_state_dict_to_kohya
    try:
        found: dict[str, Tensor] = convert(dict(state))
    except ValueError as error:
        raise InputError(f"Cannot write {name} in kohya's layout: it is not in diffusers' LoRA layout.") from error
    return {k: v.contiguous() for k, v in found.items()}
