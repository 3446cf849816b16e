"""Cameras: devices, files that are played as if they were one, and frames from another program."""

from __future__ import annotations

import io
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from diffstyle.core.errors import InputError
from diffstyle.core.picture import Picture
from diffstyle.video.files.clip import DEFAULT_RATE, Clip, ClipInfo, Shown
from diffstyle.video.files.frame_folder import RawFrames
from diffstyle.video.files.opening import open_clip
from diffstyle.video.files.timing import Cut, timed

_DEVICE = re.compile(r"(?:/dev/video)?(\d{1,3})")


class Camera(Protocol):
    """What shows frames in its own time."""

    @property
    def info(self) -> ClipInfo:
        """Size and rate, as far as they are known."""
        ...

    def frames(self) -> Iterator[Shown]:
        """The frames as they come, each when it is due."""
        ...


def open_camera(name: str, raw: str = "") -> Camera:
    """The camera called `name`: the number of a device, a file or folder of frames, or - for standard input, whose
    layout is `raw`. InputError if there is none.
    """
    if name == "-":
        if not raw:
            raise InputError("Frames from standard input have no header: add --raw WIDTHxHEIGHT@FPS.")
        # of its own: Python waits for readers of its standard input when it ends
        return PipedFrames(RawFrames.of(io.BufferedReader(io.FileIO(os.dup(0))), raw))
    device = _DEVICE.fullmatch(name)
    return DeviceCamera.open(int(device[1])) if device else PlayedClip(open_clip(Path(name)))


@dataclass(frozen=True, slots=True)
class PipedFrames:
    """Frames that another program writes."""

    clip: RawFrames

    @property
    def info(self) -> ClipInfo:
        return self.clip.info

    def frames(self) -> Iterator[Shown]:
        yield from self.clip.frames()


@dataclass(frozen=True, slots=True)
class PlayedClip:
    """A clip that shows each frame at its time."""

    clip: Clip

    @property
    def info(self) -> ClipInfo:
        return self.clip.info

    def frames(self) -> Iterator[Shown]:
        begun = time.monotonic()
        for shown in timed(self.clip.frames(), Cut()):
            time.sleep(max(0.0, begun + float(shown.time) - time.monotonic()))
            yield shown


@dataclass(frozen=True, slots=True)
class DeviceCamera:
    """A camera of this machine, read by OpenCV."""

    number: int
    info: ClipInfo
    device: Any

    @classmethod
    def open(cls, number: int) -> DeviceCamera:
        """InputError if it is missing, or another program has it."""
        import cv2 as untyped

        cv2: Any = untyped
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # it writes what is raised here anyway
        device = cv2.VideoCapture(number)
        if not device.isOpened():
            there = sorted(str(path) for path in Path("/dev").glob("video*"))
            found = f"there are {', '.join(there)}" if there else "this machine shows none"
            raise InputError(
                f"Cannot open camera {number}: {found}; choose another one, close the program that uses it, or give a"
                " file."
            )
        device.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the driver's own queue is as short as it can be
        size = int(device.get(cv2.CAP_PROP_FRAME_WIDTH)), int(device.get(cv2.CAP_PROP_FRAME_HEIGHT))
        rate = Fraction(str(round(float(device.get(cv2.CAP_PROP_FPS)), 3)))
        return cls(number, ClipInfo(size=size, rate=rate if 0 < rate <= 1000 else DEFAULT_RATE), device)

    def frames(self) -> Iterator[Shown]:
        """Until the camera is unplugged."""
        begun = time.monotonic()
        try:
            while True:
                came, array = self.device.read()
                if not came:
                    return
                now = Fraction(str(round(time.monotonic() - begun, 6)))
                read = partial(Picture.from_array, array[..., ::-1].copy(), source=f"camera {self.number}")
                yield Shown(now, 1 / self.info.rate, read)
        finally:
            self.device.release()
