"""The training pictures of the starter's CLIP: styles on several contents, and contents in several styles.

They have four origins: photos rendered in procedural media and in those that words paint, four photos in each style and
eight styles on each photo; labelled art; photos repainted by the preview network in the style of that art; and plain
photos. Every picture has its facts, and targets that a linear head predicts from its embedding: statistics of the
preview network and the teacher.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from diffstyle.core.picture import Picture
from diffstyle.core.style import Style
from diffstyle.core.task import Task
from diffstyle.data.captions import FactIndex, Facts, Truth
from diffstyle.data.procedural import MEDIA, render
from diffstyle.encoders.squeezenet import SqueezeNet
from diffstyle.engines.adain.engine import AdaINEngine
from diffstyle.ops.luma import LUMA
from diffstyle.stylizer import Stylizer
from diffstyle.training.clip import drawn
from diffstyle.training.clip.labels import constructed, labelled, measured, together
from diffstyle.training.data import Pixels, Sample

LONGEST, WINDOW = 480, 320
PHOTOS, STYLES = 4, 8
ORIGINS = ("procedural", "art", "repainted", "photo")
TEACHER_LAYERS = ("relu1", "fire3", "fire4", "fire6")
BLACK_AND_WHITE = ("medium", "black and white photo")
GREYS = np.array(LUMA, np.float32)


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture (h, w, 3) uint8. Equal `style`: the same style; equal `content`: the same photo, -1 for none."""

    pixels: Pixels
    facts: Facts
    style: int
    content: int
    origin: str


SLOW = {"pointillism", "oil dabs"}
TRAINING_MEDIA = (*MEDIA, *(m for m in MEDIA if m not in SLOW))
"""Media in the order in which training uses them: slow ones half as often."""


def procedural(
    photos: Sequence[Sample], groups: int, *, seed: int, media: Sequence[str] = tuple(MEDIA), window: int = LONGEST
) -> list[Entry]:
    """`groups` times PHOTOS photos in STYLES styles, the media in turn; the middle `window` pixels of each are kept."""
    return _all_rendered(photos, groups, seed, media, window, 0)


def in_words(photos: Sequence[Sample], groups: int, *, seed: int, first: int, window: int = LONGEST) -> list[Entry]:
    """As `procedural`, in all media that words paint; styles are numbered from `first`."""
    return _all_rendered(photos, groups, seed, drawn.MANNERS, window, first)


_Job: TypeAlias = tuple[Pixels, str | drawn.Manner, int, int, int, int]


def _all_rendered(
    photos: Sequence[Sample], groups: int, seed: int, media: Sequence[str | drawn.Manner], window: int, first: int
) -> list[Entry]:
    order = np.random.default_rng(seed).permutation(max(len(photos), groups * PHOTOS)) % len(photos)
    jobs: list[_Job] = []
    for g in range(groups):
        for s in range(STYLES):
            style = g * STYLES + s
            for n in range(PHOTOS):
                content = int(order[(g * PHOTOS + n) % len(order)])
                jobs.append((photos[content].pixels, media[style % len(media)], seed, first + style, content, window))
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as workers:  # torch has threads already
        return list(workers.map(_rendered, jobs, chunksize=16))


def _rendered(job: _Job) -> Entry:
    pixels, medium, seed, style, content, window = job
    rng = np.random.default_rng((seed, style))
    if isinstance(medium, str):
        rendering = render(pixels, medium, rng, longest=LONGEST, tint=True)
        facts = constructed(medium, rendering.words)
    else:
        rendering = drawn.render(pixels, medium, rng, longest=LONGEST)
        by_rule = medium[0] == "rule"
        facts = constructed(drawn.medium_of(medium), rendering.words, others=drawn.RENDERED, of_time=by_rule)
    y, x = (max(0, (n - window) // 2) for n in rendering.pixels.shape[:2])
    part = rendering.pixels[y : y + window, x : x + window].copy()
    return Entry(part, together(facts, measured(part)), style, content, "procedural")


def art(samples: Sequence[Sample], first: int) -> list[Entry]:
    return [
        Entry(pixels, together(labelled(s.info), measured(pixels)), first + n, -1, "art")
        for n, s in enumerate(samples)
        for pixels in (_small(s.pixels),)
    ]


def repainted(art: Sequence[Entry], photos: Sequence[Sample], times: int, *, seed: int) -> list[Entry]:
    """`times` photos in the style of each work of `art`, by the preview: with its labels, and colours measured anew."""
    rng = np.random.default_rng(seed)
    stylizer = Stylizer.load()
    kinds = {"medium", "movement", "artist", "century"}
    out: list[Entry] = []
    for entry in art:
        style = stylizer.measure(Style.from_image(entry.pixels))
        for _ in range(times):
            content = int(rng.integers(len(photos)))
            photo = Picture.from_array(_small(photos[content].pixels))
            pixels = stylizer.preview(Task(photo, style)).picture.to_array()
            kept = Facts(
                frozenset(f for f in entry.facts.true if f[0] in kinds),
                frozenset(f for f in entry.facts.false if f[0] in kinds),
            )
            out.append(Entry(pixels, together(kept, measured(pixels)), entry.style, content, "repainted"))
    return out


def photographs(samples: Sequence[Sample], first: int) -> list[Entry]:
    """Plain photos, and every third one also in grey or sepia: three styles, numbered from `first`."""
    out: list[Entry] = []
    for n, s in enumerate(samples):
        pixels = _small(s.pixels)
        facts = labelled(s.info)
        if ("saturation", "grey") in measured(pixels).true:
            facts = Facts(facts.true | {BLACK_AND_WHITE}, facts.false - {BLACK_AND_WHITE})
        out.append(Entry(pixels, together(facts, measured(pixels)), first, n, "photo"))
        if n % 3 == 0:
            grey = (pixels @ GREYS)[..., None] / np.float32(255)
            name, low, high = ("black and white photo", (0, 0, 0), (1, 1, 1))
            if n % 2:
                name, low, high = ("sepia photo", (0.16, 0.09, 0.04), (0.97, 0.9, 0.76))
            toned = ((np.array(low) * (1 - grey) + np.array(high) * grey) * 255).astype(np.uint8)
            more = Facts(facts.true | {("medium", name)}, facts.false - {("medium", name)})
            out.append(Entry(toned, together(more, measured(toned)), first + 1 + n % 2, n, "photo"))
    return out


@torch.no_grad()
def statistics(entries: Sequence[Entry]) -> Tensor:
    """(n, 265) preview statistics of each picture."""
    engine = AdaINEngine.load(device=torch.device("cpu"))
    rows: list[Tensor] = []
    for entry in entries:
        style = engine.measure(Style.from_image(entry.pixels))
        rows.append(style.references[0].statistics[engine.space])
    return torch.stack(rows)


@torch.no_grad()
def teacher_moments(entries: Sequence[Entry], teacher: SqueezeNet) -> Tensor:
    """(n, channels) mean and deviation of the teacher's maps, each channel standardised."""
    teacher = teacher.to(torch.bfloat16).to(memory_format=torch.channels_last)
    rows: list[Tensor] = []
    for entry in entries:
        image = Image.fromarray(entry.pixels).reduce(2)
        x = torch.tensor(np.asarray(image)).permute(2, 0, 1)[None].to(torch.bfloat16) / 255
        features = teacher(x.contiguous(memory_format=torch.channels_last), TEACHER_LAYERS[-1])
        maps = [features[layer].float() for layer in TEACHER_LAYERS]
        rows.append(torch.cat([m for f in maps for m in (f.mean((2, 3))[0], f.std((2, 3))[0])]))
    table = (torch.stack(rows) + 1e-3).log()
    return (table - table.mean(0)) / table.std(0).clamp_min(1e-3)


def principal(table: Tensor, count: int) -> Tensor:
    """(n, count): the first principal components of a table (n, d), each scaled to unit variance."""
    u = cast("Tensor", torch.linalg.svd(table - table.mean(0), full_matrices=False)[0])
    return u[:, :count] * len(table) ** 0.5


@dataclass(frozen=True, slots=True)
class Pool:
    """Entries as arrays: batches are drawn from it, and a run keeps it on disk."""

    pixels: list[Pixels]
    known: Truth
    style: npt.NDArray[np.int64]
    content: npt.NDArray[np.int64]
    origin: npt.NDArray[np.int64]
    targets: npt.NDArray[np.float32]
    artists: tuple[str, ...]

    @classmethod
    def of(cls, entries: Sequence[Entry], targets: Tensor) -> Pool:
        artists = tuple(sorted({value for e in entries for value in e.facts.values("artist")}))
        index = FactIndex(artists)
        return cls(
            [e.pixels for e in entries],
            np.stack([index.row(e.facts) for e in entries]),
            np.array([e.style for e in entries]),
            np.array([e.content for e in entries]),
            np.array([ORIGINS.index(e.origin) for e in entries]),
            targets.numpy().astype(np.float32),
            artists,
        )

    def spaced(self, count: int) -> npt.NDArray[np.int64]:
        """`count` evenly spaced picture numbers, or all if there are fewer."""
        return np.linspace(0, len(self.pixels) - 1, min(count, len(self.pixels))).round().astype(np.int64)

    def spread(self, count: int) -> Pool:
        """The pool of the pictures `spaced(count)`."""
        chosen = self.spaced(count)
        return Pool(
            [self.pixels[int(n)] for n in chosen],
            self.known[chosen],
            self.style[chosen],
            self.content[chosen],
            self.origin[chosen],
            self.targets[chosen],
            self.artists,
        )

    def save(self, path: Path) -> None:
        shapes = np.array([p.shape for p in self.pixels])
        flat = np.concatenate([p.reshape(-1) for p in self.pixels])
        artists = np.array(self.artists)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.npz")
        np.savez(
            partial,
            flat=flat,
            shapes=shapes,
            known=self.known,
            style=self.style,
            content=self.content,
            origin=self.origin,
            targets=self.targets,
            artists=artists,
        )
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> Pool:
        with np.load(path) as data:
            shapes: npt.NDArray[np.int64] = data["shapes"]
            cuts = np.cumsum(shapes.prod(1))[:-1]
            parts: list[Pixels] = np.split(data["flat"], cuts)
            pixels = [part.reshape(tuple(shape)) for part, shape in zip(parts, shapes, strict=True)]
            arrays = (data["known"], data["style"], data["content"], data["origin"], data["targets"])
            return cls(pixels, *arrays, tuple(str(a) for a in data["artists"]))


def _small(pixels: Pixels) -> Pixels:
    image = Image.fromarray(pixels)
    image.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    array: npt.NDArray[np.uint8] = np.asarray(image)
    return array
