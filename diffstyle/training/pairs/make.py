"""Paint pairs into webdataset shards: `python -m diffstyle.training pairs DATA`.

A shard holds for each pair KEY.photo.png, KEY.painting.png, KEY.style.png and KEY.json. Shards are written
whole or not at all, and a run goes on with the first that is missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import torch

from diffstyle.core.errors import InputError
from diffstyle.core.picture import Picture
from diffstyle.core.task import Task
from diffstyle.formats.exemplar import decode_exemplar
from diffstyle.stylizer import Stylizer
from diffstyle.training.data import read_shards
from diffstyle.training.pairs.requests import EACH, Material, PairRequest, requests
from diffstyle.training.pairs.shards import to_png, write_shard

SHARD = 50  # styles in each shard
STYLE_LONGEST = 256


def make_pairs(data: Path, out: Path, *, count: int, seed: int) -> Path:
    """Paint `count` pairs or a few more into OUT/pairs-NNN.tar; the folder."""
    material = Material(
        [s.pixels for s in read_shards(data, "photo-clean-*", "train")],
        [s.pixels for s in read_shards(data, "art-clean-*", "train")],
    )
    stylizer = Stylizer.load("starter", device="cpu")
    out.mkdir(parents=True, exist_ok=True)
    for shard in range(-(-count // (SHARD * EACH))):
        path = out / f"pairs-{shard:03}.tar"
        if path.exists():
            continue
        write_shard(path, _all_members(stylizer, material, shard, seed=seed))
        print(path, path.stat().st_size, flush=True)
    return out


def _all_members(stylizer: Stylizer, material: Material, shard: int, *, seed: int) -> Iterator[tuple[str, bytes]]:
    """The members of one shard."""
    for number in range(shard * SHARD, (shard + 1) * SHARD):
        for n, request in enumerate(requests(material, number, seed=seed)):
            for name, content in _members(stylizer, request):
                yield f"{number:05}-{n}.{name}", content


@torch.no_grad()
def _members(stylizer: Stylizer, request: PairRequest) -> Iterator[tuple[str, bytes]]:
    """What a shard holds of one pair; nothing for words that cannot be painted."""
    photo = Picture.from_array(request.photo)
    task = Task(
        photo, request.style, strength=request.strength, structure=request.structure, seed=request.seed, stroke=None
    )
    try:
        result = stylizer.render(task)
    except InputError as error:
        print(f"left out: {request.caption or 'a picture'}: {error}", flush=True)
        return
    encoded = stylizer.encoder.encode(result.task.style).references[0]
    style = _shown(stylizer, request)
    facts = {
        "caption": request.caption,
        "strength": request.strength,
        "structure": request.structure,
        "seed": request.seed,
        "engine": result.task.engine.name,
        "space": stylizer.encoder.space,
        "embedding": [round(float(v), 6) for v in encoded.embeddings[stylizer.encoder.space]],
    }
    yield "photo.png", to_png(photo)
    yield "painting.png", to_png(result.picture)
    yield "style.png", to_png(style or result.picture)
    yield "json", json.dumps(facts).encode()


def _shown(stylizer: Stylizer, request: PairRequest) -> Picture | None:
    """The style's own picture, or the exemplar that its words are painted from; None for a medium drawn by rule."""
    reference = request.style.references[0]
    if reference.pictures:
        return reference.pictures[0].reduced(STYLE_LONGEST)
    measured = stylizer.engine("nnst").measure(request.style).references[0]
    return decode_exemplar(measured.exemplars[0], name=reference.source) if measured.exemplars else None
