"""The HTTP server's throughput beside a bare `Stylizer`, and under mixed load: `python -m benchmarks.serving`.

Throughput: the painter at 512 pixels, rounds of both in turns; each picture is another photo, read from a file and
encoded as PNG. The server has two clients, so that it never waits for one.

Previews: the same for 1, 8 and 60 clients, with latencies, and in seconds of the processor, which other programs do not
change.

Mixed load: requests of all kinds from several clients, one in twenty with a broken photo and one in twenty that is
cancelled; what became of each, and the server's memory before and after.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx2
import numpy as np
import numpy.typing as npt
from skimage import data

from diffstyle import Nnst, Picture, Style, Stylizer, Task
from tests.helpers.serving import serving

SIDE, WORDS = 512, "impasto painting in ochre and blue"
CLIENTS, PARTS = 4, 4  # of mixed load
PREVIEW_CLIENTS = (1, 8, 60)
Answer = tuple[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pictures", type=int, default=4, help="of each round")
    parser.add_argument("--previews", type=int, default=60, help="for each number of clients")
    parser.add_argument("--requests", type=int, default=200, help="of mixed load")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, serving(Path(name), "--port", 0, command="serve") as server:
        folder, url = Path(name), server.address.rstrip("/")
        started = time.perf_counter()
        while httpx2.get(f"{url}/readyz").status_code != 200:
            time.sleep(0.1)
        print(f"ready {time.perf_counter() - started:.1f} s after the server answers")
        limits = httpx2.Limits(max_connections=max(PREVIEW_CLIENTS))
        with httpx2.Client(base_url=url, timeout=300, limits=limits) as client:
            if asked.rounds:
                throughput(client, folder, asked.rounds, asked.pictures)
            if asked.previews:
                previews(client, folder, asked.previews)
            report(mixed(client, folder, asked.requests))


def photo(folder: Path, number: int, side: int = SIDE) -> Path:
    """A photo that no other request has."""
    path = folder / f"photo-{number}-{side}.png"
    whole = cast("npt.NDArray[np.uint8]", data.astronaut())
    Picture.from_array(np.roll(whole, 7 * number, 1)).resized((side, side)).to_pil().save(path)
    return path


def throughput(client: httpx2.Client, folder: Path, rounds: int, pictures: int) -> None:
    """Pictures a second, of both in turns, and the median of their ratios."""
    painting = folder / "painting.png"
    Picture.from_array(cast("npt.NDArray[np.uint8]", data.coffee())).resized((384, 256)).to_pil().save(painting)
    stylizer, style = Stylizer.load(), Style.from_image(painting)

    def bare(path: Path) -> None:
        stylizer.stylize(path, style, engine=Nnst()).save(path.with_suffix(".out.png"))
        stylizer.forget()  # the next photo is another one

    def served(path: Path) -> None:
        files = [("image[]", (file.name, file.read_bytes())) for file in (path, painting)]
        answer = client.post("/v1/images/edits", data={"prompt": "", "engine": "nnst"}, files=files)
        assert answer.status_code == 200, answer.text

    def seconds(paint: Callable[[Path], None], clients: int, paths: list[Path]) -> float:
        began = time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(paint, paths))
        return time.perf_counter() - began

    files = iter([photo(folder, n) for n in range(2 * (rounds * pictures + 1))])
    bare(next(files))
    served(next(files))
    ratios: list[float] = []
    print(f"{'bare s/picture':>15} {'served s/picture':>17} {'ratio':>6}")
    for _ in range(rounds):
        alone = seconds(bare, 1, [next(files) for _ in range(pictures)]) / pictures
        through = seconds(served, 2, [next(files) for _ in range(pictures)]) / pictures
        ratios.append(alone / through)
        print(f"{alone:15.2f} {through:17.2f} {ratios[-1]:6.2f}", flush=True)
    print(f"throughput of the server over that of a bare Stylizer, median: {statistics.median(ratios):.2f}")


def previews(client: httpx2.Client, folder: Path, count: int) -> None:
    """Milliseconds a preview of a bare `Stylizer` and of the server, by the clock and of the processor; latencies."""
    paths, stylizer = [photo(folder, n) for n in range(count)], Stylizer.load()

    def bare(path: Path) -> None:
        stylizer.preview(Task(Picture.open(path), Style.from_text(WORDS))).encoded("PNG")

    def served(path: Path) -> float:
        began = time.perf_counter()
        files = {"image": (path.name, path.read_bytes())}
        answer = client.post("/v1/preview", data={"prompt": WORDS, "engine": "adain"}, files=files)
        assert answer.status_code == 200, answer.text
        return time.perf_counter() - began

    bare(paths[0])
    served(paths[0])
    print("clients | bare ms, of the processor | served ms, of the processor | latency: median, 95 %, at most")
    for clients in PREVIEW_CLIENTS:
        began, used = time.perf_counter(), time.process_time()
        for path in paths:
            bare(path)
        alone, used = time.perf_counter() - began, time.process_time() - used
        before, began = metric(client, "process_cpu_seconds_total"), time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            latencies = sorted(pool.map(served, paths))
        through, spent = time.perf_counter() - began, metric(client, "process_cpu_seconds_total") - before
        own, other = (f"{1e3 * a / count:5.0f} {1e3 * b / count:5.0f}" for a, b in ((alone, used), (through, spent)))
        late = (statistics.median(latencies), latencies[int(0.95 * count)], latencies[-1])
        print(f"{clients:7} | {own} | {other} | {' '.join(f'{1e3 * seconds:.0f}' for seconds in late)}", flush=True)


@dataclass(frozen=True, slots=True)
class Load:
    """What became of requests of each kind, and what was `expected`; the `seconds` of those that were answered, sorted;
    requests `left` in the queues; and resident `megabytes` of the server, before and after each of PARTS parts.
    """

    became: Mapping[str, int]
    expected: Mapping[str, int]
    seconds: Sequence[float]
    left: int
    megabytes: Sequence[float]


def report(load: Load) -> None:
    print(f"became: {dict(load.became)}")
    print(f"expected: {dict(load.expected)}")
    print(f"answered: median {statistics.median(load.seconds):.2f} s, at most {load.seconds[-1]:.2f} s")
    said = ", ".join(f"{megabytes:.0f}" for megabytes in load.megabytes)
    print(f"left in the queue: {load.left}; resident MB before, and after each of {PARTS} parts: {said}")


def mixed(client: httpx2.Client, folder: Path, count: int) -> Load:
    """Send `count` requests of all kinds from CLIENTS clients."""
    chance = random.Random(0)
    files = [photo(folder, n, side) for n, side in enumerate((256, 320, 384))]
    mask = Picture.from_array(np.dstack([np.zeros((256, 256, 3), np.uint8), np.tri(256, dtype=np.uint8) * 255]))
    mask.to_pil().save(folder / "mask.png")
    kinds = [chance.choices(("edit", "pictures", "mask", "stream", "preview"), k=1)[0] for _ in range(count)]
    for n in range(count):
        if n % 20 == 7:
            kinds[n] = "broken"
        elif n % 20 == 14:
            kinds[n] = "cancelled"
    answers, memory = list[Answer](), [resident(client)]

    def send(n: int) -> Answer:
        return request(client, kinds[n], files[n % len(files)], folder / "mask.png")

    with ThreadPoolExecutor(CLIENTS) as pool:
        for part in range(PARTS):
            answers += pool.map(send, range(part * count // PARTS, (part + 1) * count // PARTS))
            memory.append(resident(client))
            print(f"part {part + 1} of {PARTS}: {len(answers)} requests, {memory[-1]:.0f} MB", flush=True)
    time.sleep(2)
    left = sum(metric(client, f"diffstyle_{name}") for name in ("queue_depth", "running"))
    return Load(
        became=Counter(kind for kind, _ in answers),
        expected=Counter(k if k in ("broken", "cancelled") else "answered" for k in kinds),
        seconds=sorted(s for kind, s in answers if kind == "answered"),
        left=round(left),
        megabytes=memory,
    )


def request(client: httpx2.Client, kind: str, path: Path, mask: Path) -> Answer:
    """Send a request, and say what became of it, with its seconds."""
    photo_part = ("image", (path.name, path.read_bytes()))
    files: list[tuple[str, Any]] = [photo_part]
    fields: dict[str, Any] = {"prompt": WORDS, "engine": "nnst", "scales": "2"}
    if kind == "pictures":
        files.append(photo_part)
    elif kind == "mask":
        files.append(("mask", (mask.name, mask.read_bytes())))
    elif kind == "stream":
        fields |= {"stream": "true", "partial_images": "2"}
    elif kind == "broken":
        files = [("image", (path.name, path.read_bytes()[:5000]))]
    address = "/v1/preview" if kind == "preview" else "/v1/images/edits"
    began = time.perf_counter()
    try:
        answer = client.post(address, data=fields, files=files, timeout=0.2 if kind == "cancelled" else 300)
    except httpx2.TimeoutException:
        return "cancelled", time.perf_counter() - began
    whole = answer.status_code == 200 and (kind != "stream" or b"image_edit.completed" in answer.content)
    said = "answered" if whole else "broken" if answer.status_code == 400 else f"status {answer.status_code}"
    return said, time.perf_counter() - began


def resident(client: httpx2.Client) -> float:
    """The memory of the server in MB."""
    return metric(client, "process_resident_memory_bytes") / 1e6


def metric(client: httpx2.Client, name: str) -> float:
    """The sum of a metric of the server over its labels."""
    text = client.get("/metrics").text
    return sum(float(found) for found in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.M))


if __name__ == "__main__":
    main()
