"""API keys: who may use the server, by name. Only digests of keys are kept."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from diffstyle.core.errors import InputError
from diffstyle.core.user_path import user_path

VARIABLE = "DIFFSTYLE_API_KEYS"
SHORTEST = 16  # characters of a key
ANONYMOUS = "anonymous"  # the name of all users of a server without keys
MOST_RATE = 100_000  # requests a minute
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """The sha256 of each key by the name of its owner; without any, everybody may use the server.

    `rates` are the requests a minute of the owners that have a limit of their own.
    """

    digests: Mapping[str, bytes]
    rates: Mapping[str, int] = field(default_factory=dict[str, int])

    @classmethod
    def read(cls, file: Path | None) -> ApiKeys:
        """The keys in `file`, or else in the variable DIFFSTYLE_API_KEYS, which is then removed from the environment.

        Each is NAME:KEY, or NAME@RATE:KEY with its requests a minute, on a line of its own, or behind a comma in the
        variable; lines that begin with # are comments.
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
        found = [_entry(line, where) for line in lines if line and not line.startswith("#")]
        if not found:
            raise InputError(f"{where} holds no keys: write a NAME:KEY on each line.")
        rates = {name: rate for name, rate, _ in found if rate is not None}
        return cls({name: digest for name, _, digest in found}, rates)

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


def _entry(line: str, where: str) -> tuple[str, int | None, bytes]:
    """The name, the rate if there is one, and the digest of the key in a line."""
    owner, colon, key = (part.strip() for part in line.partition(":"))
    name, at, rate = (part.strip() for part in owner.partition("@"))
    if not colon or not _NAME.fullmatch(name):
        raise InputError(f"{where} holds a line that is not NAME:KEY, with a name of letters, digits, - and _.")
    if at and not (rate.isascii() and rate.isdecimal() and 1 <= int(rate) <= MOST_RATE):
        said = f"The rate of {name} in {where} is no number of requests a minute"
        raise InputError(f"{said}: write {name}@RATE:KEY with a whole number from 1 to {MOST_RATE}.")
    if len(key) < SHORTEST:
        raise InputError(f"The key of {name} in {where} has {len(key)} characters: give at least {SHORTEST}.")
    return name, int(rate) if at else None, _digest(key)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()
