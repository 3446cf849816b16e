"""Self-attention that looks at style pictures, without training.

`Injected` is StyleID's (Chung et al. 2024): the picture's queries are mixed with the photo's and see the style's keys
and values alone. `Shared` is Style Aligned's (Hertz et al. 2024): queries and keys take on the statistics of the
style's, and see the style beside the picture itself. Photo and styles are denoised in the same batch, as rows behind
the picture's own, so that no features are stored.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.engines.diffusion.patched import replaced

SMALLEST = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class Branches:
    """What is denoised beside the picture: the latents of the photo and of s style pictures at each noise level.

    `photo` (levels, c, h, w), `styles` (levels, s, c, h, w); `shares` (s, h, w) is how far each style acts at each
    place, 1 together.
    """

    levels: tuple[int, ...]
    photo: Tensor
    styles: Tensor
    shares: Tensor

    def at(self, level: int) -> Tensor:
        """(1 + s, c, h, w): the photo's latents at a noise level, and the styles'."""
        n = self.levels.index(level)
        return torch.cat([self.photo[n : n + 1], self.styles[n]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """`kind` of attention, the share `preserved` of the photo's queries, and the `temperature` that sharpens it."""

    kind: Literal["inject", "share"]
    preserved: float = 0.75
    temperature: float = 1.5


class BranchedAttention:
    """diffusers' attention processor for a batch whose last rows are `Branches`; as it is constructed by itself, which
    loading an IP-Adapter does, it is plain attention.
    """

    def __init__(self, method: Method | None = None, shares: Tensor | None = None) -> None:
        self.method, self.shares = method, shares

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        from diffusers.models.attention_processor import AttnProcessor2_0

        method, shares = self.method, self.shares
        if method is None or shares is None or encoder_hidden_states is not None:
            plain: Any = AttnProcessor2_0()
            return plain(attn, hidden_states, encoder_hidden_states, attention_mask, temb)
        q, k, v = (_heads(linear(hidden_states), attn.heads) for linear in (attn.to_q, attn.to_k, attn.to_v))
        first = len(hidden_states) - 1 - len(shares)  # the row of the photo
        rest = F.scaled_dot_product_attention(q[first:], k[first:], v[first:])
        places = shares_of(shares, q.shape[2]).to(q)[:, None, None, :, None]  # (s, 1, 1, tokens, 1)
        mixed = torch.zeros_like(q[:first])
        for n, share in enumerate(places, first + 1):
            mixed += share * _attended(method, q, k, v, own=first, style=n)
        out = torch.cat([mixed, rest]).transpose(1, 2).flatten(2)
        return attn.to_out[1](attn.to_out[0](out)) / attn.rescale_output_factor


def _attended(method: Method, q: Tensor, k: Tensor, v: Tensor, *, own: int, style: int) -> Tensor:
    """(own, heads, tokens, width): what the picture's own rows see of the row `style`."""
    others = (own, -1, -1, -1)
    style_k, style_v = (x[style : style + 1].expand(*others) for x in (k, v))
    if method.kind == "inject":
        queries = torch.lerp(q[:own], q[own : own + 1].expand(*others), method.preserved)
        scale = method.temperature / q.shape[-1] ** 0.5
        return F.scaled_dot_product_attention(queries, style_k, style_v, scale=scale)
    queries, keys = (with_statistics_of(x[style : style + 1], x[:own]) for x in (q, k))
    return F.scaled_dot_product_attention(queries, torch.cat([keys, style_k], 2), torch.cat([v[:own], style_v], 2))


def with_statistics_of(style: Tensor, x: Tensor, dim: int = 2) -> Tensor:
    """AdaIN (Huang and Belongie 2017): `x` with mean and deviation of `style` over `dim`."""
    mean, own = style.mean(dim, keepdim=True), x.mean(dim, keepdim=True)
    deviation, usual = style.std(dim, keepdim=True), x.std(dim, keepdim=True)
    return (x - own) / (usual + SMALLEST) * (deviation + SMALLEST) + mean


def shares_of(shares: Tensor, tokens: int) -> Tensor:
    """(s, tokens): shares (s, h, w) at the places of a level of the UNet, whose sides are halved and rounded up."""
    h, w = int(shares.shape[1]), int(shares.shape[2])
    while h * w > tokens:
        h, w = -(-h // 2), -(-w // 2)
    small = F.adaptive_avg_pool2d(shares[None], (h, w))[0].flatten(1)
    return small / small.sum(0, keepdim=True).clamp_min(SMALLEST)


@contextmanager
def branched(unet: Any, branches: Branches, method: Method, layers: Iterable[str]) -> Generator[None, None, None]:
    """Within, `unet` denoises `branches` beside every sample, and self-attention `layers` look at them; it is bit for
    bit what it was afterwards.
    """
    processors = dict(unet.attn_processors)
    chosen = set(layers)
    own = {n: BranchedAttention(method, branches.shares) if n in chosen else p for n, p in processors.items()}
    forward = unet.forward

    def together(sample: Tensor, timestep: Any, encoder_hidden_states: Tensor, **named: Any) -> tuple[Tensor]:
        beside = branches.at(int(timestep)).to(sample)
        count = len(beside)
        out = forward(
            torch.cat([sample, beside]),
            timestep,
            _longer(encoder_hidden_states, count),
            **{**_with_rows(named, count), "return_dict": False},
        )[0]
        return (out[: len(sample)],)

    unet.set_attn_processor(own)
    try:
        with replaced(unet, "forward", together):
            yield
    finally:
        unet.set_attn_processor(processors)


def self_attention_layers(unet: Any, blocks: str) -> list[str]:
    """The names of the self-attention processors in `blocks`, comma-separated prefixes such as up_blocks.2; without
    any, in the last two upward blocks that have some: StyleID's layers of Stable Diffusion 1.
    """
    every: list[str] = [
        n for n in unet.attn_processors if n.endswith("attn1.processor") and not n.startswith("encoder_hid_proj")
    ]
    if blocks:
        prefixes = tuple(part.strip() for part in blocks.split(","))
        return [n for n in every if n.startswith(prefixes)]
    upward: list[str] = sorted({".".join(n.split(".")[:2]) for n in every if n.startswith("up_blocks.")})
    return [n for n in every if n.startswith(tuple(f"{b}." for b in upward[-2:]))] if upward else every


def _heads(x: Tensor, heads: int) -> Tensor:
    """(b, tokens, heads * width) -> (b, heads, tokens, width)."""
    return x.view(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)


def _longer(rows: Tensor, count: int) -> Tensor:
    """`count` more rows like the first, which with guidance is that of no words."""
    return torch.cat([rows, rows[:1].expand(count, *rows.shape[1:])])


def _with_rows(named: Mapping[str, Any], count: int) -> dict[str, Any]:
    """The other arguments of a UNet for `count` more rows: no style embeddings and no ControlNet act on them."""
    found = dict(named)
    added: dict[str, Any] = dict(named.get("added_cond_kwargs") or {})
    for key, value in added.items():
        if key == "image_embeds":
            added[key] = [torch.cat([e, torch.zeros_like(e[:1]).expand(count, *e.shape[1:])]) for e in value]
        else:
            added[key] = _longer(value, count)
    if added:
        found["added_cond_kwargs"] = added
    for key in ("down_block_additional_residuals", "mid_block_additional_residual"):
        value = named.get(key)
        if value is not None:
            found[key] = _silent(value, count) if isinstance(value, Tensor) else [_silent(v, count) for v in value]
    return found


def _silent(rows: Tensor, count: int) -> Tensor:
    return torch.cat([rows, torch.zeros_like(rows[:1]).expand(count, *rows.shape[1:])])
