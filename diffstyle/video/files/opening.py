"""Opens whatever a clip comes as."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from diffstyle.core.user_path import user_path
from diffstyle.video.files.clip import Clip
from diffstyle.video.files.frame_folder import FrameFolder
from diffstyle.video.files.moving_picture import SUFFIXES, MovingPicture
from diffstyle.video.files.video_file import VideoFile


def open_clip(path: str | Path, *, rate: Fraction | None = None) -> Clip:
    """A file of moving pictures, or a folder of numbered pictures that are shown at `rate` frames a second.

    Raises InputError for what is neither.
    """
    path = user_path(path)
    if path.is_dir():
        return FrameFolder.open(path, rate)
    return MovingPicture.open(path) if path.suffix.lower() in SUFFIXES else VideoFile.open(path)
