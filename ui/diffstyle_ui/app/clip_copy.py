"""A small copy of what is read of a clip, which every browser plays beside the painted one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

from diffstyle import Picture
from diffstyle.video.files.clip import Clip, ClipInfo, Shown
from diffstyle.video.files.encoding import encoding_for
from diffstyle.video.files.timed_file import TimedFile

SIDE, QUALITY = 640, 55


class CopiedClip:
    """`clip`, whose frames are also written, small, to `file`, an MP4, as they are read, with times from `start`.

    `source` is what messages and recipes call it. `most` is the number of seconds that are read, whatever the file says
    of its length. It is read once. Close it when all is read.
    """

    repeatable = False

    def __init__(self, clip: Clip, file: Path, *, source: str, start: Fraction, most: float) -> None:
        self.clip, self.file, self.source, self.start, self.most = clip, file, source, start, most
        encoding = encoding_for("mp4", None, quality=QUALITY, alpha=False, depth=8, quick=True)
        self._made = TimedFile(file, "mp4", encoding, clip.info.rate)

    @property
    def info(self) -> ClipInfo:
        return self.clip.info

    @property
    def container(self) -> Path | None:
        return self.clip.container

    def digest(self) -> str:
        return self.clip.digest()

    def frames(self, start: Fraction = Fraction(0)) -> Iterator[Shown]:
        """All frames of the clip within the limits; what reads one copies it."""
        for shown in self.clip.frames(start):
            if shown.time - self.start > self.most:
                return
            yield replace(shown, read=partial(self._read, shown))

    def close(self) -> None:
        """Finish the file."""
        self._made.close()

    def _read(self, shown: Shown) -> Picture:
        picture = shown.read()
        width, height = picture.reduced(SIDE).size
        small = picture.resized((max(2, width // 2 * 2), max(2, height // 2 * 2)))
        self._made.write(small, shown.time - self.start)  # the first frame is read twice, for the recipe as well
        return picture
