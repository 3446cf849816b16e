"""Training of the starter's CLIP: contrast of pictures and captions in which style counts and subject does not.

Departs from CLIP (Radford et al. 2021): a caption is true of every picture that has its facts, not of its own alone,
and pairs whose truth is unknown are left out. Further losses: supervised contrast (Khosla et al. 2020) of pictures by
style and of phrasings by meaning, the names of all media against every picture, and a linear head that predicts the
preview network's statistics and a perceptual teacher's from the picture embedding.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
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
from diffstyle.training.clip.model import PREPROCESS, encode_short_text, new_model
from diffstyle.training.clip.pool import ORIGINS, PHOTOS, STYLES, Pool
from diffstyle.training.data import Pixels, random_crop, to_batch
from diffstyle.training.loop import Budget, Run, Trainer, cosine_rate, fit

ZOOM = (0.7, 1.4)
MOST_LOGIT_SCALE = math.log(50)


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


@dataclass(frozen=True, slots=True)
class Batch:
    """n pictures and their captions: c in pairs of one meaning, then noise, which is true of nothing, then m that each
    name a medium.
    """

    pictures: Tensor  # (n, 3, size, size)
    tokens: Tensor  # (c + noise + m, context)
    truth: Tensor  # (c + noise + m, n): 1 true, -1 false, 0 unknown
    same_meaning: Tensor  # (c, c) bool
    style: Tensor  # (n,)
    comparable: Tensor  # (n, n) bool: may count as two different styles
    targets: Tensor  # (n, d), nan where not measured


class CaptionSampler:
    """Batches of pictures and captions from a pool, each a function of seed and step."""

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
        self.art_probability = self._art_probability()

    def batch(self, step: int, size: int) -> Batch:
        r = self.recipe
        rng = np.random.default_rng((r.seed, step))
        chosen: list[int] = []
        described: list[int] = []  # two pictures of each procedural style, one of each work of art
        for g in rng.choice(len(self.groups), r.groups, replace=False):
            for style in rng.permutation(STYLES)[: r.styles]:
                chosen += self.groups[g][style].tolist()
                described += rng.choice(self.groups[g][style], 2, replace=False).tolist()
        chosen += rng.choice(self.photos, r.photos, replace=False).tolist()
        described += chosen[-r.photos // 2 :]
        for n in rng.choice(self.art, r.art, replace=False, p=self.art_probability).tolist():
            others = self.views[int(self.pool.style[n])]
            chosen += [n, others[int(rng.integers(len(others)))] if others and rng.random() < 0.6 else n]
            described.append(chosen[-1 - int(rng.random() < 0.5)])
        said: list[tuple[Fact, ...]] = [choose(self.facts[n], rng) for n in described]
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
        crops: list[Pixels] = [
            degraded(random_crop(self.pool.pixels[n], size, zoom=ZOOM, rng=rng), rng) for n in chosen
        ]
        return Batch(
            to_batch(crops),
            self.tokenizer(texts),
            torch.from_numpy(true),
            torch.from_numpy(equal),
            torch.from_numpy(self.pool.style[chosen]),
            torch.from_numpy(~self._incomparable(chosen)),
            torch.from_numpy(self.pool.targets[chosen]),
        )

    def _art_probability(self) -> npt.NDArray[np.float64]:
        """Probability of drawing each work of art: higher for rare movements and media."""
        kinds = [n for n, (kind, _) in enumerate(self.index.facts) if kind in ("movement", "medium")]
        known = self.pool.known[self.art][:, kinds] == 1
        rarest = np.where(known, known.sum(0), len(self.art)).min(1)
        weight = 1 / np.sqrt(rarest)
        return weight / weight.sum()

    def noise_of(self, rng: np.random.Generator) -> list[str]:
        """Words without meaning for style to add to a caption; none half of the time."""
        drawn = rng.random()
        if drawn < 0.25:
            return [phrases.SUBJECTS[int(rng.integers(len(phrases.SUBJECTS)))]]
        return [nonsense(self.noise, int(rng.integers(1, 4)), rng)] if drawn < 0.5 else []

    def _incomparable(self, chosen: list[int]) -> npt.NDArray[np.bool_]:
        """(n, n): different works of one artist or movement, whose styles may or may not differ."""
        kinds = [n for n, (kind, _) in enumerate(self.index.facts) if kind in ("artist", "movement")]
        shared = (self.pool.known[chosen][:, kinds] == 1).astype(np.float32)
        style = self.pool.style[chosen]
        return ((shared @ shared.T) > 0) & (style[:, None] != style[None])

    def _facts(self, row: Truth) -> Facts:
        return Facts(frozenset(self.index.facts[int(n)] for n in np.flatnonzero(row == 1)), frozenset())


def degraded(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """As users' pictures are: one in four with JPEG artefacts, one in four slightly blurred."""
    drawn = rng.random()
    if drawn < 0.25:
        file = BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=int(rng.integers(40, 92)))
        return np.asarray(Image.open(file))
    if drawn < 0.5:
        return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 0.9)))))
    return pixels


def noise_words(tokenizer: Tokenizer) -> list[str]:
    """Whole words of the vocabulary that no caption uses."""
    used = {w for phrase in words() for w in phrase.lower().replace("-", " ").split()}
    found = (t.removesuffix("</w>") for t in tokenizer.encoder if t.endswith("</w>"))
    return sorted(w for w in found if len(w) > 2 and w.isascii() and w.isalpha() and w not in used)


def nonsense(words: Sequence[str], count: int, rng: np.random.Generator) -> str:
    """`count` words from `words`, or put together from parts of them."""

    def word() -> str:
        first, second, third = (str(w) for w in rng.choice(words, 3))
        if rng.random() < 0.5:
            return first
        return first[: int(rng.integers(1, 4))] + second[-4:] + (third[:3] if rng.random() < 0.4 else "")

    return " ".join(word() for _ in range(count))


def contrast(logits: Tensor, truth: Tensor) -> Tensor:
    """(r, c) -> scalar: minus the mean log-softmax of a row's true columns, unknown ones left out, mean over rows."""
    scores = logits.masked_fill(truth == 0, -torch.inf)
    log = scores.log_softmax(1).masked_fill(truth != 1, 0)
    count = (truth == 1).sum(1)
    return -(log.sum(1) / count.clamp_min(1))[count > 0].mean()


class ClipTrainer(Trainer[Batch]):
    """Trains `model`, and beside it `head`, which predicts statistics and is dropped afterwards."""

    def __init__(self, config: dict[str, Any], targets: int, recipe: ClipRecipe, budget: Budget, run: Run) -> None:
        self.recipe, self.device = recipe, torch.device(run.device)
        self.model: CLIP = new_model(config, recipe.seed).to(self.device).to(memory_format=torch.channels_last)
        with torch.random.fork_rng():
            torch.manual_seed(recipe.seed)
            self.head = nn.Linear(config["embed_dim"], targets).to(self.device)
        decayed = [p for p in self.model.parameters() if p.ndim > 1]
        plain = [p for p in self.model.parameters() if p.ndim <= 1]
        optimizer = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": recipe.weight_decay},
                {"params": [*plain, *self.head.parameters()], "weight_decay": 0.0},
            ],
            betas=(0.9, 0.98),
        )
        self.mean = torch.tensor(PREPROCESS["mean"], device=self.device).view(1, 3, 1, 1)
        self.std = torch.tensor(PREPROCESS["std"], device=self.device).view(1, 3, 1, 1)
        tensors = nn.ModuleDict({"model": self.model, "head": self.head}).state_dict(keep_vars=True)
        super().__init__(tensors, optimizer, budget=budget, ema=recipe.ema, largest_norm=2.0)

    def clipped(self) -> Iterable[Tensor]:
        return self.model.parameters()

    def rate(self) -> float:
        r = self.recipe
        first, last = r.learning_rate, r.last_learning_rate
        return cosine_rate(self.step, self.progress, first=first, last=last, warmup=r.warmup_steps)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        r = self.recipe
        batch = Batch(*(getattr(batch, name).to(self.device) for name in Batch.__slots__))
        with mixed_precision(self.device):
            pictures = self.model.encode_image((batch.pictures - self.mean) / self.std, normalize=True).float()
            texts = encode_short_text(self.model, batch.tokens).float()
        logits = self.model.logit_scale.exp() * texts @ pictures.T
        described = len(texts) - len(phrases.MEDIA)
        named, naming = logits[described:], batch.truth[described:]
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
            "caption": contrast(logits[:described], batch.truth[:described]),
            "picture": contrast(logits[:described].T, batch.truth[:described].T),
            "media": r.media_weight * (contrast(named, naming) + contrast(named.T, naming.T)),
            "styles": r.picture_weight * contrast(of_pictures, known),
            "meaning": r.caption_weight * contrast(of_captions, meaning),
            "head": r.head_weight * F.smooth_l1_loss(predicted, wanted),
        }

    @torch.no_grad()
    def ema_update(self) -> None:
        self.model.logit_scale.clamp_(0, MOST_LOGIT_SCALE)
        super().ema_update()


def train(
    sampler: CaptionSampler,
    config: dict[str, Any],
    run: Run,
    *,
    minutes: float,
    start: dict[str, Tensor] | None = None,
) -> dict[str, Tensor]:
    """Train for `minutes`; the averaged weights. Goes on from the run's clip.pt if it exists, else from `start`, or
    from random weights.
    """
    recipe = sampler.recipe
    trainer = ClipTrainer(config, sampler.pool.targets.shape[1], recipe, Budget(minutes), run)
    if start is not None:
        trainer.model.load_state_dict(start)  # the average begins with the first step

    def make(step: int, progress: float) -> Batch:
        late = progress > 1 - recipe.last_share
        return sampler.batch(step, recipe.last_size if late else recipe.size)

    fit(trainer, make, run, name="clip")
    return {k.removeprefix("model."): v for k, v in trainer.averaged().items() if k.startswith("model.")}
