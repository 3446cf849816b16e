"""Which clips a command line names, and where each of them goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from diffstyle.cli.targets import Photo, files_in, target_names
from diffstyle.core.errors import InputError, explain

SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".m2ts", ".mts", ".wmv", ".flv"),
    *(".ogv", ".3gp", ".mxf", ".gif", ".apng"),
)
"""What counts as a clip in a folder that was named as a whole."""
PIPE = Path("-")


def found_clips(named: Sequence[Path], *, recursive: bool, out: Path | None) -> list[Photo]:
    """The clips in the order named; those of a folder by name. A folder without clips is one of numbered frames.

    Hidden files and what lies in `out` do not count.
    """
    clips: list[Photo] = []
    for path in named:
        inside = files_in(path, SUFFIXES, recursive=recursive, out=out) if path.is_dir() else []
        clips += [Photo(p, p.parent.relative_to(path)) for p in inside] or [Photo(path)]
    return clips


def clip_targets(clips: Sequence[Photo], folder: Path, suffix: str) -> dict[Path, Path]:
    """Where each clip goes in `folder`; those that share a stem keep their suffix, so that none overwrites another.

    Raises InputError for a `folder` that is a file's name, and for clips that would still go to one file.
    """
    if folder.suffix.lower() in SUFFIXES and not folder.is_dir():
        raise InputError(f"{folder} is one file, and there are several clips: give a folder, -o FOLDER/.")
    targets = {c.path: folder / n.with_suffix(suffix) for c, n in zip(clips, target_names(clips), strict=True)}
    for target in targets.values():
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise explain(error, f"make the folder {target.parent}") from error
    return targets
