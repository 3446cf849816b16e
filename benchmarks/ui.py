"""The page in a browser and under load: `python -m benchmarks.ui` starts a server and sends requests from this process.

How long the server takes to start, the page until it can be used, a photo until it is painted, and a slider until the
preview follows. Sixty previews at once: how many are answered, how many are refused, and with which message. Three
hundred previews in a row with renders between them: time, resident memory and number of files. Then the client leaves.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from gradio_client.utils import QueueError
from playwright.sync_api import Page, sync_playwright

from diffstyle.assets.zoo import example_photo
from tests.helpers.browser import CAT, chromium
from tests.helpers.serving import ServedPage, serving

AT_ONCE, REQUESTS, EVERY = 60, 300, 50
VISITS, MOVES = 5, 15
USABLE = (
    "document.querySelector('#words input')?.offsetParent && document.querySelector('#compare img.after')?.complete"
)
PAINTED = "document.querySelector('#status').innerText.includes('Preview in')"
CHANGED = "document.querySelector('#compare img.after').src !== window.before"
STYLES = ("ukiyo-e", "neon", "charcoal drawing", "klimt-gold:0.5")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    requests = parser.parse_args().requests
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as page:
        print(f"server start: {time.perf_counter() - started:.1f} s")
        in_a_browser(page.address)
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


def in_a_browser(address: str) -> None:
    """Visit the page `VISITS` times; medians."""
    usable: list[float] = []
    dropped: list[float] = []
    moved: list[float] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for _ in range(VISITS):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            usable.append(seconds_until(lambda page=page: page.goto(address), page, USABLE))
            dropped.append(seconds_until(lambda page=page: drop(page), page, PAINTED))
            page.wait_for_timeout(6000)  # the draft, and the tiles in view
            moved += [seconds_until(lambda page=page: move(page), page, CHANGED) for _ in range(MOVES // VISITS)]
            page.close()
        browser.close()
    for what, seconds in (("page usable", usable), ("photo to picture", dropped), ("slider to picture", moved)):
        print(f"{what}: {statistics.median(seconds):.2f} s (at most {max(seconds):.2f})")


def seconds_until(action: Callable[[], object], page: Page, condition: str) -> float:
    """How long after `action` the page fulfils a condition in JavaScript."""
    started = time.perf_counter()
    action()
    page.wait_for_function(condition, polling=10)
    return time.perf_counter() - started


def drop(page: Page) -> None:
    page.locator("#photo input[type=file]").set_input_files(CAT)


def move(page: Page) -> None:
    page.evaluate("window.before = document.querySelector('#compare img.after').src")
    slider = page.locator("#setting-strength input[type=range]")
    slider.press("ArrowLeft")


def at_once(client: Client) -> None:
    """Send `AT_ONCE` requests at the same time."""
    started = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = Counter(threads.map(partial(answered, client), range(AT_ONCE)))
    print(f"{AT_ONCE} at once, {time.perf_counter() - started:.1f} s: {dict(answers)}")


def answered(client: Client, n: int) -> str:
    try:
        preview(client, n)
    except (AppError, QueueError) as error:
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
