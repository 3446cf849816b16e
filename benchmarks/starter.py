"""How the starter's diffusion engine paints beside its preview: `python -m benchmarks.starter`.

With --data DIR, webdataset shards with a dev split, pairs of photo and style are drawn from them, else from pictures
that ship with scikit-image. Contact sheets (content, style, preview, diffusion) go to runs/starter-sheets. The sheets
blind-*.png show both engines in random order; blind.json has the key.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from cyclopts import run

from benchmarks.quality import bundled_pairs, dev_pairs, summary
from diffstyle import Picture, Style, StyleSpace, Stylizer
from diffstyle.data.captions import CALLED, phrases
from diffstyle.data.procedural import MEDIA, render
from diffstyle.engines.registry import engine_for_adapters, interactive_engine
from diffstyle.evaluation import sheets
from diffstyle.evaluation.measures import Measures, measure
from diffstyle.evaluation.pictures import SIDE, small, square
from diffstyle.training.data import Pixels

PREVIEW = interactive_engine()
FINAL = engine_for_adapters(PREVIEW, {"tokens"})
ENGINES = (PREVIEW, FINAL)
SEED = 40_000  # styles that no training run drew


@dataclass(frozen=True, slots=True)
class Case:
    """A photo, the style to paint it in, and the picture to measure the result against."""

    name: str
    photo: Picture
    style: Style
    reference: Picture


def in_words(photos: list[Picture]) -> list[Case]:
    """Every procedural medium in words, with a rendering of another photo in that style as reference."""
    cases: list[Case] = []
    for n, medium in enumerate(MEDIA):
        photo, other = photos[n % len(photos)], photos[(n + 1) % len(photos)]
        rendering = render(other.to_array(), medium, np.random.default_rng((SEED, n)))
        words = [phrases.MEDIA[CALLED.get(medium, medium)][0], *rendering.words[1:]]
        reference = square(rendering.pixels)
        cases.append(Case(", ".join(words), photo, Style.from_text(", ".join(words)), reference))
    return cases


def painted(stylizer: Stylizer, cases: list[Case], out: Path, name: str) -> dict[str, list[Measures]]:
    """Measures of both engines over the cases; sheets of four cases each."""
    found: dict[str, list[Measures]] = {e: [] for e in ENGINES}
    rows: list[Pixels] = []
    for case in cases:
        pictures = [stylizer.stylize(case.photo, case.style, engine=e).picture for e in ENGINES]
        for engine, picture in zip(ENGINES, pictures, strict=True):
            found[engine].append(measure(small(case.photo), small(case.reference), small(picture)))
        rows.append(sheets.labelled(sheets.row([case.photo, case.reference, *pictures]), case.name))
    sheets.write_sheets(out, name, rows)
    print(f"{name}: {len(cases)} pairs at {SIDE}x{SIDE}, medians; an untouched photo scores 1 / 1 / 1")
    for engine in ENGINES:
        summary(engine, found[engine])
    ratios = [b.texture_ratio / a.texture_ratio for a, b in zip(found[PREVIEW], found[FINAL], strict=True)]
    print(f"  texture against the preview's, median of the pairs: {np.median(ratios):.3f}")
    for key in ("texture_ratio", "colour_ratio"):
        a, b = ([asdict(m)[key] for m in found[e]] for e in ENGINES)
        ranks = [np.argsort(np.argsort(values)) for values in (a, b)]
        agreement = np.asarray(np.corrcoef(ranks[0], ranks[1]))[0, 1]
        print(f"  {key}: rank correlation of preview and diffusion {agreement:.2f}")
    return found


def blind(stylizer: Stylizer, cases: list[Case], out: Path) -> None:
    """Sheets of photo, style and the two engines in random order; blind.json names the engine on the left."""
    rng = np.random.default_rng(1)
    key: dict[str, str] = {}
    rows: list[Pixels] = []
    for case in cases:
        order = ENGINES if rng.random() < 0.5 else ENGINES[::-1]
        pictures = [stylizer.stylize(case.photo, case.style, engine=e).picture for e in order]
        rows.append(
            sheets.labelled(sheets.row([case.photo, case.reference, *pictures]), f"{case.name}: left or right?")
        )
        key[case.name] = order[0]
    sheets.write_sheets(out, "blind", rows)
    (out / "blind.json").write_text(json.dumps(key, indent=2), "utf-8")


def recognised(stylizer: Stylizer, photos: list[Picture], every: int) -> None:
    """How often the named style nearest to a painted photo is the one that was asked for."""
    space = StyleSpace.presets()
    names = list(space.styles)[::every]
    for engine in ENGINES:
        hits: list[bool] = []
        for n, name in enumerate(names):
            picture = stylizer.stylize(photos[n % len(photos)], space.styles[name], engine=engine).picture
            (nearest, _), *_ = space.nearest(stylizer.encoder.encode(Style.from_image(picture)), 1)
            hits.append(nearest == name)
        print(f"recognised among {len(space.styles)} named styles, {engine}: {np.mean(hits):.0%} of {len(names)}")


def steady(stylizer: Stylizer, case: Case) -> None:
    """The distance from the photo at several strengths, and the difference between two seeds."""

    def away(picture: Picture) -> float:
        return float((picture.pixels - case.photo.pixels).abs().mean())

    strengths = [
        away(stylizer.stylize(case.photo, case.style, engine=FINAL, strength=s).picture)
        for s in (0, 0.25, 0.5, 0.75, 1)
    ]
    print("distance from the photo by strength 0, .25 .. 1:", " ".join(f"{d:.3f}" for d in strengths))
    seeds = [stylizer.stylize(case.photo, case.style, engine=FINAL, seed=s).picture for s in (0, 1)]
    between = float((seeds[0].pixels - seeds[1].pixels).abs().mean())
    alike = measure(small(seeds[0]), small(seeds[0]), small(seeds[1])).structure
    print(f"two seeds differ by {between:.3f} a pixel, their edges correlate {alike:.3f}")


def held(stylizer: Stylizer, cases: list[Case]) -> None:
    """Structure and texture at several values of the setting `structure`."""
    for asked in (0, 0.25, 0.5, 0.75, 1):
        found: list[Measures] = []
        for case in cases:
            picture = stylizer.stylize(case.photo, case.style, engine=FINAL, structure=asked).picture
            found.append(measure(small(case.photo), small(case.reference), small(picture)))
        shapes, texture = (np.median([asdict(m)[k] for m in found]) for k in ("structure", "texture_ratio"))
        print(f"structure={asked}: {shapes:.3f}, texture ratio {texture:.3f}, medians of {len(cases)} pairs")


def speed(stylizer: Stylizer, case: Case, rounds: int = 5) -> None:
    seconds: list[float] = []
    for seed in range(rounds):
        started = time.perf_counter()
        stylizer.stylize(case.photo, case.style, engine=FINAL, seed=seed)
        seconds.append(time.perf_counter() - started)
    print(f"{SIDE}x{SIDE}, warm: median {np.median(seconds):.2f} s of {rounds} on {torch.get_num_threads()} threads")


def starter(
    *,
    data: Path | None = None,
    model: str = "starter",
    adapter: str | None = None,
    pairs: int = 24,
    every: int = 1,
    out: Path = Path("runs/starter-sheets"),
) -> None:
    """Print the figures of CARD.md and write the sheets.

    Parameters
    ----------
    data
        Folder of webdataset shards with a dev split.
    model
        Another model in the place of the starter's: a diffusers folder.
    adapter
        Its style adapter.
    pairs
        How many pairs of photo and style picture.
    every
        Only every so many named styles.
    out
        Where the sheets go.
    """
    torch.set_flush_denormal(True)
    out.mkdir(parents=True, exist_ok=True)
    stylizer = Stylizer.load(model, adapter=[adapter] if adapter else [])
    found = bundled_pairs() if data is None else dev_pairs(data, pairs)
    photos = [photo for photo, _ in found]
    shown = [Case(f"pair {n}", p, Style.from_image(s), s) for n, (p, s) in enumerate(found)]
    painted(stylizer, shown, out, "pictures")
    worded = in_words(photos)
    painted(stylizer, worded, out, "words")
    blind(stylizer, shown[:20], out)
    recognised(stylizer, photos, every)
    steady(stylizer, shown[0])
    held(stylizer, shown[:10])
    speed(stylizer, shown[0])
    print(f"contact sheets: {out}")


if __name__ == "__main__":
    run(starter)
