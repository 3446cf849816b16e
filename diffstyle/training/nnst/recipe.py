"""The training loop of the painter's decoder, from top to bottom.

Two kinds of rows make a batch. A third decodes a painting's own features, with marks found in another part of the same
painting, towards the painting itself. The others decode a photo whose features were swapped for the nearest of a
painting, with a loss on features, on the amount of detail and on tones; every second step does so as the painter's
later scales do, beginning from a first decode at half the size.
"""

from __future__ import annotations

import copy
import math
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.encoders.features import EfficientNetLite0, channels_last_
from diffstyle.engines.nnst.decoder import DEEP, FINE, Decoder, Maps
from diffstyle.ops.colour_transfer import colour_moments, match_colours
from diffstyle.ops.neighbours import KeyGrid, coherent_matches, gather, nearest, seeking_looks, to_keys, with_looks
from diffstyle.formats.safetensors import write_safetensors
from diffstyle.training import checkpoint
from diffstyle.training.log import Log
from diffstyle.training.nnst.losses import detail, detail_loss, feature_loss, tone_loss
from diffstyle.training.nnst.material import Batch, Material, draw
from diffstyle.training.nnst.sheet import write_sheet
from diffstyle.training.nnst.statistics import measure

RATE, WARMUP, LARGEST_NORM = 1.2e-3, 100, 1.0
AVERAGE = 0.998  # of the exponential moving average of weights
SAVE_EVERY, SHEET_EVERY = 150.0, 900.0  # seconds
PIXELS = 4 * 160 * 160  # of one batch
SIDES = ((0.5, (160, 160)), (0.78, (160, 288)), (1.0, (192, 384)))  # until which progress, least and most
CONTENT_SHARE = 0.7  # of the photo's features at a second scale; the rest are the first decode's


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the run is kept, the training material, when it ends (seconds since the epoch) and the seed."""

    out: Path
    data: Path
    deadline: float
    seed: int = 0


class Run:
    """The state of a run: the decoder, its moving average, the optimiser, steps and seconds spent."""

    def __init__(self, plan: Plan, decoder: Decoder) -> None:
        self.plan, self.decoder = plan, decoder
        self.average = copy.deepcopy(decoder).requires_grad_(False)
        self.optimiser = torch.optim.AdamW(decoder.parameters(), RATE, betas=(0.9, 0.98), weight_decay=1e-4)
        self.step, self.before = 0, 0.0
        if state := checkpoint.load(plan.out / "state.pt"):
            decoder.load_state_dict(state["decoder"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step, self.before = state["step"], state["seconds"]
        self.drawn = self.step  # batches handed to workers so far
        self.begun = self.saved = self.sheeted = time.time()
        self.total = self.before + plan.deadline - self.begun
        self.log = Log(plan.out / "log.csv", every=50)
        self.lock = threading.Lock()

    @property
    def seconds(self) -> float:
        return self.before + time.time() - self.begun

    @property
    def progress(self) -> float:
        return min(1.0, self.seconds / max(1.0, self.total))


def train(plan: Plan, *, workers: int = 2) -> None:
    """Train until the deadline; goes on from `out/state.pt` if it is there. Writes `out/decoder.safetensors`.

    Each of the `workers` is a thread that computes gradients on a copy of the decoder and applies them in turn. On few
    and shared cores this is faster than one step on all of them, which waits for the slowest core at every layer: run
    it with OMP_NUM_THREADS=1.
    """
    torch.manual_seed(plan.seed)
    material = Material.prepare(plan.data, plan.out.parent / "material")
    net = EfficientNetLite0.load(dtype=torch.bfloat16)
    decoder = Decoder()
    channels_last_(decoder)
    measure(decoder, net, material, seed=plan.seed)
    run = Run(plan, decoder)
    with ThreadPoolExecutor(workers) as pool:
        for done in [pool.submit(_work, run, net, material) for _ in range(workers)]:
            done.result()
    save(run)
    write_sheet(plan.out / f"sheet-{run.step:06d}.png", run.average, net, material)


def _work(run: Run, net: EfficientNetLite0, material: Material) -> None:
    """One worker: batches until the deadline."""
    torch.set_num_threads(1)
    copied = copy.deepcopy(run.decoder)
    while run.progress < 1:
        with run.lock:
            n, run.drawn = run.drawn, run.drawn + 1
            copied.load_state_dict(run.decoder.state_dict())
        batch = next_batch(material, run.progress, np.random.default_rng((run.plan.seed, n)))
        terms = losses(copied, net, batch, second=n % 2 == 1)
        copied.zero_grad(set_to_none=True)
        torch.stack(list(terms.values())).sum().backward()
        norm = torch.nn.utils.clip_grad_norm_(copied.parameters(), LARGEST_NORM)
        with run.lock:
            if torch.isfinite(norm):
                descend(run, copied)
            run.log.add(run.step, run.seconds, {k: float(v.detach()) for k, v in terms.items()} | {"norm": float(norm)})
            run.step += 1
            now = time.time()
            if now - run.saved > SAVE_EVERY:
                save(run)
                run.saved = now
        if now - run.sheeted > SHEET_EVERY:
            run.sheeted = now
            write_sheet(run.plan.out / f"sheet-{run.step:06d}.png", run.average, net, material)


def descend(run: Run, computed: Decoder) -> None:
    """One optimiser step with the gradients of a worker's copy."""
    rate = RATE * min(1.0, (run.step + 1) / WARMUP) * (0.01 + 0.99 * (1 + math.cos(math.pi * run.progress)) / 2)
    for group in run.optimiser.param_groups:
        group["lr"] = rate
    for ours, theirs in zip(run.decoder.parameters(), computed.parameters(), strict=True):
        ours.grad = theirs.grad
    run.optimiser.step()
    follow(run.average, run.decoder, min(AVERAGE, (1 + run.step) / (10 + run.step)))


def next_batch(material: Material, progress: float, rng: np.random.Generator) -> Batch:
    """Square crops of 160 at first, later larger ones of any shape; always about as many pixels."""
    least, most = next(sides for until, sides in SIDES if progress <= until)
    height, width = (16 * int(rng.integers(least // 16, most // 16 + 1)) for _ in range(2))
    return draw(material, height=height, width=width, count=max(1, PIXELS // (height * width)), rng=rng)


def losses(decoder: Decoder, net: EfficientNetLite0, batch: Batch, *, second: bool) -> dict[str, Tensor]:
    """The terms of one step, means over the batch."""
    own = batch.own.view(-1, 1, 1, 1)
    with torch.no_grad():
        contents = torch.where(own, batch.contents, match_colours(batch.contents, colour_moments(batch.styles)))
        read = _read(decoder, net, contents)
        if second:
            first = _first_decode(decoder, net, contents, batch.styles)
            blended = read.lerp(_read(decoder, net, first), 1 - CONTENT_SHARE)
            read = Maps(
                torch.where(own, read.fine, blended.fine), torch.where(own, read.deep, blended.deep), read.marks
            )
        energy = detail(batch.styles)
        maps, found = swap(decoder, read, _read(decoder, net, batch.styles), energy)
        wanted_maps = Maps(torch.where(own, read.fine, maps.fine), torch.where(own, read.deep, maps.deep), maps.marks)
        energy = torch.where(own, detail(contents), found)
        wanted = _layers(wanted_maps)
    with torch.autocast("cpu", torch.bfloat16):
        out = decoder(wanted_maps)
    features = _layers(decoder.maps(net(out), out))
    free = (~batch.own).float()
    mine = batch.own.float()
    return {
        "features": feature_loss(features, wanted).mean(),
        "pixels": (4 * (out - contents).abs().mean((1, 2, 3)) * mine).mean(),
        "detail": (0.15 * detail_loss(detail(out), energy)).mean(),
        "tones": (1.5 * tone_loss(out, maps.marks) * free).mean(),
    }


def swap(decoder: Decoder, content: Maps, style: Maps, energy: Tensor) -> tuple[Maps, Tensor]:
    """Each place's match in the style, its marks, and the detail `energy` (b, 4, h/4, w/4) that they have."""
    (fine_wanted, deep_wanted), (fine_there, deep_there) = content.looks(), style.looks()
    light, chroma, relief = (float(v) for v in torch.rand(3) * torch.tensor([3.0, 3.0, 0.2]))
    queries = seeking_looks(
        to_keys(content.fine, decoder.fine_keys), fine_wanted, light=light, chroma=chroma, relief=relief
    )
    fine = _matches(queries, with_looks(to_keys(style.fine, decoder.fine_keys), fine_there), content.fine, style.fine)
    queries = seeking_looks(
        to_keys(content.deep, decoder.deep_keys), deep_wanted, light=light, chroma=chroma, relief=relief
    )
    deep = _matches(queries, with_looks(to_keys(style.deep, decoder.deep_keys), deep_there), content.deep, style.deep)
    fine_shape, deep_shape = content.fine.shape[2:], content.deep.shape[2:]
    maps = Maps(
        gather(style.fine, fine, *fine_shape),
        gather(style.deep, deep, *deep_shape),
        gather(style.marks, fine, *fine_shape),
    )
    return maps, gather(energy, fine, *fine_shape)


def _matches(queries: Tensor, keys: Tensor, content: Tensor, style: Tensor) -> Tensor:
    """(b, h·w) places of style maps for content maps (b, c, h, w), as coherent as chance has it."""
    h, w = content.shape[2:]
    found: list[Tensor] = []
    for q, k in zip(queries, keys, strict=True):
        coherence = float(torch.rand(()) * 0.5 - 0.2)  # a third are plain nearest neighbours
        if coherence <= 0:
            found.append(nearest(q, k))
        else:
            grid = KeyGrid(k.view(1, *style.shape[2:], -1))
            found.append(coherent_matches(q.view(h, w, -1), grid, coherence=coherence).flatten())
    return torch.stack(found)


def paint_once(decoder: Decoder, net: EfficientNetLite0, contents: Tensor, styles: Tensor) -> Tensor:
    """The painter's picture after two scales, for a look at the run."""
    contents = match_colours(contents, colour_moments(styles))
    first = _first_decode(decoder, net, contents, styles)
    style = _read(decoder, net, styles)
    read = _read(decoder, net, contents).lerp(_read(decoder, net, first), 1 - CONTENT_SHARE)
    with torch.autocast("cpu", torch.bfloat16):
        return match_colours(decoder(swap(decoder, read, style, style.marks)[0]), colour_moments(styles))


def _first_decode(decoder: Decoder, net: EfficientNetLite0, contents: Tensor, styles: Tensor) -> Tensor:
    """The painter's picture at half the size, enlarged."""
    h, w = (max(16, side // 32 * 16) for side in contents.shape[2:])
    small, bank = (F.interpolate(x, (h, w), mode="bilinear", antialias=True) for x in (contents, styles))
    read, style = (_read(decoder, net, x) for x in (small, bank))
    with torch.autocast("cpu", torch.bfloat16):
        first = decoder(swap(decoder, read, style, style.marks)[0])
    first = match_colours(first, colour_moments(styles))
    return F.interpolate(first, contents.shape[2:], mode="bilinear").clamp(0, 1)


def _read(decoder: Decoder, net: EfficientNetLite0, pictures: Tensor) -> Maps:
    return decoder.maps(net(pictures), pictures)


def _layers(maps: Maps) -> dict[str, Tensor]:
    """The layers of joined maps by name."""
    parts = (*_split(maps.fine, FINE), *_split(maps.deep, DEEP))
    return dict(zip((*FINE, *DEEP), parts, strict=True))


def _split(joined: Tensor, names: Sequence[str]) -> Sequence[Tensor]:
    return torch.split(joined, [EfficientNetLite0.layers[name].channels for name in names], 1)


@torch.no_grad()
def follow(average: Decoder, decoder: Decoder, decay: float) -> None:
    """Move the average towards the decoder in place."""
    torch._foreach_lerp_(list(average.parameters()), list(decoder.parameters()), 1 - decay)  # pyright: ignore[reportPrivateUsage, reportPrivateImportUsage]


def save(run: Run) -> None:
    """The state to go on from, and the average as the weights that a painter loads."""
    state: dict[str, Any] = {
        "decoder": run.decoder.state_dict(),
        "average": run.average.state_dict(),
        "optimiser": run.optimiser.state_dict(),
        "step": run.step,
        "seconds": run.seconds,
    }
    checkpoint.save(run.plan.out / "state.pt", state)
    weights = {k: v.to(torch.float16) for k, v in run.average.state_dict().items()}
    write_safetensors(
        run.plan.out / "decoder.safetensors", weights, {"step": str(run.step), "seed": str(run.plan.seed)}
    )
