"""Published networks that the preview is timed and judged against. Architectures only: no weights ship."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diffstyle.formats.safetensors import read_safetensors


def _adain(content: Tensor, style: Tensor) -> Tensor:
    """Huang & Belongie 2017, eq. 8, on (b, c, h, w)."""
    std_c, mean_c = torch.std_mean(content, (2, 3), keepdim=True)
    std_s, mean_s = torch.std_mean(style, (2, 3), keepdim=True)
    return (content - mean_c) / (std_c + 1e-5) * std_s + mean_s


def _conv(i: int, o: int, k: int, *, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(i, o, k, stride, k // 2, groups=groups, padding_mode="reflect")


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = _conv(width, width, 3)
        self.conv2 = _conv(width, width, 3)

    def forward(self, x: Tensor, w: Tensor | float = 1.0, b: Tensor | float = 0.0) -> Tensor:
        r = F.relu(w * self.conv1(x) + b * x)
        return x + w * self.conv2(r) + b * r


class _Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.enc1 = nn.Sequential(
            _conv(3, 16, 9),
            nn.ReLU(),
            _conv(16, 32, 3, stride=2, groups=16),
            nn.ReLU(),
            _conv(32, 32, 1),
            nn.ReLU(),
            _conv(32, 64, 3, stride=2, groups=32),
            nn.ReLU(),
            _conv(64, 64, 1),
            nn.ReLU(),
            _Residual(64),
        )
        self.enc2 = _Residual(64)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x1 = self.enc1(x)
        return x1, self.enc2(x1)


class _Modulator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight1, self.weight2, self.bias1, self.bias2 = (
            nn.Sequential(_conv(64, 64, 3, groups=64), nn.AdaptiveAvgPool2d(1)) for _ in range(4)
        )


class _Decoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.dec1 = _Residual(64)
        self.dec2 = _Residual(64)
        self.dec3 = nn.Sequential(
            nn.Upsample(scale_factor=2, mode="bilinear"),
            _conv(64, 32, 3, groups=32),
            nn.ReLU(),
            _conv(32, 32, 1),
            nn.ReLU(),
            nn.Upsample(scale_factor=2, mode="bilinear"),
            _conv(32, 16, 3, groups=16),
            nn.ReLU(),
            _conv(16, 16, 1),
            nn.ReLU(),
            _conv(16, 3, 9),
        )


class MicroAST(nn.Module):
    """Wang et al., AAAI 2023. `forward(content, style)`: (b, 3, h, w) in [0, 1] each, h and w multiples of 4."""

    def __init__(self) -> None:
        super().__init__()
        self.content_encoder = _Encoder()
        self.style_encoder = _Encoder()
        self.modulator = _Modulator()
        self.decoder = _Decoder()

    def style(self, style: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        s1, s2 = self.style_encoder(style)
        m = self.modulator
        return s1, s2, m.weight1(s1), m.bias1(s1), m.weight2(s2), m.bias2(s2)

    def render(self, content: Tensor, style: tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]) -> Tensor:
        s1, s2, w1, b1, w2, b2 = style
        _, c2 = self.content_encoder(content)
        y = self.decoder.dec1(_adain(c2, s2), w2, b2)
        y = self.decoder.dec2(_adain(y, s1), w1, b1)
        return cast("Tensor", self.decoder.dec3(y))

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        return self.render(content, self.style(style))


class VggAdaIN(nn.Module):
    """Huang & Belongie 2017: VGG-19 up to relu4_1 and its mirror as decoder."""

    def __init__(self) -> None:
        super().__init__()
        from torchvision.models import vgg19

        features = list(vgg19(weights=None).features.children())[:21]  # up to relu4_1
        self.encoder = nn.Sequential(*features)
        layers: list[nn.Module] = []
        for widths in ((512, 256), (), (256, 256), (256, 256), (256, 256), (256, 128), (), (128, 128), (128, 64), ()):
            layers += [_conv(*widths, 3), nn.ReLU()] if widths else [nn.Upsample(scale_factor=2)]
        layers += [_conv(64, 64, 3), nn.ReLU(), _conv(64, 3, 3)]
        self.decoder = nn.Sequential(*layers)

    def render(self, content: Tensor, style_features: Tensor) -> Tensor:
        return cast("Tensor", self.decoder(_adain(self.encoder(content), style_features)))


def load_microast(path: Path) -> MicroAST | None:
    """The published weights, if they are at `path`."""
    if not path.exists():
        return None
    net = MicroAST()
    tensors = read_safetensors(path)[1].items()
    # as published, every convolution is wrapped in a layer of its own and the second encoder in a sequence of one
    renamed = {k.replace(".conv_layer", "").replace("enc2.0.", "enc2."): v.float() for k, v in tensors}
    net.load_state_dict(renamed)
    return net.eval()
