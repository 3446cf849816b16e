"""Forms with uploads: read into a folder, within a budget of bytes that holds before anything is decoded."""

from __future__ import annotations

import asyncio
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from diffstyle.serving.api_errors import ApiError
from diffstyle.serving.limits import ServerLimits

IDLE_SECONDS = 60  # after which a body of which nothing arrives has broken off
FILES, FIELDS, TEXT_BYTES = 40, 200, 2**16
_KINDS = ("multipart/form-data", "application/x-www-form-urlencoded")


@dataclass(frozen=True, slots=True)
class Form:
    """The values of each field, in their order: `texts`, and `files` in the folder they were read into."""

    texts: Mapping[str, tuple[str, ...]]
    files: Mapping[str, tuple[Path, ...]]

    def text(self, name: str, default: str = "") -> str:
        """The one value of a field; ApiError if it has several."""
        values = self.texts.get(name, ())
        if len(values) > 1:
            raise ApiError(400, f"The field {name} is given {len(values)} times: give it once.", param=name)
        return values[0] if values else default

    def file(self, name: str) -> Path | None:
        """The one file of a field, None if there is none; ApiError if there are several."""
        found = self.files.get(name, ())
        if len(found) > 1:
            raise ApiError(400, f"The field {name} holds {len(found)} files: give one.", param=name)
        return found[0] if found else None

    def check_fields(self, texts: Sequence[str], files: Sequence[str]) -> None:
        """ApiError for a field that is none of those of that kind."""
        for given, known, what in ((self.texts, texts, "field"), (self.files, files, "file field")):
            unknown = next((name[:60] for name in given if name not in known), None)
            if unknown is not None:
                said = f"There is no {what} {unknown}: send {', '.join(known)}."
                raise ApiError(400, said, param=unknown, code="unknown_parameter")


async def read_form(request: Request, folder: Path, limits: ServerLimits) -> Form:
    """The form in the body of `request`; each file is kept in `folder` under its own name.

    A field `image[]` is called `image`, as clients write lists. Raises ApiError for a body that is no form, that breaks
    off, that takes longer than `limits.max_seconds`, or that is larger than `limits.max_upload_mb`; ClientDisconnect if
    the client leaves.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _KINDS:
        raise ApiError(415, "The body is no form: send multipart/form-data.")
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > limits.max_upload_mb * 2**20:
        raise _too_large(limits)
    counted = Request(request.scope, _Counted(request, limits).receive)
    try:
        async with counted.form(max_files=FILES, max_fields=FIELDS, max_part_size=TEXT_BYTES) as form:
            return await asyncio.to_thread(_kept, form, folder)
    except HTTPException as error:
        said = str(error.detail).rstrip(".")
        raise ApiError(400, f"The form cannot be read: {said[:1].lower()}{said[1:]}.", code="invalid_form") from error


class _Counted:
    """Receives a body, counting its bytes and its seconds."""

    def __init__(self, request: Request, limits: ServerLimits) -> None:
        self._receive, self._limits = request.receive, limits
        self._size, self._ends = 0, time.monotonic() + limits.max_seconds

    async def receive(self) -> Any:
        try:
            left = min(IDLE_SECONDS, self._ends - time.monotonic())
            message = await asyncio.wait_for(self._receive(), left)
        except (asyncio.TimeoutError, TimeoutError):
            raise ApiError(408, "The upload broke off, or took too long: send the request again.") from None
        self._size += len(message.get("body", b""))
        if self._size > self._limits.max_upload_mb * 2**20:
            raise _too_large(self._limits)
        return message


def _kept(form: FormData, folder: Path) -> Form:
    texts: dict[str, tuple[str, ...]] = {}
    files: dict[str, tuple[Path, ...]] = {}
    for n, (field, value) in enumerate(form.multi_items()):
        name = field.removesuffix("[]")
        if isinstance(value, UploadFile):
            path = folder / str(n) / _safe(value.filename or "")
            path.parent.mkdir(parents=True)
            with path.open("wb") as file:
                shutil.copyfileobj(value.file, file)
            files[name] = (*files.get(name, ()), path)
        else:
            texts[name] = (*texts.get(name, ()), value)
    return Form(texts, files)


def _safe(name: str) -> str:
    """A name for a file, without folders and whatever a file system may refuse; suffixes stay."""
    bare = re.split(r"[/\\]", name)[-1]
    return re.sub(r"[^\w. -]+", "-", bare).strip(". -")[-60:] or "picture"


def _too_large(limits: ServerLimits) -> ApiError:
    return ApiError(413, f"The request is larger than {limits.max_upload_mb} MB: send smaller or fewer pictures.")
