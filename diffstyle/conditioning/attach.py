"""Adapters on a backbone and off it again, leaving no trace."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from typing import Any

from diffstyle.backbones.backbone import Backbone
from diffstyle.backbones.load import quiet
from diffstyle.conditioning.blocks import Scales, check_blocks, scale_of
from diffstyle.conditioning.lora import LoraAdapter
from diffstyle.conditioning.tokens import TokensAdapter
from diffstyle.errors import InputError

StyleAdapter = TokensAdapter | LoraAdapter


@contextlib.contextmanager
def attached(adapters: StyleAdapter | Sequence[StyleAdapter], backbone: Backbone) -> Generator[Backbone]:
    """`backbone` with `adapters` on it, in this order; afterwards its networks are what they were, bit for bit."""
    several = [adapters] if isinstance(adapters, (TokensAdapter, LoraAdapter)) else list(adapters)
    with contextlib.ExitStack() as stack:
        loras = [a for a in several if isinstance(a, LoraAdapter)]
        tokens = [a for a in several if isinstance(a, TokensAdapter)]
        if loras:
            stack.enter_context(_loras(loras, backbone))
        if tokens:
            stack.enter_context(_tokens(tokens, backbone))
        backbone.arrange()
        try:
            yield backbone
        finally:
            backbone.pipeline.remove_all_hooks()
    backbone.arrange()


@contextlib.contextmanager
def _tokens(adapters: list[TokensAdapter], backbone: Backbone) -> Generator[None]:
    unet = backbone.unet
    for adapter in adapters:
        adapter.check_fits(unet, backbone.architecture)
    processors = dict(unet.attn_processors)
    projection, kind = unet.encoder_hid_proj, unet.config.encoder_hid_dim_type
    extractor = getattr(backbone.pipeline, "feature_extractor", None)
    try:
        unet.set_default_attn_processor()  # the loader makes its own from these; sliced ones come after
        names = [a.name for a in adapters]
        try:
            with quiet():
                backbone.pipeline.load_ip_adapter(
                    [a.state_dict() for a in adapters],
                    subfolder=[""] * len(adapters),
                    weight_name=names,
                    image_encoder_folder=None,
                )
        except (ValueError, RuntimeError, KeyError) as error:
            raise InputError(f"Cannot attach {' and '.join(names)}: tensors are missing or of other shapes.") from error
        unet.requires_grad_(False)
        yield
    finally:
        unet.encoder_hid_proj = projection  # first: a resampler in it has attention of its own
        unet.set_attn_processor(processors)
        unet.config.encoder_hid_dim_type = kind
        with quiet():
            backbone.pipeline.register_modules(feature_extractor=extractor)


@contextlib.contextmanager
def _loras(adapters: list[LoraAdapter], backbone: Backbone) -> Generator[None]:
    names = [f"diffstyle{n}" for n in range(len(adapters))]
    try:
        for name, adapter in zip(names, adapters, strict=True):
            adapter.check_fits(backbone.architecture)
            try:
                with quiet():
                    backbone.pipeline.load_lora_weights(dict(adapter.state), adapter_name=name)
            except (ValueError, RuntimeError, KeyError, TypeError) as error:
                raise InputError(f"The LoRA {adapter.name} does not fit the model {backbone.architecture}.") from error
        backbone.pipeline.set_adapters(names, [a.scale for a in adapters])
        yield
    finally:
        with quiet():
            backbone.pipeline.unload_lora_weights()


def set_scales(unet: Any, scales: Sequence[Sequence[tuple[Scales, float]]]) -> None:
    """How strongly each tokens adapter acts in each block: for each adapter, of each of its styles a profile and a
    factor; an adapter of one style is given one.
    """
    processors = {k: p for k, p in unet.attn_processors.items() if hasattr(p, "to_k_ip")}
    for of_adapter in scales:
        for profile, _ in of_adapter:
            check_blocks(profile, processors)
    for name, processor in processors.items():
        values = [[factor * scale_of(name, profile) for profile, factor in of_adapter] for of_adapter in scales]
        processor.scale = [v[0] if len(v) == 1 else v for v in values]
