"""Students on this machine: the one that ships, and the user's own. A student is a network for a few styles."""

from __future__ import annotations

import difflib
import json
import os
from pathlib import Path

from diffstyle.assets.manifest import verified
from diffstyle.assets.own_folders import new_folder
from diffstyle.core.errors import InputError
from diffstyle.formats.safetensors import read_metadata

STUDENTS_VARIABLE = "DIFFSTYLE_STUDENTS"
SHIPPED = "starter"
WEIGHTS = "starter/student/student.safetensors"
SUFFIX = ".safetensors"
TENSORS, SHEET = f"student{SUFFIX}", "sheet.jpg"


def students_folder() -> Path:
    """The folder of the user's own students: $DIFFSTYLE_STUDENTS, or one in the user's data folder."""
    data = Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share") / "diffstyle" / "students"
    return Path(os.environ.get(STUDENTS_VARIABLE) or data).expanduser()


def own_students() -> dict[str, Path]:
    """The file of each of the user's own students by name, in alphabetical order.

    One that was trained here lies in a folder of its name; the file of one from elsewhere may lie beside these folders.
    """
    home = students_folder()
    trained = {p.parent.name: p for p in home.glob(f"[!.]*/{TENSORS}")}
    given = {p.stem: p for p in home.glob(f"[!.]*{SUFFIX}")}
    return {name: path for name, path in sorted((given | trained).items()) if name != SHIPPED}


def student_names() -> tuple[str, ...]:
    """The student that ships, and the user's own."""
    return (SHIPPED, *own_students())


def student_file(name: str) -> Path:
    """The file of the student called `name`; InputError with similar names if there is none.

    Names alone are taken, no paths: they come from recipes and over HTTP.
    """
    if name == SHIPPED:
        return verified(WEIGHTS)[0]
    own = own_students()
    if name in own:
        return own[name]
    near = difflib.get_close_matches(name, student_names(), n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(student_names())}."
    raise InputError(f"There is no student called {name!r}: {hint} `diffstyle distil` makes one.")


def student_styles(name: str) -> tuple[str, ...]:
    """What the student called `name` paints, in its own order; only the header of its file is read.

    InputError if there is none of that name, or its header is damaged.
    """
    path = student_file(name)
    try:
        return tuple(str(style["name"]) for style in json.loads(read_metadata(path)["styles"]))
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"Cannot use {path}: it is not a student; `diffstyle distil` makes one.") from error


def check_new_student(name: str, *, home: Path | None = None, overwrite: bool) -> Path:
    """The folder for a new student in `home`, or among the user's own; InputError if the name is not valid, is taken,
    or cannot be written.
    """
    return new_folder(
        home or students_folder(),
        name,
        what="student",
        taken=(SHIPPED,),
        variable=STUDENTS_VARIABLE,
        overwrite=overwrite,
    )
