"""The last stage of the starter CLIP: its text tower alone, against all pictures of the pool at once.

With the picture tower done, every picture is embedded once, as the product embeds it; then each step contrasts a few
hundred captions with all of them, which batches of pictures cannot. It may start from a text tower that was trained
before (`recipe.train_text_tower`).
"""

from __future__ import annotations

import time
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
from diffstyle.training.clip.train import Material, contrast, nonsense
from diffstyle.training.schedule import cosine_rate, descend

Indices: TypeAlias = npt.NDArray[np.int64]
FULL_SHARE = 0.2  # of the captions that say all there is to say
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


def train_words(
    model: CLIP, material: Material, which: Indices, vectors: Tensor, recipe: WordsRecipe, *, minutes: float
) -> CLIP:
    """Train all of `model` but its picture tower for `minutes`; `vectors` (n, d) are the pool's pictures `which`."""
    tuned = [p for name, p in model.named_parameters() if not name.startswith(PICTURE_TOWER)]
    optimiser = torch.optim.AdamW(tuned, betas=(0.9, 0.98), weight_decay=recipe.weight_decay)
    chance = _chance(material)[which]
    chance /= chance.sum()
    pictures = material.pool.known[which]
    media: list[tuple[Fact, ...]] = [(("medium", name),) for name in phrases.MEDIA]
    known = truth(np.stack([material.index.said(facts) for facts in media]), pictures)
    of_media = torch.from_numpy(known)
    begun = time.monotonic()
    step, progress = 0, 0.0
    while progress < 1:
        rng = np.random.default_rng((recipe.seed, step))
        chosen = rng.choice(len(vectors), recipe.pictures, p=chance)
        told = [material.facts[int(which[n])] for n in chosen]
        said = [in_full(facts, rng) if rng.random() < FULL_SHARE else choose(facts, rng) for facts in told]
        texts = [say(facts, rng, noise=material.noise_of(rng)) for facts in said for _ in range(2)]
        texts += [nonsense(material.noise, int(rng.integers(1, 7)), rng) for _ in range(recipe.noise_captions)]
        texts += [say(facts, rng, noise=material.noise_of(rng)) for facts in media]
        meaning = np.stack([material.index.said(facts) for facts in said])
        true = torch.from_numpy(truth(meaning, pictures)).repeat_interleave(2, 0)
        equal = torch.from_numpy((meaning[:, None] == meaning[None]).all(2)).repeat_interleave(2, 0)
        equal = equal.repeat_interleave(2, 1)
        with mixed_precision(torch.device("cpu")):
            encoded = encode_short_text(model, material.tokenizer(texts)).float()
        paired = encoded[: len(true)]
        others, named = encoded[: -len(media)], encoded[-len(media) :]
        of_own = torch.cat([true[:, chosen], torch.full((recipe.noise_captions, len(chosen)), -1)])
        itself = torch.eye(len(paired), dtype=torch.bool)
        terms = {
            "caption": contrast(paired @ vectors.T / recipe.temperature, true),
            "picture": contrast((others @ vectors[chosen].T / recipe.temperature).T, of_own.T),
            "media": recipe.media_weight
            * (
                contrast(named @ vectors.T / recipe.temperature, of_media)
                + contrast(vectors @ named.T / recipe.temperature, of_media.T)
            ),
            "meaning": recipe.meaning_weight
            * contrast(paired @ paired.T / recipe.meaning_temperature, torch.where(equal, 1, -1) * ~itself),
        }
        rate = cosine_rate(step, progress, first=recipe.learning_rate, warmup=recipe.warmup_steps)
        descend(terms, tuned, optimiser, rate=rate, largest_norm=2.0)
        step += 1
        progress = (time.monotonic() - begun) / (60 * minutes)
        if step % 20 == 0:
            losses = "  ".join(f"{k} {float(v.detach()):.3f}" for k, v in terms.items())
            print(f"words step {step}  {losses}", flush=True)
    return model.eval()


def _chance(material: Material) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Of each picture to be described: half are procedural, a third art, the rest repainted or photos."""
    origin = material.pool.origin
    weight = np.array([0.5, 0.3, 0.08, 0.12])[origin] / np.bincount(origin, minlength=4)[origin]
    weight[material.art] *= material.chance * len(material.art)
    return weight / weight.sum()
