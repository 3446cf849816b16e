"""Time, memory and throughput of a render."""

from __future__ import annotations

import math

from diffstyle.evaluation.case import Case


def time(case: Case) -> float:
    """Seconds to paint the picture, without loading the model; NaN if unknown."""
    return math.nan if case.seconds is None else case.seconds


def memory(case: Case) -> float:
    """Peak memory of the render in GiB: of the GPU if there is one, else of the process; NaN if unknown."""
    return math.nan if case.memory is None else case.memory / 2**30


def throughput(case: Case) -> float:
    """Megapixels per second; NaN if the time is unknown."""
    return math.nan if not case.seconds or not case.pixels else case.pixels / 1e6 / case.seconds
