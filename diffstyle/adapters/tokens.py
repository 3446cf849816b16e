"""The `tokens` adapter: a style embedding as extra keys and values of a UNet's cross-attention.

IP-Adapter (Ye et al. 2023) in its own file layout: `image_proj.*` turns the embedding into tokens, `ip_adapter.{n}.*`
are one key and one value projection for each cross-attention layer. Base adapters take the pooled embedding (d,), plus
adapters a resampler over a sequence of features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

import torch
from torch import Tensor, nn

from diffstyle.adapters.protocol import Undo
from diffstyle.backbones.backbone import Backbone
from diffstyle.backbones.recognise import Architecture
from diffstyle.core.errors import InputError
from diffstyle.core.model_options import ExportFormat
from diffstyle.core.quiet import quiet
from diffstyle.formats.atomic import fingerprint
from diffstyle.formats.safetensors import read_pickle, read_safetensors, read_state, write_safetensors

Variant = Literal["base", "plus"]
ENCODERS: Mapping[tuple[Variant, int], str] = {
    ("base", 1024): "ViT-H-14/laion2b_s32b_b79k",
    ("plus", 1280): "ViT-H-14/laion2b_s32b_b79k",
    ("base", 1280): "ViT-bigG-14/laion2b_s39b_b160k",
    ("base", 768): "ViT-L-14/openai",
}
"""The encoder that a public adapter reads, by its variant and the width of its input."""


@dataclass(frozen=True, slots=True, eq=False)
class TokensAdapter:
    """`image_proj` and `ip_adapter` hold the tensors of the two parts, without their prefix.

    `space` names the embeddings it reads. `norm` is the length they had in training; 0 stands for the length that the
    encoder itself gives them, which the public adapters are trained on.
    """

    kind: ClassVar[str] = "tokens"
    layouts: ClassVar[tuple[ExportFormat, ...]] = ("ip-adapter",)
    wraps_layers: ClassVar[bool] = False

    name: str
    image_proj: Mapping[str, Tensor]
    ip_adapter: Mapping[str, Tensor]
    space: str
    norm: float = 0.0
    digest: str = ""

    @property
    def variant(self) -> Variant:
        """`base` reads one embedding (d,) of a picture, `plus` a sequence of features (n, d)."""
        return "base" if "proj.weight" in self.image_proj else "plus"

    @property
    def width(self) -> int:
        """The width d of the embeddings, or features, that it reads."""
        weight = self.image_proj["proj.weight" if self.variant == "base" else "proj_in.weight"]
        return int(weight.shape[1])

    @property
    def tokens(self) -> int:
        """How many tokens it adds to the cross-attention for each style."""
        return 4 if self.variant == "base" else int(self.image_proj["latents"].shape[1])

    @property
    def architecture(self) -> Architecture:
        """The cross-attention width of the UNet it was made for, all that its tensors show of it."""
        return Architecture(next(int(v.shape[1]) for k, v in self.ip_adapter.items() if k.endswith("to_k_ip.weight")))

    @classmethod
    def load(cls, path: str | Path, *, name: str = "") -> TokensAdapter:
        """Read a safetensors or `.bin` file in IP-Adapter layout, the latter with weights_only.

        InputError if it is of another layout, or an adapter that reads faces.
        """
        path = Path(path)
        metadata, state = _read(path)
        parts = {
            prefix: {k.removeprefix(f"{prefix}."): v for k, v in state.items() if k.startswith(f"{prefix}.")}
            for prefix in ("image_proj", "ip_adapter")
        }
        if not all(parts.values()):
            raise InputError(f"Cannot use {path}: it is not an IP-Adapter, which holds image_proj.* and ip_adapter.*.")
        if "proj.weight" not in parts["image_proj"] and "latents" not in parts["image_proj"]:
            raise InputError(f"Cannot use {path}: it reads faces, not styles; give a base or plus IP-Adapter.")
        adapter = cls(
            name or path.name,
            parts["image_proj"],
            parts["ip_adapter"],
            metadata.get("space", ""),
            float(metadata.get("norm", 0)),
            fingerprint(path),
        )
        space = adapter.space or ENCODERS.get((adapter.variant, adapter.width), "")
        return cls(adapter.name, adapter.image_proj, adapter.ip_adapter, space, adapter.norm, adapter.digest)

    @classmethod
    def of(cls, unet: Any, *, name: str, space: str, norm: float, index: int = 0) -> TokensAdapter:
        """A copy of adapter number `index` of those attached to `unet`, with its current parameters."""
        image_proj = layout_of(unet.encoder_hid_proj.image_projection_layers[index])
        ip_adapter: dict[str, Tensor] = {}
        processors = unet.attn_processors
        for n, layer in enumerate(_own_layers(unet)):
            if not layer.endswith("attn1.processor"):
                ip_adapter[f"{n}.to_k_ip.weight"] = processors[layer].to_k_ip[index].weight
                ip_adapter[f"{n}.to_v_ip.weight"] = processors[layer].to_v_ip[index].weight
        parts = [{k: v.detach().cpu().clone() for k, v in part.items()} for part in (image_proj, ip_adapter)]
        return cls(name, parts[0], parts[1], space, norm)

    def half(self) -> TokensAdapter:
        """The same adapter in float16, as it ships."""
        parts = [{k: v.half() for k, v in part.items()} for part in (self.image_proj, self.ip_adapter)]
        return replace(self, image_proj=parts[0], ip_adapter=parts[1])

    def save(self, path: Path) -> Path:
        """Write a file that diffusers' `load_ip_adapter` reads; `space` and `norm` are in its metadata."""
        write_safetensors(path, *self.export("ip-adapter"))
        return path

    def export(
        self, layout: ExportFormat = "ip-adapter", *, base: str = ""
    ) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Tensors and metadata in IP-Adapter layout, the only one there is; `base` is not needed."""
        del layout, base
        state = {f"image_proj.{k}": v for k, v in self.image_proj.items()}
        state |= {f"ip_adapter.{k}": v for k, v in self.ip_adapter.items()}
        return state, {"format": "pt", "space": self.space, "norm": str(self.norm), "diffstyle": "tokens/1"}

    def check_fits(self, host: Backbone) -> None:
        """InputError if it was made for a UNet whose cross-attention has other widths or other layers."""
        if self.architecture.cross_attention != host.architecture.cross_attention:
            raise InputError(f"The adapter {self.name} is for {self.architecture}, the model is {host.architecture}.")
        shapes = expected_shapes(host.unet)
        own = {
            k: tuple(v.shape) for k, v in self.ip_adapter.items() if k.endswith(("to_k_ip.weight", "to_v_ip.weight"))
        }
        if own != shapes:
            raise InputError(
                f"The adapter {self.name} has {len(own) // 2} layers of its own, the model needs"
                f" {len(shapes) // 2} of its own widths: it was made for another model of {host.architecture}."
            )

    def attach(self, host: Backbone, *more: TokensAdapter) -> Undo:
        """Replace the UNet's cross-attention processors by those of this adapter and `more`, side by side."""
        from diffusers.models.attention_processor import AttnProcessor2_0

        adapters, unet, pipeline = (self, *more), host.unet, host.pipeline
        for adapter in adapters:
            adapter.check_fits(host)
        processors = dict(unet.attn_processors)
        projection, kind = unet.encoder_hid_proj, unet.config.encoder_hid_dim_type
        extractor = getattr(pipeline, "feature_extractor", None)

        def undo() -> None:
            with host.changing(), quiet():
                unet.encoder_hid_proj = projection  # first: a resampler in it has attention processors of its own
                unet.set_attn_processor(processors)
                unet.config.encoder_hid_dim_type = kind
                pipeline.register_modules(feature_extractor=extractor)

        names = [a.name for a in adapters]
        with host.changing():
            try:
                unet.set_attn_processor(
                    AttnProcessor2_0()
                )  # the loader derives its own from these, not from sliced ones
                with quiet():
                    pipeline.load_ip_adapter(
                        [a.state_dict() for a in adapters],
                        subfolder=[""] * len(adapters),
                        weight_name=names,
                        image_encoder_folder=None,
                    )
            except (ValueError, RuntimeError, KeyError) as error:
                undo()
                raise InputError(
                    f"Cannot attach {' and '.join(names)}: tensors are missing or of other shapes."
                ) from error
            except BaseException:
                undo()
                raise
            unet.requires_grad_(False)
        return undo

    def trainable(self, host: Backbone) -> dict[str, nn.Parameter]:
        """Its projection, and its keys and values in every cross-attention layer.

        The parameters of all attached `tokens` adapters: training one requires that it is the only one.
        """
        unet = host.unet
        found = {f"encoder_hid_proj.{k}": p for k, p in unet.encoder_hid_proj.named_parameters()}
        for name, processor in unet.attn_processors.items():
            if hasattr(processor, "to_k_ip"):
                found |= {f"{name}.{k}": p for k, p in processor.named_parameters()}
        return found

    def state_dict(self) -> dict[str, dict[str, Tensor]]:
        """The nested form that diffusers' loader takes."""
        return {"image_proj": dict(self.image_proj), "ip_adapter": dict(self.ip_adapter)}

    @classmethod
    def random(
        cls, unet: Any, *, width: int, space: str, tokens: int = 4, norm: float = 1.0, seed: int = 0
    ) -> TokensAdapter:
        """An untrained adapter of the base variant for `unet`, initialised as torch initialises linear layers."""
        if tokens != 4:
            raise InputError("A base IP-Adapter has 4 tokens: programs that read it assume that number.")
        generator = torch.Generator().manual_seed(seed)
        cross = int(unet.config.cross_attention_dim)
        image_proj = {
            "proj.weight": _uniform(generator, tokens * cross, width),
            "proj.bias": torch.zeros(tokens * cross),
            "norm.weight": torch.ones(cross),
            "norm.bias": torch.zeros(cross),
        }
        return cls("random", image_proj, _untrained(unet, generator), space, norm)

    @classmethod
    def random_plus(
        cls, unet: Any, *, width: int, space: str, tokens: int = 16, hidden: int = 128, seed: int = 0
    ) -> TokensAdapter:
        """An untrained adapter of the plus variant for `unet`: `tokens` queries over features of `width` numbers."""
        from diffusers.models.embeddings import IPAdapterPlusImageProjection

        with torch.random.fork_rng():
            torch.manual_seed(seed)
            resampler = IPAdapterPlusImageProjection(
                embed_dims=width,
                output_dims=int(unet.config.cross_attention_dim),
                hidden_dims=hidden,
                heads=hidden // 64,
                num_queries=tokens,
            )
        image_proj = {k: v.detach().clone() for k, v in layout_of(resampler).items()}
        return cls("random plus", image_proj, _untrained(unet, torch.Generator().manual_seed(seed)), space)


def layout_of(projection: nn.Module) -> dict[str, Tensor]:
    """The tensors of diffusers' image projection under their names in IP-Adapter layout; not copies."""
    state = projection.state_dict(keep_vars=True)
    if "latents" not in state:
        return {k.replace("image_embeds.", "proj."): v for k, v in state.items()}
    found: dict[str, Tensor] = {}
    for key, value in state.items():
        if key.endswith("attn.to_k.weight"):
            other = state[key.replace("to_k", "to_v")]
            found[key.replace("attn.to_k", "0.to_kv")] = torch.cat([value, other])
        elif not key.endswith("attn.to_v.weight"):
            found[_renamed(key)] = value
    return found


_RESAMPLER = (
    (".ln0.", ".0.norm1."),
    (".ln1.", ".0.norm2."),
    (".attn.to_out.0.", ".0.to_out."),
    (".attn.", ".0."),
    (".ff.0.", ".1.0."),
    (".ff.1.net.0.proj.", ".1.1."),
    (".ff.1.net.2.", ".1.3."),
)
"""Parts of names in diffusers' resampler, and in IP-Adapter's."""


def _renamed(key: str) -> str:
    return next((key.replace(own, public) for own, public in _RESAMPLER if own in key), key)


def _untrained(unet: Any, generator: torch.Generator) -> dict[str, Tensor]:
    return {k: _uniform(generator, *s) for k, s in expected_shapes(unet).items()}


def _uniform(generator: torch.Generator, *shape: int) -> Tensor:
    """As torch initialises linear layers."""
    return (torch.rand(shape, generator=generator) * 2 - 1) / shape[-1] ** 0.5


def expected_shapes(unet: Any) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the `ip_adapter.*` tensors for a UNet, two for each cross-attention layer.

    The number in a name is the place of the layer's processor among all attention processors.
    """
    modules = dict(unet.named_modules())
    shapes: dict[str, tuple[int, ...]] = {}
    for n, name in enumerate(_own_layers(unet)):
        attention = modules[name.removesuffix(".processor")]
        if not name.endswith("attn1.processor"):
            size = (int(attention.to_k.weight.shape[0]), int(unet.config.cross_attention_dim))
            shapes |= {f"{n}.to_k_ip.weight": size, f"{n}.to_v_ip.weight": size}
    return shapes


def _own_layers(unet: Any) -> list[str]:
    """The names of a UNet's attention processors, without those of a resampler that an adapter has put into it."""
    return [name for name in unet.attn_processors if not name.startswith("encoder_hid_proj.")]


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    if path.suffix == ".safetensors":
        return read_safetensors(path)
    loaded = read_pickle(path) if path.suffix == ".bin" else None
    if isinstance(loaded, dict) and {"image_proj", "ip_adapter"} <= loaded.keys():  # pyright: ignore[reportUnknownMemberType]
        parts = cast("dict[str, dict[str, Tensor]]", loaded)  # the layout of the first releases: two dictionaries
        return {}, {f"{prefix}.{k}": v for prefix, part in parts.items() for k, v in part.items()}
    return {}, read_state(path)
