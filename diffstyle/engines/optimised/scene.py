"""One size of a picture that is optimised: the photo, the styles, and where each of them is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.engines.optimised.reader import SHIFTS, Layers, Reader, Shift
from diffstyle.ops.colour_transfer import ColourMoments, colour_moments, match_colours
from diffstyle.ops.pyramid import resized

LARGEST_STYLE = 512  # pixels of the longest side of an exemplar


@dataclass(frozen=True, slots=True, eq=False)
class Exemplar:
    """A picture (1, 3, h, w) of a style, and its share among those of its part."""

    picture: Tensor
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What is painted in one blend of exemplars; `mask` (1, 1, H, W) is where, None everywhere."""

    exemplars: Sequence[Exemplar]
    mask: Tensor | None = None

    @property
    def area(self) -> float:
        return 1.0 if self.mask is None else float(self.mask.mean())

    def colours(self) -> ColourMoments:
        found = [(colour_moments(e.picture), e.share) for e in self.exemplars]
        mean = torch.stack([m.mean * share for m, share in found]).sum(0)
        return ColourMoments(mean, torch.stack([m.covariance * share for m, share in found]).sum(0))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Scene:
    """`photo` and `content` (1, 3, h, w) are of this size: as it is, and in the colours that are compared with.

    `level` counts the sizes, of `levels`, from the coarsest. `content_weight` and `style_weight` are those of their
    losses, `strength` how far statistics go from the photo's own to the style's.
    """

    reader: Reader
    photo: Tensor
    content: Tensor
    parts: Sequence[Part]
    style_layers: Layers
    content_layers: Layers
    content_weight: float
    style_weight: float
    strength: float
    seed: int
    level: int
    levels: int
    recompute: bool
    shifted: bool  # whether the picture is moved from one iteration to the next
    literature: bool  # whether losses are scaled as in the literature on VGG, or relative to their targets

    @property
    def layers(self) -> list[str]:
        """All that are read, each once."""
        return list(dict.fromkeys((*self.style_layers, *self.content_layers)))

    def shift(self, n: int) -> Shift:
        """How the picture lies under the network's strides at an iteration: in turns, else they leave a lattice.

        There are few of them in large pictures, for the features of the content are kept for each.
        """
        count = 2 if self.recompute else len(SHIFTS)
        return SHIFTS[n % count] if self.shifted else SHIFTS[0]

    def read(self, picture: Tensor, n: int) -> dict[str, Tensor]:
        """Maps of all layers at an iteration."""
        return self.reader(picture, self.layers, shift=self.shift(n), recompute=self.recompute)

    @torch.no_grad()
    def read_still(self, picture: Tensor, layers: Layers, shift: Shift = SHIFTS[0]) -> dict[str, Tensor]:
        """Maps that no gradient passes."""
        return self.reader(picture, list(layers), shift=shift, recompute=self.recompute)


def at_size(parts: Sequence[Part], size: tuple[int, int]) -> list[Part]:
    """Parts for a picture of `size` (h, w): exemplars no longer than it, masks as large."""
    longest = min(LARGEST_STYLE, max(size))
    return [
        Part(
            [Exemplar(_fitted(e.picture, longest), e.share) for e in part.exemplars],
            None if part.mask is None else F.interpolate(part.mask, size, mode="bilinear", antialias=True),
        )
        for part in parts
    ]


def recoloured(photo: Tensor, parts: Sequence[Part], strength: float) -> Tensor:
    """The photo (1, 3, h, w) in the colours of each part."""
    out = torch.zeros_like(photo)
    for part in parts:
        mapped = match_colours(photo, part.colours())
        out = mapped if part.mask is None else out + part.mask * mapped
    return torch.lerp(photo, out, strength)


def _fitted(picture: Tensor, longest: int) -> Tensor:
    h, w = picture.shape[2:]
    scale = longest / max(h, w)
    return resized(picture, (max(16, round(h * scale)), max(16, round(w * scale))))
