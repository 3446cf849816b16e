"""`diffstyle serve`"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from diffstyle.core.errors import InputError
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.user_path import user_path
from diffstyle.formats.atomic import cache_folder
from diffstyle.serving.memory import uncollected

STARTER = ModelOptions()
COMPILED = "TORCHINDUCTOR_CACHE_DIR"


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    allowed_host: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    api_keys: Path | None = None,
    max_per_key: int | None = None,
    rate: int | None = None,
    queue_size: int = 64,
    max_pixels: int = 50_000_000,
    max_upload_mb: int = 50,
    max_seconds: int = 600,
    drain_seconds: int = 60,
    jobs: Path | None = None,
    jobs_mb: int = 10_000,
    keep_hours: float = 48,
    options: Annotated[ModelOptions, Parameter(name="*", negative=())] = STARTER,
) -> int:
    """Serve renders over HTTP, as OpenAI's clients ask for them.

    Parameters
    ----------
    host
        The address to listen at. Only this machine can reach the default; 0.0.0.0 admits other machines.
    port
        The port to listen at; 0 takes a free one.
    allowed_host
        A host name by which clients reach the server, such as that of a proxy; repeat it for several. Addresses and
        localhost always work.
    api_keys
        A file with a NAME:KEY on each line; the variable DIFFSTYLE_API_KEYS holds them if not given. Without keys,
        everybody who reaches the server may use it. NAME@RATE:KEY gives a key a rate of its own.
    max_per_key
        How many requests of one key may run or wait at once; a quarter of the queue if not given.
    rate
        How many requests that paint or search one key may send a minute, all users together without keys; there is no
        limit if not given.
    queue_size
        How many requests may wait; more are refused.
    max_pixels
        Pictures with more pixels are refused, to read and to paint.
    max_upload_mb
        Requests with more megabytes are refused.
    max_seconds
        Renders that take longer are stopped.
    drain_seconds
        How long requests that wait still get their turn after SIGTERM.
    jobs
        The folder in which jobs are kept, with their photos and results; there are no jobs if not given.
    jobs_mb
        New jobs are refused once all of them take so many megabytes.
    keep_hours
        How long finished jobs are kept.
    """
    for name, value, least in (
        ("max_per_key", max_per_key, 1),
        ("rate", rate, 1),
        ("drain_seconds", drain_seconds, 0),
        ("jobs_mb", jobs_mb, 1),
        ("keep_hours", keep_hours, 0),
    ):
        if value is not None and value < least:
            raise InputError(f"{name} is {value}: give a number of {least} or more.")
    os.environ.setdefault(COMPILED, str(cache_folder() / "compiled"))  # torch makes one in the temporary folder
    with uncollected():
        from diffstyle.serving.api_keys import ApiKeys
        from diffstyle.serving.http_server import serve as start
        from diffstyle.serving.limits import ServerLimits
    limits = ServerLimits(
        max_pixels=max_pixels, max_upload_mb=max_upload_mb, max_seconds=max_seconds, queue_size=queue_size
    )
    start(
        host=host,
        port=port,
        options=options,
        limits=limits,
        keys=ApiKeys.read(api_keys),
        per_key=max_per_key,
        rate=rate,
        names=allowed_host,
        drain_seconds=drain_seconds,
        jobs=None if jobs is None else user_path(jobs),
        jobs_mb=jobs_mb,
        keep_hours=keep_hours,
    )
    return 0
