"""Where in a picture something holds: soft masks, and regions with a style of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F

from diffstyle.core.errors import InputError
from diffstyle.core.picture import Picture, PictureLike
from diffstyle.core.style import Style

GREY = 3 / 255  # by which the channels of a grey picture may differ: JPEG's own error


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """`shares` (1, H, W) float32 in whole 255ths, as a file holds them: 1 is here, 0 is not.

    `source` and `notes` are as a Picture's. Two masks are equal when their shares are.
    """

    shares: Tensor
    source: str = "mask"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.shares.ndim != 3 or self.shares.shape[0] != 1 or self.shares.dtype != torch.float32:
            raise InputError(
                f"Cannot use {self.source}: a mask must be float32 of shape (1, H, W),"
                f" not {self.shares.dtype} of shape {tuple(self.shares.shape)}."
            )
        if not bool(((self.shares >= 0) & (self.shares <= 1)).all()):  # false for NaN too
            raise InputError(f"Cannot use {self.source}: a mask must be finite and between 0 and 1.")
        object.__setattr__(self, "shares", self.shares.mul(255).round_().div_(255))

    @classmethod
    def of(cls, value: MaskLike) -> Mask:
        """A Mask, or a picture as one: its alpha channel if something in it is transparent, else its greys.

        Raises InputError for a picture that is neither grey nor transparent.
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
        return cls(picture.pixels.mean(0, keepdim=True).clamp(0, 1), picture.source, picture.notes)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.shares.shape[2], self.shares.shape[1]

    @property
    def empty(self) -> bool:
        """Whether it holds nowhere."""
        return not bool(self.shares.any())

    def __eq__(self, other: object) -> bool:
        return torch.equal(self.shares, other.shares) if isinstance(other, Mask) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest())

    def digest(self) -> str:
        """sha256 of size and shares."""
        return hashlib.sha256(repr(self.size).encode() + self.to_array().tobytes()).hexdigest()

    def to_array(self) -> npt.NDArray[np.uint8]:
        """(H, W) uint8."""
        return self.shares[0].mul(255).round().to(torch.uint8).numpy()

    def changed(self, change: Callable[[Tensor], Tensor]) -> Mask:
        """With `change` done to its shares; what leaves 0 to 1 is brought back."""
        return replace(self, shares=change(self.shares).clamp(0, 1))

    def resized(self, size: tuple[int, int]) -> Mask:
        """At `size` (width, height)."""
        if size == self.size:
            return self

        def scaled(shares: Tensor) -> Tensor:
            return F.interpolate(shares[None], size=size[::-1], mode="bilinear", antialias=True)[0]

        return self.changed(scaled)

    def fitted(self, content: Picture) -> Mask:
        """At the size of `content`; that it had another is noted."""
        if self.size == content.size:
            return self
        was, now = ("x".join(map(str, size)) for size in (self.size, content.size))
        return replace(self.resized(content.size), notes=(*self.notes, f"{self.source} was resized: {was} to {now}."))

    def feathered(self, pixels: float) -> Mask:
        """With edges that a Gaussian has softened over about `pixels` pixels."""

        def soft(shares: Tensor) -> Tensor:
            return torch.from_numpy(ndimage.gaussian_filter(shares[0].numpy(), pixels / 2, mode="nearest"))[None]

        return self.changed(soft) if pixels else self


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the content, with the style that it gets."""

    mask: Mask
    style: Style


MaskLike: TypeAlias = Mask | PictureLike
RegionLike: TypeAlias = Region | tuple[MaskLike, Style]


def region(value: RegionLike) -> Region:
    """A Region, or a pair of a mask and a style as one."""
    return value if isinstance(value, Region) else Region(Mask.of(value[0]), value[1])


def shared_out(regions: Sequence[Region]) -> tuple[Tensor, list[Tensor]]:
    """How much of every pixel is left to no region, and each one's own part: all of (1, H, W), together 1.

    A later region lies over the earlier ones, as layers of paint do (Porter & Duff 1984).
    """
    left = torch.ones_like(regions[0].mask.shares)
    parts: list[Tensor] = []
    for r in reversed(regions):
        parts.append(left * r.mask.shares)
        left = left - parts[-1]
    return left, parts[::-1]
