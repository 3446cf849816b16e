"""What a student is to learn, kept in a folder under an unguessable name until it is trained: a training goes on after
a reload of the page, and after a restart of the server. All files of the training lie in that folder, and go with it.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shutil
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from diffstyle import InputError, Style
from diffstyle.core.errors import explain
from diffstyle.formats.atomic import cache_folder
from diffstyle.formats.style_file import SUFFIX
from diffstyle.formats.style_files import load
from diffstyle.training.distil.recipe import DistilRecipe
from diffstyle_ui.app.limits import Limits
from diffstyle_ui.app.training import check_count, reduced

MAX_JOBS, KEEP_SECONDS = 20, 7 * 24 * 3600
LONGEST = 720  # pixels of a photo's longest side: examples are parts of 288 pixels
FACTS, GIVEN, PHOTOS, WORK = "job.json", "given", "photos", "work"
_KEY = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class StudentJob:
    """A training that was asked for: the student's `name`, the names of its `styles`, and the recipe; `photos` says
    whether it learns from photos of the visitor's.
    """

    folder: Path
    name: str
    styles: tuple[str, ...]
    recipe: DistilRecipe
    photos: bool

    @property
    def work(self) -> Path:
        """Where its training keeps examples, sheet and checkpoint."""
        return self.folder / WORK

    @property
    def key(self) -> str:
        """What its visitor's browser knows it by."""
        return self.folder.name

    def read_styles(self) -> dict[str, Style]:
        """The styles by their names."""
        return {name: load(_style_file(self.folder, n)) for n, name in enumerate(self.styles)}

    def read_photos(self, limits: Limits) -> Path | None:
        """The folder of the visitor's photos, reduced when it is first asked for; None if there are none.

        Raises InputError for a photo that cannot be read, or is beyond `limits`.
        """
        if not self.photos:
            return None
        given, ready = self.folder / GIVEN, self.folder / PHOTOS
        ready.mkdir(exist_ok=True)
        for path in sorted(given.glob("*")):
            small = reduced(path, limits, LONGEST).to_pil().convert("RGB")
            partial = ready / f"{path.stem}.partial"
            small.save(partial, "JPEG", quality=95, subsampling=0)
            partial.replace(ready / f"{path.stem}.jpg")
            path.unlink()
        return ready

    def drop(self) -> None:
        """Delete it: it is done, or another one takes its place."""
        shutil.rmtree(self.folder, ignore_errors=True)


def keep_job(
    name: str, styles: Mapping[str, Style], photos: Sequence[Path], recipe: DistilRecipe, *, owner: str
) -> StudentJob:
    """Keep what `owner` asks for. `styles` are measured, and `photos` are copied: uploads are deleted after hours.

    Of more than MAX_JOBS, the oldest of whoever has most are deleted. InputError if they cannot be kept, and for too
    many photos.
    """
    check_count(photos)
    _make_room(MAX_JOBS - 1)
    key = secrets.token_hex(16)
    partial, folder = _home() / f".{key}", _home() / key
    try:
        (partial / GIVEN).mkdir(parents=True)
        for n, style in enumerate(styles.values()):
            style.save(_style_file(partial, n))
        for n, photo in enumerate(photos):
            shutil.copyfile(photo, partial / GIVEN / f"{n:04}-{photo.name}")
        whose = hashlib.sha256(owner.encode()).hexdigest()
        facts = {
            "name": name, "styles": list(styles), "photos": bool(photos), "recipe": asdict(recipe), "owner": whose,
        }  # fmt: skip
        (partial / FACTS).write_text(json.dumps(facts), "utf-8")
        partial.rename(folder)
    except OSError as error:
        raise explain(error, "keep what is to be trained") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return StudentJob(folder, name, tuple(styles), recipe, bool(photos))


def kept_job(key: object) -> StudentJob | None:
    """The training that a browser knows by `key`; None if it is not here any more, or was made by another version."""
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        return None
    _make_room(MAX_JOBS)
    folder = _home() / key
    try:
        facts = json.loads((folder / FACTS).read_text("utf-8"))
        recipe = DistilRecipe(**facts["recipe"])
        return StudentJob(folder, str(facts["name"]), tuple(facts["styles"]), recipe, bool(facts["photos"]))
    except (OSError, KeyError, TypeError, ValueError, InputError):
        return None


def _home() -> Path:
    return cache_folder() / "student-jobs"


def _style_file(folder: Path, n: int) -> Path:
    return folder / f"{n:02}{SUFFIX}"


def _make_room(most: int) -> None:
    """Delete what is too old, and of more than `most` the oldest of whoever has most."""
    jobs: dict[Path, tuple[float, str]] = {}
    for path in _home().glob("*"):
        with suppress(OSError):
            age = time.time() - path.stat().st_mtime
            if age > KEEP_SECONDS:
                shutil.rmtree(path, ignore_errors=True)
            else:
                jobs[path] = age, _owner(path)
    while len(jobs) > most:
        counts = Counter(owner for _, owner in jobs.values())
        last = max(jobs, key=lambda path: (counts[jobs[path][1]], jobs[path][0]))
        del jobs[last]
        shutil.rmtree(last, ignore_errors=True)


def _owner(folder: Path) -> str:
    try:
        return str(json.loads((folder / FACTS).read_text("utf-8"))["owner"])
    except (OSError, KeyError, TypeError, ValueError):
        return ""
