"""A painting brought nearer to its targets by gradient descent (Kolkin et al. 2022, section 3.4).

What is added to the picture is a Laplacian pyramid, as in the paper, so that coarse and fine detail move at once.
Departures: the targets stay fixed, since few steps follow a decoder that begins near them; and the finest bands are
grey, since gradients leave coloured grain there that no target asks for.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.engines.nnst.bank import Painter
from diffstyle.engines.nnst.decoder import DEEP, FINE, Maps, split_layers
from diffstyle.ops.pyramid import collapsed

CHANNELS = (1, 1, 3, 3, 3)  # of the bands, from fine to coarse; each has half the side of the one before
RATE = 5e-3
OUTSIDE = 10.0  # weight of values outside [0, 1]
GRAIN = 2.0  # weight of what is added to the finest band


def refined(
    painter: Painter, picture: Tensor, targets: Maps, *, steps: int, on_step: Callable[[float], None]
) -> Tensor:
    """`picture` (1, 3, h, w), sides multiples of 16, after `steps` steps of Adam towards `targets`.

    `on_step(share)` is called before every step and may raise to cancel.
    """
    with torch.inference_mode(False), torch.enable_grad():
        wanted = [t.float().clone() for t in (*split_layers(targets.fine, FINE), *split_layers(targets.deep, DEEP))]
        start = picture.clone()
        h, w = picture.shape[2:]
        bands = [torch.zeros(1, c, h >> n, w >> n, requires_grad=True) for n, c in enumerate(CHANNELS)]
        optimizer = torch.optim.Adam(bands, RATE)
        for n in range(steps):
            on_step(n / steps)
            optimizer.zero_grad()
            image = start + collapsed(bands)
            maps = painter.read(image)
            found = (*split_layers(maps.fine, FINE), *split_layers(maps.deep, DEEP))
            loss = torch.stack([distance(f.float(), t) for f, t in zip(found, wanted, strict=True)]).sum()
            loss = loss + OUTSIDE * (image - image.clamp(0, 1)).square().mean() + GRAIN * bands[0].square().mean()
            loss.backward()
            optimizer.step()
        return (start + collapsed(bands)).detach().clamp(0, 1)


def distance(found: Tensor, wanted: Tensor) -> Tensor:
    """1 - cosine, and half the squared error over the target's mean square."""
    cosine = F.cosine_similarity(found, wanted, dim=1).mean()
    return 1 - cosine + 0.5 * (found - wanted).square().mean() / wanted.square().mean().clamp_min(1e-6)
