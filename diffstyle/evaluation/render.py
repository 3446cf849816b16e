"""Renders pairs with an engine into a folder, resuming where an earlier run stopped."""

from __future__ import annotations

import contextlib
import csv
import gc
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diffstyle._version import __version__
from diffstyle.core.errors import InputError, explain
from diffstyle.core.fields import values_of
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.settings import EngineSettings
from diffstyle.evaluation.pairs import COSTS, Pair, Run
from diffstyle.formats.atomic import sha256, write_atomic

if TYPE_CHECKING:
    from diffstyle.stylizer import Stylizer

RUN = "run.json"
OnPair = Callable[[int, int, str], None]  # done, of how many, and which one is next


def render_pairs(
    pairs: Sequence[Pair],
    folder: Path,
    *,
    engine: EngineSettings | str,
    size: int,
    options: ModelOptions,
    seed: int = 0,
    on_pair: OnPair | None = None,
) -> Run:
    """Paint every pair with `engine`, its settings or its name for its defaults, as `folder`/NAME.png, `size` pixels on
    the longest side.

    Pictures are written atomically, and existing ones are skipped; seconds and peak memory of each are appended to
    costs.csv. InputError if the folder holds pictures with other settings or from other files.
    """
    from diffstyle.stylizer import Stylizer

    stylizer = Stylizer.of(options)
    own = stylizer.engine_settings(engine)
    record = _record(stylizer, own, size=size, seed=seed)
    _claim(folder, record, pairs)
    missing = [pair for pair in pairs if not (folder / f"{pair.name}.png").is_file()]
    for n, pair in enumerate(missing):
        if on_pair is not None:
            on_pair(len(pairs) - len(missing) + n, len(pairs), pair.name)
        _render(stylizer, pair, folder, engine=own, size=size, seed=seed)
    del stylizer
    gc.collect()  # the next engine's memory is measured without this one's
    return Run.of(folder, own.name)


def _render(stylizer: Stylizer, pair: Pair, folder: Path, *, engine: EngineSettings, size: int, seed: int) -> None:
    from diffstyle.core.style import Style
    from diffstyle.core.task import Task
    from diffstyle.evaluation.case import open_whole

    photo, style = (open_whole(path, square=pair.square) for path in (pair.photo, pair.style))
    task = Task(photo, Style.from_image(style), engine=engine, size=size, seed=seed)
    stylizer.forget()
    _reset_peak()
    started = time.perf_counter()
    result = stylizer.render(task)
    seconds, peak = time.perf_counter() - started, _peak()
    result.save(folder / f"{pair.name}.png")
    try:
        with (folder / COSTS).open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow([pair.name, f"{seconds:.4f}", "" if peak is None else peak])
    except OSError as error:
        raise explain(error, f"write {folder / COSTS}") from error


def _record(stylizer: Stylizer, engine: EngineSettings, *, size: int, seed: int) -> dict[str, Any]:
    """Everything that determines the pictures, apart from the pairs, as JSON values."""
    return {
        "version": __version__,
        "engine": engine.name,
        "settings": json.loads(json.dumps(values_of(engine))),
        "size": size,
        "seed": seed,
        "model": json.loads(json.dumps(asdict(stylizer.options.shareable()))),
        "weights": dict(stylizer.engine(engine.name).weights),
    }


def _claim(folder: Path, record: dict[str, Any], pairs: Sequence[Pair]) -> None:
    """Write the record and the digests of photos and styles to run.json.

    InputError if the folder has pictures with another record, or pictures of these pairs from other files.
    """
    path, inputs = folder / RUN, _inputs(pairs)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        before: dict[str, Any] | None = dict(json.loads(path.read_text("utf-8"))) if path.is_file() else None
    except OSError as error:
        raise explain(error, f"make the folder {folder}") from error
    except (ValueError, TypeError):
        before = {}
    known: dict[str, list[str]] = {} if before is None else before.pop("pairs", {})
    painted = [pair.name for pair in pairs if (folder / f"{pair.name}.png").is_file()]
    changed = any(known.get(name, inputs[name]) != inputs[name] for name in painted)
    if before is not None and (before != record or changed):
        raise InputError(
            f"The pictures in {folder} were painted with other settings or from other files: delete the folder, or "
            "name another with -o."
        )
    data = json.dumps({**record, "pairs": known | inputs}, indent=1).encode()
    write_atomic(path, lambda file: file.write(data))


def _inputs(pairs: Sequence[Pair]) -> dict[str, list[str]]:
    """The sha256 of photo and style by the name of the pair, and whether it is their squares that are painted."""
    digests: dict[Path, str] = {}
    for path in (path for pair in pairs for path in (pair.photo, pair.style)):
        if path not in digests:
            try:
                digests[path] = sha256(path)
            except OSError as error:
                raise explain(error, f"read {path}") from error
    part = {False: [], True: ["central squares"]}
    return {pair.name: [digests[pair.photo], digests[pair.style], *part[pair.square]] for pair in pairs}


def _reset_peak() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    with contextlib.suppress(OSError):  # not Linux, or not allowed
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int | None:
    """Peak bytes of the GPU, or else of this process, since `_reset_peak`; None if the system does not say."""
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(found[0]) * 1024 if found else None
