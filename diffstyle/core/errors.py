"""The errors that callers are meant to catch."""

from __future__ import annotations

import errno


class InputError(ValueError):
    """Something the caller gave cannot be used. The message is one sentence: what, and what to do."""


class Cancelled(Exception):
    """`on_step` returned False: the render stopped, nothing was written, the model is still usable."""


def explain(error: OSError, action: str) -> InputError:
    """An operating-system error as a sentence: `action` is what was tried, such as "write out.png"."""
    reasons = {
        errno.ENOENT: "there is no such file or folder: check the path",
        errno.EISDIR: "it is a folder: name a file",
        errno.ENOTDIR: "a part of the path is a file: name another folder",
        errno.EACCES: "permission is denied: choose another place or change the permissions",
        errno.EPERM: "permission is denied: choose another place or change the permissions",
        errno.EROFS: "the file system is read-only: choose another place",
        errno.ENOSPC: "the disk is full: free some space or choose another disk",
        errno.EDQUOT: "your disk quota is used up: free some space or choose another disk",
        errno.EFBIG: "the file would be larger than is allowed here: choose another place",
        errno.ENAMETOOLONG: "the name is too long: choose a shorter one",
    }
    reason = reasons.get(error.errno or 0, f"{(error.strerror or str(error)).lower()}: choose another place")
    return InputError(f"Cannot {action}: {reason}.")
