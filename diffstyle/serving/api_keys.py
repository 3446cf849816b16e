"""API keys: who may use the server, by name. Only digests of keys are kept."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from diffstyle.core.errors import InputError
from diffstyle.core.user_path import user_path

VARIABLE = "DIFFSTYLE_API_KEYS"
SHORTEST = 16  # characters of a key
ANONYMOUS = "anonymous"  # the name of all users of a server without keys
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """The sha256 of each key by the name of its owner; without any, everybody may use the server."""

    digests: Mapping[str, bytes]

    @classmethod
    def read(cls, file: Path | None) -> ApiKeys:
        """The keys in `file`, or else in the variable DIFFSTYLE_API_KEYS, which is then removed from the environment.

        Each is NAME:KEY on a line of its own, or behind a comma in the variable; lines that begin with # are comments.
        Raises InputError for anything else, and for a file without keys.
        """
        if file is None:
            text, where = os.environ.pop(VARIABLE, None), VARIABLE
            if text is None:
                return cls({})
            text = text.replace(",", "\n")
        else:
            try:
                text, where = user_path(file).read_text("utf-8"), str(file)
            except (OSError, UnicodeDecodeError) as error:
                raise InputError(f"Cannot read {file}: give a text file with a NAME:KEY on each line.") from error
        lines = [line.strip() for line in text.splitlines()]
        keys = dict(_pair(line, where) for line in lines if line and not line.startswith("#"))
        if not keys:
            raise InputError(f"{where} holds no keys: write a NAME:KEY on each line.")
        return cls(keys)

    def owner(self, authorization: str | None) -> str | None:
        """The name of whoever sent the header `Authorization: Bearer KEY`, None if nobody has that key.

        Every key is compared, each in constant time, so that the time says nothing about them.
        """
        if not self.digests:
            return ANONYMOUS
        scheme, _, key = (authorization or "").partition(" ")
        digest = _digest(key.strip())
        found = [name for name, known in self.digests.items() if hmac.compare_digest(known, digest)]
        return found[0] if found and scheme.lower() == "bearer" else None


def _pair(line: str, where: str) -> tuple[str, bytes]:
    name, colon, key = (part.strip() for part in line.partition(":"))
    if not colon or not _NAME.fullmatch(name):
        raise InputError(f"{where} holds a line that is not NAME:KEY, with a name of letters, digits, - and _.")
    if len(key) < SHORTEST:
        raise InputError(f"The key of {name} in {where} has {len(key)} characters: give at least {SHORTEST}.")
    return name, _digest(key)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()
