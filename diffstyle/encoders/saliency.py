"""What a photo is of: U²-Net (Qin et al. 2020) in its small form, with the authors' weights (Apache-2.0).

Every stage of this U-shaped network is itself a small U-shaped network, so that it sees fine edges and the whole photo
at all depths. Batch normalisation is folded into the convolutions.

>>> subject_likelihood(torch.rand(3, 480, 640)).shape
torch.Size([240, 320])
"""

from __future__ import annotations

from functools import lru_cache
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diffstyle.assets.manifest import load_weights

WEIGHTS = "starter/subject/subject.safetensors"
SIDE = 320  # pixels, of the squares on which it was trained
MARGIN = 0.25  # of SIDE: how far a photo is widened, for subjects that fill the frame
WIDE_SIDE = 256  # pixels, of the widened photo
SHARE = 0.55  # of the photo as it is in the likelihood; the widened ones have the rest
SMALLEST = 32  # pixels of the shorter side: it is halved five times
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet
_STAGES = (7, 6, 5, 4, 0, 0)  # depth of the U of each stage; 0: no pooling, dilated convolutions instead
_WIDTH, _MIDDLE = 64, 16  # channels of a stage's output, and inside of it


def _convolution(i: int, o: int, dilation: int = 1) -> nn.Conv2d:
    return nn.Conv2d(i, o, 3, padding=dilation, dilation=dilation)


def _pooled(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 2, ceil_mode=True)


def _like(x: Tensor, other: Tensor) -> Tensor:
    """`x` (b, c, h', w') at the size of `other` (b, ·, h, w)."""
    if x.shape[2:] == other.shape[2:]:
        return x
    return F.interpolate(x, other.shape[2:], mode="bilinear", align_corners=False)


class ResidualU(nn.Module):
    """A U-shaped block (b, i, h, w) -> (b, 64, h, w): down `depth` - 2 times by pooling, and up again; its input is
    added. With depth 0, four convolutions of growing dilation stand for the pooling.
    """

    def __init__(self, i: int, depth: int) -> None:
        super().__init__()
        self.pools = depth > 0
        levels = depth or 4
        self.enter = _convolution(i, _WIDTH)
        dilations = [1] * (levels - 1) + [2] if self.pools else [1, 2, 4, 8]
        self.down = nn.ModuleList(
            _convolution(_MIDDLE if level else _WIDTH, _MIDDLE, dilation) for level, dilation in enumerate(dilations)
        )
        self.up = nn.ModuleList(  # from the deepest level to the first
            _convolution(2 * _MIDDLE, _MIDDLE if level else _WIDTH, 1 if self.pools else dilations[level])
            for level in reversed(range(levels - 1))
        )

    def forward(self, x: Tensor) -> Tensor:
        entered = F.relu(self.enter(x))
        found: list[Tensor] = []
        for level, convolution in enumerate(self.down):
            x = found[-1] if found else entered
            x = _pooled(x) if self.pools and 0 < level < len(self.down) - 1 else x
            found.append(F.relu(convolution(x)))
        x = found.pop()
        for convolution in self.up:
            beside = found.pop()
            x = F.relu(convolution(torch.cat([_like(x, beside), beside], 1)))
        return x + entered


class SaliencyNet(nn.Module):
    """sRGB pictures (b, 3, h, w) in [0, 1] to (b, 1, h, w) in [0, 1]: how surely each pixel is of the subject."""

    def __init__(self) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(ResidualU(_WIDTH if n else 3, depth) for n, depth in enumerate(_STAGES))
        self.decoders = nn.ModuleList(ResidualU(2 * _WIDTH, depth) for depth in _STAGES[-2::-1])
        self.sides = nn.ModuleList(_convolution(_WIDTH, 1) for _ in _STAGES)  # from the first stage to the deepest
        self.fused = nn.Conv2d(len(_STAGES), 1, 1)

    @classmethod
    def load(cls) -> SaliencyNet:
        """The frozen network with the weights that ship, verified against the manifest; loaded once a process."""
        return _loaded()

    def forward(self, pictures: Tensor) -> Tensor:
        mean, deviation = (pictures.new_tensor(v).view(1, 3, 1, 1) for v in (_MEAN, _DEVIATION))
        x = (pictures - mean) / deviation
        found: list[Tensor] = []
        for n, stage in enumerate(self.encoders):
            x = cast("Tensor", stage(_pooled(x) if n else x))
            found.append(x)
        decoded = [found.pop()]
        for stage in self.decoders:
            beside = found.pop()
            decoded.append(stage(torch.cat([_like(decoded[-1], beside), beside], 1)))
        sides = [_like(side(x), pictures) for side, x in zip(self.sides, reversed(decoded), strict=True)]
        return self.fused(torch.cat(sides, 1)).sigmoid()


def subject_likelihood(pixels: Tensor) -> Tensor:
    """How surely each place of a photo (3, H, W) in [0, 1] is of its subject: (h, w) in [0, 1], the longer SIDE.

    The network loses what runs off the frame, such as the hair of a close portrait. The photo is therefore also shown
    with a margin of its mean border colour, and of its repeated border pixels.
    """
    h, w = (int(n) for n in pixels.shape[1:])
    scale = SIDE / max(h, w)
    size = max(SMALLEST, round(h * scale)), max(SMALLEST, round(w * scale))
    photo = F.interpolate(pixels[None], size, mode="bilinear", antialias=True).clamp(0, 1)
    edge = torch.cat([photo[..., 0, :], photo[..., -1, :], photo[..., 0], photo[..., -1]], -1).mean(-1)  # (1, 3)
    m = round(MARGIN * SIDE)
    repeated = F.pad(photo, (m, m, m, m), mode="replicate")
    plain = edge[..., None, None].expand_as(repeated).clone()
    plain[..., m:-m, m:-m] = photo
    net = SaliencyNet.load()
    with torch.no_grad():
        found = net(photo)
        wide = net(_smaller(torch.cat([plain, repeated]))).mean(0, keepdim=True)
    wide = F.interpolate(wide, repeated.shape[2:], mode="bilinear", align_corners=False)[..., m:-m, m:-m]
    return torch.lerp(wide, found, SHARE)[0, 0]


def _smaller(pictures: Tensor) -> Tensor:
    """Pictures (b, 3, h, w), WIDE_SIDE on their longer side."""
    h, w = pictures.shape[2:]
    size = [round(n * WIDE_SIDE / max(h, w)) for n in (h, w)]
    return F.interpolate(pictures, size, mode="bilinear", antialias=True)


@lru_cache(maxsize=1)
def _loaded() -> SaliencyNet:
    net = SaliencyNet()
    net.load_state_dict({name: tensor.float() for name, tensor in load_weights(WEIGHTS)[0].items()})
    return net.requires_grad_(False).eval()
