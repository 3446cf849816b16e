"""Where a clip is written: checked before anything is painted, and put into place when all of it is there."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from diffstyle.core.errors import InputError, explain
from diffstyle.formats.atomic import Inputs, check_apart, check_writable, write_atomic
from diffstyle.video.clip_recipe import FILE
from diffstyle.video.files.clip import Clip
from diffstyle.video.files.encoding import FRAMES, PICTURES
from diffstyle.video.files.frame_folder import FrameFolder
from diffstyle.video.files.join import Joint, join
from diffstyle.video.files.moving_picture import write_moving
from diffstyle.video.files.timing import Cut
from diffstyle.video.files.work_folder import Part, WorkFolder

_OURS = re.compile(r"\d{6,}\.png|recipe\.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A file, or a folder of frames, of one `kind`; `text` is the recipe that is written with it."""

    out: Path
    kind: str
    clip: Clip
    cut: Cut
    quality: int | None
    text: str

    def write(self, parts: Sequence[Part], work: WorkFolder) -> list[str]:
        """Join the segments and move the whole into place. Sentences on what is left out."""
        whole = work.path / f"whole{self.out.suffix}"
        notes: list[str] = []
        try:
            if self.kind == FRAMES:
                self._gather(parts, whole)
            elif self.kind in PICTURES.values():
                alpha = self.clip.info.alpha
                write_moving(parts, whole, self.kind, alpha=alpha, quality=self.quality, text=self.text)
            else:
                joint = Joint(kind=self.kind, source=self.clip.container, cut=self.cut, text=self.text)
                notes = join(parts, whole, joint)
            if self.kind == FRAMES and self.out.is_dir():
                shutil.rmtree(self.out)
            whole.replace(self.out)
        except OSError as error:
            raise explain(error, f"write {self.out}") from error
        return notes

    def _gather(self, parts: Sequence[Part], whole: Path) -> None:
        if whole.exists():
            shutil.rmtree(whole)
        whole.mkdir()
        for file in (f for part in parts for f in part.path.iterdir()):
            try:  # the parts stay whole, for a run that is killed here
                (whole / file.name).hardlink_to(file)
            except OSError:
                shutil.copy2(file, whole / file.name)
        if self.text:
            data = self.text.encode()
            write_atomic(whole / FILE, lambda file: file.write(data))


def check_out(out: Path, kind: str, clip: Clip) -> None:
    """InputError if `out` cannot be written, or is what is read."""
    if isinstance(clip, FrameFolder):
        inputs = Inputs.of([clip.folder, *clip.files])
    else:
        inputs = Inputs.of([] if not clip.repeatable else [Path(clip.source)])
    if kind != FRAMES:
        check_writable(out, inputs)
        return
    check_apart(out, inputs)
    if out.is_file():
        raise InputError(f"Cannot write {out}: it is a file, name a folder.")
    others = [p.name for p in out.iterdir() if not _OURS.fullmatch(p.name)] if out.is_dir() else []
    if others:
        raise InputError(f"Cannot write {out}: there is more in it than frames, such as {others[0]}; name another one.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain(error, f"make the folder {out.parent}") from error
    check_writable(out.parent / f"{out.name}.png")
