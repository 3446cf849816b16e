"""What the painter's decoder learns from a batch.

Two kinds of rows make a batch. A third decodes a painting's own features towards the painting itself. The others decode
a photo whose features were swapped for the nearest of a painting, with a loss on features, on the amount of detail and
on tones; every second step does so as the painter's later levels do, starting from a first decode at half the size.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.core.device import mixed_precision
from diffstyle.encoders.features import EfficientNetLite0
from diffstyle.engines.nnst.decoder import CELL, DEEP, FINE, Decoder, Maps, split_layers
from diffstyle.engines.nnst.looks import Looks, seeking_looks, with_looks
from diffstyle.ops.colour_transfer import colour_moments, match_colours
from diffstyle.ops.neighbours import gather, nearest, to_keys
from diffstyle.training.nnst.losses import detail, detail_loss, feature_loss, tone_loss
from diffstyle.training.nnst.material import Batch, Material, draw

PIXELS = 4 * 160 * 160  # of one batch
SIDES = ((0.5, (160, 160)), (0.78, (160, 288)), (1.0, (192, 384)))  # until which progress, least and most
CONTENT_SHARE = (0.4, 0.8)  # least and most of the photo's features at a second level
LARGEST_LOOKS = (2.0, 2.0, 0.2)  # weights of luma, hue and local contrast in the matches
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
            blended = read.lerp(_read(decoder, net, first), 1 - content_share())
        else:
            blended = read
        maps, cells = swap(decoder, blended, contents, batch.styles, _read(decoder, net, batch.styles))
        targets = Maps(torch.where(own, read.fine, maps.fine), torch.where(own, read.deep, maps.deep))
        energy = torch.where(own, detail(contents), cells[:, 3:])
        wanted = _layers(targets)
    with mixed_precision(_CPU):
        out = decoder(targets)
    features = _layers(decoder.maps(net(out)))
    free = (~batch.own).float()
    mine = batch.own.float()
    return {
        "features": feature_loss(features, wanted).mean(),
        "pixels": (4 * (out - contents).abs().mean((1, 2, 3)) * mine).mean(),
        "detail": (0.15 * detail_loss(detail(out), energy)).mean(),
        "tones": (1.5 * tone_loss(out, cells[:, :3]) * free).mean(),
    }


def content_share() -> float:
    """Of the photo's features at a second level, at random; the rest are the first decode's."""
    least, most = CONTENT_SHARE
    return least + (most - least) * float(torch.rand(()))


def swap(decoder: Decoder, sought: Maps, contents: Tensor, styles: Tensor, there: Maps) -> tuple[Maps, Tensor]:
    """The maps `there` of the styles at each place's match, and the mean colours and the detail of these places
    (b, 7, h/4, w/4). Tone, hue and local contrast count as much as chance has it.
    """
    light, chroma, relief = (float(v) for v in torch.rand(3) * torch.tensor(LARGEST_LOOKS))
    wanted, found = Looks.of(contents), Looks.of(styles)

    def matches(maps: Tensor, looks: Tensor, style_maps: Tensor, style_looks: Tensor, projection: Tensor) -> Tensor:
        queries = seeking_looks(to_keys(maps, projection), looks, light=light, chroma=chroma, relief=relief)
        keys = with_looks(to_keys(style_maps, projection), style_looks)
        return torch.stack([nearest(q, k) for q, k in zip(queries, keys, strict=True)])

    fine = matches(sought.fine, wanted.fine, there.fine, found.fine, decoder.fine_keys)
    deep = matches(sought.deep, wanted.deep, there.deep, found.deep, decoder.deep_keys)
    fine_shape, deep_shape = sought.fine.shape[2:], sought.deep.shape[2:]
    cells = torch.cat((F.avg_pool2d(styles, CELL), detail(styles)), 1)
    return (
        Maps(gather(there.fine, fine, *fine_shape), gather(there.deep, deep, *deep_shape)),
        gather(cells, fine, *fine_shape),
    )


def paint_once(decoder: Decoder, net: EfficientNetLite0, contents: Tensor, styles: Tensor) -> Tensor:
    """The painter's picture after two scales, for a look at the run."""
    contents = match_colours(contents, colour_moments(styles))
    first = _first_decode(decoder, net, contents, styles)
    read = _read(decoder, net, contents).lerp(_read(decoder, net, first), 1 - content_share())
    return _decode(decoder, net, read, contents, styles)


def _first_decode(decoder: Decoder, net: EfficientNetLite0, contents: Tensor, styles: Tensor) -> Tensor:
    """The painter's picture at half the size, enlarged."""
    h, w = (max(16, side // 32 * 16) for side in contents.shape[2:])
    small, bank = (F.interpolate(x, (h, w), mode="bilinear", antialias=True) for x in (contents, styles))
    first = _decode(decoder, net, _read(decoder, net, small), small, bank)
    return F.interpolate(first, contents.shape[2:], mode="bilinear").clamp(0, 1)


def _decode(decoder: Decoder, net: EfficientNetLite0, read: Maps, contents: Tensor, styles: Tensor) -> Tensor:
    """The picture of what is found for `read`, in the styles' colours."""
    with mixed_precision(_CPU):
        painted = decoder(swap(decoder, read, contents, styles, _read(decoder, net, styles))[0])
    return match_colours(painted, colour_moments(styles))


def _read(decoder: Decoder, net: EfficientNetLite0, pictures: Tensor) -> Maps:
    return decoder.maps(net(pictures))


def _layers(maps: Maps) -> dict[str, Tensor]:
    """The layers of joined maps by name."""
    parts = (*split_layers(maps.fine, FINE), *split_layers(maps.deep, DEEP))
    return dict(zip((*FINE, *DEEP), parts, strict=True))
