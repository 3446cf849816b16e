"""`diffstyle ui`: the command that the page adds to the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from diffstyle.core.errors import InputError
from diffstyle.core.model_options import ModelOptions
from diffstyle.formats.atomic import cache_folder

STARTER = ModelOptions()


def ui(
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    auth: str | None = None,
    root_path: str | None = None,
    queue_size: int = 64,
    max_pixels: int = 50_000_000,
    max_upload_mb: int = 50,
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
    auth
        NAME:PASSWORD with which visitors sign in.
    root_path
        The path under which a proxy serves the page.
    queue_size
        How many requests may wait; more are refused.
    max_pixels
        Pictures with more pixels are refused.
    max_upload_mb
        Uploads with more megabytes are refused.
    training
        Let visitors train adapters, which all users of this server then see.
    votes
        The CSV file for blind votes; if not given, votes.csv in diffstyle's cache folder.
    """
    name, colon, password = (auth or "").partition(":")
    if auth is not None and not (name and colon and password):
        raise InputError("--auth is incomplete: give NAME:PASSWORD.")
    try:
        from diffstyle_ui.app.page import launch
        from diffstyle_ui.app.uploads import Limits
    except ModuleNotFoundError as error:
        raise InputError(f"The page needs the package {error.name}: pip install {error.name}.") from error
    limits = Limits(max_pixels=max_pixels, max_upload_mb=max_upload_mb, queue_size=queue_size, training=training)
    launch(
        host=host,
        port=port,
        auth=(name, password) if auth else None,
        root_path=root_path,
        limits=limits,
        options=options,
        votes=votes or cache_folder() / "votes.csv",
    )
    return 0
