"""The perceptual teacher: SqueezeNet 1.0 (Iandola et al. 2016), used for losses only and never shipped."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diffstyle.formats.safetensors import read_safetensors

STYLE_LAYERS = ("relu1", "fire2", "fire3", "fire4", "fire6", "fire8")
CONTENT_LAYER = "fire5"
ARRANGEMENT_LAYERS = ("fire3", "fire5")
_EXPANDS = {2: 64, 3: 64, 4: 128, 5: 128, 6: 192, 7: 192, 8: 256}
_POOLED_AFTER = (1, 4, 8)


class Fire(nn.Module):
    def __init__(self, i: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.conv1x1_1 = nn.Conv2d(i, squeeze, 1)
        self.conv1x1_2 = nn.Conv2d(squeeze, expand, 1)
        self.conv3x3_2 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv1x1_1(x))
        return torch.cat((F.relu(self.conv1x1_2(x)), F.relu(self.conv3x3_2(x))), 1)


class SqueezeNet(nn.Module):
    """Feature maps of sRGB pictures (b, 3, h, w) in [0, 1], by layer name, `relu1` and `fire2` … `fire8`."""

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, 7, 2)
        width = 96
        for n, expand in _EXPANDS.items():
            setattr(self, f"fire{n}", Fire(width, expand // 4, expand))
            width = 2 * expand
        self.register_buffer("mean", torch.tensor([104.0, 117.0, 123.0]).view(1, 3, 1, 1), persistent=False)

    @classmethod
    def load(cls, path: Path) -> SqueezeNet:
        net = cls()
        wanted = net.state_dict()
        net.load_state_dict({k: v.float() for k, v in read_safetensors(path)[1].items() if k in wanted})
        return net.requires_grad_(False).eval()

    def forward(self, x: Tensor, last: str = STYLE_LAYERS[-1]) -> dict[str, Tensor]:
        x = x.flip(1) * 255 - self.mean  # BGR
        x = F.relu(self.conv1(x))
        features = {"relu1": x}
        x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        for n in range(2, int(last.removeprefix("fire")) + 1):
            x = self.get_submodule(f"fire{n}")(x)
            features[f"fire{n}"] = x
            if n in _POOLED_AFTER:
                x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        return features
