"""A style as the inputs of a diffusion pipeline: embeddings for its adapters, words for its text encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

import torch
from torch import Tensor

from diffstyle.adapters.tokens import TokensAdapter
from diffstyle.core.errors import InputError
from diffstyle.core.mask import composite_weights
from diffstyle.core.style import Reference, Style
from diffstyle.core.task import ResolvedTask
from diffstyle.encoders.clip import StyleEncoder
from diffstyle.engines.diffusion.settings import diffusion_settings
from diffstyle.engines.diffusion.style_content import without_content
from diffstyle.formats.exemplar import decode_exemplar


def image_embeds(
    adapters: Sequence[TokensAdapter], encoder: StyleEncoder | None, task: ResolvedTask, *, guided: bool
) -> list[Tensor]:
    """What diffusers calls ip_adapter_image_embeds: for each adapter (b, styles, d), or (b, styles, n, d) for a plus
    adapter; b is 2 with guidance, what is not wanted first.
    """
    found: list[Tensor] = []
    for adapter in adapters:
        several = diffusion_settings(task).blend == "tokens"
        content = diffusion_settings(task).style_content
        wanted = torch.cat([_inputs(adapter, encoder, s, several=several, content=content) for s in task.styles], 1)
        if not guided:
            found.append(wanted)
            continue
        found.append(torch.cat([_unwanted(adapter, encoder, task, wanted), wanted]))
    return found


def _unwanted(adapter: TokensAdapter, encoder: StyleEncoder | None, task: ResolvedTask, wanted: Tensor) -> Tensor:
    """What guidance moves away from, of the shape of `wanted`: the negative style, or what stands for none."""
    if task.negative_style is not None:
        several = _inputs(adapter, encoder, task.negative_style, several=False)
        return several.mean(1, keepdim=True).expand_as(wanted)
    if adapter.variant == "plus" and encoder is not None:  # as the public ones were trained: an empty picture
        return encoder.features(None).expand_as(wanted)
    return torch.zeros_like(wanted)


def with_features(style: Style, encoder: StyleEncoder) -> Style:
    """`style` with what a plus adapter reads of each picture inside, so that it can be rendered without them.

    Exemplars travel with a style anyway, and are read when it is rendered.
    """
    key = features_key(encoder)

    def seen(r: Reference) -> Reference:
        if not r.pictures or r.exemplars or key in r.statistics:
            return r
        flat = _mean_features(encoder, r).flatten()
        return replace(r, statistics=MappingProxyType({**r.statistics, key: flat}))

    return replace(style, references=tuple(seen(r) for r in style.references))


def has_features(reference: Reference, encoder: StyleEncoder) -> bool:
    """Whether a plus adapter can read `reference`."""
    return bool(reference.pictures or reference.exemplars or features_key(encoder) in reference.statistics)


def features_key(encoder: StyleEncoder) -> str:
    return f"features-{encoder.space.replace('/', '-')}"


def style_weights(adapter: TokensAdapter, task: ResolvedTask) -> list[float]:
    """How much each set of tokens that an adapter gets counts: 1 in all for each style of the task."""
    return [weight for style in task.styles for weight in _weights(adapter, style, task)]


def style_masks(adapter: TokensAdapter, task: ResolvedTask) -> Tensor:
    """(styles, H, W): where each set of tokens acts; of one style alone (1, H, W), everywhere."""
    everywhere = torch.ones(1, task.content.height, task.content.width)
    left, parts = composite_weights(task.regions) if task.regions else (everywhere, [])
    sets = [len(_weights(adapter, style, task)) for style in task.styles]
    return torch.cat([part.expand(n, -1, -1) for part, n in zip((left, *parts), sets, strict=True)])


def _weights(adapter: TokensAdapter, style: Style, task: ResolvedTask) -> list[float]:
    several = adapter.variant == "plus" or diffusion_settings(task).blend == "tokens"
    return [r.weight for r in style.references] if several else [1.0]


def words(task: ResolvedTask) -> tuple[str, str]:
    """Prompt and negative prompt of a task: its own words, and its style's; words would act all over, so with regions
    each style acts through adapters alone.
    """
    settings = diffusion_settings(task)
    wanted = "" if task.regions else task.style.prompt
    unwanted = task.negative_style.prompt if task.negative_style is not None else ""
    joined = [", ".join(p for p in pair if p) for pair in ((wanted, settings.prompt), (unwanted, settings.negative))]
    return joined[0], joined[1]


def _inputs(
    adapter: TokensAdapter, encoder: StyleEncoder | None, style: Style, *, several: bool, content: str = ""
) -> Tensor:
    """(1, styles, d), without what the words `content` name, or (1, styles, n, d)."""
    if adapter.variant == "plus":
        return torch.stack([_features(adapter, encoder, r) for r in style.references])[None]
    norm = adapter.norm or (encoder.norm if encoder is not None else 1.0)
    vectors = [_embedding(adapter, r) for r in style.references] if several else [style.embedding_in(adapter.space)]
    for vector in vectors:
        if len(vector) != adapter.width:
            raise InputError(
                f"The embedding of {style.label} has {len(vector)} numbers, the adapter {adapter.name} reads"
                f" {adapter.width}: it was made for another encoder than {adapter.space}."
            )
    stacked = torch.stack(vectors)
    if content and encoder is not None:
        stacked = without_content(stacked, encoder, content)
    return stacked[None] * norm


def _embedding(adapter: TokensAdapter, reference: Reference) -> Tensor:
    if adapter.space not in reference.embeddings:
        raise InputError(f"The style {reference.source} has no embedding in {adapter.space}: make it again there.")
    return reference.embeddings[adapter.space]


def _features(adapter: TokensAdapter, encoder: StyleEncoder | None, reference: Reference) -> Tensor:
    """(n, d) features of the reference's pictures."""
    kept = None if encoder is None else reference.statistics.get(features_key(encoder))
    if encoder is None or not (reference.pictures or reference.exemplars or kept is not None):
        what = "words" if reference.prompt else "embeddings alone"
        raise InputError(
            f"The plus adapter {adapter.name} looks at pictures, and {reference.source} is {what}: give a picture, or a"
            " base adapter."
        )
    if kept is not None:
        return kept.reshape(-1, encoder.features(None).shape[1])
    features = _mean_features(encoder, reference)
    if features.shape[1] != adapter.width:
        raise InputError(
            f"The adapter {adapter.name} reads features of {adapter.width} numbers, the encoder {encoder.space} has"
            f" {features.shape[1]}: it was made for another encoder."
        )
    return features


def _mean_features(encoder: StyleEncoder, reference: Reference) -> Tensor:
    """(n, d): the features of its exemplars, or else of its pictures, averaged."""
    exemplars = tuple(decode_exemplar(data, name=reference.source) for data in reference.exemplars)
    found = [encoder.features(p) for p in exemplars or reference.pictures]
    return found[0] if len(found) == 1 else torch.stack(found).mean(0)
