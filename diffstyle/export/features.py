"""The painter's two networks as they are exported: what it reads of pictures, and what makes a picture of that."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from diffstyle.assets.manifest import verified
from diffstyle.encoders.features import STRIDE, WEIGHTS_SHA256, EfficientNetLite0
from diffstyle.engines.nnst.decoder import DEEP_CHANNELS, FINE_CHANNELS, Decoder, Maps
from diffstyle.engines.nnst.engine import WEIGHTS
from diffstyle.runtimes.exportable import Exportable, Input, Side

_SIZES = ((64, 96), (80, 112), (128, 96))


class FeaturesExport(nn.Module):
    """`forward(pictures)` are the feature maps, in the order of the network's layers."""

    def __init__(self, net: EfficientNetLite0) -> None:
        super().__init__()
        self.net = net

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        maps = self.net(pictures)
        return tuple(maps[name] for name in self.net.layers)


class DecoderExport(nn.Module):
    """`forward(fine, deep)` are pictures (1, 3, h, w) in [0, 1]."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, fine: Tensor, deep: Tensor) -> Tensor:
        return self.decoder(Maps(fine, deep))


def features() -> Exportable:
    """EfficientNet-Lite0 up to its seventh block."""
    net = EfficientNetLite0.load()
    meanings = {
        name: f"(1, {layer.channels}, height / {layer.stride}, width / {layer.stride})"
        for name, layer in net.layers.items()
    }
    return Exportable(
        name="features",
        title="diffstyle's perceptual features (EfficientNet-Lite0)",
        module=FeaturesExport(net),
        inputs=(
            Input(
                name="picture",
                meaning=f"(1, 3, height, width) sRGB from 0 to 1, sides are multiples of {STRIDE}",
                sides={2: Side("rows", STRIDE), 3: Side("columns", STRIDE)},
            ),
        ),
        outputs=meanings,
        from_photo=lambda photo, _: (photo,),
        sizes=_SIZES,
        digest=WEIGHTS_SHA256,
    )


def decoder() -> Exportable:
    """The decoder of the painter."""
    net, (path, digest) = EfficientNetLite0.load(), verified(WEIGHTS)
    decoder = Decoder.load(path)

    def from_photo(photo: Tensor, number: int) -> tuple[Tensor, ...]:
        del number
        with torch.no_grad():
            maps = decoder.maps(net(photo))
        return maps.fine, maps.deep

    return Exportable(
        name="painter-decoder",
        title="the decoder of diffstyle's painter",
        module=DecoderExport(decoder),
        inputs=(
            Input(
                name="fine",
                meaning=f"(1, {FINE_CHANNELS}, 2 rows, 2 columns) stem, block1 and block2, each over its fine_scale",
                sides={2: Side("rows", 2), 3: Side("columns", 2)},
            ),
            Input(
                name="deep",
                meaning=f"(1, {DEEP_CHANNELS}, rows, columns) block3, block4 and block6, each over its deep_scale",
                sides={2: Side("rows"), 3: Side("columns")},
            ),
        ),
        outputs={"picture": "(1, 3, 8 rows, 8 columns) sRGB from 0 to 1"},
        from_photo=from_photo,
        sizes=_SIZES,
        digest=digest,
        quantisable=True,
    )
