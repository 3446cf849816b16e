"""Students on this machine: the one that ships, and the user's own. A student is a network for a few styles."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from diffstyle.assets.manifest import verified
from diffstyle.assets.own_folders import new_folder
from diffstyle.core.errors import InputError
from diffstyle.core.user_path import is_file, user_path

STUDENTS_VARIABLE = "DIFFSTYLE_STUDENTS"
SHIPPED = "starter"
WEIGHTS = "starter/student/student.safetensors"
TENSORS, SHEET = "student.safetensors", "sheet.jpg"


def students_folder() -> Path:
    """The folder of the user's own students: $DIFFSTYLE_STUDENTS, or one in the user's data folder."""
    data = Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share") / "diffstyle" / "students"
    return Path(os.environ.get(STUDENTS_VARIABLE) or data).expanduser()


def student_names() -> tuple[str, ...]:
    """The student that ships, and the user's own in alphabetical order."""
    own = sorted(p.parent.name for p in students_folder().glob(f"[!.]*/{TENSORS}"))
    return (SHIPPED, *(name for name in own if name != SHIPPED))


def student_file(student: str) -> Path:
    """The file of a student, given by its name or as a file; InputError with similar names if there is none."""
    if student == SHIPPED:
        return verified(WEIGHTS)[0]
    own = students_folder() / student / TENSORS
    if student in student_names():
        return own
    if is_file(student):
        return user_path(student)
    near = difflib.get_close_matches(student, student_names(), n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(student_names())}."
    raise InputError(f"There is no student called {student!r}: {hint} `diffstyle distil` makes one.")


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
