"""Makes a study: pictures with random names, the page, and the key beside its folder."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256 as new_digest
from importlib import resources
from itertools import combinations
from pathlib import Path

import torch

from diffstyle.core.errors import InputError, explain
from diffstyle.core.picture import Picture, fitted
from diffstyle.evaluation.case import view
from diffstyle.evaluation.pairs import Pair, Run
from diffstyle.evaluation.study.study import PAGE, PICTURES, QUESTIONS, STUDY, Item, Key, Shown, Study, key_path
from diffstyle.formats.atomic import sha256, write_atomic
from diffstyle.formats.picture_file import encode

CHECK = "check-"  # prefix of the pair names of attention checks
_NOISE, _BLOCK = 0.35, 12  # deviation, and pixels, of the damage
_TIME = 946_684_800  # of all files: 2000-01-01
_PLACE = '"the study"'  # in the page, where its JSON goes


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyOptions:
    """How a study is asked: `questions` are names of QUESTIONS or own texts, `checks` how many attention checks there
    are, `per_judge` how many items each judge gets (0 is all), `size` the longest side of the pictures in pixels.
    """

    questions: Sequence[str] = ("keep",)
    consent: str
    checks: int = 2
    per_judge: int = 0
    size: int = 1024
    seed: int = 0


def make_study(
    folder: Path,
    pairs: Sequence[Pair],
    runs: Sequence[Run],
    options: StudyOptions,
    *,
    on_pair: Callable[[int, int, str], None] | None = None,
) -> Study:
    """Write the study of all runs against each other to `folder`, and its key beside the folder.

    Pictures carry no metadata, have the size of their photo, random names and one modification time. Nothing remains if
    it fails. InputError for fewer than two runs, an existing folder, an empty question, and unreadable pictures.
    """
    if len(runs) < 2:
        raise InputError("A study compares runs: name at least two folders of results.")
    if folder.exists() or key_path(folder).exists():
        there = folder if folder.exists() else key_path(folder)
        raise InputError(f"{there} is there already: give another folder with -o, or delete it with its key.")
    if not options.questions or not all(name.strip() for name in options.questions):
        raise InputError("A question is empty: give style, content, keep, or words of your own.")
    texts = {name: QUESTIONS.get(name, name) for name in options.questions}
    part = folder.resolve().with_name(f".{folder.resolve().name}.partial")
    try:
        shutil.rmtree(part, ignore_errors=True)
        (part / PICTURES).mkdir(parents=True)
    except OSError as error:
        raise explain(error, f"make the folder {folder}") from error
    try:
        writer = _Writer(part / PICTURES, random.Random(f"names {options.seed}"), options.size)
        items: list[Item] = []
        for n, pair in enumerate(pairs):
            if on_pair is not None:
                on_pair(n, len(pairs), pair.name)
            items += _items(writer, pair, runs, list(texts))
        items += _checks(writer, pairs, runs, list(texts), options)
        study = Study(
            name=new_digest(f"{options.seed} {sorted(writer.key)}".encode()).hexdigest()[:12],
            items=tuple(items),
            consent=options.consent,
            questions=texts,
            per_judge=options.per_judge,
            seed=random.Random(f"order {options.seed}").getrandbits(32),
            sha256=writer.sha256,
        )
        write_atomic(part / STUDY, lambda file: file.write(study.to_json().encode()))
        write_atomic(part / PAGE, lambda file: file.write(page(study).encode()))
        for path in (*(part / PICTURES).iterdir(), part / STUDY, part / PAGE):
            os.utime(path, (_TIME, _TIME))  # else the order of writing tells which results are of one run
        Key(study.name, tuple(r.name for r in runs), writer.key).write(key_path(folder))
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return study


def page(study: Study, *, served: bool = False) -> str:
    """The page of a study: one file, which asks for pictures/NAME.jpg alone. A `served` one sends its answers back."""
    template = resources.files("diffstyle.evaluation.study").joinpath("page.html").read_text("utf-8")
    text = study.to_json().replace("<", "\\u003c")  # no tag can end the script
    return template.replace('"served"', "true" if served else "false").replace(_PLACE, text)  # text may hold "served"


@dataclass(slots=True)
class _Writer:
    """Writes pictures under random names, and keeps what they are."""

    folder: Path
    rng: random.Random
    size: int
    key: dict[str, Shown] = field(default_factory=dict[str, Shown])
    sha256: dict[str, str] = field(default_factory=dict[str, str])

    def add(self, picture: Picture, shown: Shown | None = None) -> str:
        """The name of the file, without its suffix. `shown` is given for results alone."""
        name = f"{self.rng.getrandbits(64):016x}"
        path = self.folder / f"{name}.jpg"
        data = encode(picture, "JPEG", "")
        write_atomic(path, lambda file: file.write(data))
        if shown is not None:
            self.key[name], self.sha256[name] = shown, sha256(path)
        return name

    def opened(self, path: Path, size: tuple[int, int] | None = None) -> Picture:
        """A picture at `size`, or reduced to the study's size."""
        picture = Picture.open(path)
        if size is None:
            size = picture.size if max(picture.size) <= self.size else fitted(picture.size, self.size)
        return Picture(view(picture, size).pixels)


def _items(writer: _Writer, pair: Pair, runs: Sequence[Run], questions: Sequence[str]) -> list[Item]:
    photo = writer.opened(pair.photo)
    shown: Mapping[str, str] = {
        run.name: writer.add(
            writer.opened(run.pictures[pair.name], photo.size),
            Shown(run.name, pair.name, sha256(run.pictures[pair.name])),
        )
        for run in runs
    }
    names = writer.add(photo), writer.add(writer.opened(pair.style))
    duels = [sorted((shown[one.name], shown[other.name])) for one, other in combinations(runs, 2)]  # by random names
    return [Item(pair.name, question, *names, a, b) for a, b in duels for question in questions]


def _checks(
    writer: _Writer, pairs: Sequence[Pair], runs: Sequence[Run], questions: Sequence[str], options: StudyOptions
) -> list[Item]:
    """Items with one right answer: a result against a copy of it that is badly damaged."""
    rng, found = random.Random(f"checks {options.seed}"), list[Item]()
    for n in range(options.checks):
        pair, run = rng.choice(pairs), rng.choice(runs)
        photo = writer.opened(pair.photo)
        picture = writer.opened(run.pictures[pair.name], photo.size)
        name = f"{CHECK}{n + 1}"
        good = writer.add(picture, Shown(run.name, name, sha256(run.pictures[pair.name])))
        bad = writer.add(damaged(picture, seed=options.seed + n), Shown("", name, ""))
        names = writer.add(photo), writer.add(writer.opened(pair.style))
        a, b = sorted((good, bad))
        found.append(Item(name, questions[n % len(questions)], *names, a, b, always=True))
    return found


def damaged(picture: Picture, *, seed: int) -> Picture:
    """A copy that nobody prefers: shuffled blocks of pixels with heavy noise."""
    generator = torch.Generator().manual_seed(seed)
    pixels = picture.pixels.clone()
    high, wide = (side // _BLOCK for side in pixels.shape[1:])
    body = pixels[:, : high * _BLOCK, : wide * _BLOCK]
    blocks = body.reshape(3, high, _BLOCK, wide, _BLOCK).permute(1, 3, 0, 2, 4).reshape(high * wide, 3, _BLOCK, _BLOCK)
    blocks = blocks[torch.randperm(len(blocks), generator=generator)].reshape(high, wide, 3, _BLOCK, _BLOCK)
    body.copy_(blocks.permute(2, 0, 3, 1, 4).reshape(3, high * _BLOCK, wide * _BLOCK))
    noise = torch.randn(pixels.shape, generator=generator) * _NOISE
    return Picture((pixels + noise).clamp(0, 1))
