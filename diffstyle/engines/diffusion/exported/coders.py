"""The two halves of a VAE as they are exported: pictures to latents, and latents to pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from diffstyle.engines.diffusion.exported.controlnet import Run
from diffstyle.engines.diffusion.exported.sizes import photo_sizes
from diffstyle.runtimes.exportable import Exportable, Input, Side


class CoderExport(nn.Module):
    """`forward(planes)` is what `network` makes of (1, c, h, w)."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, planes: Tensor) -> Tensor:
        return self.network(planes)


def exportable(network: Any, digest: str, *, channels: int, multiple: int) -> Exportable:
    """The export of a float32 encoder or decoder that reads `channels` channels: those of latents, of which one side is
    `multiple` pixels of the picture, or 3.
    """
    reads_pictures = channels == 3

    def from_photo(photo: Tensor, number: int) -> tuple[Tensor, ...]:
        if reads_pictures:
            return (photo * 2 - 1,)
        sides = [int(side) // multiple for side in photo.shape[2:]]
        return (torch.randn((1, channels, *sides), generator=torch.Generator().manual_seed(number)),)

    return Exportable(
        name="painting-encoder" if reads_pictures else "painting-decoder",
        title=f"the {'encoder' if reads_pictures else 'decoder'} of a VAE, as diffstyle paints with it",
        module=CoderExport(network),
        inputs=(
            Input(
                name="planes", meaning=f"(1, {channels}, height, width)", sides={2: Side("height"), 3: Side("width")}
            ),
        ),
        outputs={"coded": "latents of pictures, or pictures of latents, as the VAE scales them"},
        from_photo=from_photo,
        sizes=photo_sizes(multiple),
        digest=digest,
    )


def forward_of(network: Any, run: Run) -> Callable[..., Tensor]:
    """What takes the place of the `forward` of `network`; torch computes where a gradient is wanted."""
    in_torch = network.forward

    def forward(planes: Tensor) -> Tensor:
        if planes.requires_grad:
            return in_torch(planes)
        return torch.cat([run([planes[n : n + 1]])[0] for n in range(len(planes))]).to(planes)

    return forward
