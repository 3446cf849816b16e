"""The page under load: `python -m benchmarks.ui` starts a server and sends requests from this process.

Fifty previews at once: how many are answered, how many are refused, and with which message. Three hundred previews in a
row with renders between them: time, resident memory and number of files. Then the client leaves.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from diffstyle.assets.zoo import example_photo
from tests.helpers.serving import ServedPage, serving

AT_ONCE, REQUESTS, EVERY = 50, 300, 50
STYLES = ("ukiyo-e", "neon", "charcoal drawing", "klimt-gold:0.5")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    requests = parser.parse_args().requests
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as page:
        client = Client(page.address, verbose=False, download_files=str(Path(folder) / "fetched"))
        preview(client, 0)
        at_once(client)
        print(f"{'requests':>9} {'resident MB':>12} {'files':>6} {'median s':>9}")
        seconds: list[float] = []
        for n in range(requests + 1):
            if n % EVERY == 0:
                median = f"{statistics.median(seconds):9.3f}" if seconds else f"{'-':>9}"
                print(f"{n:9} {resident(page):12.0f} {files(page):6} {median}", flush=True)
                client.predict(photo=photo(), style=["neon"], size=256, api_name="/render")
            started = time.perf_counter()
            preview(client, n)
            seconds.append(time.perf_counter() - started)
        client.close()
        time.sleep(20)  # the server notices a closed page at its next heartbeat; there is one every 15 seconds
        print(f"after leaving: {resident(page):.0f} MB, {files(page)} files")


def at_once(client: Client) -> None:
    """Send `AT_ONCE` requests at the same time."""
    started = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = Counter(threads.map(partial(answered, client), range(AT_ONCE)))
    print(f"{AT_ONCE} at once, {time.perf_counter() - started:.1f} s: {dict(answers)}")


def answered(client: Client, n: int) -> str:
    try:
        preview(client, n)
    except AppError as error:
        return str(error)
    return "answered"


def preview(client: Client, n: int) -> Any:
    strength = 0.2 + 0.8 * (n % 40) / 40
    return client.predict(photo=photo(), style=[STYLES[n % len(STYLES)]], strength=strength, api_name="/preview")


def photo() -> Any:
    return handle_file(example_photo())


def resident(page: ServedPage) -> float:
    """Resident memory of the server in megabytes."""
    status = Path(f"/proc/{page.process.pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def files(page: ServedPage) -> int:
    return sum(1 for p in page.temporary.rglob("*") if p.is_file())


if __name__ == "__main__":
    main()
