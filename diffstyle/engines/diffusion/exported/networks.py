"""A backbone's networks run by another runtime than torch, within a context; diffusers' pipeline stays in use."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from diffstyle.backbones.backbone import Backbone
from diffstyle.core.errors import InputError
from diffstyle.core.model_options import Runtime
from diffstyle.core.quiet import quiet
from diffstyle.engines.diffusion.exported import coders
from diffstyle.engines.diffusion.exported import controlnet as controlnets
from diffstyle.engines.diffusion.exported import unet as unets
from diffstyle.engines.diffusion.patched import replaced
from diffstyle.formats.safetensors import digest_of_tensors
from diffstyle.runtimes.cached import session_of
from diffstyle.runtimes.exportable import Exportable
from diffstyle.runtimes.sessions import Session, dtype_inside

LARGEST = 400_000_000  # parameters: an ONNX file holds two gigabytes
_NOT_HELD = ("addition_embed_type", "class_embed_type", "encoder_hid_dim_type", "time_cond_proj_dim")
"""What a UNet's configuration can ask for that its export has no input for."""


@dataclass(frozen=True, slots=True, eq=False)
class Converted:
    """A network outside torch as a function of tensors in the order of `inputs`, which names them."""

    session: Session
    inputs: Sequence[str]
    outputs: Sequence[str]

    def __call__(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        found = self.session.run({n: x.float().cpu() for n, x in zip(self.inputs, inputs, strict=True)})
        return [found[name] for name in self.outputs]


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
        said = None if self.runtime == "torch" else lacking(self.backbone, self.runtime)
        if said is not None:
            raise InputError(said)

    def forget(self) -> None:
        """What is attached to the networks has changed."""
        self._converted.clear()

    @contextmanager
    def acting(self) -> Generator[None, None, None]:
        """Within, they compute in the place of torch's; the pipeline is what it was afterwards."""
        with ExitStack() as stack:
            if self.runtime != "torch":
                for network, forward in self._forwards():
                    stack.enter_context(replaced(network, "forward", forward))
            yield

    def _forwards(self) -> Generator[tuple[Any, Callable[..., Any]], None, None]:
        """Each network, and what takes the place of its forward."""
        backbone, multiple, prompt = self.backbone, self.backbone.multiple, self.prompt()
        unet, vae, shape = backbone.unet, backbone.pipeline.vae, tuple(prompt.shape)
        layers = unets.UNetLayers.of(unet, controlled=bool(backbone.controls))

        def of_unet(made: Any, digest: str) -> Exportable:
            return unets.exportable(made, layers, prompt, digest, multiple=multiple)

        def of_controlnet(made: Any, digest: str) -> Exportable:
            return controlnets.exportable(made, prompt, digest, multiple=multiple)

        def of_encoder(made: Any, digest: str) -> Exportable:
            return coders.encoder(made, digest, multiple=multiple)

        def of_decoder(made: Any, digest: str) -> Exportable:
            return coders.decoder(made, digest, channels=int(vae.config.latent_channels), multiple=multiple)

        yield unet, unets.forward_of(unet, layers, self._run("unet", unet, of_unet, layers, shape))
        for n, net in enumerate(_controlnets(backbone)):
            yield net, controlnets.forward_of(net, self._run(f"controlnet {n}", net, of_controlnet, shape))
        yield (
            vae.encoder,
            coders.forward_of(vae.encoder, self._run("encoder", vae.encoder, of_encoder, _settings(vae.config))),
        )
        yield (
            vae.decoder,
            coders.forward_of(vae.decoder, self._run("decoder", vae.decoder, of_decoder, _settings(vae.config))),
        )

    def _run(self, name: str, network: Any, export: Callable[[Any, str], Exportable], *more: object) -> Converted:
        """`network` outside torch; `more` is what else decides its export."""
        key = (name, self.backbone.dtype)
        if key not in self._converted:
            made = plain_copy(network)
            made_of = export(made, digest_of(made, *more))
            session = session_of(
                lambda: made_of,
                made_of.name,
                made_of.digest,
                runtime=self.runtime,
                device=self.backbone.device,
                dtype=dtype_inside(self.runtime, self.backbone.dtype),
            )
            self._converted[key] = Converted(session, [i.name for i in made_of.inputs], list(made_of.outputs))
        return self._converted[key]


def lacking(backbone: Backbone, runtime: Runtime) -> str | None:
    """A sentence if the export of a backbone would not hold all of it."""
    instead = "or give runtime=torch."
    if backbone.device.type != "cpu":
        return f"runtime={runtime} runs diffusion models on the CPU alone: give device=cpu, {instead}"
    if backbone.attention != "sdpa":
        return f"attention={backbone.attention} acts in torch alone: leave it out, {instead}"
    held = [name for name in _NOT_HELD if backbone.unet.config.get(name) is not None]
    if held:
        return f"The model's UNet reads more than its export could ({held[0]}): give runtime=torch."
    for net in _controlnets(backbone):
        if net.config.global_pool_conditions or net.config.addition_embed_type is not None:
            return "The ControlNet is of a kind that has no export: give runtime=torch."
    count = sum(p.numel() for p in backbone.unet.parameters())
    if count > LARGEST:
        return (
            f"The model's UNet has {count // 10**6} million parameters, its export could hold {LARGEST // 10**6}: give"
            " runtime=torch."
        )
    return None


def _controlnets(backbone: Backbone) -> list[Any]:
    """Those of the pipeline, in order."""
    found = getattr(backbone.pipeline, "controlnet", None)
    return [] if found is None else list(getattr(found, "nets", [found]))


def plain_copy(network: Any) -> Any:
    """A network in float32 with its LoRAs merged, which is what its export holds."""
    with quiet():
        made = copy.deepcopy(network).float().eval().requires_grad_(False)
        if getattr(made, "peft_config", None):
            made.fuse_lora()
            made.unload_lora()
    return made


def digest_of(network: Any, *more: object) -> str:
    """The sha256 of all that decides what a network computes: its tensors, configuration and code, and `more`."""
    import diffusers

    told = [diffusers.__version__, type(network).__name__, _settings(getattr(network, "config", {})), repr(more)]
    return digest_of_tensors(network.state_dict(), *told)


def _settings(config: Any) -> str:
    """A network's configuration without where it was read from."""
    return json.dumps({k: v for k, v in dict(config).items() if k[0] != "_"}, default=str, sort_keys=True)
