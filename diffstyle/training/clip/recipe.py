"""From a folder of shards to a folder that open_clip loads."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from open_clip import CLIP
from open_clip.tokenizer import SimpleTokenizer
from torch import Tensor

from diffstyle.captions import words
from diffstyle.encoder import tiles
from diffstyle.encoder_source import CONFIG, VOCABULARY
from diffstyle.picture import Picture
from diffstyle.tensors import read_safetensors, write_safetensors
from diffstyle.training.clip import pool as pools
from diffstyle.training.clip.finish import EMBEDDINGS, finish
from diffstyle.training.clip.model import (
    CONTEXT,
    PREPROCESS,
    SIDE,
    configuration,
    new_model,
    write_configuration,
    write_vocabulary,
)
from diffstyle.training.clip.pool import Pool
from diffstyle.training.clip.train import ClipRecipe, Material, train
from diffstyle.training.clip.words import WordsRecipe, train_words
from diffstyle.training.data import Pixels, read_shards
from diffstyle.training.teacher import SqueezeNet

TEACHER_DIRECTIONS = 64
TOLD = 7000  # pictures of the pool that the text tower is told of
WORDS_SHARE = 0.14  # of the minutes, on top of them


def train_clip(
    data: Path, out: Path, recipe: ClipRecipe, *, minutes: float, device: str, groups: int, start: Path | None = None
) -> Path:
    """Train, and write `out/clip`: open_clip_config.json, open_clip_model.safetensors (fp16) and the vocabulary.

    `start` is the folder of an earlier model of the recipe to begin with, whose vocabulary is kept.
    """
    if not (out / "pool.npz").exists():
        make_pool(data, groups, seed=recipe.seed).save(out / "pool.npz")
    pool = Pool.load(out / "pool.npz")
    folder = out / "clip"
    if start is None:
        write_vocabulary(folder / VOCABULARY, [*words(), *pool.artists])
    else:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(start / VOCABULARY, folder / VOCABULARY)
    tokenizer = SimpleTokenizer(bpe_path=str(folder / VOCABULARY), context_length=CONTEXT)
    config = configuration(tokenizer.vocab_size)
    write_configuration(folder / CONFIG, tokenizer.vocab_size)
    material = Material(pool, tokenizer, recipe)
    first = None if start is None else read_safetensors(start / "open_clip_model.safetensors")[1]
    weights = train(material, config, out=out, minutes=minutes, device=device, start=first)
    model = new_model(config, recipe.seed)
    model.load_state_dict(weights)
    told = np.linspace(0, len(pool.pixels) - 1, min(TOLD, len(pool.pixels))).round().astype(np.int64)
    seen = embedded(model, [pool.pixels[int(n)] for n in told])
    weights = train_words(model, material, told, seen, WordsRecipe(), minutes=minutes * WORDS_SHARE).state_dict()
    half = {k: v.half() if v.is_floating_point() else v for k, v in weights.items()}
    write_safetensors(folder / "open_clip_model.safetensors", {k: v.cpu().contiguous() for k, v in half.items()})
    (out / EMBEDDINGS).unlink(missing_ok=True)
    finish(folder, pool, out)
    return folder


@torch.no_grad()
def embedded(model: CLIP, pictures: Sequence[Pixels], batch: int = 32) -> Tensor:
    """(n, d): pictures as the encoder embeds them, of long ones the first square."""
    model = model.eval().to(memory_format=torch.channels_last)
    mean, std = (torch.tensor(PREPROCESS[k]).view(1, 3, 1, 1) for k in ("mean", "std"))
    rows: list[Tensor] = []
    for n in range(0, len(pictures), batch):
        squares = torch.stack([tiles(Picture.from_array(p), SIDE)[0] for p in pictures[n : n + batch]])
        with torch.autocast("cpu", torch.bfloat16):
            inputs = ((squares - mean) / std).contiguous(memory_format=torch.channels_last)
            rows.append(model.encode_image(inputs, normalize=True).float())
    return torch.cat(rows)


def make_pool(data: Path, groups: int, *, seed: int) -> Pool:
    """Render, label and measure every training picture."""
    photos, art = read_shards(data, "photo-clean-*", "train"), read_shards(data, "art-clean-*", "train")
    contents = photos + art[::3]  # a painting in halftone is halftone
    entries = pools.procedural(contents, groups, seed=seed, media=pools.DRAWN, window=pools.WINDOW)
    measured = list(range(0, len(entries), pools.PHOTOS))  # one picture of each style: measuring takes its time
    first = groups * pools.STYLES
    paintings = pools.art(art, first)
    measured += range(len(entries), len(entries) + len(paintings))
    entries += paintings
    entries += pools.repainted(paintings, photos, 2, seed=seed)
    plain = pools.photographs(photos, first + len(art))
    measured += range(len(entries), len(entries) + len(plain))
    entries += plain
    teacher = SqueezeNet.load(data / "perceptual" / "squeezenet1_0.safetensors")
    examples = [entries[n] for n in measured]
    statistics = pools.statistics(examples)
    spread = (statistics - statistics.mean(0)) / statistics.std(0).clamp_min(1e-4)
    taught = pools.principal(pools.teacher_moments(examples, teacher), TEACHER_DIRECTIONS)
    found = torch.cat([spread.clamp(-4, 4), taught.clamp(-4, 4)], 1)
    targets = torch.full((len(entries), found.shape[1]), torch.nan)
    targets[measured] = found
    return Pool.of(entries, targets)
