"""Adapters on a backbone and off it again, leaving no trace."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from typing import Any

from diffstyle.adapters.blocks import Scales, check_blocks, scale_of
from diffstyle.adapters.lora import LoraAdapter
from diffstyle.adapters.tokens import TokensAdapter
from diffstyle.backbones.backbone import Backbone
from diffstyle.core.errors import InputError
from diffstyle.core.quiet import quiet

StyleAdapter = TokensAdapter | LoraAdapter
Undo = Callable[[], None]


@contextlib.contextmanager
def attached(adapters: StyleAdapter | Sequence[StyleAdapter], backbone: Backbone) -> Generator[Backbone]:
    """`backbone` with `adapters` on it, in this order; afterwards its networks are what they were, bit for bit."""
    detach = attach([adapters] if isinstance(adapters, (TokensAdapter, LoraAdapter)) else adapters, backbone)
    try:
        yield backbone
    finally:
        detach()


def attach(adapters: Sequence[StyleAdapter], backbone: Backbone) -> Undo:
    """Put `adapters` on, and give what takes them off again. InputError, and nothing put on, if one does not fit."""
    backbone.release()
    undone: list[Undo] = []

    def detach() -> None:
        backbone.release()
        while undone:
            undone.pop()()
        backbone.arrange()

    try:
        if loras := [a for a in adapters if isinstance(a, LoraAdapter)]:
            _put_loras(loras, backbone, undone)
        if tokens := [a for a in adapters if isinstance(a, TokensAdapter)]:
            _put_tokens(tokens, backbone, undone)
    except BaseException:
        detach()
        raise
    backbone.arrange()
    return detach


def _put_tokens(adapters: list[TokensAdapter], backbone: Backbone, undone: list[Undo]) -> None:
    from diffusers.models.attention_processor import AttnProcessor2_0

    unet = backbone.unet
    for adapter in adapters:
        adapter.check_fits(unet, backbone.architecture)
    processors = dict(unet.attn_processors)
    projection, kind = unet.encoder_hid_proj, unet.config.encoder_hid_dim_type
    extractor = getattr(backbone.pipeline, "feature_extractor", None)

    def restore() -> None:
        unet.encoder_hid_proj = projection  # first: a resampler in it has attention of its own
        unet.set_attn_processor(processors)
        unet.config.encoder_hid_dim_type = kind
        with quiet():
            backbone.pipeline.register_modules(feature_extractor=extractor)

    undone.append(restore)
    unet.set_attn_processor(AttnProcessor2_0())  # the loader makes its own after these; sliced ones come later
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


def _put_loras(adapters: list[LoraAdapter], backbone: Backbone, undone: list[Undo]) -> None:
    def unload() -> None:
        with quiet():
            backbone.pipeline.unload_lora_weights()

    undone.append(unload)
    names = [f"diffstyle{n}" for n in range(len(adapters))]
    for name, adapter in zip(names, adapters, strict=True):
        adapter.check_fits(backbone.architecture)
        try:
            with quiet():
                backbone.pipeline.load_lora_weights(dict(adapter.state), adapter_name=name)
                backbone.pipeline.set_adapters([name], [adapter.scale])
        except (ValueError, RuntimeError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"The LoRA {adapter.name} does not fit the model {backbone.architecture}.") from error
    backbone.pipeline.set_adapters(names, [a.scale for a in adapters])


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
