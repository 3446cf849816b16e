"""The last stage of the starter's CLIP: its text tower alone, against all pictures of the pool at once.

With the picture tower done, every picture is embedded once, as the product embeds it. Each step then contrasts a few
hundred captions with all of them, which is not possible with batches of pictures. It may start from a text tower that
was trained before (`stages.train_text_tower`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from open_clip import CLIP
from torch import Tensor

from diffstyle.core.device import mixed_precision
from diffstyle.data.captions import Fact, choose, in_full, phrases, say, truth
from diffstyle.training.clip.model import encode_short_text
from diffstyle.training.clip.train import CaptionSampler, contrast, nonsense
from diffstyle.training.loop import Budget, Run, Trainer, cosine_rate, fit

Indices: TypeAlias = npt.NDArray[np.int64]
FULL_SHARE = 0.2  # of the captions: these state every fact
PICTURE_TOWER = ("visual.", "logit_scale")


@dataclass(frozen=True, slots=True)
class WordsRecipe:
    seed: int = 1
    pictures: int = 160
    noise_captions: int = 40
    learning_rate: float = 6e-4
    weight_decay: float = 0.02
    warmup_steps: int = 30
    meaning_weight: float = 0.8
    media_weight: float = 1.5
    temperature: float = 0.05
    meaning_temperature: float = 0.07


@dataclass(frozen=True, slots=True)
class TextBatch:
    """Token rows: 2 m captions, two of each fact set, then noise, then one caption for each medium."""

    tokens: Tensor  # (2 m + noise + media, context)
    chosen: Indices  # (m,): the rows of `vectors` that are described
    truth: Tensor  # (2 m, n): 1 true of a picture, -1 false, 0 unknown
    equal: Tensor  # (2 m, 2 m) bool: of one meaning


class WordsTrainer(Trainer[TextBatch]):
    """Trains the text tower of `model` against the embeddings `vectors` (n, d) of pictures.

    `of_media` (media, n) is 1 where a medium is true of a picture, -1 where it is false, 0 where that is unknown.
    """

    def __init__(self, model: CLIP, vectors: Tensor, of_media: Tensor, recipe: WordsRecipe, budget: Budget) -> None:
        self.model, self.vectors, self.of_media, self.recipe = model, vectors, of_media, recipe
        tuned = {k: p for k, p in model.named_parameters() if not k.startswith(PICTURE_TOWER)}
        optimizer = torch.optim.AdamW(tuned.values(), betas=(0.9, 0.98), weight_decay=recipe.weight_decay)
        super().__init__(tuned, optimizer, budget=budget, ema=0, largest_norm=2.0)

    def rate(self) -> float:
        r = self.recipe
        return cosine_rate(self.step, self.progress, first=r.learning_rate, warmup=r.warmup_steps)

    def losses(self, batch: TextBatch) -> dict[str, Tensor]:
        r, vectors = self.recipe, self.vectors
        with mixed_precision(torch.device("cpu")):
            encoded = encode_short_text(self.model, batch.tokens).float()
        paired = encoded[: len(batch.truth)]
        others, named = encoded[: -len(self.of_media)], encoded[-len(self.of_media) :]
        own = torch.cat([batch.truth[:, batch.chosen], torch.full((r.noise_captions, len(batch.chosen)), -1)])
        itself = torch.eye(len(paired), dtype=torch.bool)
        media = contrast(named @ vectors.T / r.temperature, self.of_media)
        media = media + contrast(vectors @ named.T / r.temperature, self.of_media.T)
        meaning = contrast(paired @ paired.T / r.meaning_temperature, torch.where(batch.equal, 1, -1) * ~itself)
        return {
            "caption": contrast(paired @ vectors.T / r.temperature, batch.truth),
            "picture": contrast((others @ vectors[batch.chosen].T / r.temperature).T, own.T),
            "media": r.media_weight * media,
            "meaning": r.meaning_weight * meaning,
        }


def train_words(
    model: CLIP, sampler: CaptionSampler, which: Indices, vectors: Tensor, recipe: WordsRecipe, *, minutes: float
) -> CLIP:
    """Train all of `model` but its picture tower; `vectors` (n, d) are embeddings of the pool's pictures `which`."""
    probability = _probability(sampler)[which]
    probability /= probability.sum()
    pictures = sampler.pool.known[which]
    media: list[tuple[Fact, ...]] = [(("medium", name),) for name in phrases.MEDIA]
    of_media = truth(np.stack([sampler.index.said(facts) for facts in media]), pictures)

    def make(step: int, _: float) -> TextBatch:
        rng = np.random.default_rng((recipe.seed, step))
        chosen = rng.choice(len(vectors), recipe.pictures, p=probability)
        known = [sampler.facts[int(which[n])] for n in chosen]
        said = [in_full(facts, rng) if rng.random() < FULL_SHARE else choose(facts, rng) for facts in known]
        texts = [say(facts, rng, noise=sampler.noise_of(rng)) for facts in said for _ in range(2)]
        texts += [nonsense(sampler.noise, int(rng.integers(1, 7)), rng) for _ in range(recipe.noise_captions)]
        texts += [say(facts, rng, noise=sampler.noise_of(rng)) for facts in media]
        meaning = np.stack([sampler.index.said(facts) for facts in said])
        true = torch.from_numpy(truth(meaning, pictures)).repeat_interleave(2, 0)
        equal = torch.from_numpy((meaning[:, None] == meaning[None]).all(2))
        equal = equal.repeat_interleave(2, 0).repeat_interleave(2, 1)
        return TextBatch(sampler.tokenizer(texts), chosen, true, equal)

    trainer = WordsTrainer(model, vectors, torch.from_numpy(of_media), recipe, Budget(minutes))
    fit(trainer, make, Run(), name="words")
    return model.eval()


def _probability(sampler: CaptionSampler) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Probability of describing each picture: half are procedural, a third art, the rest repainted or photos."""
    origin = sampler.pool.origin
    weight = np.array([0.5, 0.3, 0.08, 0.12])[origin] / np.bincount(origin, minlength=4)[origin]
    weight[sampler.art] *= sampler.art_probability * len(sampler.art)
    return weight / weight.sum()
