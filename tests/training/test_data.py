"""Shards, crops and batches made ahead."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from diffstyle.training.data import CropBox, prefetch, read_shards
from tests.conftest import waves
from tests.helpers.fresh_process import in_fresh_process


def test_a_split_is_read_from_every_shard(shards: Path) -> None:
    photos = read_shards(shards, "photo-clean-*", "train")
    assert len(photos) == 8
    assert len(read_shards(shards, "photo-clean-*", "dev")) == 2
    assert photos[0].pixels.shape == (80, 96, 3)
    assert photos[0].info["kind"] == "photo"
    with pytest.raises(ValueError, match="holds no shard"):
        read_shards(shards, "nothing-*", "train")


def test_a_box_cuts_the_same_part_of_every_picture() -> None:
    whole = waves(96, 96)
    assert np.array_equal(CropBox(10, 20, 32, False).cut(whole, 32), whole[20:52, 10:42])
    assert np.array_equal(CropBox(10, 20, 32, True).cut(whole, 32), whole[20:52, 10:42][:, ::-1])


def squares(workers: int | None) -> list[int]:
    return list(islice(prefetch(lambda n: n * n, 5, workers=workers), 4))


@pytest.mark.parametrize("workers", [None, 0, 2])
def test_batches_come_in_order_however_they_are_made(workers: int | None) -> None:
    assert (in_fresh_process(squares, workers) if workers else squares(workers)) == [25, 36, 49, 64]


def test_an_error_while_making_a_batch_is_raised() -> None:
    def make(step: int) -> int:
        if step == 2:
            raise KeyError("two")
        return step

    with pytest.raises(KeyError, match="two"):
        list(islice(prefetch(make, 0), 4))
