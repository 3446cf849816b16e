"""Small random students, whose styles are visibly different."""

from __future__ import annotations

from pathlib import Path

import torch

from diffstyle.engines.feedforward.network import StudentNetwork
from diffstyle.engines.feedforward.settings import Size
from diffstyle.engines.feedforward.student import OwnStyle, write_student

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
