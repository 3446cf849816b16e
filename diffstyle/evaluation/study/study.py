"""What a study asks, as the page and the server know it, and the key that says what its pictures are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from diffstyle.core.errors import InputError, explain
from diffstyle.formats.atomic import write_atomic

PICTURES, PAGE, STUDY = "pictures", "index.html", "study.json"
QUESTIONS: Mapping[str, str] = {
    "style": "Which one is painted more like the style?",
    "content": "Which one shows what is in the photo better?",
    "keep": "Which one would you keep?",
}
CONSENT = (
    "You will compare two painted pictures at a time. There are no wrong answers, and you can stop whenever you like. "
    "Your choices are saved together with a random name, and nothing else about you."
)


@dataclass(frozen=True, slots=True)
class Item:
    """One question about two results, `a` and `b`, named like their files; the page shuffles sides itself.

    Every judge gets an item that is `always` shown.
    """

    pair: str
    question: str
    photo: str
    style: str
    a: str
    b: str
    always: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """The items, the texts, how many items each judge gets (0 is all), the seed that orders them, and the sha256 of
    each result by name.
    """

    name: str
    items: tuple[Item, ...]
    consent: str
    questions: Mapping[str, str]
    per_judge: int
    seed: int
    sha256: Mapping[str, str]

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def read(cls, folder: Path) -> Study:
        """The study in a folder that `make_study` wrote; InputError for another one."""
        values = _read(folder / STUDY, "a study: make one with `diffstyle study make`")
        try:
            items = tuple(Item(**item) for item in values.pop("items"))
            return cls(items=items, **values)
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{folder / STUDY} is damaged: make the study again.") from error


@dataclass(frozen=True, slots=True)
class Shown:
    """What a picture of the study is: the run that painted it, and the sha256 of the run's own file. The `run` of a
    damaged copy, which is there to see who pays attention, is "".
    """

    run: str
    pair: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Key:
    """What the pictures of the study called `name` are, by their names. Kept outside the folder that judges see."""

    name: str
    runs: tuple[str, ...]
    pictures: Mapping[str, Shown]

    def write(self, path: Path) -> None:
        """Write the key, whole or not at all."""
        write_atomic(path, lambda file: file.write(json.dumps(asdict(self), indent=1, ensure_ascii=False).encode()))

    @classmethod
    def read(cls, path: Path) -> Key:
        """The key in a file; InputError for another file."""
        values = _read(path, "the key of a study: name it with --key")
        try:
            pictures = {name: Shown(**shown) for name, shown in values["pictures"].items()}
            return cls(values["name"], tuple(values["runs"]), pictures)
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path} is damaged: make the study again.") from error


def key_path(folder: Path) -> Path:
    """Where the key of the study in `folder` lies: beside the folder."""
    folder = folder.resolve()
    return folder.with_name(f"{folder.name}.key.json")


def _read(path: Path, what: str) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise explain(error, f"read {path}, {what}") from error
    except ValueError as error:
        raise InputError(f"{path} is not {what}.") from error
    if not isinstance(values, dict):
        raise InputError(f"{path} is not {what}.")
    return cast("dict[str, Any]", values)
