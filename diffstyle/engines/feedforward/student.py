"""A student's file: one safetensors file with the network, and in its header what it paints and what it was made of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import torch

from diffstyle.core.errors import InputError
from diffstyle.core.style import Reference, Style
from diffstyle.engines.feedforward.network import SIZES, Shape, StudentNetwork
from diffstyle.engines.feedforward.settings import Size
from diffstyle.formats.atomic import sha256
from diffstyle.formats.safetensors import read_safetensors, write_safetensors

FORMAT = "diffstyle-student"
VERSION, PRUNED_VERSION = "1", "2"  # a pruned student has its widths in the header, which earlier versions do not read
MAX_STYLES = 64


@dataclass(frozen=True, slots=True)
class OwnStyle:
    """A style that a student paints: what it is called, and the digest of the style it was trained on."""

    name: str
    digest: str

    @classmethod
    def of(cls, name: str, style: Style) -> OwnStyle:
        one = len(style.references) == 1
        return cls(name, style.references[0].digest if one else style.digest())

    def is_same(self, other: OwnStyle) -> bool:
        """Whether both are one style: of one digest or of one name."""
        return self.digest == other.digest or self.name.casefold() == other.name.casefold()

    def matches(self, reference: Reference) -> bool:
        """Whether `reference` is this style: the same picture, words or file, or words that are its name."""
        said = reference.prompt or Path(reference.source).name
        return reference.digest == self.digest or said.casefold() == self.name.casefold()


@dataclass(frozen=True, slots=True)
class Student:
    """A network, the styles of its rows, the sha256 of its file, its licence, and a digest of its recipe."""

    network: StudentNetwork
    styles: tuple[OwnStyle, ...]
    digest: str
    licence: str = ""
    recipe: str = ""

    @property
    def names(self) -> str:
        """What it paints, as a list to read."""
        return ", ".join(style.name for style in self.styles)

    def weights(self, style: Style) -> list[float]:
        """The share of each of its styles in a blend. InputError for a style that it was not trained on."""
        shares = [0.0] * len(self.styles)
        whole = next((n for n, own in enumerate(self.styles) if own.digest == style.digest()), None)
        if whole is not None:
            shares[whole] = 1.0
            return shares
        for reference in style.references:
            found = next((n for n, own in enumerate(self.styles) if own.matches(reference)), None)
            if found is None:
                said = reference.prompt or Path(reference.source).name
                raise InputError(
                    f"This student does not paint {said[:60]!r}: it was trained on {self.names}. Name one of them, or"
                    " make another student with `diffstyle distil`."
                )
            shares[found] += reference.weight
        return shares


def write_student(
    path: Path,
    network: StudentNetwork,
    styles: Sequence[OwnStyle],
    *,
    licence: str,
    recipe: str,
    dtype: torch.dtype = torch.float16,
) -> None:
    """Write a student atomically. `recipe` is a digest of what it was trained on and how."""
    listed = json.dumps([{"name": s.name, "digest": s.digest} for s in styles])
    facts = {"size": network.size, "styles": listed, "licence": licence, "recipe": recipe, "version": VERSION}
    if network.pruned:
        facts |= {"widths": ",".join(map(str, network.shape.widths)), "version": PRUNED_VERSION}
    tensors = {k: v.detach().to(dtype) for k, v in network.state_dict().items()}
    write_safetensors(path, tensors, {"format": FORMAT, **facts})


def read_student(path: Path) -> Student:
    """The student in a file, in float32; InputError if it is anything else, damaged, or of a later version."""
    facts, tensors = read_safetensors(path)
    if facts.get("format") != FORMAT:
        raise InputError(f"Cannot use {path}: it is not a student; `diffstyle distil` makes one.")
    if facts.get("version") not in (VERSION, PRUNED_VERSION):
        raise InputError(f"Cannot use {path}: it was written by a later version, update diffstyle.")
    size, styles = _size(facts), _styles(facts)
    shape = None if size is None else _shape(facts, SIZES[size])
    if size is None or shape is None or not 0 < len(styles) <= MAX_STYLES:
        raise InputError(f"Cannot use {path}: its header is damaged, make the student again.")
    network = StudentNetwork(size, len(styles), shape)
    wanted = network.state_dict()
    if {k: v.shape for k, v in wanted.items()} != {k: v.shape for k, v in tensors.items()}:
        raise InputError(f"Cannot use {path}: its tensors are not those of a student of size {size}, make it again.")
    if not all(bool(torch.isfinite(v).all()) for v in tensors.values()):
        raise InputError(f"Cannot use {path}: it holds numbers that are not finite, make the student again.")
    network.load_state_dict({k: v.float() for k, v in tensors.items()})
    return Student(network, styles, sha256(path), facts.get("licence", ""), facts.get("recipe", ""))


def _size(facts: Mapping[str, str]) -> Size | None:
    return next((size for size in get_args(Size) if size == facts.get("size")), None)


def _shape(facts: Mapping[str, str], full: Shape) -> Shape | None:
    """The shape in a header, `full` if it has none; None unless every width is from 1 to that of `full`."""
    if "widths" not in facts:
        return full
    try:
        widths = [int(width) for width in facts["widths"].split(",")]
    except ValueError:
        return None
    fits = len(widths) == len(full.widths) and all(1 <= w <= most for w, most in zip(widths, full.widths, strict=True))
    return full.with_widths(widths) if fits else None


def _styles(facts: Mapping[str, str]) -> tuple[OwnStyle, ...]:
    """The styles that a header lists; none if it is damaged."""
    try:
        return tuple(OwnStyle(str(s["name"]), str(s["digest"])) for s in json.loads(facts["styles"]))
    except (KeyError, TypeError, ValueError):
        return ()
