"""The recipe of the starter CLIP: contrast of pictures and captions in which style counts and subject does not.

Departs from CLIP (Radford et al. 2021) in that a caption is true of every picture that has its facts, not of its own
alone, and pairs whose truth is unknown are left out. Beside it: pictures of one style nearer each other than pictures
of one photo (supervised contrast, Khosla et al. 2020), two phrasings of the same facts likewise, the names of all media
against every picture, and a linear head that must predict the preview network's statistics and a perceptual teacher's
from the picture embedding.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from open_clip import CLIP
from open_clip.tokenizer import SimpleTokenizer
from PIL import Image, ImageFilter
from torch import Tensor, nn
from torch.nn import functional as F

from diffstyle.core.device import mixed_precision
from diffstyle.data.captions import Fact, FactIndex, Facts, Truth, choose, phrases, say, truth, words
from diffstyle.encoders.clip_model import Tokenizer
from diffstyle.training import checkpoint
from diffstyle.training.clip.model import PREPROCESS, encode_short_text, new_model
from diffstyle.training.clip.pool import ORIGINS, PHOTOS, STYLES, Pool
from diffstyle.training.data import Pixels, prefetch, random_crop, to_batch
from diffstyle.training.log import Log
from diffstyle.training.schedule import cosine_rate, descend, follow

ZOOM = (0.7, 1.4)


@dataclass(frozen=True, slots=True)
class ClipRecipe:
    seed: int = 0
    size: int = 160
    last_size: int = 224
    last_share: float = 0.15
    groups: int = 4
    styles: int = 5
    photos: int = 8
    art: int = 24
    noise_captions: int = 16
    learning_rate: float = 1e-3
    last_learning_rate: float = 1e-5
    weight_decay: float = 0.05
    warmup_steps: int = 100
    ema: float = 0.997
    media_weight: float = 0.5
    picture_weight: float = 0.5
    picture_temperature: float = 0.1
    caption_weight: float = 0.3
    head_weight: float = 1.0

    def rate(self, step: int, progress: float) -> float:
        first, last = self.learning_rate, self.last_learning_rate
        return cosine_rate(step, progress, first=first, last=last, warmup=self.warmup_steps)


@dataclass(frozen=True, slots=True)
class Batch:
    """n pictures; c captions in pairs of one meaning, captions of noise, which are true of nothing, and m captions that
    name a medium each.
    """

    pictures: Tensor  # (n, 3, size, size)
    tokens: Tensor  # (c + noise + m, context)
    truth: Tensor  # (c + noise + m, n): 1 true, -1 false, 0 unknown
    same_meaning: Tensor  # (c, c) bool
    style: Tensor  # (n,)
    comparable: Tensor  # (n, n) bool: may be told apart as two styles
    targets: Tensor  # (n, d), nan where not measured


class Material:
    """Batches drawn from a pool, each a function of seed and step."""

    def __init__(self, pool: Pool, tokenizer: SimpleTokenizer, recipe: ClipRecipe) -> None:
        self.pool, self.tokenizer, self.recipe = pool, tokenizer, recipe
        self.index = FactIndex(pool.artists)
        self.facts = [self._facts(row) for row in pool.known]
        self.noise = noise_words(tokenizer)
        origin = {name: np.flatnonzero(pool.origin == n) for n, name in enumerate(ORIGINS)}
        self.photos, self.art = origin["photo"], origin["art"]
        rendered = origin["procedural"]  # in order of group, style and photo
        self.groups = rendered.reshape(-1, STYLES, PHOTOS)
        views: dict[int, list[int]] = {int(pool.style[n]): [] for n in self.art}
        for n in origin["repainted"]:
            views[int(pool.style[n])].append(int(n))
        self.views = views
        self.chance = self._chance()

    def batch(self, step: int, size: int) -> Batch:
        r = self.recipe
        rng = np.random.default_rng((r.seed, step))
        chosen: list[int] = []
        told: list[int] = []  # of each procedural style two pictures are described, of each work of art one
        for g in rng.choice(len(self.groups), r.groups, replace=False):
            for style in rng.permutation(STYLES)[: r.styles]:
                chosen += self.groups[g][style].tolist()
                told += rng.choice(self.groups[g][style], 2, replace=False).tolist()
        chosen += rng.choice(self.photos, r.photos, replace=False).tolist()
        told += chosen[-r.photos // 2 :]
        for n in rng.choice(self.art, r.art, replace=False, p=self.chance).tolist():
            others = self.views[int(self.pool.style[n])]
            chosen += [n, others[int(rng.integers(len(others)))] if others and rng.random() < 0.6 else n]
            told.append(chosen[-1 - int(rng.random() < 0.5)])
        said: list[tuple[Fact, ...]] = [choose(self.facts[n], rng) for n in told]
        texts = [say(facts, rng, noise=self.noise_of(rng)) for facts in said for _ in range(2)]
        texts += [nonsense(self.noise, int(rng.integers(1, 7)), rng) for _ in range(r.noise_captions)]
        meaning: Truth = np.stack([self.index.said(facts) for facts in said for _ in range(2)])
        known = self.pool.known[chosen]
        media: list[tuple[Fact, ...]] = [(("medium", name),) for name in phrases.MEDIA]
        texts += [say(facts, rng, noise=self.noise_of(rng)) for facts in media]
        named = truth(np.stack([self.index.said(facts) for facts in media]), known)
        none = np.full((r.noise_captions, len(chosen)), -1, np.int8)
        true = np.concatenate([truth(meaning, known), none, named])
        equal = (meaning[:, None] == meaning[None]).all(2)
        crops: list[Pixels] = [worn(random_crop(self.pool.pixels[n], size, zoom=ZOOM, rng=rng), rng) for n in chosen]
        return Batch(
            to_batch(crops),
            self.tokenizer(texts),
            torch.from_numpy(true),
            torch.from_numpy(equal),
            torch.from_numpy(self.pool.style[chosen]),
            torch.from_numpy(~self._akin(chosen)),
            torch.from_numpy(self.pool.targets[chosen]),
        )

    def _chance(self) -> npt.NDArray[np.float64]:
        """Of each work of art to be drawn: works of a rare movement or medium more often."""
        kinds = [n for n, (kind, _) in enumerate(self.index.facts) if kind in ("movement", "medium")]
        known = self.pool.known[self.art][:, kinds] == 1
        rarest = np.where(known, known.sum(0), len(self.art)).min(1)
        chance = 1 / np.sqrt(rarest)
        return chance / chance.sum()

    def noise_of(self, rng: np.random.Generator) -> list[str]:
        """Words beside the point for a caption, or none."""
        drawn = rng.random()
        if drawn < 0.25:
            return [phrases.SUBJECTS[int(rng.integers(len(phrases.SUBJECTS)))]]
        return [nonsense(self.noise, int(rng.integers(1, 4)), rng)] if drawn < 0.5 else []

    def _akin(self, chosen: list[int]) -> npt.NDArray[np.bool_]:
        """(n, n): different works of one artist or movement, of which none can say that they differ in style."""
        kinds = [n for n, (kind, _) in enumerate(self.index.facts) if kind in ("artist", "movement")]
        shared = (self.pool.known[chosen][:, kinds] == 1).astype(np.float32)
        style = self.pool.style[chosen]
        return ((shared @ shared.T) > 0) & (style[:, None] != style[None])

    def _facts(self, row: Truth) -> Facts:
        return Facts(frozenset(self.index.facts[int(n)] for n in np.flatnonzero(row == 1)), frozenset())


def worn(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """As pictures come: one in four through JPEG, one in four slightly out of focus."""
    drawn = rng.random()
    if drawn < 0.25:
        file = BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=int(rng.integers(40, 92)))
        return np.asarray(Image.open(file))
    if drawn < 0.5:
        return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 0.9)))))
    return pixels


def noise_words(tokenizer: Tokenizer) -> list[str]:
    """Whole words of the vocabulary that no caption is made of."""
    used = {w for phrase in words() for w in phrase.lower().replace("-", " ").split()}
    found = (t.removesuffix("</w>") for t in tokenizer.encoder if t.endswith("</w>"))
    return sorted(w for w in found if len(w) > 2 and w.isascii() and w.isalpha() and w not in used)


def nonsense(words: Sequence[str], count: int, rng: np.random.Generator) -> str:
    """`count` words beside the point: of the vocabulary, or put together from parts of such."""

    def word() -> str:
        first, second, third = (str(w) for w in rng.choice(words, 3))
        if rng.random() < 0.5:
            return first
        return first[: int(rng.integers(1, 4))] + second[-4:] + (third[:3] if rng.random() < 0.4 else "")

    return " ".join(word() for _ in range(count))


def contrast(logits: Tensor, truth: Tensor) -> Tensor:
    """Mean over rows of the mean log-softmax of their true columns, unknown columns left out; (r, c) -> scalar."""
    scores = logits.masked_fill(truth == 0, -torch.inf)
    log = scores.log_softmax(1).masked_fill(truth != 1, 0)
    count = (truth == 1).sum(1)
    return -(log.sum(1) / count.clamp_min(1))[count > 0].mean()


class Trainer:
    """One run: the model, its moving average, the head that predicts statistics, optimiser, step, seconds."""

    def __init__(self, config: dict[str, Any], targets: int, recipe: ClipRecipe, device: torch.device) -> None:
        self.recipe, self.device = recipe, device
        self.model: CLIP = new_model(config, recipe.seed).to(device).to(memory_format=torch.channels_last)
        with torch.random.fork_rng():
            torch.manual_seed(recipe.seed)
            self.head = nn.Linear(config["embed_dim"], targets).to(device)
        self.average = {k: v.detach().clone() for k, v in self.model.state_dict().items()}
        decayed = [p for p in self.model.parameters() if p.ndim > 1]
        plain = [p for p in self.model.parameters() if p.ndim <= 1]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": recipe.weight_decay},
                {"params": [*plain, *self.head.parameters()], "weight_decay": 0.0},
            ],
            betas=(0.9, 0.98),
        )
        self.mean = torch.tensor(PREPROCESS["mean"], device=device).view(1, 3, 1, 1)
        self.std = torch.tensor(PREPROCESS["std"], device=device).view(1, 3, 1, 1)
        self.step, self.seconds = 0, 0.0

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        r = self.recipe
        with mixed_precision(self.device):
            pictures = self.model.encode_image((batch.pictures - self.mean) / self.std, normalize=True).float()
            texts = encode_short_text(self.model, batch.tokens).float()
        logits = self.model.logit_scale.exp() * texts @ pictures.T
        told = len(texts) - len(phrases.MEDIA)
        named, naming = logits[told:], batch.truth[told:]
        paired = texts[: len(batch.same_meaning)]
        alike = batch.style[:, None] == batch.style[None]
        itself = torch.eye(len(pictures), dtype=torch.bool, device=self.device)
        known = torch.where(alike, 1, -1) * (batch.comparable & ~itself)
        meaning = torch.where(batch.same_meaning, 1, -1) * ~torch.eye(len(paired), dtype=torch.bool, device=self.device)
        of_pictures = (pictures @ pictures.T) / r.picture_temperature
        of_captions = (paired @ paired.T) / r.picture_temperature
        predicted = self.head(pictures * 16)
        wanted = torch.where(batch.targets.isnan(), predicted.detach(), batch.targets)
        return {
            "caption": contrast(logits[:told], batch.truth[:told]),
            "picture": contrast(logits[:told].T, batch.truth[:told].T),
            "media": r.media_weight * (contrast(named, naming) + contrast(named.T, naming.T)),
            "styles": r.picture_weight * contrast(of_pictures, known),
            "meaning": r.caption_weight * contrast(of_captions, meaning),
            "head": r.head_weight * F.smooth_l1_loss(predicted, wanted),
        }

    def advance(self, batch: Batch, rate: float) -> dict[str, float]:
        terms = self.losses(batch)
        descend(terms, self.model.parameters(), self.optimiser, rate=rate, largest_norm=2.0)
        with torch.no_grad():
            self.model.logit_scale.clamp_(0, math.log(50))
        follow(self.average, self.model.state_dict(), self.step, self.recipe.ema)
        self.step += 1
        return {k: float(v.detach()) for k, v in terms.items()} | {
            "scale": float(self.model.logit_scale.detach().exp())
        }

    def state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "head": self.head.state_dict(),
            "average": self.average,
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }

    def start(self, weights: dict[str, Tensor]) -> None:
        """Begin from another model's weights."""
        self.model.load_state_dict(weights)
        self.average = {k: v.detach().clone() for k, v in self.model.state_dict().items()}

    def restore(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.head.load_state_dict(state["head"])
        self.average = {k: v.to(self.device) for k, v in state["average"].items()}
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.seconds = state["step"], state["seconds"]


def train(
    material: Material,
    config: dict[str, Any],
    *,
    out: Path,
    minutes: float,
    device: str,
    start: dict[str, Tensor] | None = None,
    save_every: float = 180.0,
) -> dict[str, Tensor]:
    """Train until `minutes` are spent; the averaged weights. Goes on from `out/checkpoint.pt` if it is there, else
    begins with the weights `start`."""
    recipe = material.recipe
    trainer = Trainer(config, material.pool.targets.shape[1], recipe, torch.device(device))
    if state := checkpoint.load(out / "checkpoint.pt"):
        trainer.restore(state)
    elif start is not None:
        trainer.start(start)
    log = Log(out / "log.csv", every=20)
    begun = saved = time.monotonic()
    before = trainer.seconds

    def progress() -> float:
        return trainer.seconds / (60 * minutes)

    def make(step: int) -> Batch:
        late = progress() > 1 - recipe.last_share
        return material.batch(step, recipe.last_size if late else recipe.size)

    for step, batch in prefetch(make, trainer.step):
        moved = Batch(*(getattr(batch, name).to(device) for name in Batch.__slots__))
        terms = trainer.advance(moved, recipe.rate(step, progress()))
        now = time.monotonic()
        trainer.seconds = before + now - begun
        log.add(step, trainer.seconds, terms)
        over = progress() >= 1
        if over or now - saved > save_every:
            checkpoint.save(out / "checkpoint.pt", trainer.state())
            saved = now
        if over:
            break
    return trainer.average
