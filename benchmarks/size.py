"""Time, memory and seams from 512 to 8192 pixels, each in a process of its own: `python -m benchmarks.size`."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from skimage import data

from benchmarks.preview import picture
from diffstyle import Diffusion, Picture, Style, Stylizer, Task
from diffstyle.core.settings import EngineSettings
from diffstyle.engines.adain import strips
from diffstyle.engines.adain.engine import AdaINEngine
from diffstyle.engines.registry import engine_settings

SIDES = {"adain": (512, 1024, 2048, 4096, 8192), "diffusion": (512, 1024, 2048)}
TILE, SMALL_TILE = 512, 256
TILED = {"diffusion": Diffusion(tile=TILE)}
LINEAR_FROM = 1024  # pixels; below, constant costs count too


def photo(side: int) -> Picture:
    """A square photo, not noise, which would have jumps of its own at the borders of tiles."""
    return Picture.from_array(cast("npt.NDArray[np.uint8]", data.astronaut())).resized((side, side))


def seams() -> dict[str, float]:
    """Seam scores of small tiles on pictures that show seams most."""
    y, x = np.mgrid[0:700, 0:1000] / 1000
    gradient = Picture.from_array(np.stack([0.3 + 0.4 * x, 0.5 + 0.3 * y, 0.9 - 0.4 * x], -1))
    rocket = Picture.from_array(cast("npt.NDArray[np.uint8]", data.rocket())[:250, :300])
    shown = {"gradient": gradient, "sky": rocket.resized((1000, 833)), "photo": photo(1000)}
    stylizer, style = Stylizer.load("starter", device="cpu"), Style.from_image(picture(512, 512, 5))
    found = {n: stylizer.stylize(p, style, engine=Diffusion(tile=SMALL_TILE)) for n, p in shown.items()}
    return {name: result.measures["seam_score"] for name, result in found.items()}


def render(name: str, side: int) -> dict[str, float]:
    """A square photo repainted: seconds, peak memory of this process in GiB, and the measures of the result."""
    content, style = photo(side), Style.from_image(picture(512, 512, 5))
    stylizer = Stylizer.load("starter", device="cpu")
    engine: EngineSettings = TILED.get(name) or engine_settings(name)
    stylizer.stylize(picture(512, 512, 6), style, engine=engine)
    started = time.perf_counter()
    result = stylizer.stylize(content, style, engine=engine)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"seconds": seconds, "GiB": peak, **result.measures}


def difference(side: int) -> dict[str, float]:
    """Largest difference, in 255ths, of a picture painted in strips to it painted whole; above 4096 pixels, where the
    whole does not fit, to it painted in strips of another height.
    """
    content, style = photo(side), Style.from_image(picture(512, 512, 5))

    def painted() -> Picture:
        engine = AdaINEngine.load(device=torch.device("cpu"))
        return engine.render(engine.prepare(Task(content, style)))

    strips.WHOLE_PIXELS = 0
    parts = painted()
    if side <= 4096:
        strips.WHOLE_PIXELS = side**2
    else:
        strips.STRIP_PIXELS *= 3
    return {"largest": float((painted().pixels - parts.pixels).abs_().max()) * 255}


def elsewhere(call: str) -> dict[str, float]:
    code = f"import json; from benchmarks.size import *; print(json.dumps({call}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return cast("dict[str, float]", json.loads(done.stdout))


def main() -> None:
    print(
        f"{torch.get_num_threads()} threads; diffusion in tiles of {TILE} pixels; memory is that of the whole process"
    )
    for engine, sides in SIDES.items():
        found = [elsewhere(f"render({engine!r}, {side})") for side in sides]
        for side, values in zip(sides, found, strict=True):
            seam = f"   seam score {values['seam_score']:.3f}" if "seam_score" in values else ""
            print(f"{engine:9} {side:5}   {values['seconds']:7.2f} s   {values['GiB']:5.2f} GiB{seam}", flush=True)
        large = [(side**2, v["seconds"]) for side, v in zip(sides, found, strict=True) if side >= LINEAR_FROM]
        pixels, seconds = np.log(np.array(large)).T
        slope = cast("float", np.cov(pixels, seconds)[0, 1] / np.var(pixels, ddof=1))  # of least squares
        print(f"{engine:9} time grows with pixels to the power of {slope:.2f} from {LINEAR_FROM} on")
    scores = "   ".join(f"{name} {score:.3f}" for name, score in elsewhere("seams()").items())
    print(f"diffusion seam scores with tiles of {SMALL_TILE} pixels: {scores}", flush=True)
    for side in (2048, 4096, 8192):
        other = "the whole" if side <= 4096 else "strips of three times the height"
        print(
            f"adain     {side:5}   strips and {other} differ by {elsewhere(f'difference({side})')['largest']:.3f}/255"
        )


if __name__ == "__main__":
    main()
