"""What the painter's decoder learns from a batch.

Two kinds of rows make a batch. A third decodes a painting's own features, with marks found in another part of the same
painting, towards the painting itself. The others decode a photo whose features were swapped for the nearest of a
painting, with a loss on features, on the amount of detail and on tones; every second step does so as the painter's
later levels do, starting from a first decode at half the size.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.core.device import mixed_precision
from diffstyle.encoders.features import EfficientNetLite0
from diffstyle.engines.nnst.decoder import DEEP, FINE, Decoder, Maps
from diffstyle.ops.colour_transfer import colour_moments, match_colours
from diffstyle.ops.neighbours import KeyGrid, coherent_matches, gather, nearest, seeking_looks, to_keys, with_looks
from diffstyle.training.nnst.losses import detail, detail_loss, feature_loss, tone_loss
from diffstyle.training.nnst.material import Batch, Material, draw

PIXELS = 4 * 160 * 160  # of one batch
SIDES = ((0.5, (160, 160)), (0.78, (160, 288)), (1.0, (192, 384)))  # until which progress, least and most
CONTENT_SHARE = 0.7  # of the photo's features at a second level; the rest are the first decode's
_CPU = torch.device("cpu")


def make_batch(material: Material, progress: float, rng: np.random.Generator) -> Batch:
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
    with mixed_precision(_CPU):
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
    with mixed_precision(_CPU):
        return match_colours(decoder(swap(decoder, read, style, style.marks)[0]), colour_moments(styles))


def _first_decode(decoder: Decoder, net: EfficientNetLite0, contents: Tensor, styles: Tensor) -> Tensor:
    """The painter's picture at half the size, enlarged."""
    h, w = (max(16, side // 32 * 16) for side in contents.shape[2:])
    small, bank = (F.interpolate(x, (h, w), mode="bilinear", antialias=True) for x in (contents, styles))
    read, style = (_read(decoder, net, x) for x in (small, bank))
    with mixed_precision(_CPU):
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
