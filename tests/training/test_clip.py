"""Training of the starter's CLIP, for a few steps on small pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from open_clip.tokenizer import SimpleTokenizer
from torch import Tensor

from diffstyle import Picture, Style, StyleEncoder
from diffstyle.adapters.stats import StatsAdapter
from diffstyle.data.captions import phrases, words
from diffstyle.encoders.source import STARTER, find
from diffstyle.formats.safetensors import read_safetensors
from diffstyle.training.clip import finish
from diffstyle.training.clip.model import CONTEXT, configuration, encode_short_text, new_model, write_vocabulary
from diffstyle.training.clip.pool import ORIGINS, PHOTOS, STYLES, Pool
from diffstyle.training.clip.stages import train_clip, train_text_tower
from diffstyle.training.clip.train import CaptionSampler, ClipRecipe, contrast
from diffstyle.training.clip.words import WordsRecipe
from diffstyle.training.loop import load_checkpoint
from diffstyle.training.preview.stats import StatsRecipe, train_stats
from tests.conftest import waves

CLIP_RECIPE = replace(ClipRecipe(), size=32, last_size=32, groups=1, styles=2, photos=2, art=4, noise_captions=2)


def sampler_of(pool: Pool, folder: Path) -> tuple[CaptionSampler, int]:
    write_vocabulary(folder / "words.txt.gz", [*words(), *pool.artists])
    tokenizer = SimpleTokenizer(bpe_path=str(folder / "words.txt.gz"), context_length=CONTEXT)
    return CaptionSampler(pool, tokenizer, CLIP_RECIPE), tokenizer.vocab_size


def test_the_pool_shares_styles_and_contents(pool: Pool, tmp_path: Path) -> None:
    rendered = pool.origin == ORIGINS.index("procedural")
    groups = np.flatnonzero(rendered).reshape(-1, STYLES * PHOTOS)  # in procedural media, and in those that words paint
    assert len(groups) == 2
    for group in groups:
        style, content = pool.style[group], pool.content[group]
        assert all(len(set(content[style == s])) == PHOTOS for s in set(style))
        assert all(len(set(style[content == c])) == STYLES for c in set(content))
    assert len(set(pool.style[rendered])) == 2 * STYLES
    art, repainted = (pool.origin == ORIGINS.index(name) for name in ("art", "repainted"))
    assert set(pool.style[art]) == set(pool.style[repainted])
    pool.save(tmp_path / "pool.npz")
    again = Pool.load(tmp_path / "pool.npz")
    assert all(np.array_equal(a, b) for a, b in zip(pool.pixels, again.pixels, strict=True))
    assert np.array_equal(pool.known, again.known)
    assert np.array_equal(pool.targets, again.targets, equal_nan=True)


def test_captions_of_a_batch_are_true_or_nonsense(pool: Pool, tmp_path: Path) -> None:
    sampler, _ = sampler_of(pool, tmp_path)
    one, same, other = (sampler.batch(n, 32) for n in (5, 5, 6))
    assert torch.equal(one.pictures, same.pictures)
    assert torch.equal(one.tokens, same.tokens)
    assert not torch.equal(one.pictures, other.pictures)
    said, noise = len(one.same_meaning), CLIP_RECIPE.noise_captions
    assert (one.truth[:said] == 1).any(1).all()
    assert (one.truth[said : said + noise] == -1).all()
    assert one.same_meaning.diagonal().all()
    assert len(one.tokens) == len(one.truth) == said + noise + len(phrases.MEDIA)
    assert (one.truth[said + noise :] == 1).any()


def test_short_texts_are_encoded_as_open_clip_does(pool: Pool, tmp_path: Path) -> None:
    sampler, size = sampler_of(pool, tmp_path)
    model = new_model(configuration(size), 0).eval()
    tokens = sampler.tokenizer(["a dark woodcut by rembrandt", "mosaic"])
    with torch.no_grad():
        whole = cast("Tensor", model.encode_text(tokens, normalize=True))
        assert torch.allclose(encode_short_text(model, tokens), whole, atol=1e-5)
    assert sampler.tokenizer.encode("woodcut") != sampler.tokenizer.encode("mosaic")
    pieces = cast("list[int]", sampler.tokenizer.encode("impressionism"))
    assert len(pieces) == 1  # a word of a caption is a word of the vocabulary


def test_contrast_leaves_the_unknown_out() -> None:
    truths = torch.tensor([[1, -1, 0]])
    base = contrast(torch.tensor([[2.0, 1.0, 0.0]]), truths)
    assert contrast(torch.tensor([[2.0, 1.0, 9.0]]), truths) == base
    assert contrast(torch.tensor([[3.0, 1.0, 0.0]]), truths) < base
    assert torch.isfinite(
        contrast(torch.tensor([[2.0, 1.0, 0.0], [1.0, 1.0, 1.0]]), torch.tensor([[1, -1, 0], [-1] * 3]))
    )


@pytest.mark.long
def test_the_starter_clip_is_trained_and_loads(
    pool: Pool, shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finish, "BRIDGE_STEPS", 2)
    pool.save(tmp_path / "pool.npz")
    folder = train_clip(shards, tmp_path, CLIP_RECIPE, minutes=0.001, device="cpu", groups=1)
    state = load_checkpoint(tmp_path / "clip.pt")
    assert state is not None
    assert state["seconds"] >= 0.06
    encoder = StyleEncoder.load(folder)
    assert encoder.encode(Style.from_text("a dark woodcut")).embedding.shape == (256,)
    adapter = train_stats(tmp_path, encoder, replace(StatsRecipe(), steps=30))
    adapter.save(tmp_path / "stats.safetensors")
    loaded = StatsAdapter.load(tmp_path / "stats.safetensors")
    assert loaded.space == encoder.space
    vector = encoder.texts(["mosaic"])
    assert torch.allclose(loaded(vector), adapter(vector), atol=0.05)


@pytest.mark.long
def test_words_are_trained_and_pictures_stay(pool: Pool, shards: Path, tmp_path: Path) -> None:
    pool.save(tmp_path / "pool.npz")
    start = find(STARTER).weights.parent
    recipe = replace(WordsRecipe(), pictures=8, noise_captions=2)
    folder = train_text_tower(shards, tmp_path, recipe, start=start, minutes=0.02, groups=1)
    before, after = (read_safetensors(f / "open_clip_model.safetensors")[1] for f in (start, folder))
    assert before.keys() == after.keys()
    same = {name for name, value in before.items() if torch.equal(value, after[name])}
    assert {n for n in before if n.startswith("visual.")} | {"logit_scale"} <= same
    assert "text_projection" not in same
    first, second = StyleEncoder.load("starter"), StyleEncoder.load(folder)
    picture = [Picture.from_array(waves(90, 60))]
    assert torch.equal(first.pictures(picture), second.pictures(picture))
    assert not torch.equal(first.raw_texts(["mosaic"]), second.raw_texts(["mosaic"]))
