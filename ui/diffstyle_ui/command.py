"""`diffstyle ui`: the command that the page adds to the command line."""

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
from diffstyle_ui.app.gradio_import import without_stubs

STARTER = ModelOptions()
AUTH_VARIABLE = "DIFFSTYLE_AUTH"
COMPILED = "TORCHINDUCTOR_CACHE_DIR"


def ui(
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    auth_file: Path | None = None,
    root_path: str | None = None,
    allowed_host: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    queue_size: int = 64,
    max_pixels: int = 50_000_000,
    max_upload_mb: int = 50,
    max_visitor_mb: int = 1000,
    max_total_mb: int = 10_000,
    max_seconds: int = 600,
    max_clip_seconds: int = 60,
    training: bool = True,
    votes: Path | None = None,
    options: Annotated[ModelOptions, Parameter(name="*", negative=())] = STARTER,
) -> int:
    """Open the web page: preview, mix, paint, train and compare styles in a browser.

    Parameters
    ----------
    host
        The address to listen at. Only this machine can reach the default; 0.0.0.0 admits other machines.
    port
        The port to listen at; if not given, the first free one from 7860 on.
    auth_file
        A file with the NAME:PASSWORD with which visitors sign in; the variable DIFFSTYLE_AUTH holds them if not given.
    root_path
        The path under which a proxy serves the page.
    allowed_host
        A host name by which visitors reach the page, such as that of a proxy; repeat it for several. Addresses and
        localhost always work.
    queue_size
        How many requests may wait; more are refused.
    max_pixels
        Pictures with more pixels are refused, to read and to paint.
    max_upload_mb
        Uploads with more megabytes are refused.
    max_visitor_mb
        Uploads of one visitor beyond so many megabytes are refused, until the older ones are deleted after six hours.
        Of results, the oldest beyond as many are deleted.
    max_total_mb
        The same for all visitors together.
    max_seconds
        Renders that take longer are stopped; of a clip, what is painted by then is kept.
    max_clip_seconds
        Of a clip, so many seconds are painted at a time.
    training
        Let visitors train adapters and students, which all users of this server then see.
    votes
        The CSV file for blind votes; if not given, votes.csv in diffstyle's cache folder.
    """
    auth = account(auth_file)
    os.environ.setdefault(COMPILED, str(cache_folder() / "compiled"))  # torch makes one in the temporary folder
    try:
        with uncollected(), without_stubs():
            from diffstyle_ui.app.limits import Limits
            from diffstyle_ui.app.page import launch
    except ModuleNotFoundError as error:
        raise InputError(f"The page needs the package {error.name}: pip install {error.name}.") from error
    limits = Limits(
        max_pixels=max_pixels,
        max_upload_mb=max_upload_mb,
        max_visitor_mb=max_visitor_mb,
        max_total_mb=max_total_mb,
        max_seconds=max_seconds,
        max_clip_seconds=max_clip_seconds,
        queue_size=queue_size,
        training=training,
    )
    launch(
        host=host,
        port=port,
        auth=auth,
        root_path=root_path,
        names=allowed_host,
        limits=limits,
        options=options,
        votes=votes or cache_folder() / "votes.csv",
    )
    return 0


def account(file: Path | None) -> tuple[str, str] | None:
    """The name and password in `file`, or else in the environment: command lines are seen by everybody on a machine.

    None if there are none. Raises InputError for a file that cannot be read, and for what is not NAME:PASSWORD.
    """
    if file is None:
        text, where = os.environ.pop(AUTH_VARIABLE, None), AUTH_VARIABLE  # processes started later need not know it
    else:
        try:
            text, where = user_path(file).read_text("utf-8"), str(file)
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"Cannot read {file}: give a text file that holds NAME:PASSWORD.") from error
    if text is None:
        return None
    name, colon, password = text.strip().partition(":")
    if not (name and colon and password):
        raise InputError(f"{where} is incomplete: it must hold NAME:PASSWORD.")
    return name, password
