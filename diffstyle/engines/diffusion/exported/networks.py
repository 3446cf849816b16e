"""A backbone's networks run by another runtime than torch, within a context; diffusers' pipeline stays in use."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from diffstyle.backbones.backbone import Backbone
from diffstyle.core.errors import InputError
from diffstyle.core.model_options import Runtime
from diffstyle.engines.diffusion.exported import unet as unets
from diffstyle.engines.diffusion.patched import replaced
from diffstyle.runtimes.cached import session_of
from diffstyle.runtimes.exportable import Exportable
from diffstyle.runtimes.sessions import Session, dtype_inside

LARGEST = 400_000_000  # parameters: an ONNX file holds two gigabytes
_NOT_HELD = ("addition_embed_type", "class_embed_type", "time_cond_proj_dim")
"""What a UNet's configuration can ask for that its export has no input for."""


@dataclass(frozen=True, slots=True, eq=False)
class Converted:
    """A network as a function of tensors in the order of its inputs, called `names`."""

    session: Session
    names: Sequence[str]

    def __call__(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        found = self.session.run({n: x.float().cpu() for n, x in zip(self.names, inputs, strict=True)})
        return list(found.values())


@dataclass(slots=True)
class ExportedNetworks:
    """The networks of `backbone` with what is attached to them, run by `runtime`; `prompt()` (1, tokens, width) is one
    of its prompts. Each is converted when it is first needed, and kept in the cache folder.
    """

    backbone: Backbone
    runtime: Runtime
    prompt: Callable[[], Tensor]
    _converted: dict[tuple[str, torch.dtype], Converted] = field(default_factory=dict[Any, Converted], init=False)

    def __post_init__(self) -> None:
        """InputError for a backbone that has no export."""
        if self.runtime != "torch":
            check(self.backbone, self.runtime)

    def forget(self) -> None:
        """What is attached to the networks has changed."""
        self._converted.clear()

    @contextmanager
    def acting(self) -> Generator[None, None, None]:
        """Within, they compute in the place of torch's; the pipeline is what it was afterwards."""
        with ExitStack() as stack:
            if self.runtime != "torch":
                unet = self.backbone.unet
                stack.enter_context(replaced(unet, "forward", self._unet(unet)))
            yield

    def _unet(self, unet: Any) -> Callable[..., Any]:
        layers = unets.UNetLayers.of(unet, controlled=bool(self.backbone.controls))

        def convert() -> Converted:
            made, prompt = unets.unet_copy(unet), self.prompt()
            digest = digest_of(made, layers, tuple(prompt.shape))

            def export() -> Exportable:
                return unets.exportable(made, layers, prompt, multiple=self.backbone.multiple, digest=digest)

            names = [each.name for each in unets.inputs_of(layers, int(made.config.in_channels), prompt)]
            return Converted(self._session("painting-unet", digest, export), names)

        return unets.forward_of(unet, layers, self._kept("unet", convert))

    def _kept(self, name: str, convert: Callable[[], Converted]) -> Converted:
        key = (name, self.backbone.dtype)
        if key not in self._converted:
            self._converted[key] = convert()
        return self._converted[key]

    def _session(self, name: str, digest: str, export: Callable[[], Exportable]) -> Session:
        dtype = dtype_inside(self.runtime, self.backbone.dtype)
        return session_of(export, name, digest, runtime=self.runtime, device=self.backbone.device, dtype=dtype)


def check(backbone: Backbone, runtime: Runtime) -> None:
    """InputError for what an export does not hold."""
    instead = "or give runtime=torch."
    if backbone.device.type != "cpu":
        raise InputError(f"runtime={runtime} runs diffusion models on the CPU alone: give device=cpu, {instead}")
    if backbone.attention != "sdpa":
        raise InputError(f"attention={backbone.attention} acts in torch alone: leave it out, {instead}")
    held = [name for name in _NOT_HELD if backbone.unet.config.get(name) is not None]
    if held:
        raise InputError(f"The model's UNet reads more than its export could ({held[0]}): give runtime=torch.")
    count = sum(p.numel() for p in backbone.unet.parameters())
    if count > LARGEST:
        raise InputError(
            f"The model's UNet has {count // 10**6} million parameters, its export could hold {LARGEST // 10**6}: give"
            " runtime=torch."
        )


def digest_of(network: nn.Module, *more: object) -> str:
    """The sha256 of all that decides what a network computes: its tensors, configuration and code, and `more`."""
    import diffusers

    config: Any = getattr(network, "config", {})
    told = [diffusers.__version__, json.dumps(dict(config), default=str, sort_keys=True), repr(more)]
    found = hashlib.sha256("\n".join(told).encode())
    for name, tensor in sorted(network.state_dict().items()):
        found.update(f"{name} {tuple(tensor.shape)}".encode())
        found.update(tensor.float().contiguous().numpy().data)
    return found.hexdigest()
