"""ComfyUI's tensors and diffstyle's pictures: IMAGE is (B, H, W, C) float in [0, 1], MASK (B, H, W) or (H, W)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from diffstyle import InputError, Picture
from diffstyle.core.mask import Mask


def pictures_of(images: Tensor, name: str = "image") -> list[Picture]:
    """The pictures of an IMAGE with 3 channels, or 4 with alpha, in full precision.

    Values outside [0, 1], as upscalers leave them, are clamped, as ComfyUI does when it saves. InputError for a batch
    that is empty, of another shape, or not finite.
    """
    if images.ndim != 4 or images.shape[-1] not in (1, 3, 4) or not len(images):
        raise InputError(f"{name} has shape {tuple(images.shape)}: give an IMAGE, (B, H, W, 3) or (B, H, W, 4).")
    batch = images.detach().to("cpu", torch.float32)
    if not bool(batch.isfinite().all()):
        raise InputError(f"{name} is not finite: a node before this one gave NaN.")
    return [Picture.from_array(one.numpy(), source=name) for one in batch.clamp(0, 1)]


def masks_of(masks: Tensor | None, *, count: int) -> list[Mask | None]:
    """One mask for each of `count` images, from a MASK of one or of as many; None stands for no mask."""
    if masks is None:
        return [None] * count
    batch = masks[None] if masks.ndim == 2 else masks
    if len(batch) not in (1, count):
        raise InputError(f"There are {count} images and {len(batch)} masks: give one mask, or one an image.")
    if not bool(batch.isfinite().all()):
        raise InputError("mask is not finite: a node before this one gave NaN.")
    plain = batch.detach().to("cpu", torch.float32).clamp(0, 1)
    return [Mask(plain[n % len(plain)][None]) for n in range(count)]  # (1, h, w) each


def image_of(pictures: Sequence[Picture]) -> Tensor:
    """Pictures of one size as an IMAGE; it has 4 channels if one of them has alpha."""
    with_alpha = any(picture.alpha is not None for picture in pictures)
    planes: list[Tensor] = []
    for picture in pictures:
        alpha = torch.ones_like(picture.pixels[:1]) if picture.alpha is None else picture.alpha
        planes.append(torch.cat([picture.pixels, alpha]) if with_alpha else picture.pixels)
    return torch.stack(planes).movedim(1, -1).contiguous()  # (b, h, w, c)
