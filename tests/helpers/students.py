"""Small students: random ones, whose styles are visibly different, and a place to train some."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from diffstyle.assets.students import STUDENTS_VARIABLE
from diffstyle.engines.feedforward.network import StudentNetwork
from diffstyle.engines.feedforward.settings import Size
from diffstyle.engines.feedforward.student import OwnStyle, write_student
from diffstyle.formats.atomic import CACHE_VARIABLE
from diffstyle.training.distil import examples

STYLES = ("mosaic", "woodcut", "fresco")


def random_student(path: Path, *, size: Size = "tiny", seed: int = 0) -> Path:
    """Write an untrained student of STYLES, whose rows differ, to `path`."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = StudentNetwork(size, len(STYLES))
        with torch.no_grad():
            network.rows.add_(0.2 * torch.randn_like(network.rows))
    styles = [OwnStyle(name, f"{n:064d}") for n, name in enumerate(STYLES)]
    write_student(path, network, styles, licence="CC0", recipe="recipe of a test", dtype=torch.float32)
    return path


def students_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep students and their examples in `folder`, small examples for speed."""
    monkeypatch.setenv(STUDENTS_VARIABLE, str(folder / "students"))
    monkeypatch.setenv(CACHE_VARIABLE, str(folder / "cache"))
    monkeypatch.setattr(examples, "SIDE", 80)
    monkeypatch.setattr(examples, "BORDER", 8)
    return folder
