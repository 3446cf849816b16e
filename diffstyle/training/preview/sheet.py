"""The sample sheet of a preview run: a few contents in a few styles, painted again at each checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from diffstyle.core.picture import Picture
from diffstyle.engines.adain.network import PreviewNetwork
from diffstyle.evaluation.sheets import row, write_sheet
from diffstyle.training.data import Sample, random_crop, to_batch

SIDE, ROWS, COLUMNS = 256, 4, 6  # pixels, contents, styles


@torch.no_grad()
def write_sample_sheet(path: Path, weights: dict[str, Tensor], contents: list[Sample], styles: list[Sample]) -> Path:
    """Styles along the top, contents down the side, both evenly spread over those given; SIDE pixels a picture."""
    net = PreviewNetwork().eval()
    net.load_state_dict({k: v.cpu() for k, v in weights.items()})
    columns = _spread(styles, COLUMNS)
    statistics = [net.measure(style[None]) for style in columns]
    rows = [row([Picture(p) for p in (torch.ones(3, SIDE, SIDE), *columns)])]
    for content in _spread(contents, ROWS):
        features = net.encode(content[None])
        painted = [net.render(features, s)[0].clamp(0, 1) for s in statistics]
        rows.append(row([Picture(p) for p in (content, *painted)]))
    return write_sheet(path, rows)


def _spread(samples: list[Sample], count: int) -> Tensor:
    """(count, 3, SIDE, SIDE): the middle squares of evenly spaced samples."""
    chosen = [samples[int(n)] for n in np.linspace(0, len(samples) - 1, count)]
    return to_batch([random_crop(s.pixels, SIDE, zoom=(9, 9), rng=np.random.default_rng(0)) for s in chosen])
