"""After training of the starter's CLIP: its bridge, and the embeddings that the statistics adapter is trained on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diffstyle.core.picture import Picture
from diffstyle.data.captions import Fact, FactIndex, Facts, Truth, choose, in_full, phrases, say, truth
from diffstyle.encoders import bridge as bridges
from diffstyle.encoders.bridge import Bridge
from diffstyle.encoders.clip import StyleEncoder
from diffstyle.formats.safetensors import read_safetensors, write_safetensors
from diffstyle.training.clip.pool import Pool
from diffstyle.training.clip.train import contrast, noise_words, nonsense
from diffstyle.training.loop import Budget, Run, Trainer, fit

EXAMPLES, CAPTIONS = 4000, 3  # pictures of the pool, captions of each
KNOWN = 384
TEMPERATURE, BRIDGE_RATE, BRIDGE_STEPS = 0.05, 2e-3, 600
NAMES = [phrase for said in phrases.MEDIA.values() for phrase in said]
EMBEDDINGS = "embeddings.safetensors"
NOISE_PERCENTILE, TRUE_PERCENTILE = 90, 5


def finish(folder: Path, pool: Pool, out: Path, *, seed: int = 0, pictures: Tensor | None = None) -> Bridge:
    """Fit the bridge and write it to `folder/bridge.safetensors`.

    `out/embeddings.safetensors` holds what it is fitted to: embeddings of EXAMPLES pictures of the pool, `pictures`
    (n, d), computed if not given, and of their captions before the bridge, `texts` (n * CAPTIONS, d).
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
    said = phrased_twice(pool, seed)
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


class BridgeTrainer(Trainer[Tensor]):
    """Trains the map of a bridge on batches of caption numbers (b,).

    Captions `texts` (n * CAPTIONS, d) are to come near their pictures `vectors` (n, d), and nearer to the mean of their
    own style than to others. The phrases `names` (p, d) are to find the pictures that they are `true` of (p, n), and
    `pairs` (2, m, d), two phrasings of the same facts, are to stay together.
    """

    def __init__(
        self,
        bridge: Bridge,
        texts: Tensor,
        vectors: Tensor,
        style: Tensor,
        *,
        names: Tensor,
        true: Tensor,
        pairs: Tensor,
        seed: int,
    ) -> None:
        self.texts, self.vectors, self.style = texts, vectors, style
        self.names, self.true, self.pairs = names, true, pairs
        self.means = F.normalize(torch.stack([vectors[style == n].mean(0) for n in range(int(style.max()) + 1)]), dim=1)
        self.generator = torch.Generator().manual_seed(seed)
        self.centre = bridge.centre
        self.weight, self.shift = nn.Parameter(bridge.weight.clone()), nn.Parameter(bridge.shift.clone())
        optimizer = torch.optim.Adam([self.weight, self.shift], lr=BRIDGE_RATE)
        tensors = {"weight": self.weight, "shift": self.shift}
        super().__init__(tensors, optimizer, budget=Budget(steps=BRIDGE_STEPS), ema=0)

    def rate(self) -> float:
        return BRIDGE_RATE * (1 - self.progress)

    def losses(self, batch: Tensor) -> dict[str, Tensor]:
        bridge, own = Bridge(self.weight, self.centre, self.shift), batch // CAPTIONS
        moved = bridge(self.texts[batch])
        found = bridge(self.names) @ self.vectors.T / TEMPERATURE
        some = torch.randperm(self.pairs.shape[1], generator=self.generator)[:256]
        first, second = bridge(self.pairs[0, some]), bridge(self.pairs[1, some])
        return {
            "style": F.cross_entropy(moved @ self.means.T / TEMPERATURE, self.style[own]),
            "picture": 4 * (1 - (moved * self.vectors[own]).sum(1).mean()),
            "media": 2 * (contrast(found, self.true) + contrast(found.T, self.true.T)),
            "meaning": 3 * F.cross_entropy(first @ second.T / TEMPERATURE, torch.arange(len(some))),
        }


def refined(
    bridge: Bridge,
    texts: Tensor,
    vectors: Tensor,
    pool: Pool,
    seed: int,
    *,
    names: Tensor,
    pairs: Tensor,
) -> Bridge:
    """`bridge` trained further by BridgeTrainer; `names` (p, d) are the embeddings of the phrases NAMES."""
    index = FactIndex(pool.artists)
    media = [(("medium", medium),) for medium, said in phrases.MEDIA.items() for _ in said]
    true = torch.from_numpy(truth(np.stack([index.said(facts) for facts in media]), pool.known))
    style = torch.from_numpy(np.unique(pool.style, return_inverse=True)[1])
    trainer = BridgeTrainer(bridge, texts, vectors, style, names=names, true=true, pairs=pairs, seed=seed)
    generator = torch.Generator().manual_seed(seed)

    def make(_: int, __: float) -> Tensor:
        return torch.randint(len(texts), (512,), generator=generator)

    fit(trainer, make, Run(workers=None, log_every=0), name="bridge")
    return replace(bridge, weight=trainer.weight.detach(), shift=trainer.shift.detach())


def captions(pool: Pool, seed: int) -> list[str]:
    """CAPTIONS captions of each picture, in the pool's order; the last of each states all its facts."""
    index = FactIndex(pool.artists)
    rng = np.random.default_rng(seed)
    texts: list[str] = []
    for row in pool.known:
        facts = _facts(index, row)
        texts += [say(choose(facts, rng), rng) for _ in range(CAPTIONS - 1)]
        texts.append(say(in_full(facts, rng), rng))
    return texts


def phrased_twice(pool: Pool, seed: int, count: int = 1500) -> list[list[str]]:
    """Two lists of captions: `count` selections of facts, phrased in two ways."""
    index = FactIndex(pool.artists)
    rng = np.random.default_rng((seed, 1))
    drawn: dict[frozenset[Fact], tuple[Fact, ...]] = {}
    for n in rng.permutation(len(pool.known))[: 2 * count]:
        facts = choose(_facts(index, pool.known[n]), rng)
        drawn.setdefault(frozenset(facts), facts)
    return [[say(facts, rng) for facts in list(drawn.values())[:count]] for _ in range(2)]


def centres(vectors: Tensor, pool: Pool, seed: int) -> Tensor:
    """(KNOWN, d): the mean embeddings of KNOWN random styles."""
    style = torch.from_numpy(pool.style)
    chosen = np.random.default_rng(seed).permutation(np.unique(pool.style))[:KNOWN]
    return F.normalize(torch.stack([vectors[style == int(s)].mean(0) for s in chosen]), dim=1)


def _facts(index: FactIndex, row: Truth) -> Facts:
    return Facts(frozenset(index.facts[int(n)] for n in np.flatnonzero(row == 1)), frozenset())
