"""The parts of a clip that are painted already, kept beside the output until it is whole."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from filelock import FileLock, Timeout
from torch import Tensor

from diffstyle.core.errors import InputError, explain
from diffstyle.formats.atomic import write_atomic
from diffstyle.formats.safetensors import read_safetensors, write_safetensors

_JOB = "job.json"


@dataclass(frozen=True, slots=True)
class Part:
    """A segment that is whole: a file, or a folder of frames; when each of its frames is shown, and until when the last
    one is.
    """

    path: Path
    times: tuple[Fraction, ...]
    end: Fraction


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """`path` holds the segments of one clip, made as `digest` says."""

    path: Path

    @classmethod
    @contextmanager
    def locked(cls, out: Path, digest: str) -> Generator[WorkFolder]:
        """The folder beside `out`, emptied unless it was left by the same work.

        Raises InputError if another process is at it.
        """
        path = work_path(out)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise explain(error, f"make the folder {path}") from error
        lock = FileLock(path / "lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise InputError(f"Another diffstyle is painting {out}: wait for it, or choose another name.") from None
        try:
            work = cls(path)
            work._begin(digest)
            yield work
        finally:
            lock.release()

    def _begin(self, digest: str) -> None:
        job = self.path / _JOB
        try:
            same = json.loads(job.read_text("utf-8"))["digest"] == digest
        except (OSError, ValueError, KeyError, TypeError):
            same = False
        kept = {p.path.name for p in self.parts()} if same else set[str]()
        numbers = {name[:5] for name in kept}
        for found in self.path.iterdir():
            if found.name != "lock" and not (same and (found.name == _JOB or found.name[:5] in numbers)):
                _remove(found)
        if not same:
            text = json.dumps({"digest": digest}).encode()
            write_atomic(job, lambda file: file.write(text))

    def parts(self) -> list[Part]:
        """The segments that are whole, up to the first that is missing."""
        found: list[Part] = []
        while True:
            try:
                values = json.loads((self.path / f"{len(found):05}.json").read_text("utf-8"))
                path = self.path / str(values["file"])
                part = Part(path, tuple(map(Fraction, values["times"])), Fraction(values["end"]))
            except (OSError, ValueError, KeyError, TypeError):
                return found
            if not path.exists():
                return found
            found.append(part)

    def partial(self, number: int, suffix: str) -> Path:
        """Where a segment is written until it is whole."""
        path = self.path / f"{number:05}.partial{suffix}"
        _remove(path)
        return path

    def add(
        self, number: int, partial: Path, times: tuple[Fraction, ...], end: Fraction, state: Mapping[str, Tensor]
    ) -> Part:
        """Take a written segment, and what the frames after it depend on; it counts from now on."""
        path = partial.with_name(partial.name.replace(".partial", ""))
        _remove(path)
        partial.replace(path)
        write_safetensors(self._state(number), dict(state))
        values = {"file": path.name, "times": [str(t) for t in times], "end": str(end)}
        text = json.dumps(values).encode()
        write_atomic(self.path / f"{number:05}.json", lambda file: file.write(text))
        if number:
            self._state(number - 1).unlink(missing_ok=True)
        return Part(path, times, end)

    def state(self, number: int) -> dict[str, Tensor]:
        """What the frames after that segment depend on."""
        return read_safetensors(self._state(number))[1]

    def remove(self) -> None:
        """Delete the folder and all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _state(self, number: int) -> Path:
        return self.path / f"{number:05}.safetensors"


def work_path(out: Path) -> Path:
    """Where the parts of `out` are kept."""
    return out.parent / f".{out.name}.parts"


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
