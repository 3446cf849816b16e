"""What a picture should look like, as a value: mixed, saved and passed around, tied to no engine."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from torch import Tensor

from diffstyle.errors import InputError
from diffstyle.picture import Picture, PictureLike

_NOTHING: Mapping[str, Tensor] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """One example of a style: the `picture` itself, or the `statistics` a network took of it, or both.

    `statistics` maps the name of a network's space to its flat float32 vector, so a style file needs no picture.
    """

    digest: str
    source: str
    weight: float = 1.0
    picture: Picture | None = None
    statistics: Mapping[str, Tensor] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True, eq=False)
class Style:
    """A blend of references whose weights sum to one. Two styles are equal when their references and weights are."""

    references: tuple[Reference, ...]
    name: str = ""
    licence: str = ""

    def __post_init__(self) -> None:
        if not self.references:
            raise InputError("A style needs at least one reference: give it a picture.")
        total = check_weights([r.weight for r in self.references], [r.source for r in self.references])
        if math.isclose(total, 1, rel_tol=1e-12):
            total = 1.0  # a second division would change the last bit, and a replayed picture with it
        scaled = tuple(replace(r, weight=float(r.weight / total)) for r in self.references if r.weight > 0)
        object.__setattr__(self, "references", scaled)

    @classmethod
    def from_image(cls, picture: PictureLike) -> Style:
        """The style of one picture: a path, a PIL image, an array or a Picture."""
        return cls.from_images([picture])

    @classmethod
    def from_images(cls, pictures: Sequence[PictureLike], weights: Sequence[float] | None = None) -> Style:
        """The blend of several pictures, in equal parts unless `weights` (one each, any sum) say otherwise."""
        if weights is not None and len(weights) != len(pictures):
            raise InputError(f"Give one weight for each picture: {len(pictures)} pictures, {len(weights)} weights.")
        opened = [Picture.of(p) for p in pictures]
        return cls(
            tuple(
                Reference(p.digest(), p.source, weight, p)
                for p, weight in zip(opened, [1.0] * len(opened) if weights is None else weights, strict=True)
            )
        )

    @classmethod
    def mix(cls, styles: Mapping[Style, float] | Sequence[tuple[Style, float]]) -> Style:
        """A blend of styles by weight (any sum); the order does not matter."""
        pairs: list[tuple[Style, float]] = list(styles) if isinstance(styles, Sequence) else list(styles.items())
        total = check_weights([w for _, w in pairs], [s.label for s, _ in pairs])
        merged: dict[str, Reference] = {}
        for style, weight in pairs:
            for r in style.references:
                before = merged[r.digest].weight if r.digest in merged else 0.0
                merged[r.digest] = replace(r, weight=before + r.weight * weight / total)
        ordered = sorted(merged.values(), key=lambda r: r.digest)
        used = [s for s, weight in pairs if weight > 0]
        name = " + ".join(sorted({s.label for s in used}))
        return cls(tuple(ordered), name, " + ".join(sorted({s.licence for s in used if s.licence})))

    @classmethod
    def load(cls, path: str | Path) -> Style:
        """Read a `*.style.safetensors`; raises InputError if it is anything else."""
        from diffstyle.style_file import load

        return load(Path(path))

    def save(self, path: str | Path) -> Path:
        """Write a `*.style.safetensors`: references as hashes and statistics, never as pictures."""
        from diffstyle.style_file import save

        return save(self, Path(path))

    @property
    def label(self) -> str:
        """A short name for messages."""
        return self.name or " + ".join(Path(r.source).name for r in self.references)

    def digest(self) -> str:
        """sha256 over references and weights."""
        parts = sorted((r.digest, r.weight) for r in self.references)
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return self.digest() == other.digest() if isinstance(other, Style) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest())


def check_weights(weights: Sequence[float], names: Sequence[str]) -> float:
    """The sum of `weights`, or InputError if one is not a finite number of at least 0, or none is positive."""
    for weight, name in zip(weights, names, strict=True):
        if not math.isfinite(weight) or weight < 0:
            raise InputError(f"The weight of {name} is {weight}: give a number of 0 or more.")
    total = math.fsum(weights)
    if total <= 0:
        raise InputError("All weights are 0: give at least one style a positive weight.")
    return total
