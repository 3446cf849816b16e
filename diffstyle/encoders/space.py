"""Named styles as points of one CLIP space: nearest neighbours, a map in two dimensions, hints."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import cast

import torch
from torch import Tensor

from diffstyle.assets.atlas import Atlas, Facts
from diffstyle.assets.zoo import named_style, style_files
from diffstyle.core.errors import InputError
from diffstyle.core.style import Style
from diffstyle.data.words.parse import parse

UNSURE = 0.5  # confidence below which words count as unknown


class StyleSpace:
    """Styles by name, all embedded in `space`; `vectors` (n, d) are their embeddings."""

    def __init__(self, styles: Mapping[str, Style], space: str) -> None:
        if not styles:
            raise InputError("A style space needs at least one style.")
        self.styles, self.space = dict(styles), space
        widths = {len(s.embedding_in(space)) for s in self.styles.values()}
        if len(widths) > 1:
            raise InputError(f"The embeddings in {space} have {sorted(widths)} numbers: they must agree.")
        self.vectors = torch.stack([s.embedding_in(space) for s in self.styles.values()])  # (n, d)

    @classmethod
    def presets(cls) -> StyleSpace:
        """The named styles that come with diffstyle, in the starter's space."""
        styles = {name: named_style(name) for name in style_files()}
        if not styles:
            raise InputError("There are no named styles here: install diffstyle again.")
        spaces = {s.space for s in styles.values()}
        if len(spaces) != 1:
            raise InputError(f"The named styles are of several spaces ({', '.join(sorted(spaces))}): reinstall.")
        return cls(styles, spaces.pop())

    def nearest(self, style: Style, k: int = 5) -> list[tuple[str, float]]:
        """The `k` styles nearest to `style` with their cosine similarity, nearest first."""
        if k < 1:
            raise InputError(f"k is {k}: give a number of 1 or more.")
        cosine = self.vectors @ self._own(style)
        names = list(self.styles)
        return [(names[int(n)], float(cosine[n])) for n in cosine.argsort(descending=True)[:k]]

    def mean(self) -> Style:
        """The blend of all styles in equal parts."""
        return Style.mix([(s, 1.0) for s in self.styles.values()])

    def map(self) -> dict[str, tuple[float, float]]:
        """Each style's place on the first two principal components of the embeddings, coordinates from -1 to 1.

        The signs are fixed, so that the same styles always give the same map.
        """
        places = (self.vectors - self._centre) @ self._axes.T
        places = places / places.abs().amax(0).clamp_min(1e-9)
        return {name: (float(p[0]), float(p[1])) for name, p in zip(self.styles, places, strict=True)}

    def place(self, style: Style) -> tuple[float, float]:
        """The place of `style` on the plane of `map`; coordinates may exceed 1."""
        spread = ((self.vectors - self._centre) @ self._axes.T).abs().amax(0).clamp_min(1e-9)
        place = (self._own(style) - self._centre) @ self._axes.T / spread
        return float(place[0]), float(place[1])

    def hint(self, style: Style, k: int = 3) -> str | None:
        """For words that the encoder hardly knows and that name no medium, painter or movement, a sentence with the
        nearest of these styles, else None.
        """
        unsure = [r for r in style.references if r.confidence < UNSURE and not parse(r.prompt).name_a_style]
        if not unsure:
            return None
        unknown = ", ".join(repr(r.prompt or r.source) for r in unsure)
        near = self.nearest(Style(tuple(unsure)), k)
        said = f"the starter hardly knows {unknown}; the nearest styles that it knows: {', '.join(n for n, _ in near)}."
        atlas = Atlas.load()
        if len(unsure) > 1 or atlas.space not in unsure[0].embeddings:
            return said
        found = atlas.find(Facts(), unsure[0].embeddings[atlas.space])
        return f"{said} The painter takes {found.entries[0].name} (cosine {found.cosine:.2f})."

    def _own(self, style: Style) -> Tensor:
        vector = style.embedding_in(self.space)
        if len(vector) != self.vectors.shape[1]:
            raise InputError(f"The embedding of {style.label} has {len(vector)} numbers, {self.space} has others.")
        return vector

    @cached_property
    def _centre(self) -> Tensor:
        return self.vectors.mean(0)

    @cached_property
    def _axes(self) -> Tensor:
        """(2, d): the first two principal directions, each with its largest component positive."""
        centred = (self.vectors - self._centre).double()
        directions = cast("Tensor", torch.linalg.svd(centred, full_matrices=True)[2])[:2]
        signs = directions.gather(1, directions.abs().argmax(1, keepdim=True)).sign()
        return (directions * signs).float()
