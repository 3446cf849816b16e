"""An artist's pictures, models and engines that the tests of personal adapters share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from diffstyle import AdapterRecipe, Style, Stylizer, train_adapter
from diffstyle.data.procedural import render
from diffstyle.training.personal.batches import ArtistPictures, pixels_of, plain_photos
from diffstyle.training.personal.dataset import read_dataset
from diffstyle.training.personal.engines import TrainedEngines
from tests.helpers.personal import KINDS, options


@pytest.fixture(scope="session")
def artist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures in one style, with a caption beside one of them."""
    folder = tmp_path_factory.mktemp("artist")
    for n, photo in enumerate(plain_photos(None)[:6]):
        Image.fromarray(render(photo, "woodcut", np.random.default_rng(7), longest=256).pixels).save(
            folder / f"{n}.png"
        )
    (folder / "3.txt").write_text("a boat\n on a lake")
    return folder


@pytest.fixture(scope="session")
def pictures(artist: Path, stylizer: Stylizer) -> ArtistPictures:
    """Four of them with two photos, embedded by the starter."""
    images = read_dataset(artist).train[:4]
    encoder, photos = stylizer.encoder, plain_photos(None)[:2]
    encoded = [encoder.encode(Style.from_image(i.picture)).embedding for i in images]
    plain = [encoder.encode(Style.from_image(p)).embedding for p in photos]
    captions = tuple(i.caption for i in images)
    return ArtistPictures(pixels_of(images), captions, torch.stack(encoded), encoded[0], photos, torch.stack(plain))


@pytest.fixture(scope="session")
def engines(stylizer: Stylizer) -> TrainedEngines:
    """Those of the starter."""
    return TrainedEngines.of(stylizer, "lora")


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DIFFSTYLE_ADAPTERS", str(tmp_path / "zoo"))
    return tmp_path / "zoo"


@pytest.fixture(scope="session")
def zoo_of_both(tmp_path_factory: pytest.TempPathFactory, tiny_models: Path, artist: Path) -> Path:
    """A zoo with a tokens adapter and a LoRA for the tiny model, a few steps old."""
    folder = tmp_path_factory.mktemp("zoo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIFFSTYLE_ADAPTERS", str(folder))
        for kind in KINDS:
            recipe = AdapterRecipe(kind=kind, steps=3, size=64, learning_rate=0.05)
            train_adapter(artist, name=f"my-{kind}", recipe=recipe, options=options(tiny_models, "worded"), samples=0)
    return folder
