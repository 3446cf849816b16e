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


def encoder(network: Any, digest: str, *, multiple: int) -> Exportable:
    """The export of a float32 encoder, from pictures to latents of which one side is `multiple` pixels."""

    def from_photo(photo: Tensor, number: int) -> tuple[Tensor, ...]:
        del number
        return (photo * 2 - 1,)

    return _exportable("encoder", network, digest, from_photo, channels=3, multiple=multiple)


def decoder(network: Any, digest: str, *, channels: int, multiple: int) -> Exportable:
    """The export of a float32 decoder, from latents of so many channels, one side of which is `multiple` pixels."""

    def from_photo(photo: Tensor, number: int) -> tuple[Tensor, ...]:
        sides = [int(side) // multiple for side in photo.shape[2:]]
        return (torch.randn((1, channels, *sides), generator=torch.Generator().manual_seed(number)),)

    return _exportable("decoder", network, digest, from_photo, channels=channels, multiple=multiple)


def _exportable(
    half: str,
    network: Any,
    digest: str,
    from_photo: Callable[[Tensor, int], tuple[Tensor, ...]],
    *,
    channels: int,
    multiple: int,
) -> Exportable:
    sides = {2: Side("height"), 3: Side("width")}
    return Exportable(
        name=f"painting-{half}",
        title=f"the {half} of a VAE, as diffstyle paints with it",
        module=CoderExport(network),
        inputs=(Input(name="planes", meaning=f"(1, {channels}, height, width)", sides=sides),),
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
