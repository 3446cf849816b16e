"""The styles that the starter's diffusion model learns: pictures with what the product measures of them.

Each picture has its embedding, the preview's statistics, and both for captions that are true of it, by way of the
bridge and the statistics adapter. A procedural rendering also has the photo that it was made from.
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
class StyleSet:
    """n style pictures, some of them renderings of `photos`, with embeddings and statistics."""

    pool: Pool
    photos: list[Sample]
    embeddings: Tensor  # (n, d)
    statistics: Tensor  # (n, s)
    caption_embeddings: Tensor  # (n, CAPTIONS, d)
    caption_statistics: Tensor  # (n, CAPTIONS, s)

    @cached_property
    def rendered(self) -> npt.NDArray[np.int64]:
        return np.flatnonzero(self.pool.origin == pools.ORIGINS.index("procedural"))

    @cached_property
    def art(self) -> npt.NDArray[np.int64]:
        return np.flatnonzero(self.pool.origin == pools.ORIGINS.index("art"))

    def siblings(self, n: int) -> npt.NDArray[np.int64]:
        """The numbers of the pictures in the style of picture `n`, itself included."""
        return np.flatnonzero(self.pool.style == self.pool.style[n])

    def photo_of(self, n: int) -> Pixels:
        """The photo that picture `n` was rendered from, at the size of the rendering."""
        h, w = self.pool.pixels[n].shape[:2]
        photo = Image.fromarray(self.photos[int(self.pool.content[n])].pixels)
        return np.asarray(photo.resize((w, h), Image.Resampling.LANCZOS))


def make_style_set(data: Path, out: Path, *, groups: int, seed: int) -> StyleSet:
    """Render, read, caption and measure; the results that take long are kept in `out`."""
    photos, art = read_shards(data, "photo-clean-*", "train"), read_shards(data, "art-clean-*", "train")
    contents = photos + art[::3]
    path = out / "pool.npz"
    if not path.exists():
        entries = pools.procedural(contents, groups, seed=seed, media=pools.TRAINING_MEDIA)
        entries += pools.art(art, groups * pools.STYLES)
        Pool.of(entries, torch.zeros(len(entries), 0)).save(path)
    pool = Pool.load(path)
    return StyleSet(pool, contents, **measured(out, pool, seed))


@torch.no_grad()
def measured(out: Path, pool: Pool, seed: int) -> dict[str, Tensor]:
    """Embeddings and statistics of pictures and captions, kept in a file named after the weights that gave them."""
    encoder, preview = StyleEncoder.load(), AdaINEngine.load(device=torch.device("cpu"))
    path = out / f"styles-{encoder.space.replace('/', '-')}-{preview.space}.safetensors"
    if not path.exists():
        embeddings: list[Tensor] = []
        statistics: list[Tensor] = []
        for pixels in pool.pixels:  # one at a time: as Pictures, all of them together would take ten times the memory
            picture = Picture.from_array(pixels)
            embeddings.append(encoder.pictures([picture])[0])
            statistics.append(preview.measure(Style.from_image(picture)).references[0].statistics[preview.space])
        texts = encoder.texts(captions(pool, seed))
        of_texts: Tensor = preview.adapter(texts)
        found: dict[str, Tensor] = {
            "embeddings": torch.stack(embeddings),
            "statistics": torch.stack(statistics),
            "caption_embeddings": texts.reshape(len(embeddings), CAPTIONS, -1),
            "caption_statistics": of_texts.reshape(len(embeddings), CAPTIONS, -1),
        }
        write_safetensors(path, found)
    return read_safetensors(path)[1]
