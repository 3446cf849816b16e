"""The starter's CLIP from a folder of shards to a folder that open_clip loads."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from open_clip import CLIP
from open_clip.tokenizer import SimpleTokenizer
from torch import Tensor
from torch.nn import functional as F

from diffstyle.core.device import mixed_precision
from diffstyle.core.picture import Picture
from diffstyle.data.captions import words
from diffstyle.encoders.clip import tiles
from diffstyle.encoders.source import CONFIG, VOCABULARY
from diffstyle.encoders.squeezenet import SqueezeNet
from diffstyle.formats.safetensors import read_safetensors, write_safetensors
from diffstyle.training.clip import pool as pools
from diffstyle.training.clip.finish import EMBEDDINGS, EXAMPLES, finish
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
from diffstyle.training.clip.train import CaptionSampler, ClipRecipe, train
from diffstyle.training.clip.words import WordsRecipe, train_words
from diffstyle.training.data import Pixels, read_shards
from diffstyle.training.loop import Run

TEACHER_DIRECTIONS = 64
POOL, VECTORS, MODEL = "pool.npz", "pictures.safetensors", "open_clip_model.safetensors"
DESCRIBED = 7000  # pictures of the pool that the text tower is trained on
IN_WORDS = 0.7  # groups of photos in the media that words paint, for each group in procedural media
WORDS_SHARE = 0.14  # of the minutes, in addition to them


def train_clip(
    data: Path, out: Path, recipe: ClipRecipe, *, minutes: float, device: str, groups: int, start: Path | None = None
) -> Path:
    """Train, and write `out/clip`: open_clip_config.json, open_clip_model.safetensors (fp16) and the vocabulary.

    `start` is the folder of an earlier model of the recipe to begin with, whose vocabulary is kept.
    """
    if not (out / POOL).exists():
        make_pool(data, groups, seed=recipe.seed).save(out / POOL)
    pool = Pool.load(out / POOL)
    folder = out / "clip"
    tokenizer, config = prepared(folder, pool, start)
    sampler = CaptionSampler(pool, tokenizer, recipe)
    first = None if start is None else read_safetensors(start / MODEL)[1]
    weights = train(sampler, config, Run(out, device), minutes=minutes, start=first)
    model = new_model(config, recipe.seed)
    model.load_state_dict(weights)
    described = pool.spaced(DESCRIBED)
    vectors = embedded(model, [pool.pixels[int(n)] for n in described])
    save(train_words(model, sampler, described, vectors, WordsRecipe(), minutes=minutes * WORDS_SHARE), folder)
    (out / EMBEDDINGS).unlink(missing_ok=True)
    finish(folder, pool, out)
    return folder


def train_text_tower(data: Path, out: Path, recipe: WordsRecipe, *, start: Path, minutes: float, groups: int) -> Path:
    """Train the text tower and the bridge of the model in `start` further, and write `out/clip` as train_clip does.

    The picture tower stays bit for bit, so everything that was trained on embeddings of pictures remains valid. Use it
    when the rendering of procedural media has changed. Embeddings of whole pictures are kept in `out`, as the pool is.
    """
    if not (out / POOL).exists():
        make_pool(data, groups, seed=recipe.seed, measured=False, window=pools.LONGEST, times=1).save(out / POOL)
    pool = Pool.load(out / POOL)
    folder = out / "clip"
    tokenizer, config = prepared(folder, pool, start)
    model = new_model(config, recipe.seed)
    model.load_state_dict(read_safetensors(start / MODEL)[1])
    described = pool.spaced(EXAMPLES)
    if not (out / VECTORS).exists():
        write_safetensors(out / VECTORS, {"pictures": embedded(model, [pool.pixels[int(n)] for n in described])})
    vectors = read_safetensors(out / VECTORS)[1]["pictures"]
    sampler = CaptionSampler(pool, tokenizer, ClipRecipe())
    save(train_words(model, sampler, described, vectors, recipe, minutes=minutes), folder)
    (out / EMBEDDINGS).unlink(missing_ok=True)
    finish(folder, pool, out, pictures=vectors)
    return folder


def prepared(folder: Path, pool: Pool, start: Path | None) -> tuple[SimpleTokenizer, dict[str, Any]]:
    """Write configuration and vocabulary, that of `start` if given, to `folder`; tokenizer and model_cfg."""
    if start is None:
        write_vocabulary(folder / VOCABULARY, [*words(), *pool.artists])
    else:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(start / VOCABULARY, folder / VOCABULARY)
    tokenizer = SimpleTokenizer(bpe_path=str(folder / VOCABULARY), context_length=CONTEXT)
    write_configuration(folder / CONFIG, tokenizer.vocab_size)
    return tokenizer, configuration(tokenizer.vocab_size)


def save(model: CLIP, folder: Path) -> None:
    half = {k: v.half() if v.is_floating_point() else v for k, v in model.state_dict().items()}
    write_safetensors(folder / MODEL, {k: v.cpu().contiguous() for k, v in half.items()})


@torch.no_grad()
def embedded(model: CLIP, pictures: Sequence[Pixels], batch: int = 32) -> Tensor:
    """(n, d): embeddings of pictures, tiled as the encoder tiles them, in bfloat16."""
    model = model.eval().to(memory_format=torch.channels_last)
    mean, std = (torch.tensor(PREPROCESS[k]).view(1, 3, 1, 1) for k in ("mean", "std"))
    rows: list[Tensor] = []
    for n in range(0, len(pictures), batch):
        tiled = [tiles(Picture.from_array(p), SIDE) for p in pictures[n : n + batch]]
        with mixed_precision(torch.device("cpu")):
            squares = torch.stack([square for of_one in tiled for square in of_one])
            inputs = ((squares - mean) / std).contiguous(memory_format=torch.channels_last)
            found = iter(model.encode_image(inputs, normalize=True).float())
        rows += [torch.stack([next(found) for _ in of_one]).mean(0) for of_one in tiled]
    return F.normalize(torch.stack(rows), dim=1)


def make_pool(
    data: Path, groups: int, *, seed: int, measured: bool = True, window: int = pools.WINDOW, times: int = 2
) -> Pool:
    """Render and label every training picture, and measure the targets of the picture tower's head.

    Of renderings the middle `window` pixels are kept; each work of art repaints `times` photos. Without `measured`, the
    targets are empty.
    """
    photos, art = read_shards(data, "photo-clean-*", "train"), read_shards(data, "art-clean-*", "train")
    contents = photos + art[::3]  # a painting in halftone is halftone
    entries = pools.procedural(contents, groups, seed=seed, media=pools.TRAINING_MEDIA, window=window)
    more = round(groups * IN_WORDS)
    entries += pools.in_words(photos, more, seed=seed, first=groups * pools.STYLES, window=window)
    with_targets = list(range(0, len(entries), pools.PHOTOS))  # one picture of each style: measuring is slow
    first = (groups + more) * pools.STYLES
    paintings = pools.art(art, first)
    with_targets += range(len(entries), len(entries) + len(paintings))
    entries += paintings
    entries += pools.repainted(paintings, photos, times, seed=seed)
    plain = pools.photographs(photos, first + len(art))
    with_targets += range(len(entries), len(entries) + len(plain))
    entries += plain
    if not measured:
        return Pool.of(entries, torch.zeros(len(entries), 0))
    teacher = SqueezeNet.load(data / "perceptual" / "squeezenet1_0.safetensors")
    examples = [entries[n] for n in with_targets]
    statistics = pools.statistics(examples)
    spread = (statistics - statistics.mean(0)) / statistics.std(0).clamp_min(1e-4)
    of_teacher = pools.principal(pools.teacher_moments(examples, teacher), TEACHER_DIRECTIONS)
    found = torch.cat([spread.clamp(-4, 4), of_teacher.clamp(-4, 4)], 1)
    targets = torch.full((len(entries), found.shape[1]), torch.nan)
    targets[with_targets] = found
    return Pool.of(entries, targets)
