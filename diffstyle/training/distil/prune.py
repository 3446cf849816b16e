"""Structured pruning: a student with fewer channels, whose weights are those of the channels that were kept.

A channel counts as much as its map is large. A normalised map has the mean square scale² + shift², as in network
slimming (Liu et al. 2017), summed over the styles, for each of them needs its own channels; departing from that paper,
shifts count as well, and the rows as they were trained, without a penalty. A map that is not normalised has the mean
square of its filter's weights for unrelated inputs of variance 1 (Li et al. 2017 take absolute values). Maps that are
added to each other lose the same channels: the residual streams, and what is added on the way up.

As in Li et al. every map loses the same share. Widths are rounded to a multiple of 8, at least 8: runtimes compute
channels in blocks of 8 or 16.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from diffstyle.engines.feedforward.network import Shape, StudentNetwork

MULTIPLE = 8  # of channels
PHOTO, PAINTED = "photo", "painted"  # maps that are never pruned: the unshuffled photo, and the painting


@dataclass(frozen=True, slots=True)
class Conv:
    """A convolution by its name in the network, with the names of the maps that it reads and writes or adds to."""

    name: str
    reads: str
    writes: str
    affine: bool = False  # scales and shifts of the style follow
    normalised: bool = False


def maps(shape: Shape) -> tuple[str, ...]:
    """The names of all maps that can be pruned, in the order of `Shape.widths`."""
    inner8 = [f"inner8.{n}" for n in range(len(shape.inner_eighth))]
    inner4 = [f"inner4.{n}" for n in range(len(shape.inner_quarter))]
    return ("half", "quarter", "eighth", *inner8, "up_quarter", *inner4, "up_half")


def convolutions(shape: Shape) -> tuple[Conv, ...]:
    """Every convolution, in the order of their scales and shifts in a row."""

    def blocks(at: str, stream: str, count: int) -> list[Conv]:
        pairs = [(f"blocks{at}.{n}", f"inner{at}.{n}") for n in range(count)]
        ends = [((f"{block}.conv1", stream, inner), (f"{block}.conv2", inner, stream)) for block, inner in pairs]
        return [Conv(*ends_of, affine=True, normalised=True) for pair in ends for ends_of in pair]

    return (
        Conv("stem", PHOTO, "half"),
        Conv("down4", "half", "quarter", affine=True, normalised=True),
        Conv("down8", "quarter", "eighth", affine=True, normalised=True),
        *blocks("8", "eighth", len(shape.inner_eighth)),
        Conv("enter4", "eighth", "quarter"),
        Conv("conv4", "quarter", "up_quarter", affine=True, normalised=True),
        *blocks("4", "up_quarter", len(shape.inner_quarter)),
        Conv("enter2", "up_quarter", "half"),
        Conv("conv2", "half", "up_half", affine=True),
        Conv("head", "up_half", PAINTED),
    )


def pruned(network: StudentNetwork, share: float) -> StudentNetwork:
    """A copy of `network` without about `share` of the channels of every map, those that count least."""
    tensors = {k: v.detach() for k, v in network.state_dict().items()}
    keep = {name: strongest(v, kept_width(len(v), share)) for name, v in importance(tensors, network.shape).items()}
    shape = network.shape.with_widths([len(keep[name]) for name in maps(network.shape)])
    made = StudentNetwork(network.size, network.styles, shape)
    made.load_state_dict(sliced(tensors, network.shape, keep))
    return made


def kept_width(width: int, share: float) -> int:
    """The multiple of MULTIPLE nearest to `width` without `share` of it: at least MULTIPLE, at most `width`."""
    return min(width, max(1, round((1 - share) * width / MULTIPLE)) * MULTIPLE)


def strongest(values: Tensor, count: int) -> Tensor:
    """(count,): where the highest of `values` (n,) are, in ascending order."""
    return values.topk(count).indices.sort().values


def importance(tensors: Mapping[str, Tensor], shape: Shape) -> dict[str, Tensor]:
    """For every map that can be pruned (width,): the mean square of each channel, summed over styles."""
    rows, places = tensors["rows"].float(), _places(tensors, shape)
    found: dict[str, Tensor] = {}
    for conv in convolutions(shape):
        if conv.writes == PAINTED:
            continue
        squares = _filters(tensors, conv.name).float().square().flatten(1).sum(1)  # (o,)
        if conv.affine:
            scales, shifts = places[conv.name]
            scale = (rows[:, scales] + 1).square() * (1 if conv.normalised else squares)
            strength = (scale + rows[:, shifts].square()).sum(0)
        else:
            bias = tensors.get(f"{conv.name}.bias")
            strength = len(rows) * (squares if bias is None else squares + bias.float().square())
        found[conv.writes] = found.get(conv.writes, 0) + strength
    return found


def sliced(tensors: Mapping[str, Tensor], shape: Shape, keep: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a student of `shape` with the channels in `keep` alone."""
    found, places = dict(tensors), _places(tensors, shape)
    inner: list[Tensor] = []  # what is kept of a row
    for conv in convolutions(shape):
        for name in [k for k in tensors if k.startswith(f"{conv.name}.")]:
            depthwise = name.endswith(".0.weight")
            weight, written = tensors[name], conv.reads if depthwise else conv.writes
            weight = weight[keep[written]] if written in keep else weight
            reads = conv.reads in keep and not depthwise and weight.ndim > 1  # a bias has one dimension
            found[name] = weight[:, keep[conv.reads]] if reads else weight
        if conv.affine:
            inner += [place[keep[conv.writes]] for place in places[conv.name]]
    colours = torch.arange(len(tensors["neutral"]), tensors["rows"].shape[1])
    found["neutral"] = tensors["neutral"][torch.cat(inner)]
    found["rows"] = tensors["rows"][:, torch.cat((*inner, colours))]
    return found


def _places(tensors: Mapping[str, Tensor], shape: Shape) -> dict[str, tuple[Tensor, Tensor]]:
    """Where a row holds the scales and the shifts of each convolution that has them."""
    found: dict[str, tuple[Tensor, Tensor]] = {}
    at = 0
    for conv in convolutions(shape):
        if conv.affine:
            width = len(_filters(tensors, conv.name))
            found[conv.name] = torch.arange(at, at + width), torch.arange(at + width, at + 2 * width)
            at += 2 * width
    return found


def _filters(tensors: Mapping[str, Tensor], conv: str) -> Tensor:
    """The weight (o, i, h, w) of a convolution; of a separable one, that of its 1x1 half."""
    pointwise = f"{conv}.1.weight"
    return tensors[pointwise if pointwise in tensors else f"{conv}.weight"]
