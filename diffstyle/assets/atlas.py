"""The atlas: exemplars that ship, which styles in words are painted from, and how words find theirs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from diffstyle.assets.manifest import verified
from diffstyle.core.errors import InputError
from diffstyle.formats.atomic import sha256
from diffstyle.formats.safetensors import read_safetensors, write_safetensors

if TYPE_CHECKING:
    from torch import Tensor

FOLDER, INDEX = "starter/atlas", "atlas.safetensors"
MOST = 3  # exemplars for one style


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What words name, most important first; `tokens` are the words themselves, `excluded` was negated."""

    artists: tuple[str, ...] = ()
    movements: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    tokens: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Entry:
    """One exemplar: the painters, movements and media that it stands for, words of its title, and where it comes from.

    `credit` names the public-domain work that it was painted from, or the procedure that made it.
    """

    name: str
    sha256: str
    artists: tuple[str, ...] = ()
    movements: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    licence: str = ""
    credit: str = ""

    @property
    def named(self) -> frozenset[tuple[str, str]]:
        """All that it stands for, as (kind, name)."""
        kinds = (("artists", self.artists), ("movements", self.movements), ("media", self.media))
        return frozenset((kind, name) for kind, names in kinds for name in names)


@dataclass(frozen=True, slots=True)
class Found:
    """The entries that a style is painted from, and how near the first lies to it; `named` if words name them."""

    entries: tuple[Entry, ...]
    cosine: float
    named: bool


@dataclass(frozen=True, slots=True, eq=False)
class Atlas:
    """`vectors` (n, d) are the embeddings of the entries in the CLIP space called `space`."""

    folder: Path
    entries: tuple[Entry, ...]
    vectors: Tensor = field(repr=False)
    space: str

    @classmethod
    def load(cls) -> Atlas:
        """The atlas that ships. InputError if its index is missing or damaged."""
        path, digest = verified(f"{FOLDER}/{INDEX}")
        return _read(path, digest)

    def find(self, facts: Facts, vector: Tensor | None) -> Found:
        """One entry for each fact that none of those before it stands for, MOST at most: painters first, then media and
        movements. Where several stand for as many facts, the one whose title is named, then the nearest to `vector`.

        Where no fact is known, it is the entry nearest to `vector` (d,) of this space, or the first if that is None.
        InputError if it has another width.
        """
        if vector is not None and len(vector) != self.vectors.shape[1]:
            raise InputError(f"The embedding has {len(vector)} numbers, {self.space} has {self.vectors.shape[1]}.")
        cosines = [0.0 if vector is None else float(own @ vector) for own in self.vectors]

        def nearest(among: Sequence[int]) -> int:
            return max(among, key=lambda n: (cosines[n], -n))

        if chosen := self._named(facts, nearest):
            return Found(tuple(self.entries[n] for n in chosen), cosines[chosen[0]], named=True)
        only = nearest(self._allowed(facts) or range(len(self.entries)))
        return Found((self.entries[only],), cosines[only], named=False)

    def settles(self, facts: Facts) -> bool:
        """Whether `find` gives the same entries whatever the vector: they are named, and no two fit equally well."""
        ties: list[int] = []

        def first(among: Sequence[int]) -> int:
            ties.append(len(among))
            return among[0]

        return bool(self._named(facts, first)) and max(ties) == 1

    def _named(self, facts: Facts, choose: Callable[[Sequence[int]], int]) -> list[int]:
        """The numbers of the entries that stand for `facts`; `choose` takes one of those that fit equally well."""
        allowed = self._allowed(facts)
        wanted = [(kind, name) for kind in ("artists", "media", "movements") for name in getattr(facts, kind)]
        chosen: list[int] = []
        for fact in wanted:
            if len(chosen) == MOST or any(fact in self.entries[n].named for n in chosen):
                continue
            fits = {n: self._fit(n, facts, wanted) for n in allowed if fact in self.entries[n].named}
            if fits:
                best = max(fits.values())
                chosen.append(choose([n for n, fit in fits.items() if fit == best]))
        return chosen

    def _allowed(self, facts: Facts) -> list[int]:
        """The numbers of the entries that stand for nothing that is excluded."""
        return [n for n, e in enumerate(self.entries) if not facts.excluded & {name for _, name in e.named}]

    def _fit(self, n: int, facts: Facts, wanted: Sequence[tuple[str, str]]) -> tuple[int, int]:
        """How many of the facts and of the words an entry stands for; a rendering of a medium alone before a work."""
        entry = self.entries[n]
        plain = not entry.artists and not facts.artists
        return len(entry.named & set(wanted)) * 2 + plain, len(facts.tokens & set(entry.titles))

    def exemplar(self, entry: Entry) -> bytes:
        """The WebP of an entry; InputError if it is missing or damaged."""
        path = self.folder / f"{entry.name}.webp"
        if not path.is_file() or sha256(path) != entry.sha256:
            raise InputError(f"The exemplar {path} is missing or damaged: install diffstyle again.")
        return path.read_bytes()


@lru_cache(maxsize=2)
def _read(path: Path, _digest: str) -> Atlas:
    metadata, tensors = read_safetensors(path)
    try:
        entries = tuple(_entry(values) for values in json.loads(metadata["entries"]))
        return Atlas(path.parent, entries, tensors["vectors"].float(), metadata["space"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"The index {path} is damaged: install diffstyle again.") from error


def _entry(values: dict[str, str | list[str]]) -> Entry:
    return Entry(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})  # pyright: ignore


def write_index(path: Path, entries: Sequence[Entry], vectors: Tensor, space: str) -> Path:
    """Write the index of exemplars that lie beside it; its path."""
    listed = json.dumps([asdict(entry) for entry in entries], ensure_ascii=False)
    write_safetensors(path, {"vectors": vectors.half()}, {"entries": listed, "space": space, "format": "1"})
    return path
