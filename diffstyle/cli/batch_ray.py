"""`OnRay`: the painters of a batch as an actor pool of Ray Data, on a cluster or on the cores of this machine.

Ray Data restarts workers that die and gives their photos to others. It gives them out again without end, so a photo
that kills each worker would never be done with: an actor counts how often each was begun. Pictures are renamed to
their place when they are whole, and one that is there is not painted again, so each output is made exactly once.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO, cast

from diffstyle._version import __version__
from diffstyle.cli.asked import Asked
from diffstyle.cli.batch_items import Item
from diffstyle.cli.batch_painter import Outcome, Painter
from diffstyle.cli.job import Request
from diffstyle.cli.progress import say
from diffstyle.core.errors import InputError
from diffstyle.formats.atomic import cache_folder

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # before Ray is imported

import ray
import ray.data
from ray.exceptions import RayError

ATTEMPTS = 3  # how many workers a photo may kill
STARTS = 3  # how many workers may die one after another while they load the model
LOG = "ray.log"
MOST_BLOCKS = 10_000
STORE_BYTES = 128 * 2**20  # of a cluster that is started here: names go through it, and no pixels


class Attempts:
    """How often each photo was begun; an actor of its own, which outlives the workers."""

    def __init__(self) -> None:
        self._begun: dict[int, int] = {}

    def begin(self, n: int) -> int:
        """Count another attempt at photo `n`."""
        self._begun[n] = self._begun.get(n, 0) + 1
        return self._begun[n]

    def repeated(self) -> int:
        """How many photos were begun more than once."""
        return sum(count > 1 for count in self._begun.values())


class Worker:
    """A painter on the cluster. Its input and output are rows of JSON, for it paints files and not arrays."""

    def __init__(self, version: str, request: Request, asked: Asked, attempts: Any) -> None:
        self._attempts, self._problem, self._key = attempts, "", ""
        try:
            if version != __version__:
                raise InputError(f"A worker has diffstyle {__version__} and this machine {version}: install the same.")
            self._painter = Painter(request, asked)
            self._key = self._painter.key()
        except InputError as error:
            self._problem = str(error)

    def __call__(self, batch: Mapping[str, Any]) -> Iterator[dict[str, list[Any]]]:
        """(1,) numbers and items -> a row for each, with its outcome, or why nothing can be painted."""
        for n, text in zip(batch["n"], batch["item"], strict=True):
            outcome = self._paint(int(n), str(text))
            yield {"n": [int(n)], "outcome": [outcome], "key": [self._key], "problem": [self._problem]}

    def _paint(self, n: int, text: str) -> str:
        if self._problem:
            return ""
        begun = int(cast("Any", ray.get(self._attempts.begin.remote(n))))
        if begun > ATTEMPTS:
            return Outcome("failed", f"{ATTEMPTS} workers died of it: try a smaller size, or leave it out.").to_json()
        return self._painter.paint(Item(**json.loads(text))).to_json()


class OnRay:
    """Painters on a Ray cluster; `most` of them, with `cpus` cores each, and a GPU each where the cluster has GPUs."""

    def __init__(self, request: Request, asked: Asked, *, address: str, most: int | None, cpus: int) -> None:
        """Connect to the cluster at `address`, or start one on this machine if it is local.

        Raises InputError if that cannot be done, or if it has no room for a single worker.
        """
        self._stack = ExitStack()
        self._stack.enter_context(own_streams(cache_folder() / LOG))
        self._stack.callback(cast("Any", ray.shutdown))
        try:
            self._connect(address, most, cpus, request.options.device)
        except BaseException:
            self.close()
            raise
        self._request, self._asked = request, asked
        self._key = ""

    def _connect(self, address: str, most: int | None, cpus: int, device: str | None) -> None:
        connect(address)
        fit, self._resources = room(alive(), cpus, device)
        self._initial, self._most = min(fit, most or fit), most
        self._attempts = cast("Any", ray.remote(Attempts)).options(num_cpus=0).remote()

    def key(self) -> str:
        """`Painter.key` of a worker; before any has painted, one loads the model for it."""
        if not self._key:
            reading = cast("Any", ray.remote(key_of)).options(**self._resources)
            with explained():
                found, problem = cast("Any", ray.get(reading.remote(self._request, self._asked)))
            if problem:
                raise InputError(problem)
            self._key = str(found)
        return self._key

    def paint(self, items: Sequence[Item]) -> Iterator[tuple[Item, Outcome]]:
        """What becomes of each of `items`, as workers finish them."""
        rows = [{"n": n, "item": json.dumps(asdict(item))} for n, item in enumerate(items)]
        first = min(self._initial, len(rows))
        painted = ray.data.from_items(rows, override_num_blocks=min(len(rows), MOST_BLOCKS)).map_batches(
            Worker,  # pyright: ignore
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=self._most, initial_size=first),
            fn_constructor_args=(__version__, self._request, self._asked, self._attempts),
            **self._resources,  # pyright: ignore
        )
        with explained():
            for row in painted.iter_rows():
                if row["problem"]:
                    raise InputError(str(row["problem"]))
                self._key = str(row["key"])
                yield items[int(row["n"])], Outcome.from_json(str(row["outcome"]))
            if again := int(cast("Any", ray.get(self._attempts.repeated.remote()))):
                say(f"workers died: {again} photos were begun again")

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        self._stack.close()


def alive() -> list[Mapping[str, float]]:
    """What each node of the cluster has."""
    nodes = cast("list[dict[str, Any]]", cast("Any", ray.nodes)())
    return [node["Resources"] for node in nodes if node["Alive"]]


def room(nodes: Sequence[Mapping[str, float]], cpus: int, device: str | None) -> tuple[int, dict[str, float]]:
    """How many workers of `cpus` cores fit on nodes with these resources now, and what each of them asks for.

    Raises InputError if none does: a worker is on one node.
    """
    gpu = any(node.get("GPU", 0) >= 1 for node in nodes) and (device or "cuda").partition(":")[0] == "cuda"
    usable = [node for node in nodes if not gpu or node.get("GPU", 0) >= 1]
    fit = sum(int(min(node.get("CPU", 0) // cpus, node.get("GPU", 0) if gpu else float("inf"))) for node in usable)
    most = max((node.get("CPU", 0) for node in usable), default=0)
    if fit < 1:
        with_gpu = " with a GPU" if gpu else ""
        if most < 1:
            raise InputError(f"The Ray cluster has no node{with_gpu} that has CPUs: start one, ray start --address=...")
        raise InputError(f"No worker fits on a node{with_gpu}: the largest has {most:g} CPUs, lower --worker-cpus.")
    return fit, {"num_cpus": cpus, **({"num_gpus": 1} if gpu else {})}


def key_of(request: Request, asked: Asked) -> tuple[str, str]:
    """`Painter.key`, or why there is none."""
    try:
        return Painter(request, asked).key(), ""
    except InputError as error:
        return "", str(error)


@contextmanager
def own_streams(log: Path) -> Generator[None]:
    """Send to a file what Ray itself prints: to `sys.stdout`, and past Python to standard error.

    Messages of this command still reach standard error; a stream that was taken from `sys.stdout` before works on.
    """
    sys.stderr.flush()
    kept, before = os.dup(2), sys.stderr
    with _opened(log) as file, redirect_stdout(file):
        os.dup2(file.fileno(), 2)
        if before is sys.__stderr__:
            sys.stderr = os.fdopen(os.dup(kept), "w", buffering=1, encoding=before.encoding, errors="backslashreplace")
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            if sys.stderr is not before:
                sys.stderr.close()
            sys.stderr = before


def _opened(log: Path) -> TextIO:
    """The file for what Ray prints; none if the cache folder cannot be used, for nobody reads it."""
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        return log.open("w", encoding="utf-8", errors="backslashreplace")
    except OSError:
        return Path(os.devnull).open("w", encoding="utf-8", errors="backslashreplace")


def connect(where: str) -> None:
    """Connect to a cluster. InputError if there is none."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    context.max_consecutive_actor_init_deaths = STARTS
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what is wrong is said in a sentence
    own = {"include_dashboard": False, "object_store_memory": STORE_BYTES} if where == "local" else {}
    try:
        ray.init(address=where, log_to_driver=False, logging_level=logging.CRITICAL, **own)  # pyright: ignore
    except (RayError, ConnectionError, ValueError, RuntimeError, OSError) as error:
        said = " ".join(str(error).split())[:200].rstrip(".")
        token = "" if where in ("local", "auto") else "; if it asks for a token, set RAY_AUTH_MODE=token"
        raise InputError(f"Cannot use the Ray cluster at {where}: {said}{token}.") from error


@contextmanager
def explained() -> Generator[None]:
    """Turn an error of the cluster into an InputError."""
    try:
        yield
    except RayError as error:
        last = (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()[:200].rstrip(".")
        raise InputError(
            f"The Ray cluster cannot go on: {last}. Pictures so far are kept; run the command again."
        ) from error
