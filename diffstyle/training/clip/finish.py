"""What is made once the starter CLIP is trained: its bridge, and the embeddings that the stats adapter learns from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.core.picture import Picture
from diffstyle.data.captions import Fact, FactIndex, Facts, Truth, choose, in_full, phrases, say, truth
from diffstyle.encoders import bridge as bridges
from diffstyle.encoders.bridge import Bridge
from diffstyle.encoders.clip import StyleEncoder
from diffstyle.formats.safetensors import read_safetensors, write_safetensors
from diffstyle.training.clip.pool import Pool
from diffstyle.training.clip.train import contrast, noise_words, nonsense

EXAMPLES, CAPTIONS = 4000, 3  # pictures of the pool, and captions of each
KNOWN = 384
TEMPERATURE = 0.05
NAMES = [phrase for said in phrases.MEDIA.values() for phrase in said]
EMBEDDINGS = "embeddings.safetensors"
NOISE_PERCENTILE, TRUE_PERCENTILE = 90, 5


def finish(folder: Path, pool: Pool, out: Path, *, seed: int = 0, pictures: Tensor | None = None) -> Bridge:
    """Write `folder/bridge.safetensors`, and of EXAMPLES pictures `out/embeddings.safetensors` with `pictures` (n, d)
    and the captions before the bridge, `texts` (n * CAPTIONS, d).

    `pictures` are the embeddings of those pictures, if they are known.
    """
    encoder, pool = StyleEncoder.load(folder), pool.spread(EXAMPLES)
    path = out / EMBEDDINGS
    if path.exists():
        tensors = read_safetensors(path)[1]
    else:
        if pictures is None:
            pictures = encoder.pictures([Picture.from_array(p) for p in pool.pixels])
        tensors = {"pictures": pictures, "texts": encoder.raw_texts(captions(pool, seed))}
        write_safetensors(path, tensors)
    vectors, texts = tensors["pictures"], tensors["texts"]
    fitted = bridges.fit(texts, vectors.repeat_interleave(CAPTIONS, 0), ridge=1e-3)
    said = twice(pool, seed)
    pairs = torch.stack([encoder.raw_texts(one) for one in said])
    fitted = refined(fitted, texts, vectors, pool, seed, names=encoder.raw_texts(NAMES), pairs=pairs)
    known = centres(vectors, pool, seed)
    rng = np.random.default_rng(seed)
    words = noise_words(encoder.tokenizer)
    noise = [nonsense(words, int(rng.integers(1, 6)), rng) for _ in range(1000)]
    unknown = (encoder.raw_texts(noise) @ known.T).amax(1).numpy()
    true = (texts[:: max(1, len(texts) // 2000)] @ known.T).amax(1).numpy()
    low, high = float(np.percentile(unknown, NOISE_PERCENTILE)), float(np.percentile(true, TRUE_PERCENTILE))
    print(f"nearest known style: noise {np.percentile(unknown, [50, 90, 99]).round(3)}", end=", ")
    print(f"captions {np.percentile(true, [1, 5, 50]).round(3)}")
    bridge = replace(fitted, known=known, bounds=(low, max(high, low + 0.02)))
    bridge.save(folder / "bridge.safetensors", dtype=torch.float16)
    return bridge


def refined(
    bridge: Bridge,
    texts: Tensor,
    vectors: Tensor,
    pool: Pool,
    seed: int,
    *,
    names: Tensor,
    pairs: Tensor,
    steps: int = 600,
) -> Bridge:
    """The bridge trained on: captions are to come near their pictures, and nearer their style than any other; `names`
    (n, d), the media's by every phrase of NAMES, are to find the pictures in them; and `pairs` (2, m, d), two phrasings
    of the same facts, are to stay together.
    """
    index = FactIndex(pool.artists)
    media = [(("medium", medium),) for medium, said in phrases.MEDIA.items() for _ in said]
    in_medium = torch.from_numpy(truth(np.stack([index.said(facts) for facts in media]), pool.known))
    ids, of = np.unique(pool.style, return_inverse=True)
    style = torch.from_numpy(of)
    middles = F.normalize(torch.stack([vectors[style == n].mean(0) for n in range(len(ids))]), dim=1)
    weight, shift = bridge.weight.clone().requires_grad_(), bridge.shift.clone().requires_grad_()
    optimiser = torch.optim.Adam([weight, shift], lr=2e-3)
    generator = torch.Generator().manual_seed(seed)
    for step in range(steps):
        chosen = torch.randint(len(texts), (512,), generator=generator)
        now = Bridge(weight, bridge.centre, shift)
        moved = now(texts[chosen])
        own = chosen // CAPTIONS
        apart = F.cross_entropy(moved @ middles.T / TEMPERATURE, style[own])
        near = 1 - (moved * vectors[own]).sum(1).mean()
        found = now(names) @ vectors.T / TEMPERATURE
        named = contrast(found, in_medium) + contrast(found.T, in_medium.T)
        some = torch.randperm(pairs.shape[1], generator=generator)[:256]
        first, second = now(pairs[0, some]), now(pairs[1, some])
        alike = F.cross_entropy(first @ second.T / TEMPERATURE, torch.arange(len(some)))
        optimiser.zero_grad(set_to_none=True)
        (apart + 4 * near + 2 * named + 3 * alike).backward()
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * (1 - step / steps)
        optimiser.step()
    return replace(bridge, weight=weight.detach(), shift=shift.detach())


def captions(pool: Pool, seed: int) -> list[str]:
    """CAPTIONS captions of each picture, in the pool's order; the last of each says all there is to say."""
    index = FactIndex(pool.artists)
    rng = np.random.default_rng(seed)
    texts: list[str] = []
    for row in pool.known:
        facts = _facts(index, row)
        texts += [say(choose(facts, rng), rng) for _ in range(CAPTIONS - 1)]
        texts.append(say(in_full(facts, rng), rng))
    return texts


def twice(pool: Pool, seed: int, count: int = 1500) -> list[list[str]]:
    """Two lists of captions: the same `count` selections of facts in two phrasings each."""
    index = FactIndex(pool.artists)
    rng = np.random.default_rng((seed, 1))
    drawn: dict[frozenset[Fact], tuple[Fact, ...]] = {}
    for n in rng.permutation(len(pool.known))[: 2 * count]:
        facts = choose(_facts(index, pool.known[n]), rng)
        drawn.setdefault(frozenset(facts), facts)
    return [[say(facts, rng) for facts in list(drawn.values())[:count]] for _ in range(2)]


def centres(vectors: Tensor, pool: Pool, seed: int) -> Tensor:
    """(KNOWN, d): the mean pictures of that many styles, drawn at random."""
    style = torch.from_numpy(pool.style)
    chosen = np.random.default_rng(seed).permutation(np.unique(pool.style))[:KNOWN]
    return F.normalize(torch.stack([vectors[style == int(s)].mean(0) for s in chosen]), dim=1)


def _facts(index: FactIndex, row: Truth) -> Facts:
    return Facts(frozenset(index.facts[int(n)] for n in np.flatnonzero(row == 1)), frozenset())
