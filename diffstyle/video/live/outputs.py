"""Where frames of a camera go: to another program, into a file, or to a device that is a camera for other programs."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from diffstyle.core.errors import InputError, explain
from diffstyle.core.picture import Picture
from diffstyle.formats.atomic import check_writable
from diffstyle.video.files.clip import decoding
from diffstyle.video.files.encoding import CONTAINERS, Encoding, encoding_for
from diffstyle.video.files.timed_file import TimedFile
from diffstyle.video.live.painting import LiveOutput

_QUICK = {"libx264": {"tune": "zerolatency"}}
_DEVICE = Encoding("rawvideo", "rawvideo", "yuv420p")


def output_to(out: str, rate: Fraction, *, overwrite: bool) -> LiveOutput:
    """The output that `out` names: a file of a container, or a device, /dev/videoN.

    Raises InputError for other names, and for what cannot be written or is there already.
    """
    path = Path(out)
    if path.is_char_device() or out.startswith("/dev/"):
        return DeviceOutput(path, rate)
    kind = CONTAINERS.get(path.suffix.lower())
    if kind is None:
        raise InputError(f"Cannot write {out}: end the name in one of {', '.join(CONTAINERS)}, or give - or a device.")
    if path.exists() and not overwrite:
        raise InputError(f"{out} is there already: add --overwrite.")
    check_writable(path)
    return FileOutput(path, kind, rate)


class RawOutput:
    """Frames without header, 8 bits a channel, RGB."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, picture: Picture, seconds: float) -> None:
        del seconds
        self._stream.write(picture.to_array()[..., :3].tobytes())
        self._stream.flush()

    def close(self) -> None:
        """The stream belongs to whoever opened it."""


class FileOutput:
    """A file, which is there when all of it is."""

    def __init__(self, path: Path, kind: str, rate: Fraction) -> None:
        encoding = encoding_for(kind, None, quality=None, alpha=False, depth=8, quick=True)
        self._path, self._partial = path, path.with_name(f".{path.name}.partial")
        self._file = TimedFile(self._partial, kind, encoding, rate, _QUICK.get(encoding.encoder))

    def write(self, picture: Picture, seconds: float) -> None:
        try:
            self._file.write(picture, Fraction(str(round(seconds, 6))))
        except OSError as error:
            raise explain(error, f"write {self._path}") from error

    def close(self) -> None:
        """Move the file into place, if anything was painted."""
        try:
            self._file.close()
            with contextlib.suppress(FileNotFoundError):
                self._partial.replace(self._path)
        except OSError as error:
            raise explain(error, f"write {self._path}") from error


class DeviceOutput:
    """A device of the kernel module v4l2loopback."""

    def __init__(self, path: Path, rate: Fraction) -> None:
        if not path.is_char_device():
            raise InputError(f"There is no device {path}: load v4l2loopback, then look which one it made.")
        self._path = path
        self._file = TimedFile(path, "v4l2", _DEVICE, rate)

    def write(self, picture: Picture, seconds: float) -> None:
        with decoding(str(self._path)):
            self._file.write(picture, Fraction(str(round(seconds, 6))))

    def close(self) -> None:
        self._file.close()
