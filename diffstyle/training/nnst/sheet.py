"""The contact sheet of a run: photos painted after paintings, again at each checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from diffstyle.encoders.features import EfficientNetLite0
from diffstyle.engines.nnst.decoder import Decoder
from diffstyle.training.data import Pixels, random_crop, to_batch
from diffstyle.training.nnst.material import Material, Pool
from diffstyle.training.nnst.objective import paint_once

SIDE, ROWS, COLUMNS = 256, 3, 6


@torch.no_grad()
def write_sheet(path: Path, decoder: Decoder, net: EfficientNetLite0, material: Material) -> None:
    """Styles along the top, photos down the side; one scale, from the photo's own features."""
    rng = np.random.default_rng(7)
    photos = to_batch([_whole(material.photos, rng) for _ in range(ROWS)])
    styles = to_batch([_whole(material.rendered if n == 0 else material.art, rng) for n in range(COLUMNS)])
    cells: list[Tensor] = [torch.ones(3, SIDE, SIDE), *styles]
    for photo in photos:
        cells += [photo, *paint_once(decoder, net, photo.expand(COLUMNS, -1, -1, -1), styles)]
    grid = torch.stack(cells).view(ROWS + 1, COLUMNS + 1, 3, SIDE, SIDE).permute(0, 3, 1, 4, 2)
    array = (grid.reshape(SIDE * (ROWS + 1), -1, 3) * 255).round().to(torch.uint8).numpy()
    Image.fromarray(array).save(path)


def _whole(pool: Pool, rng: np.random.Generator) -> Pixels:
    return random_crop(pool[int(rng.integers(len(pool)))], SIDE, zoom=(9, 9), rng=rng)
