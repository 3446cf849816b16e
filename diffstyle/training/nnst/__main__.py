"""python -m diffstyle.training.nnst --data FOLDER --out FOLDER (--minutes N | --until HH:MM)"""

from __future__ import annotations

import argparse
import time
from datetime import datetime
from pathlib import Path

import torch

from diffstyle.training.nnst.recipe import Plan, train


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the painter's decoder; goes on from OUT/state.pt.")
    parser.add_argument("--data", type=Path, required=True, help="folder of webdataset shards")
    parser.add_argument("--out", type=Path, required=True, help="state, log, sheets and decoder.safetensors")
    parser.add_argument("--minutes", type=float, help="from now")
    parser.add_argument("--until", help="end at this local time, HH:MM, today")
    parser.add_argument("--workers", type=int, default=2, help="threads that compute steps, a core each")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if (given.minutes is None) == (given.until is None):
        parser.error("give --minutes or --until")
    if given.until is not None:
        hour, minute = (int(v) for v in given.until.split(":"))
        deadline = datetime.now().replace(hour=hour, minute=minute, second=0).timestamp()
    else:
        deadline = time.time() + 60 * given.minutes
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    train(Plan(given.out, given.data, deadline, given.seed), workers=given.workers)


if __name__ == "__main__":
    main()
