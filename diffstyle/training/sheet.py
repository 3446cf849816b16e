"""The contact sheet of a run: a few contents in a few styles, painted again at each checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from diffstyle.engines.adain.network import PreviewNetwork
from diffstyle.training.data import Sample, random_crop, to_batch


def write_sheet(path: Path, weights: dict[str, Tensor], contents: list[Sample], styles: list[Sample]) -> None:
    """Styles along the top, contents down the side, both spread over the material; 256 pixels a picture."""
    net = PreviewNetwork().eval()
    net.load_state_dict({k: v.cpu() for k, v in weights.items()})
    rows, columns = _spread(contents, 4), _spread(styles, 6)
    cells: list[Tensor] = [torch.ones(3, 256, 256), *columns]
    with torch.no_grad():
        statistics = [net.measure(style[None]) for style in columns]
        for content in rows:
            features = net.encode(content[None])
            cells += [content, *(net.render(features, s)[0].clamp(0, 1) for s in statistics)]
    grid = torch.stack(cells).reshape(len(rows) + 1, len(columns) + 1, 3, 256, 256)
    array = (grid.permute(0, 3, 1, 4, 2).reshape(256 * (len(rows) + 1), -1, 3) * 255).round().to(torch.uint8).numpy()
    Image.fromarray(array).save(path, quality=90)


def _spread(samples: list[Sample], count: int) -> Tensor:
    chosen = [samples[int(n)] for n in np.linspace(0, len(samples) - 1, count)]
    return to_batch([random_crop(s.pixels, 256, zoom=(9, 9), rng=np.random.default_rng(0)) for s in chosen])
