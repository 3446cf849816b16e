"""Mutated files and hostile requests: `python -m tests.fuzz --seconds 60 --seed 0`; `make test-all` runs it too.

Whatever is read must be read, or refused with an InputError of one sentence. Nothing may be written, take long or take
much memory; a server must go on answering.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import string
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import httpx
import imagecodecs
import numpy as np
import tifffile
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from safetensors.torch import save

from diffstyle import InputError, Picture, Style, Stylizer, read_recipe
from diffstyle.backbones.recognise import recognise
from diffstyle.core.mask import Mask
from diffstyle.engines.registry import interactive_engine
from diffstyle.formats import ipadpt
from tests.helpers.pictures import waves
from tests.helpers.serving import serving

LONGEST = 10.0  # seconds that one file may take
MEMORY = 3_000_000  # kB that all of them may add
ODD: tuple[Any, ...] = (None, -1, 0, 1e308, "", "x" * 5000, [], {}, True, float("nan"), 2**70, [[[]]], {"a": {"a": {}}})


@dataclass(slots=True)
class Report:
    """How many inputs were `read` or `refused` by kind, and what went wrong."""

    counts: Counter[str] = field(default_factory=Counter[str])
    faults: list[str] = field(default_factory=list[str])

    def __str__(self) -> str:
        return f"{sum(self.counts.values())} tried: {dict(self.counts)}; {len(self.faults)} faults"


def pictures() -> dict[str, bytes]:
    """Whole picture files of every kind that is read."""
    import pillow_heif
    import pillow_jxl  # noqa: F401  # pyright: ignore[reportUnusedImport]

    pillow_heif.register_heif_opener()
    image, found = Image.fromarray(waves(64, 48)), dict[str, bytes]()
    for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF", "JXL", "PPM", "TGA", "ICNS", "JPEG2000"):
        buffer = BytesIO()
        image.save(buffer, kind)
        found[kind] = buffer.getvalue()
    deep = waves(64, 48).astype(np.uint16) * 257
    found["PNG 16"] = bytes(imagecodecs.png_encode(deep))
    for name, options in {
        "TIFF 16": {"photometric": "rgb"},
        "TIFF planar": {"photometric": "rgb", "planarconfig": "separate"},
        "TIFF lzw": {"photometric": "rgb", "compression": "lzw", "tile": (16, 16)},
    }.items():
        buffer = BytesIO()
        array = deep.transpose(2, 0, 1) if "planarconfig" in options else deep
        tifffile.imwrite(buffer, array, **options)  # pyright: ignore
        found[name] = buffer.getvalue()
    return found


def mutated(data: bytes, rng: random.Random) -> bytes:
    """`data` with a few bytes changed, cut, repeated or moved."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        if not changed:
            break
        at = rng.randrange(min(len(changed), rng.choice((64, 1024, len(changed)))))
        how = rng.randrange(6)
        if how == 0:
            changed[at] = rng.randrange(256)
        elif how == 1:
            changed[at : at + 4] = rng.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\xff\xff"))
        elif how == 2:
            del changed[at : at + rng.choice((1, 4, 100, len(changed)))]
        elif how == 3:
            changed[at:at] = changed[at : at + rng.randrange(64)]
        elif how == 4:
            changed[at : at + 2] = rng.randrange(1 << 16).to_bytes(2, "little")
        else:
            changed[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(16)))
    return bytes(changed)


def altered(value: Any, rng: random.Random) -> Any:
    """A JSON value with one part replaced by something odd, removed or repeated."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        named = cast("dict[str, Any]", value)
        key = rng.choice(list(named))
        if rng.random() < 0.1:
            return {k: v for k, v in named.items() if k != key}
        return {**named, key: altered(named[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        items = cast("list[Any]", value)
        at = rng.randrange(len(items))
        return items * 400 if rng.random() < 0.1 else [*items[:at], altered(items[at], rng), *items[at + 1 :]]
    if isinstance(value, str) and value and rng.random() < 0.3:
        return mutated(value.encode(), rng).decode("latin-1")
    return rng.choice(ODD)


def recipe_file(recipe: dict[str, Any], rng: random.Random) -> bytes:
    """A PNG with an altered recipe inside."""
    buffer, inside = BytesIO(), PngInfo()
    for _ in range(rng.choice((1, 1, 3))):
        recipe = altered(recipe, rng)
    inside.add_itxt("diffstyle", json.dumps(recipe), zip=True)
    Image.new("RGB", (64, 64)).save(buffer, "PNG", pnginfo=inside)
    return buffer.getvalue()


def safetensors_file(whole: bytes, rng: random.Random) -> bytes:
    """A safetensors file with an altered header."""
    size = int.from_bytes(whole[:8], "little")
    header = altered(json.loads(whole[8 : 8 + size]), rng)
    text = json.dumps(header).encode()
    length = len(text) if rng.random() < 0.7 else rng.choice((0, 1, 2**63, 2**40, len(text) + 1, 0x0280))
    return length.to_bytes(8, "little") + text + whole[8 + size :]


def inputs(folder: Path, rng: random.Random) -> Iterator[tuple[str, Path, Callable[[Path], object]]]:
    """Mutated files without end, and what reads each."""
    whole = pictures()
    stylizer = Stylizer.load(device="cpu")
    style = stylizer.measure(Style.from_image(Picture.from_array(waves(64, 48, seed=1))))
    result = stylizer.stylize(Picture.from_array(waves(64, 48)), style, engine=interactive_engine())
    recipe: dict[str, Any] = json.loads(result.recipe().to_json())
    style.save(folder / "whole.style.safetensors")
    styled = (folder / "whole.style.safetensors").read_bytes()
    buffer = BytesIO()
    torch.save(torch.randn(1, 1024), buffer)
    pickled = buffer.getvalue()
    model = save({"unet.down.lora_A.weight": torch.zeros(4, 8), "conv_in.weight": torch.zeros(4, 4, 3, 3)})
    while True:
        kind = rng.choice([*whole, "recipe", "recipe", "style", "style", "ipadpt", "model", "recipe bytes"])
        if kind in whole:
            path = folder / f"a.{kind.split()[0].lower()}"
            path.write_bytes(mutated(whole[kind], rng))
            yield kind, path, rng.choice((Picture.open, lambda p: Mask.of(p), read_recipe))
        elif kind.startswith("recipe"):
            path = folder / "recipe.png"
            data = recipe_file(recipe, rng)
            path.write_bytes(mutated(data, rng) if kind.endswith("bytes") else data)
            yield kind, path, read_recipe
        elif kind == "ipadpt":
            path = folder / "a.ipadpt"
            path.write_bytes(mutated(pickled, rng))
            yield kind, path, ipadpt.load
        else:
            path = folder / ("a.style.safetensors" if kind == "style" else "a.safetensors")
            source = styled if kind == "style" else model
            path.write_bytes(safetensors_file(source, rng) if rng.random() < 0.7 else mutated(source, rng))
            yield kind, path, Style.load if kind == "style" else recognise


def fuzz_files(seconds: float, seed: int, *, most: int = 10**9) -> Report:
    """Read mutated files for so many seconds, or `most` of them."""
    rng, report = random.Random(seed), Report()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.monotonic()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for kind, path, read in inputs(folder, rng):
            data, started = path.read_bytes(), time.monotonic()
            try:
                read(path)
                report.counts[f"{kind} read"] += 1
            except InputError as error:
                report.counts[f"{kind} refused"] += 1
                if "\n" in str(error) or not str(error).endswith("."):
                    report.faults.append(f"{kind}: not one sentence: {error}")
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                report.faults.append(f"{kind}: {type(error).__name__}: {str(error)[:200]}")
                Path(tempfile.gettempdir(), f"fault-{len(report.faults)}{path.suffix}").write_bytes(data)
            if time.monotonic() - started > LONGEST:
                report.faults.append(f"{kind}: took {time.monotonic() - started:.0f} s")
            if path.read_bytes() != data:
                report.faults.append(f"{kind}: was overwritten")
            if time.monotonic() - began > seconds or sum(report.counts.values()) >= most:
                break
        added = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        if sys.platform == "linux" and added > MEMORY:
            report.faults.append(f"{added} kB of memory were added")
    return report


def hostile_value(rng: random.Random, secret: Path) -> Any:
    """Something that a client may send where a file, words or a number are expected."""
    paths = [
        str(secret),
        "/etc/passwd",
        "../../../etc/passwd",
        "\0",
        "/proc/self/environ",
        "",
        "http://127.0.0.1:1/a.png",
    ]
    file = {"path": rng.choice(paths), "url": rng.choice([None, *paths])}
    words = "".join(rng.choice(string.printable) for _ in range(rng.randrange(2000)))
    return rng.choice([file, {**file, "meta": {"_type": "gradio.FileData"}}, [file], words, *ODD])


def fuzz_server(requests: int, seed: int) -> Report:
    """Send hostile requests to a server of its own, which must answer as before at the end and tell nothing."""
    rng, report = random.Random(seed), Report()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        secret = folder / "secret-of-the-server.png"
        Image.fromarray(waves(64, 48)).save(secret)
        with (
            serving(folder, "--max-pixels", 1_000_000, "--max-seconds", 20) as page,
            httpx.Client(base_url=page.address, timeout=60) as http,
        ):
            endpoints = http.get("/gradio_api/info").json()["named_endpoints"]
            private = [d["id"] for d in http.get("/config").json()["dependencies"]]
            for n in range(requests):
                values = [hostile_value(rng, secret) for _ in range(rng.randrange(12))]
                own: dict[str, Any] = {"data": values, "fn_index": rng.choice(private)}
                route, body = rng.choice(
                    [
                        (f"/gradio_api/call{rng.choice(list(endpoints))}", {"data": values}),
                        (f"/gradio_api/run{rng.choice(list(endpoints))}", {"data": values}),
                        ("/gradio_api/run/predict", own | {"session_hash": f"{n}"}),
                        ("/gradio_api/queue/join", own | {"session_hash": "s"}),
                        ("/gradio_api/upload", rng.choice(ODD[4:])),
                        (f"/gradio_api/file={rng.choice([secret, '/etc/passwd', '..%2f..%2fetc/passwd'])}", None),
                        (f"/{rng.choice(['login', 'gradio_api/cancel', 'gradio_api/reset', 'nothing'])}", values),
                    ]
                )
                try:
                    text = json.dumps(body) if rng.random() < 0.9 else mutated(json.dumps(body).encode(), rng)
                    answer = http.request(
                        rng.choice(("POST", "POST", "GET")), route, content=text, headers=_headers(rng)
                    )
                except httpx.TransportError:  # refused before the whole request was read
                    report.counts["closed"] += 1
                    continue
                report.counts[str(answer.status_code)] += 1
                if "Traceback" in answer.text or b"root:" in answer.content:
                    report.faults.append(f"{route}: {answer.text[:200]}")
            if http.get("/config").status_code != 200 or page.process.poll() is not None:
                report.faults.append("the server does not answer any more")
            status = Path(f"/proc/{page.process.pid}/status")
            peak = [line for line in status.read_text().splitlines() if "VmHWM" in line] if status.is_file() else []
            if peak and int(peak[0].split()[1]) > 2 * MEMORY:
                report.faults.append(f"the server took {peak[0].split()[1]} kB")
        log = (folder / "log.txt").read_text()
        told = [part for part in log.split("unexpected error")[1:] if "app/api.py" in part.partition("\nunexpected")[0]]
        report.faults += [f"log: {part.strip().splitlines()[-1]}" for part in told][:20]
    return report


def _headers(rng: random.Random) -> dict[str, str]:
    kinds: list[dict[str, str]] = [
        {"Origin": "http://evil.example"},
        {"Host": "evil.example"},
        {"Cookie": "diffstyle_visitor=a.b; =;"},
    ]
    return {"content-type": "application/json"} | (rng.choice(kinds) if rng.random() < 0.5 else {})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    asked = parser.parse_args()
    print(f"seed {asked.seed}")
    reports = [fuzz_files(asked.seconds, asked.seed)]
    print(reports[0])
    if asked.requests:
        reports.append(fuzz_server(asked.requests, asked.seed))
        print(reports[1])
    faults = [fault for report in reports for fault in report.faults]
    print("\n".join(faults[:50]))
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
