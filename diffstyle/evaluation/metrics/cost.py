"""What a result cost: seconds, memory, megapixels a second."""

from __future__ import annotations

from diffstyle.evaluation.case import Case

_NOBODY_KNOWS = float("nan")


def time(case: Case) -> float:
    """Seconds that the picture took to paint, without loading the model; NaN where nobody kept them."""
    return _NOBODY_KNOWS if case.seconds is None else case.seconds


def memory(case: Case) -> float:
    """Peak memory while it was painted, in GiB: of the GPU where there is one, else of the whole process; or NaN."""
    return _NOBODY_KNOWS if case.memory is None else case.memory / 2**30


def throughput(case: Case) -> float:
    """Megapixels a second; NaN where nobody kept the time."""
    return _NOBODY_KNOWS if not case.seconds or not case.pixels else case.pixels / 1e6 / case.seconds
