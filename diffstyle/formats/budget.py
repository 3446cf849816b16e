"""How much a file of somebody else may ask for, checked before what it holds is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from diffstyle.core.errors import InputError
from diffstyle.core.reading import MAX_PIXELS


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The most that a recipe or a style file may hold.

    `characters` of JSON, `references` of all its styles, `regions`, `mask_pixels` of all masks, `tensor_bytes` of all
    tensors. The defaults hold whatever diffstyle writes; a server gives less.
    """

    characters: int = 2**26
    references: int = 512
    regions: int = 64
    mask_pixels: int = 4 * MAX_PIXELS
    tensor_bytes: int = 2**26

    def check_text(self, text: str) -> None:
        """InputError for a longer JSON text."""
        self._check(len(text), self.characters, "characters")

    def check_recipe(self, values: dict[str, Any]) -> None:
        """InputError for a recipe with more references or regions, as JSON values."""
        regions = values.get("regions", ())
        self._check(len(regions), self.regions, "regions")
        styles = [values["style"], values.get("negative_style"), *(r["style"] for r in regions)]
        self.check_references(sum(len(s["references"]) for s in styles if s is not None))

    def check_references(self, count: int) -> None:
        """InputError for more references."""
        self._check(count, self.references, "references")

    def check_masks(self, sizes: list[tuple[int, int]]) -> None:
        """InputError for masks of those sizes (width, height) with more pixels together."""
        self._check(sum(width * height for width, height in sizes), self.mask_pixels, "pixels of masks")

    def check_tensors(self, size: int) -> None:
        """InputError for more bytes of tensors."""
        self._check(size, self.tensor_bytes, "bytes of tensors")

    @staticmethod
    def _check(found: int, most: int, what: str) -> None:
        if found > most:
            raise InputError(f"The recipe or style holds {found} {what}: at most {most} are read, give another file.")


BUDGET = Budget()
