"""How long renders are said to take."""

from __future__ import annotations

from diffstyle.serving.durations import KEPT, Durations


def test_the_median_of_renders_of_about_that_size() -> None:
    durations = Durations()
    assert durations.estimate("quick", 1.0) is None
    assert durations.usual() is None
    for seconds in (2.0, 2.2, 30.0):  # one was held up
        durations.note("quick", 1.0, seconds)
    durations.note("quick", 8.0, 8.0)
    assert durations.estimate("quick", 1.5) == 1.5 * 2.2
    assert durations.estimate("quick", 8.0) == 8.0
    assert durations.estimate("slow", 1.0) is None
    assert durations.usual() == 5.1


def test_only_the_last_renders_count() -> None:
    durations = Durations()
    for seconds in [*[9.0] * KEPT, *[1.0] * KEPT]:
        durations.note("quick", 1.0, seconds)
    assert durations.estimate("quick", 1.0) == 1.0
