"""The attention of style adapters as it is exported: the styles' tokens, and where each acts, are tensors.

diffusers' own processor loops over styles, reads scales as numbers, and resizes masks to sides that it guesses from the
number of places: none of which a graph for any number of styles and any size can hold.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F


class PlacedStyles(nn.Module):
    """Cross-attention to words and, beside them, to styles: in the place of diffusers' `IPAdapterAttnProcessor2_0`.

    `given` holds for each adapter the tokens (styles, tokens, width) and how much each style counts at each place
    (styles, places or 1, 1). It is set before each call.
    """

    def __init__(self, processor: Any) -> None:
        """With the keys and values of diffusers' `processor`, one pair of projections for each adapter."""
        super().__init__()
        self.to_k_ip, self.to_v_ip = processor.to_k_ip, processor.to_v_ip
        self.given: list[tuple[Tensor, Tensor]] = []

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        """(1, places, width) of one picture; the two last arguments are None in UNets that are exported."""
        del attention_mask, temb
        query, keys, values = (
            attn.to_q(hidden_states),
            attn.to_k(encoder_hidden_states),
            attn.to_v(encoder_hidden_states),
        )
        out = _attended(query, keys, values, attn.heads)
        for (tokens, weights), to_k, to_v in zip(self.given, self.to_k_ip, self.to_v_ip, strict=True):
            queries = query.expand(tokens.shape[0], -1, -1)
            found = _attended(queries, to_k(tokens), to_v(tokens), attn.heads)
            out = out + (found * weights).sum(0, keepdim=True)
        return attn.to_out[1](attn.to_out[0](out)) / attn.rescale_output_factor


def _attended(query: Tensor, keys: Tensor, values: Tensor, heads: int) -> Tensor:
    """(b, places, width) of queries (b, places, width), keys and values (b, tokens, width)."""
    q, k, v = (_split(x, heads) for x in (query, keys, values))
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


def _split(x: Tensor, heads: int) -> Tensor:
    """(b, tokens, width) -> (b, heads, tokens, width / heads)."""
    return x.view(x.shape[0], -1, heads, x.shape[2] // heads).transpose(1, 2)
