"""Milliseconds of students of every size in plain PyTorch: `python -m benchmarks.students --threads 2`.

Weights are random: speed does not depend on them. Sizes are timed in turns, and of all rounds the fastest and the
median are printed, for other work on the machine only ever makes a round slower.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import get_args

import torch

from diffstyle.core.device import dtype_name, fast_dtype
from diffstyle.engines.feedforward.network import StudentNetwork
from diffstyle.engines.feedforward.settings import Size

STYLES = 8
PICTURES = ((512, 512), (640, 360), (1280, 720), (1920, 1080))  # width, height


def student(size: Size, dtype: torch.dtype) -> StudentNetwork:
    """A student as the engine has it, not trained."""
    network = StudentNetwork(size, STYLES).eval().requires_grad_(False).to(memory_format=torch.channels_last)
    network.freeze(dtype)
    return network


@torch.no_grad()
def milliseconds(network: StudentNetwork, photo: torch.Tensor) -> float:
    """Of one photo (1, 3, h, w)."""
    weights, strength = torch.full((1, STYLES), 1 / STYLES), torch.ones(1, 1)
    begun = time.perf_counter()
    network(photo, weights, strength)
    return 1000 * (time.perf_counter() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    dtype = fast_dtype(torch.device("cpu"))
    sizes: tuple[Size, ...] = get_args(Size)
    networks: dict[Size, StudentNetwork] = {size: student(size, dtype) for size in sizes}
    photos = [torch.rand(1, 3, h, w).contiguous(memory_format=torch.channels_last) for w, h in PICTURES]
    took: dict[tuple[Size, int], list[float]] = {}
    for _ in range(given.rounds + 1):  # the first warms up
        for size, network in networks.items():
            for n, photo in enumerate(photos):
                took.setdefault((size, n), []).append(milliseconds(network, photo))
    print(f"{given.threads} threads, {dtype_name(dtype)}; fastest and median of {given.rounds}, in milliseconds")
    for size in sizes:
        times = [took[size, n][1:] for n in range(len(photos))]
        cells = [
            f"{w}x{h}: {min(t):.0f}, {statistics.median(t):.0f}" for (w, h), t in zip(PICTURES, times, strict=True)
        ]
        print(f"{size:6} {sum(p.numel() for p in networks[size].parameters()):>9,}  {'   '.join(cells)}")


if __name__ == "__main__":
    main()
