"""Training pictures that the recipes' tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from diffstyle.training.clip.pool import Pool
from diffstyle.training.clip.stages import make_pool
from tests.helpers.shards import make_shards


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shards(tmp_path_factory.mktemp("shards"))


@pytest.fixture(scope="session")
def pool(shards: Path) -> Pool:
    return make_pool(shards, 1, seed=0)
