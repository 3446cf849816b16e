"""The sizes at which exports of a diffusion model are compared with torch."""

from __future__ import annotations

SIDES = ((19, 27), (50, 33), (32, 24))
"""Heights and widths in latents. The first is traced: diffusers' UNet goes another way for odd sides, fit for all."""


def photo_sizes(multiple: int) -> tuple[tuple[int, int], ...]:
    """Heights and widths in pixels, of which `multiple` make a side of one latent."""
    return tuple((h * multiple, w * multiple) for h, w in SIDES)
