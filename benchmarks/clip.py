"""What the style encoder knows, on photos and art it was not trained on: `python -m benchmarks.clip --data DIR`.

DIR holds webdataset shards with a dev split; without it, photos that ship with scikit-image are used and the figures
that need labelled art are left out. Every figure is of embeddings as the product makes them: tiles, bridge and all.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from cyclopts import run
from torch import Tensor

from diffstyle import Picture
from diffstyle.data.captions import CALLED, Fact, choose, phrases, say
from diffstyle.data.colour_names import SHADES, coverage
from diffstyle.data.procedural import MEDIA
from diffstyle.encoders.clip import StyleEncoder
from diffstyle.training.clip import pool
from diffstyle.training.clip.labels import MOVEMENTS_AS
from diffstyle.training.clip.pool import Entry
from diffstyle.training.data import Pixels, Sample, read_shards

SEED = 20_000  # styles that no training run drew
IN_WORDS = 2 / 3  # groups of photos in the media that words paint, for each group in procedural media
PROCEDURAL = tuple(dict.fromkeys(CALLED.get(m, m) for m in MEDIA))
WIKIART = (
    *("Abstract Expressionism", "Action painting", "Analytical Cubism", "Art Nouveau", "Baroque", "Cubism"),
    *("Color Field Painting", "Contemporary Realism", "Early Renaissance", "Expressionism", "Fauvism"),
    *("High Renaissance", "Impressionism", "Mannerism", "Minimalism", "Naive art", "New Realism"),
    *("Northern Renaissance", "Pointillism", "Pop Art", "Post-Impressionism", "Realism", "Rococo", "Romanticism"),
    *("Symbolism", "Synthetic Cubism", "Ukiyo-e"),
)
"""The 27 movements of WikiArt (Saleh and Elgammal 2015)."""


def bundled_photos() -> list[Sample]:
    from skimage import data

    photos: list[Pixels] = [data.cat(), data.astronaut(), data.coffee(), data.rocket()]
    return [Sample(p, {"kind": "photo"}) for p in photos]


def embedded(encoder: StyleEncoder, entries: Sequence[Entry]) -> Tensor:
    return encoder.pictures([Picture.from_array(e.pixels) for e in entries])


def area_under_curve(higher: npt.NDArray[np.float32], lower: npt.NDArray[np.float32]) -> float:
    """The chance that one of `higher` exceeds one of `lower`."""
    ranks = np.searchsorted(np.sort(lower), higher, side="left") + np.searchsorted(np.sort(lower), higher, side="right")
    return float(ranks.mean() / 2 / len(lower))


def style_and_content(entries: Sequence[Entry], vectors: Tensor) -> None:
    """Same style on two photos against two styles on one photo."""
    style, content = (np.array([getattr(e, k) for e in entries]) for k in ("style", "content"))
    cosine = (vectors @ vectors.T).numpy()
    same_style, same_content = style[:, None] == style[None], content[:, None] == content[None]
    one_style = cosine[same_style & ~same_content]
    one_photo = cosine[same_content & ~same_style]
    print(f"same style vs other style, content held equal: AUC {area_under_curve(one_style, one_photo):.3f}")
    print(f"content leakage: cosine {one_style.mean():.3f} of two photos in one style, {one_photo.mean():.3f} of one")
    print(f"  photo in two styles, difference {one_style.mean() - one_photo.mean():.3f}")


def media(encoder: StyleEncoder, entries: Sequence[Entry], vectors: Tensor, names: Sequence[str]) -> None:
    """Captions of one medium against pictures in every medium of `names`."""
    hits, right = media_found(encoder, entries, vectors, names)
    print(f"picture -> caption of its medium, top 1 of {len(names)}: {np.concatenate(list(right.values())).mean():.1%}")
    print(f"caption -> picture in its medium, top 1 of {len(names)}: {np.mean(list(hits.values())):.1%}")
    worst = sorted((float(found.mean()), name) for name, found in right.items())[:4]
    print("  weakest media:", ", ".join(f"{name} {share:.0%}" for share, name in worst))
    new = [name for name in names if name not in PROCEDURAL]
    if new:
        of_new = np.concatenate([right[name] for name in new]).mean()
        print(f"  the {len(new)} that no procedure draws: picture -> caption {of_new:.1%},", end=" ")
        print(f"caption -> picture {np.mean([hits[name] for name in new]):.1%}")
        worst = sorted((hits[name], name) for name in names)[:12]
        print("  weakest captions:", ", ".join(f"{name} {share:.0%}" for share, name in worst))


def media_found(
    encoder: StyleEncoder, entries: Sequence[Entry], vectors: Tensor, names: Sequence[str]
) -> tuple[dict[str, float], dict[str, npt.NDArray[np.bool_]]]:
    """For each medium, how often its caption finds its picture, and whether each picture finds its caption."""
    texts = encoder.texts([phrases.MEDIA[n][0] for n in names])
    cosine = (texts @ vectors.T).numpy()
    of = np.array([names.index(e.facts.values("medium")[0]) for e in entries])
    rng = np.random.default_rng(0)
    hits: list[npt.NDArray[np.bool_]] = []
    for _ in range(200):  # one picture of each medium at a time
        one_each = [int(rng.choice(np.flatnonzero(of == n))) for n in range(len(names))]
        hits.append(cosine[:, one_each].argmax(1) == np.arange(len(names)))
    right = cosine.argmax(0) == of
    shares = np.mean(hits, 0)
    return {name: float(shares[n]) for n, name in enumerate(names)}, {n: right[of == k] for k, n in enumerate(names)}


def movements(encoder: StyleEncoder, samples: Sequence[Sample], tier: str) -> None:
    """Labelled art against the names of 27 movements."""
    labels = [str(s.info.get("movement") or "") for s in samples]
    named = [MOVEMENTS_AS.get(label, label) if label not in WIKIART else label for label in labels]
    kept = [n for n, label in enumerate(named) if label in WIKIART]
    if not kept:
        return
    vectors = encoder.pictures([Picture.from_array(samples[n].pixels) for n in kept])
    order = (vectors @ encoder.texts([f"{w} painting" for w in WIKIART]).T).argsort(1, descending=True).numpy()
    ranks = [list(row).index(WIKIART.index(named[n])) for row, n in zip(order, kept, strict=True)]
    top = {k: np.mean([r < k for r in ranks]) for k in (1, 5)}
    print(f"movement, {tier}: top 1 {top[1]:.1%}, top 5 of 27 {top[5]:.1%} ({len(kept)} pictures)")


def colours(encoder: StyleEncoder, entries: Sequence[Entry], vectors: Tensor, best: int = 10) -> None:
    """Pictures retrieved by the phrase of a colour: is it one of their dominant ones?"""
    basic = [c for c in phrases.COLOURS if c in SHADES or c in ("black", "white", "orange", "cream", "gold", "violet")]
    found = [coverage(e.pixels) for e in entries]
    hits: dict[str, float] = {}
    for colour in basic:
        text = encoder.texts([f"a picture in {phrases.COLOURS[colour][0]}"])[0]
        nearest = (vectors @ text).argsort(descending=True)[:best]
        hits[colour] = float(np.mean([dominant(found[int(n)], colour) for n in nearest]))
    print(f"colour phrase -> the colour is dominant in the {best} nearest pictures: {np.mean(list(hits.values())):.1%}")
    print("  weakest:", ", ".join(f"{c} {v:.0%}" for c, v in sorted(hits.items(), key=lambda i: i[1])[:4]))


def dominant(found: dict[str, float], colour: str) -> bool:
    """Among the three names that cover most, shades counted with their colour, and at least an eighth."""
    shades = {s for of in SHADES.values() for s in of}
    rivals = {name: share for name, share in found.items() if name == colour or name not in shades}
    largest = sorted(rivals, key=lambda name: -rivals[name])[:3]
    return colour in largest and found[colour] >= 0.125


def paraphrases(encoder: StyleEncoder, entries: Sequence[Entry], count: int = 300) -> None:
    """Two phrasings of the same facts against the phrasings of other facts."""
    rng = np.random.default_rng(1)
    drawn: dict[frozenset[Fact], tuple[Fact, ...]] = {}
    while len(drawn) < count:
        facts = choose(entries[int(rng.integers(len(entries)))].facts, rng)
        drawn.setdefault(frozenset(facts), facts)
    first, second = (encoder.texts([say(f, rng) for f in drawn.values()]) for _ in range(2))
    cosine = first @ second.T
    others = torch.maximum(cosine, first @ first.T).fill_diagonal_(-1)
    won = cosine.diagonal() > others.max(1).values
    print(f"two phrasings of a style nearer each other than to {count - 1} other styles: {won.float().mean():.1%}")


def bridge(encoder: StyleEncoder, entries: Sequence[Entry], vectors: Tensor) -> None:
    """A full caption of each style against the styles' mean pictures, before and after the bridge."""
    styles = sorted({e.style for e in entries})
    members = [[n for n, e in enumerate(entries) if e.style == s] for s in styles]
    centres = torch.nn.functional.normalize(torch.stack([vectors[m].mean(0) for m in members]), dim=1)
    rng = np.random.default_rng(2)
    captions: list[str] = []
    for m in members:
        shared = frozenset[Fact].intersection(*(entries[n].facts.true for n in m))
        captions.append(say(sorted(shared), rng))
    raw = encoder.raw_texts(captions)
    for name, texts in (("before", raw), ("after", encoder.bridge(raw))):
        order = (texts @ centres.T).argsort(1, descending=True)
        rank = (order == torch.arange(len(styles))[:, None]).float().argmax(1)
        gap = float((texts.mean(0) - centres.mean(0)).square().sum().sqrt())
        top = [float((rank < k).float().mean()) for k in (1, 5)]
        own = float((texts * centres).sum(1).mean())
        print(
            f"caption -> its style of {len(styles)}, {name} the bridge: top 1 {top[0]:.1%}, top 5 {top[1]:.1%},"
            f" cosine {own:.3f}, gap {gap:.3f}"
        )


def clip(*, data: Path | None = None, encoder: Path | None = None, groups: int = 24) -> None:
    """Print the figures of CARD.md.

    Parameters
    ----------
    data
        Folder of webdataset shards with a dev split.
    encoder
        Folder of another encoder.
    groups
        How many groups of four photos are rendered, each in eight styles.
    """
    clip = StyleEncoder.load(encoder or "starter")
    photos = bundled_photos()
    if data is not None:
        photos = read_shards(data, "photo-clean-*", "dev") + read_shards(data, "photo-research-*", "dev")
    entries = pool.procedural(photos, groups, seed=SEED)
    vectors = embedded(clip, entries)
    print(f"{len(entries)} renderings of {len(photos)} photos in {groups * pool.STYLES} styles, encoder {clip.space}")
    style_and_content(entries, vectors)
    media(clip, entries, vectors, PROCEDURAL)
    painted = pool.in_words(photos, round(groups * IN_WORDS), seed=SEED, first=groups * pool.STYLES)
    names = list(dict.fromkeys((*PROCEDURAL, *(e.facts.values("medium")[0] for e in painted))))
    media(clip, [*entries, *painted], torch.cat([vectors, embedded(clip, painted)]), names)
    everything, all_vectors = entries, vectors
    if data is not None:
        clean, research = (read_shards(data, f"art-{tier}-*", "dev") for tier in ("clean", "research"))
        movements(clip, clean, "clean tier")
        movements(clip, clean + research, "both tiers")
        art = pool.art(clean, 0)
        everything, all_vectors = [*entries, *art], torch.cat([vectors, embedded(clip, art)])
    colours(clip, everything, all_vectors)
    paraphrases(clip, everything)
    bridge(clip, entries, vectors)


if __name__ == "__main__":
    run(clip)
