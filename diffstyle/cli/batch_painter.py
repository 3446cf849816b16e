"""`Painter`: paints the photos of a batch one after another, in this process or in a worker on another machine."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, Literal

from diffstyle.cli.asked import Asked
from diffstyle.cli.batch_items import Item
from diffstyle.cli.job import Job, Request, facts, is_done, reason_of
from diffstyle.core.errors import InputError
from diffstyle.formats.places import exists, local_path, publish, read, shown

Status = Literal["painted", "skipped", "failed"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a photo: its `status`, the `reason` if it failed, the `facts` for machines, and notes."""

    status: Status
    reason: str = ""
    facts: dict[str, Any] = field(default_factory=lambda: dict[str, Any]())
    notes: Sequence[str] = ()

    def to_json(self) -> str:
        """For `from_json`."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Outcome:
        """What `to_json` wrote."""
        return cls(**json.loads(text))


class Painter:
    """The model and the styles of a batch, loaded once."""

    def __init__(self, request: Request, asked: Asked) -> None:
        """Raises InputError for a model that is missing or damaged."""
        self._notes: list[str] = []
        self._job = Job.of(request, asked, self._notes.append)

    def key(self) -> str:
        """A digest of all that decides about a picture but its photo, on any device, as recipes have it."""
        record = {name: value for name, value in self._job.record().items() if name != "model"}
        engine = self._job.stylizer.engine(self._job.request.engine.name)
        record["model"] = [repr(self._job.request.options.shareable()), dict(engine.weights)]
        return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()

    def paint(self, item: Item) -> Outcome:
        """Paint a photo unless its picture is there; what goes wrong is told in the outcome.

        A picture that was not there before the run was finished by a worker that died before it could tell, if its
        recipe says so; pictures without recipes are trusted.
        """
        self._notes.clear()
        try:
            there = exists(item.target)
            if there and not item.existed and self._job.request.files.no_recipe:
                return _finished(item)
            with _staged(item, there=there) as (content, target):
                outcome = self._painted(item, content, target, there=there)
                if outcome.status == "painted" and local_path(item.target) is None:
                    publish(target, item.target)
                return outcome
        except Exception as error:  # one bad file never stops a batch
            return Outcome("failed", shown(reason_of(error)), notes=tuple(self._notes))

    def _painted(self, item: Item, content: Path, target: Path, *, there: bool) -> Outcome:
        from diffstyle.core.picture import Picture

        began = time.perf_counter()
        try:
            if there and is_done(self._job, content, target):
                return Outcome("skipped") if item.existed else _finished(item)
            if there and not item.existed:
                raise InputError(f"{shown(item.target)} was made by someone else during the run: name another folder.")
            if there and not self._job.request.files.overwrite:
                raise InputError(f"{shown(item.target)} is there already and was not made like this: add --overwrite.")
            result = self._job.paint(Picture.open(content), target)
        except InputError as error:  # which names the files that stand for those of the batch
            raise InputError(
                str(error).replace(str(content), item.label).replace(str(target), shown(item.target))
            ) from error
        finally:
            self._job.stylizer.forget()  # the next photo is another one
        said = {"content": item.label, "out": shown(item.target), **facts(result, began)}
        return Outcome("painted", facts=said, notes=tuple(self._notes))


def _finished(item: Item) -> Outcome:
    """What became of a photo whose worker died when it was painted."""
    return Outcome("painted", facts={"content": item.label, "out": shown(item.target)})


@contextmanager
def _staged(item: Item, *, there: bool) -> Generator[tuple[Path, Path]]:
    """Photo and picture of an item as files of this machine: their own, or copies in a temporary folder."""
    own, target = None if item.member else local_path(item.source), local_path(item.target)
    if own is not None and target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield own, target
        return
    with TemporaryDirectory(prefix="diffstyle-batch-") as name:
        content = own or Path(name) / PurePosixPath(item.member or shown(item.source)).name
        if own is None:
            content.write_bytes(read(item.source, item.start, item.size if item.member else None))
        if target is None:
            folder = Path(name) / "out"
            folder.mkdir()
            copy = folder / PurePosixPath(item.target).name
            if there:
                copy.write_bytes(read(item.target))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            copy = target
        yield content, copy
