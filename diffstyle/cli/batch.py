"""`diffstyle batch`"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Annotated

from cyclopts import Parameter

from diffstyle.cli.asked import Asked, StyleOptions
from diffstyle.cli.file_options import FileOptions
from diffstyle.cli.job import Request, no_garbage_collection
from diffstyle.cli.options import FILES, Bound, group, with_options
from diffstyle.cli.progress import counted, say
from diffstyle.cli.stylize import chosen_engine
from diffstyle.core.errors import InputError
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.settings import EngineSettings, Settings, check_honoured
from diffstyle.engines.registry import engine_names, settings_class

NOTHING, PLAIN = StyleOptions(), FileOptions()
RAY = group("Ray")
LOCAL, HERE = "local", "auto"  # a cluster that is started for the batch; one that runs on this machine


def command(arguments: Sequence[str]) -> Callable[..., int]:
    """`batch` with the options of the engine that `arguments` choose."""
    name = chosen_engine(arguments)
    bound = {
        "settings": Bound(Settings, "Look"),
        "engine_settings": Bound(settings_class(name), f"Engine {name}"),
        "options": Bound(ModelOptions, "Model"),
    }
    return with_options(batch, bound, {"engine": engine_names()})


def batch(
    places: Annotated[list[str], Parameter(name="IN", negative=(), json_list=False)],
    /,
    *,
    ray: Annotated[str | bool, Parameter(group=RAY, negative=(), show_default=False)] = False,
    workers: Annotated[int | None, Parameter(group=RAY)] = None,
    worker_cpus: Annotated[int | None, Parameter(group=RAY)] = None,
    out: Annotated[str, Parameter(name=["--out", "-o"], group=FILES, show_default=False)] = "",
    files: Annotated[FileOptions, Parameter(name="*")] = PLAIN,
    style_options: Annotated[StyleOptions, Parameter(name="*")] = NOTHING,
    settings: Settings,
    engine: Annotated[str | None, Parameter(group=group("Engine"))] = None,
    engine_settings: EngineSettings,
    options: ModelOptions,
) -> int:
    """Repaint many photos, on this machine or on a Ray cluster: diffstyle batch IN... OUT --style neon --ray

    Parameters
    ----------
    places
        Photos, folders of photos, webdataset shards (.tar), as paths or as URLs such as s3://bucket/photos; then the
        folder that the pictures go to, which may be a URL too. Pictures of a shard go to a folder of its name.
    ray
        Paint on a Ray cluster: the one at ADDRESS (HOST:PORT), the one that runs on this machine (auto), or, without
        either, one of this machine's cores, which is started for this batch.
    workers
        The most workers; as many as fit on the cluster if not given. A worker holds the model.
    worker_cpus
        CPU cores of each worker, 1 if not given. Where the cluster has GPUs, each worker has one.
    out
        The folder that the pictures go to; then all places are photos.
    engine
        What paints; the engine that the model names if not given.
    """
    for name, value in (("workers", workers), ("worker_cpus", worker_cpus)):
        if value is not None and value < 1:
            raise InputError(f"{name} is {value}: give a number of 1 or more.")
        if value is not None and ray is False:
            raise InputError(f"--{name.replace('_', '-')} is for workers on a cluster: add --ray, or leave it out.")
    if engine is not None:
        settings_class(engine)  # an unknown name is an error
    style_options = style_options.named(engine_settings)
    check_honoured(settings, engine_settings, negative=style_options.negative_style is not None)
    if ray is not False and find_spec("ray") is None:
        raise InputError("--ray needs Ray: pip install 'diffstyle[ray]'.")
    address = ray if isinstance(ray, str) else os.environ.get("RAY_ADDRESS") or LOCAL
    if ray is not False:
        check_address(address)
    places = [*places, out] if out else places
    if len(places) < 2 or not all(places):
        raise InputError("Name the photos and the folder to paint to: diffstyle batch IN... OUT.")
    request = Request(style_options, settings, engine_settings, options, files)
    with no_garbage_collection():
        from diffstyle.cli.batch_items import check_out, found_items
        from diffstyle.cli.batch_run import Batch, InProcess, Workers

    check_out(places[-1])
    items = found_items(places[:-1], places[-1], recursive=files.recursive)
    asked, output = Asked.of(style_options), sys.stdout
    if ray is False:
        team: Workers = InProcess(request, asked)
    else:
        from diffstyle.cli.batch_ray import OnRay

        team = OnRay(request, asked, address=address, most=workers, cpus=worker_cpus or 1)
    say(f"painting {counted(len(items), 'photo')} with {engine_settings.name}")
    work = Batch(request, items, team, output)
    try:
        return work.run()
    finally:
        team.close()
        work.tidy()


def check_address(where: str) -> None:
    """InputError for what is no address of a cluster, or one that nobody listens at: Ray waits for it for minutes."""
    if where in (LOCAL, HERE) or "://" in where:
        return
    host, _, port = where.rpartition(":")
    if not host or not port.isdecimal():
        raise InputError(f"{where} is no address of a Ray cluster: give HOST:PORT or auto, or --ray alone at the end.")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
    except (OSError, OverflowError, UnicodeError) as error:
        raise InputError(f"Cannot reach the Ray cluster at {where}: check the address, or start it.") from error
