"""Strips of large pictures."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from diffstyle.ops.strips import strips


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 5000), st.integers(0, 20), st.sampled_from([1, 4, 8]))
def test_kept_rows_cover_the_picture_once(height: int, width: int, pixels: int, margin: int, multiple: int) -> None:
    rows: list[int] = []
    for strip in strips(height, width, pixels=pixels, margin=margin, multiple=multiple):
        seen = range(height)[strip.rows()]
        kept = range(height)[strip.target()]
        assert list(seen[strip.kept()]) == list(kept)
        assert seen[0] == max(0, kept[0] - margin)
        assert seen[-1] == min(height - 1, kept[-1] + margin)
        assert kept[0] % multiple == 0
        rows += kept
    assert rows == list(range(height))
