"""Renders pairs with an engine into a folder, to be measured. What is there is not painted again."""

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
from diffstyle.evaluation.pairs import COSTS, Pair, Run
from diffstyle.formats.atomic import write_atomic

if TYPE_CHECKING:
    from diffstyle.stylizer import Stylizer

RUN = "run.json"
OnPair = Callable[[int, int, str], None]  # done, of how many, and which one is next


def render_pairs(
    pairs: Sequence[Pair],
    folder: Path,
    *,
    engine: str,
    size: int,
    options: ModelOptions,
    seed: int = 0,
    on_pair: OnPair | None = None,
) -> Run:
    """Paint every pair with the defaults of `engine` as `folder`/NAME.png, `size` pixels on the longest side.

    Pictures are written whole or not at all, so that an interrupted call goes on where it stopped; seconds and peak
    memory of each are added to costs.csv. InputError if the folder holds pictures that were painted otherwise.
    """
    from diffstyle.stylizer import Stylizer

    stylizer = Stylizer.of(options)
    record = _record(stylizer, engine, size=size, seed=seed)
    _claim(folder, record)
    missing = [pair for pair in pairs if not (folder / f"{pair.name}.png").is_file()]
    for n, pair in enumerate(missing):
        if on_pair is not None:
            on_pair(len(pairs) - len(missing) + n, len(pairs), pair.name)
        _render(stylizer, pair, folder, engine=engine, size=size, seed=seed)
    del stylizer
    gc.collect()  # the next engine's memory is measured without this one's
    return Run.of(folder, engine)


def _render(stylizer: Stylizer, pair: Pair, folder: Path, *, engine: str, size: int, seed: int) -> None:
    from diffstyle.core.picture import Picture
    from diffstyle.core.style import Style
    from diffstyle.core.task import Task

    task = Task(Picture.open(pair.photo), Style.from_image(pair.style), engine=engine, size=size, seed=seed)
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


def _record(stylizer: Stylizer, engine: str, *, size: int, seed: int) -> dict[str, Any]:
    """All that decides about the pictures but the pairs, as JSON values."""
    settings = stylizer.engine_settings(engine)
    return {
        "version": __version__,
        "engine": engine,
        "settings": json.loads(json.dumps(values_of(settings))),
        "size": size,
        "seed": seed,
        "model": json.loads(json.dumps(asdict(stylizer.options.shareable()))),
        "weights": dict(stylizer.engine(engine).weights),
    }


def _claim(folder: Path, record: dict[str, Any]) -> None:
    """Note in the folder how its pictures are painted; InputError if they were painted otherwise."""
    path = folder / RUN
    try:
        folder.mkdir(parents=True, exist_ok=True)
        before = json.loads(path.read_text("utf-8")) if path.is_file() else None
    except OSError as error:
        raise explain(error, f"make the folder {folder}") from error
    except ValueError:
        before = {}
    if before is not None and before != record:
        raise InputError(
            f"The pictures in {folder} were painted otherwise: delete the folder, or name another with -o."
        )
    if before is None:
        write_atomic(path, lambda file: file.write(json.dumps(record, indent=1).encode()))


def _reset_peak() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    with contextlib.suppress(OSError):  # not Linux, or not allowed
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int | None:
    """Bytes: the most that the GPU, or else this process, held since `_reset_peak`; None where nobody counts."""
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(found[0]) * 1024 if found else None
