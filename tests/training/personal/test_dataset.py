"""The artist's pictures: what is read, what is left out, and how they are cropped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from diffstyle.training.personal.batches import ArtistPictures, bucket
from diffstyle.training.personal.dataset import read_dataset


def test_broken_small_and_duplicate_pictures_are_left_out(artist: Path, tmp_path: Path) -> None:
    for path in artist.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "again.png").write_bytes((artist / "0.png").read_bytes())
    with Image.open(artist / "1.png") as image:
        image.resize((150, 120)).save(tmp_path / "nearly.jpg", quality=80)
        image.resize((40, 32)).save(tmp_path / "tiny.png")
        image.resize((2000, 1600)).save(tmp_path / "2.png")
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    (tmp_path / "notes.md").write_text("not looked at")
    dataset = read_dataset(tmp_path)
    assert len(dataset.images) == 5  # 2.png shows what 1.png does
    assert len(dataset.held) == 1
    assert {i.caption for i in dataset.images} == {"", "a boat on a lake"}
    for name in ("again.png", "nearly.jpg", "tiny.png", "broken.png", "2.png"):
        assert sum(name in note for note in dataset.notes) == 1
    assert read_dataset(tmp_path, seed=0).digests == dataset.digests


@pytest.mark.parametrize("shape", [(400, 400), (800, 400), (300, 450), (900, 500)])
def test_crops_keep_the_shape_of_their_picture(shape: tuple[int, int]) -> None:
    width, height = bucket(shape[0] / shape[1], 512, 64)
    assert width % 64 == height % 64 == 0
    assert (width > height) == (shape[0] > shape[1])
    assert 0.75 < width * height / 512**2 < 1.3


def test_large_pictures_are_cropped_as_they_are_seen(pictures: ArtistPictures) -> None:
    """Beyond a certain area, more pixels change nothing in the crops."""
    large, larger = (
        replace(pictures, pictures=tuple(p.repeat(n, 0).repeat(n, 1) for p in pictures.pictures)) for n in (4, 8)
    )
    few, many = (p.painting(size=96, count=6, rng=np.random.default_rng(1)).crops for p in (large, larger))
    assert float((few - many).abs().mean()) < 0.1 * float(few.std())


def test_no_picture_is_conditioned_on_itself(pictures: ArtistPictures) -> None:
    """Or its subject would be learned as style."""
    marked = replace(pictures, pictures=tuple(np.full((99, 99, 3), 10 * n, np.uint8) for n in range(4)))
    batch = marked.denoising(size=64, count=40, multiple=8, rng=np.random.default_rng(0))
    own = {n: marked.embeddings[n] for n in range(4)}
    for picture, embedding in zip(batch.pictures, batch.embeddings, strict=True):
        n = round(float(picture.mean()) * 25.5)
        if float(picture.std()) < 1e-6 and not bool((embedding == marked.mean).all()):
            assert not bool((embedding == own[n]).all())
