"""Soft masks, and regions of a picture with a style of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.core.errors import InputError
from diffstyle.core.picture import Picture, PictureLike
from diffstyle.core.style import Style

LABEL, DARK = 1 / 255, 0.1  # the value of label 1; a mask without anything brighter hardly holds anywhere
GREY = 3 / 255  # how far the channels of a grey picture may differ: the error of JPEG


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """`values` (1, H, W) float32, rounded to multiples of 1/255 as in a file: 1 is inside the mask, 0 outside.

    `source` and `notes` are those of a Picture. Two masks are equal when their values are.
    """

    values: Tensor
    source: str = "mask"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.values.ndim != 3 or self.values.shape[0] != 1 or self.values.dtype != torch.float32:
            raise InputError(
                f"Cannot use {self.source}: a mask must be float32 of shape (1, H, W),"
                f" not {self.values.dtype} of shape {tuple(self.values.shape)}."
            )
        if not bool(((self.values >= 0) & (self.values <= 1)).all()):  # false for NaN too
            raise InputError(f"Cannot use {self.source}: a mask must be finite and between 0 and 1.")
        object.__setattr__(self, "values", self.values.mul(255).round_().div_(255))

    @classmethod
    def of(cls, value: MaskLike) -> Mask:
        """`value` itself, or the mask in a picture: its alpha channel if any pixel is transparent, else its greys.

        InputError for a picture that is neither grey nor transparent.
        """
        if isinstance(value, Mask):
            return value
        picture = Picture.of(value)
        if picture.alpha is not None and float(picture.alpha.min()) < 1:
            return cls(picture.alpha, picture.source, picture.notes)
        low, high = picture.pixels.amin(0), picture.pixels.amax(0)
        if float((high - low).max()) > GREY:
            raise InputError(
                f"Cannot use {picture.source} as a mask: it is in colour; save it in greys, white where it holds, or"
                " with a transparent background."
            )
        grey = picture.pixels.mean(0, keepdim=True).clamp(0, 1)
        highest = float(grey.max())
        if 0 < highest <= 1.5 * LABEL:  # a map of labels 0 and 1
            note = f"{picture.source} holds 0 and 1 of 255: it is read as a mask of black and white."
            return cls((grey > LABEL / 2).float(), picture.source, (*picture.notes, note))
        if 0 < highest <= DARK:
            note = f"{picture.source} is nearly black, {highest * 255:.0f} of 255 at most: white is where a mask holds."
            return cls(grey, picture.source, (*picture.notes, note))
        return cls(grey, picture.source, picture.notes)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.values.shape[2], self.values.shape[1]

    @property
    def empty(self) -> bool:
        """Whether all values are 0."""
        return not bool(self.values.any())

    def __eq__(self, other: object) -> bool:
        return torch.equal(self.values, other.values) if isinstance(other, Mask) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest())

    def digest(self) -> str:
        """sha256 of size and values."""
        return hashlib.sha256(repr(self.size).encode() + self.to_array().tobytes()).hexdigest()

    def to_array(self) -> npt.NDArray[np.uint8]:
        """(H, W) uint8."""
        return self.values[0].mul(255).round().to(torch.uint8).numpy()

    def changed(self, change: Callable[[Tensor], Tensor]) -> Mask:
        """The mask with `change` applied to its values (1, H, W), clamped to [0, 1]."""
        return replace(self, values=change(self.values).clamp(0, 1))

    def resized(self, size: tuple[int, int]) -> Mask:
        """The mask at `size` (width, height), bilinear with antialiasing."""
        if size == self.size:
            return self

        def scaled(values: Tensor) -> Tensor:
            return F.interpolate(values[None], size=size[::-1], mode="bilinear", antialias=True)[0]

        return self.changed(scaled)

    def fitted(self, content: Picture) -> Mask:
        """The mask at the size of `content`, with a note if it had another."""
        if self.size == content.size:
            return self
        was, now = ("x".join(map(str, size)) for size in (self.size, content.size))
        return replace(self.resized(content.size), notes=(*self.notes, f"{self.source} was resized: {was} to {now}."))

    def feathered(self, pixels: float) -> Mask:
        """The mask blurred by a Gaussian whose edges are about `pixels` wide, a deviation of half as much."""
        from scipy import ndimage

        def soft(values: Tensor) -> Tensor:
            return torch.from_numpy(ndimage.gaussian_filter(values[0].numpy(), pixels / 2, mode="nearest"))[None]

        return self.changed(soft) if pixels else self


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the content and the style it is painted in."""

    mask: Mask
    style: Style


MaskLike: TypeAlias = Mask | PictureLike
RegionLike: TypeAlias = Region | tuple[MaskLike, Style]


def region(value: RegionLike) -> Region:
    """`value` itself, or the region of a pair of a mask and a style."""
    return value if isinstance(value, Region) else Region(Mask.of(value[0]), value[1])


def composite_weights(regions: Sequence[Region]) -> tuple[Tensor, list[Tensor]]:
    """The weight of what no region covers and that of each region, all (1, H, W); they sum to 1 in every pixel.

    A later region lies over the earlier ones, composited by the "over" operator (Porter & Duff 1984).
    """
    rest = torch.ones_like(regions[0].mask.values)
    weights: list[Tensor] = []
    for r in reversed(regions):
        weights.append(rest * r.mask.values)
        rest = rest - weights[-1]
    return rest, weights[::-1]
