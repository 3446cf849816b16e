"""Flow against motions that are known."""

from __future__ import annotations

import numpy as np
import pytest

from diffstyle.ops.flow import (
    Search,
    chained,
    consistent,
    flow_between,
    greys,
    inside,
    motion_boundaries,
    quick_flow,
    reduced,
    resized,
    warped,
)
from tests.helpers.motion import pan, square_over

SEARCHES = pytest.mark.parametrize("search", [flow_between, quick_flow])


@pytest.mark.parametrize("step", [(0.0, 0.0), (1.0, 0.0), (2.5, -1.5), (-6.0, 3.0)])
@SEARCHES
def test_a_pan_is_found(search: Search, step: tuple[float, float]) -> None:
    a, b = (greys(frame) for frame in pan(2, step=step))
    flow = search(a, b, None)
    inner = flow[16:-16, 16:-16]
    assert np.abs(inner - np.array((-step[0], -step[1]), np.float32)).mean() < 0.25


@SEARCHES
def test_a_large_motion_is_found_from_a_start(search: Search) -> None:
    frames = [greys(frame) for frame in pan(2, step=(34, 0), size=(240, 112))]
    start = np.zeros((112, 240, 2), np.float32)
    start[..., 0] = -30
    found = search(frames[0], frames[1], start)
    assert np.abs(found[10:-10, 60:-60, 0] + 34).mean() < 0.5
    assert (start[..., 0] == -30).all(), "the start is not written to"


@SEARCHES
def test_a_flat_picture_does_not_move(search: Search) -> None:
    flat = np.full((64, 64), 90, np.uint8)
    assert np.abs(search(flat, flat, None)).max() == 0


def test_a_frame_moved_along_the_flow_is_the_other() -> None:
    a, b = pan(2, step=(3, 2))
    flow = flow_between(greys(a), greys(b))
    still = np.abs(a - b)[12:-12, 12:-12].mean()
    assert np.abs(warped(b, flow) - a)[12:-12, 12:-12].mean() < 0.2 * still
    assert np.abs(warped(b, flow, sharp=True) - a)[12:-12, 12:-12].mean() < 0.2 * still


@pytest.mark.parametrize("size", [(200, 136), (1310, 1100)])  # the larger one is computed in strips
def test_only_what_is_wanted_is_moved(size: tuple[int, int]) -> None:
    a, _ = pan(2, size=size)
    rng = np.random.default_rng(0)
    flow = rng.normal(0, 6, (*a.shape[:2], 2)).astype(np.float32)
    where = np.zeros(a.shape[:2], np.bool_)
    where[5:9, :] = where[:, -3:] = where[80:84, 70:74] = True
    whole, parts = warped(a, flow, sharp=True), warped(a, flow, sharp=True, where=where)
    assert np.array_equal(parts[where], whole[where])
    assert (parts[100:128, :60] == 0).all()
    assert not warped(a, flow, where=where & False).any()


def test_a_large_picture_is_reduced() -> None:
    picture = np.random.default_rng(0).random((90, 160, 3), np.float32)
    assert reduced(picture, 80).shape == (45, 80, 3)
    assert np.array_equal(reduced(picture, 500), picture)


@SEARCHES
def test_flows_are_chained(search: Search) -> None:
    a, b, c = (greys(frame) for frame in pan(3, step=(2, 1)))
    both = chained(search(a, b, None), search(b, c, None))
    assert np.abs(both[16:-16, 16:-16] - (-4, -2)).mean() < 0.4


@SEARCHES
def test_what_is_hidden_is_not_consistent(search: Search) -> None:
    hidden: list[float] = []
    for step in (6, 9, 12):
        a, b = (greys(frame) for frame in square_over(2, step=step))
        trusted = consistent(search(a, b, None), search(b, a, None))
        assert trusted[10:30, 100:150].all()
        hidden.append(float(trusted[40:72, 66 - step : 66].mean()))
    assert np.mean(hidden) < 0.5, "the square hides these places in the second frame"


def test_an_edge_of_motion_is_a_boundary() -> None:
    flow = np.zeros((40, 60, 2), np.float32)
    flow[:, 30:, 0] = 3
    found = motion_boundaries(flow)
    assert found[:, 29:31].all()
    assert not found[:, :28].any()
    assert not found[:, 33:].any()


def test_places_outside_are_not_inside() -> None:
    flow = np.zeros((10, 12, 2), np.float32)
    flow[..., 0] = 3
    assert inside(flow).sum() == 10 * 9


def test_a_flow_is_resized_with_its_lengths() -> None:
    flow = np.ones((10, 20, 2), np.float32)
    assert np.allclose(resized(flow, (30, 40, 3)), (2, 3))
    assert resized(flow, (10, 20)) is flow
