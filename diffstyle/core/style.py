"""What a picture should look like, as a value: mixed, saved and passed around, tied to no engine."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import torch
from torch import Tensor

from diffstyle.core import sphere
from diffstyle.core.errors import InputError
from diffstyle.core.picture import Picture, PictureLike

_NOTHING: Mapping[str, Tensor] = MappingProxyType({})
MAX_PROMPT = 1000
MAX_EXEMPLARS = 8
MAX_COLLECTION = 500
COLLECTION_SIDE = 640  # pixels of the longest side of a collection's pictures; larger ones are reduced


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """One part of a style: `pictures`, words (`prompt`), or only what networks made of them.

    `pictures` holds one picture, or a collection by one artist that makes one style (at most MAX_COLLECTION).

    `embeddings` maps the name of a CLIP space to a unit vector in it, `statistics` the name of a preview network's
    space to its flat float32 vector, so a style file needs no picture. `confidence` says from 0 to 1 how far the
    encoder knows such words. `adapter` names a personal style adapter of the zoo that paints it best.
    `exemplars` are the small pictures whose marks a painter copies, as WebP, at most MAX_EXEMPLARS.
    """

    digest: str
    source: str
    weight: float = 1.0
    pictures: tuple[Picture, ...] = ()
    statistics: Mapping[str, Tensor] = field(default_factory=lambda: _NOTHING)
    prompt: str = ""
    embeddings: Mapping[str, Tensor] = field(default_factory=lambda: _NOTHING)
    confidence: float = 1.0
    adapter: str = ""
    exemplars: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Style:
    """A blend of references whose weights sum to one. Two styles are equal when their references and weights are.

    `card` is a line on where it comes from, `thumbnail` a photo painted in it, as the bytes of a JPEG.
    """

    references: tuple[Reference, ...]
    name: str = ""
    licence: str = ""
    card: str = ""
    thumbnail: bytes = b""

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
        for picture in opened:
            picture.check_visible()
        return cls(
            tuple(
                Reference(p.digest(), p.source, weight, (p,))
                for p, weight in zip(opened, [1.0] * len(opened) if weights is None else weights, strict=True)
            )
        )

    @classmethod
    def from_collection(cls, pictures: Iterable[PictureLike], *, name: str = "collection") -> Style:
        """The one style of pictures by one artist, 2 to MAX_COLLECTION, whose order does not matter.

        It is a single reference: its colours are those of all pictures, and a painter copies marks from the most
        typical of them. `from_images` blends styles instead. Pictures are reduced to COLLECTION_SIDE.
        """
        opened: dict[str, Picture] = {}
        for item in pictures:
            picture = Picture.of(item)
            opened[picture.digest()] = picture.reduced(COLLECTION_SIDE)
        if not 2 <= len(opened) <= MAX_COLLECTION:
            raise InputError(
                f"The collection {name} has {len(opened)} different pictures: give 2 to {MAX_COLLECTION}, or one"
                " picture to Style.from_image."
            )
        digests = sorted(opened)
        whole = Reference(_digest("collection", *digests), name, pictures=tuple(opened[d] for d in digests))
        return cls((whole,), name)

    @classmethod
    def from_text(cls, text: str) -> Style:
        """The style that words describe, such as "ukiyo-e woodblock print, indigo and cream"."""
        prompt = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
        if not prompt:
            raise InputError("The description of the style is empty: say it in words, such as watercolour.")
        if not any(c.isalpha() for c in prompt):
            raise InputError(f"{prompt[:40]!r} holds no words: describe the style, such as watercolour.")
        if len(prompt) > MAX_PROMPT:
            raise InputError(
                f"The description has {len(prompt)} characters: say the style in at most {MAX_PROMPT},"
                " a dozen words are plenty."
            )
        return cls((Reference(_digest("text", prompt), prompt, prompt=prompt),))

    @classmethod
    def from_embedding(cls, embedding: Tensor, space: str, *, name: str = "embedding") -> Style:
        """The style at a point (d,) of a CLIP space; it is scaled to length 1."""
        vector = sphere.unit(embedding, name)
        digest = _digest("embedding", space, vector.numpy().tobytes().hex())
        return cls((Reference(digest, name, embeddings=MappingProxyType({space: vector})),))

    @classmethod
    def mix(cls, styles: Mapping[Style, float] | Sequence[tuple[Style, float]]) -> Style:
        """A blend of styles by weight (any sum); the order does not matter.

        Its embedding is the weighted spherical mean of those of all references.
        """
        pairs: list[tuple[Style, float]] = list(styles) if isinstance(styles, Sequence) else list(styles.items())
        total = check_weights([w for _, w in pairs], [s.label for s, _ in pairs])
        found: dict[str, list[Reference]] = {}
        for style, weight in pairs:
            for r in style.references:
                found.setdefault(r.digest, []).append(replace(r, weight=r.weight * weight / total))
        used = [s for s, weight in pairs if weight > 0]
        name = " + ".join(sorted({s.label for s in used}))
        return cls(tuple(_merged(found[digest]) for digest in sorted(found)), name, _licence(used))

    @classmethod
    def slerp(cls, a: Style, b: Style, t: float) -> Style:
        """The style at share `t` of the way from `a` to `b`; the angle from `a` grows evenly with `t`.

        A side of several references goes in as one point, if its embedding is known.
        """
        if not math.isfinite(t) or not 0 <= t <= 1:
            raise InputError(f"t is {t}: give a number from 0 to 1.")
        if t in (0, 1):
            return b if t else a
        return cls.mix([(a.as_point(), 1 - t), (b.as_point(), t)])

    @classmethod
    def path(cls, a: Style, b: Style, n: int) -> tuple[Style, ...]:
        """`n` styles at even angles from `a` to `b`, both included."""
        if n < 2:
            raise InputError(f"n is {n}: a path has at least 2 styles, its ends.")
        return tuple(cls.slerp(a, b, k / (n - 1)) for k in range(n))

    def minus(self, other: Style, k: float = 1.0) -> Style:
        """This style with `k` times what `other` says taken out, in every space in which both have an embedding.

        With the content's own style as `other`, what is left is the manner without the subject.
        """
        if not math.isfinite(k):
            raise InputError(f"k is {k}: give a number.")
        if any(len(self.embedding_in(n)) != len(other.embedding_in(n)) for n in self.spaces if n in other.spaces):
            raise InputError(f"The embeddings of {self.label} and {other.label} are of different lengths.")
        return self._moved(
            f"{self.label} minus {other.label}",
            [s for s in self.spaces if s in other.spaces],
            lambda space: self.embedding_in(space) - k * other.embedding_in(space),
            _licence([self, other]),
        )

    def as_point(self) -> Style:
        """Itself, or of several references that are all embedded and measured alike, one that stands for them."""
        bare = not any(r.pictures or r.prompt or r.statistics for r in self.references)
        if len(self.references) == 1 or not self.spaces or any(r.exemplars for r in self.references):
            return self
        shared = [s for s in self.references[0].statistics if all(s in r.statistics for r in self.references)]
        if not shared and not bare:
            return self  # one point would look otherwise than its parts
        statistics = {s: torch.stack([r.statistics[s] * r.weight for r in self.references]).sum(0) for s in shared}
        embeddings = {s: self.embedding_in(s) for s in self.spaces}
        adapters = {r.adapter for r in self.references}
        point = Reference(
            self.digest(),
            self.label,
            statistics=MappingProxyType(statistics),
            prompt=self.prompt,
            embeddings=MappingProxyType(embeddings),
            confidence=self.confidence,
            adapter=adapters.pop() if len(adapters) == 1 else "",
        )
        return replace(self, references=(point,))

    @property
    def spaces(self) -> tuple[str, ...]:
        """The CLIP spaces in which every reference has an embedding."""
        return tuple(
            s for s in sorted(self.references[0].embeddings) if all(s in r.embeddings for r in self.references)
        )

    @property
    def space(self) -> str:
        """The CLIP space of `embedding`, or "" if the style is not encoded yet."""
        return self.spaces[0] if self.spaces else ""

    @property
    def embedding(self) -> Tensor:
        """(d,) float32 of length 1 in `space`."""
        return self.embedding_in(self.space)

    def embedding_in(self, space: str) -> Tensor:
        """(d,) float32 of length 1: the weighted spherical mean of the references' embeddings in `space`."""
        if not space or space not in self.spaces:
            known = ", ".join(self.spaces) or "none"
            raise InputError(
                f"The style {self.label} has no embedding{f' in {space}' if space else ''} (it has: {known}):"
                " StyleEncoder.load().encode(style) makes it."
            )
        ordered = sorted(self.references, key=lambda r: r.digest)
        weights = torch.tensor([r.weight for r in ordered], dtype=torch.float64)
        widths = {len(r.embeddings[space]) for r in ordered}
        if len(widths) > 1:
            raise InputError(
                f"The embeddings of {self.label} in {space} have {sorted(widths)} numbers: they must agree."
            )
        return sphere.mean(torch.stack([r.embeddings[space] for r in ordered]), weights)

    @property
    def prompt(self) -> str:
        """Its words, the weightiest first; "" if it came from pictures alone."""
        return ", ".join(r.prompt for r in sorted(self.references, key=lambda r: -r.weight) if r.prompt)

    @property
    def prompts(self) -> list[str]:
        """The words of each reference, "" for one without."""
        return [r.prompt for r in self.references]

    @property
    def adapters(self) -> dict[str, float]:
        """The personal adapters that its references name, each with their share of the style."""
        shares: dict[str, float] = {}
        for r in self.references:
            if r.adapter:
                shares[r.adapter] = shares.get(r.adapter, 0.0) + r.weight
        return shares

    @property
    def confidence(self) -> float:
        """From 0, words that the encoder does not know, to 1; pictures are always 1."""
        return min(r.confidence for r in self.references)

    def _moved(self, name: str, spaces: list[str], to: Callable[[str], Tensor], licence: str) -> Style:
        if not spaces:
            raise InputError(
                f"{name}: both styles need an embedding in one space, StyleEncoder.load().encode(style) makes it."
            )
        embeddings = {space: sphere.unit(to(space), name) for space in spaces}
        digest = _digest("embedding", *(f"{k}:{v.numpy().tobytes().hex()}" for k, v in embeddings.items()))
        moved = Reference(digest, name, embeddings=MappingProxyType(embeddings), confidence=self.confidence)
        return Style((moved,), name, licence)

    @classmethod
    def load(cls, path: str | Path, *, space: str | None = None) -> Style:
        """Read a `*.style.safetensors`, or the embeddings of an `.ipadpt`, whose `space` may have to be named.

        Raises InputError if it is anything else.
        """
        return _files(Path(path)).load(Path(path), space=space)

    def save(self, path: str | Path) -> Path:
        """Write a `*.style.safetensors`, references as hashes, words, embeddings and statistics, never as pictures;
        or an `.ipadpt`, the embedding alone.
        """
        return _files(Path(path)).save(self, Path(path))

    @property
    def label(self) -> str:
        """A short name for messages."""
        return self.name or " + ".join(r.source if r.prompt else Path(r.source).name for r in self.references)

    def digest(self) -> str:
        """sha256 over references and weights."""
        parts = sorted((r.digest, r.weight) for r in self.references)
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return self.digest() == other.digest() if isinstance(other, Style) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest())


class StyleFiles(Protocol):
    """How styles are read from one kind of file and written to it."""

    def load(self, path: Path, *, space: str | None) -> Style: ...

    def save(self, style: Style, path: Path) -> Path: ...


_FILES: dict[str, StyleFiles] = {}


def register_files(suffix: str, files: StyleFiles) -> None:
    """Let `Style.load` and `Style.save` use `files` for names that end in `suffix`; "" is for all others.

    `diffstyle.formats` registers what it knows when it is imported, as Pillow's plugins do: values stay free of files.
    """
    _FILES[suffix] = files


def _files(path: Path) -> StyleFiles:
    if not _FILES:
        raise LookupError("no style format is registered: import diffstyle.formats.style_files")
    return next((files for suffix, files in _FILES.items() if suffix and path.name.endswith(suffix)), _FILES[""])


def _merged(same: list[Reference]) -> Reference:
    """References of one digest as one, with all that is known of any of them."""
    return replace(
        same[0],
        weight=math.fsum(r.weight for r in same),
        pictures=next((r.pictures for r in same if r.pictures), ()),
        statistics=MappingProxyType({k: v for r in same for k, v in r.statistics.items()}),
        embeddings=MappingProxyType({k: v for r in same for k, v in r.embeddings.items()}),
        confidence=min(r.confidence for r in same),
        exemplars=next((r.exemplars for r in same if r.exemplars), ()),
    )


def _licence(styles: Sequence[Style]) -> str:
    """The joined licences; empty if any is missing."""
    return " + ".join(sorted({s.licence for s in styles})) if all(s.licence for s in styles) else ""


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def check_weights(weights: Sequence[float], names: Sequence[str]) -> float:
    """The sum of `weights`, or InputError if one is not a finite number of at least 0, or none is positive."""
    for weight, name in zip(weights, names, strict=True):
        if not math.isfinite(weight) or weight < 0:
            raise InputError(f"The weight of {name} is {weight}: give a number of 0 or more.")
    try:
        total = math.fsum(weights)
    except OverflowError:
        raise InputError("The weights are too large to add up: give smaller numbers.") from None
    if total <= 0:
        raise InputError("All weights are 0: give at least one style a positive weight.")
    return total
