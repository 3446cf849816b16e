"""The styles that the starter's diffusion model learns: pictures with all that the product will know of them.

Of each its embedding, the preview's statistics, and what the same two are of captions that are true of it, over the
bridge and the stats adapter; for a procedural rendering also the photo that it was made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from diffstyle.core.picture import Picture
from diffstyle.core.style import Style
from diffstyle.encoders.clip import StyleEncoder
from diffstyle.engines.adain.engine import AdaINEngine
from diffstyle.formats.safetensors import read_safetensors, write_safetensors
from diffstyle.training.clip import pool as pools
from diffstyle.training.clip.finish import CAPTIONS, captions
from diffstyle.training.clip.pool import Pool
from diffstyle.training.data import Pixels, Sample, read_shards


@dataclass(frozen=True)
class Looks:
    """n style pictures, some of them made of `photos`, and what is known of each."""

    pool: Pool
    photos: list[Sample]
    embeddings: Tensor  # (n, d)
    statistics: Tensor  # (n, s)
    told_embeddings: Tensor  # (n, CAPTIONS, d)
    told_statistics: Tensor  # (n, CAPTIONS, s)

    @cached_property
    def rendered(self) -> npt.NDArray[np.int64]:
        return np.flatnonzero(self.pool.origin == pools.ORIGINS.index("procedural"))

    @cached_property
    def art(self) -> npt.NDArray[np.int64]:
        return np.flatnonzero(self.pool.origin == pools.ORIGINS.index("art"))

    def siblings(self, n: int) -> npt.NDArray[np.int64]:
        """Pictures made as picture `n` was, itself included."""
        return np.flatnonzero(self.pool.style == self.pool.style[n])

    def photo_of(self, n: int) -> Pixels:
        """The photo that picture `n` was made of, at its size."""
        h, w = self.pool.pixels[n].shape[:2]
        photo = Image.fromarray(self.photos[int(self.pool.content[n])].pixels)
        return np.asarray(photo.resize((w, h), Image.Resampling.LANCZOS))


def make_looks(data: Path, out: Path, *, groups: int, seed: int) -> Looks:
    """Render, read, caption and measure; what is slow is kept in `out` for the next sitting."""
    photos, art = read_shards(data, "photo-clean-*", "train"), read_shards(data, "art-clean-*", "train")
    contents = photos + art[::3]
    path = out / "pool.npz"
    if not path.exists():
        entries = pools.procedural(contents, groups, seed=seed, media=pools.DRAWN)
        entries += pools.art(art, groups * pools.STYLES)
        Pool.of(entries, torch.zeros(len(entries), 0)).save(path)
    pool = Pool.load(path)
    return Looks(pool, contents, **measured(out, pool, seed))


@torch.no_grad()
def measured(out: Path, pool: Pool, seed: int) -> dict[str, Tensor]:
    """What encoder, preview and stats adapter make of pictures and captions, kept under the names of their weights."""
    encoder, preview = StyleEncoder.load(), AdaINEngine.load(device=torch.device("cpu"))
    path = out / f"looks-{encoder.space.replace('/', '-')}-{preview.space}.safetensors"
    if not path.exists():
        embeddings: list[Tensor] = []
        statistics: list[Tensor] = []
        for pixels in pool.pixels:  # one at a time: as pictures, all of them would take ten times the memory
            picture = Picture.from_array(pixels)
            embeddings.append(encoder.pictures([picture])[0])
            statistics.append(preview.measure(Style.from_image(picture)).references[0].statistics[preview.space])
        told = encoder.texts(captions(pool, seed))
        imagined: Tensor = preview.adapter(told)
        found: dict[str, Tensor] = {
            "embeddings": torch.stack(embeddings),
            "statistics": torch.stack(statistics),
            "told_embeddings": told.reshape(len(embeddings), CAPTIONS, -1),
            "told_statistics": imagined.reshape(len(embeddings), CAPTIONS, -1),
        }
        write_safetensors(path, found)
    return read_safetensors(path)[1]
