"""What the decoder must know of the features before training: their scale, and directions to match in."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from diffstyle.encoders.features import EfficientNetLite0
from diffstyle.engines.nnst.decoder import DEEP, DEEP_KEYS, FINE, FINE_KEYS, Decoder
from diffstyle.ops.colour_transfer import eigh
from diffstyle.training.nnst.material import Material, draw

BATCHES, SIDE = 40, 192


@torch.no_grad()
def measure(decoder: Decoder, net: EfficientNetLite0, material: Material, *, seed: int) -> None:
    """Fill in the decoder's scales and the principal directions of centred features, layers weighted alike."""
    rng = np.random.default_rng(seed)
    pictures = [draw(material, height=SIDE, width=SIDE, count=6, rng=rng).styles for _ in range(BATCHES)]
    features = [net(p) for p in pictures]
    for names, scale, keys, width in (
        (FINE, decoder.fine_scale, decoder.fine_keys, FINE_KEYS),
        (DEEP, decoder.deep_scale, decoder.deep_keys, DEEP_KEYS),
    ):
        layers = {name: torch.cat([f[name][..., ::2, ::2].float() for f in features]) for name in names}
        rms = {name: x.square().mean().sqrt() for name, x in layers.items()}
        scale.copy_(torch.cat([rms[name].expand(x.shape[1]) for name, x in layers.items()]))
        keys.copy_(_principal({name: x / rms[name] for name, x in layers.items()}, width))


def _principal(layers: dict[str, Tensor], width: int) -> Tensor:
    """(c, width): each layer weighted to the same variance in all, then the directions of largest variance."""
    rows: list[Tensor] = []
    weights: list[Tensor] = []
    for x in layers.values():
        centred = (x - x.mean((2, 3), keepdim=True)).permute(0, 2, 3, 1).flatten(0, 2)  # (n, c)
        weight = centred.square().sum(1).mean().rsqrt()
        rows.append(centred * weight)
        weights.append(weight.expand(x.shape[1]))
    joined = torch.cat(rows, 1)
    _, vectors = eigh(joined.T @ joined / len(joined))
    return torch.cat(weights)[:, None] * vectors[:, -width:].flip(1)
