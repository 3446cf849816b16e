"""Perceptual features of VGG-16, VGG-19 (Simonyan & Zisserman 2015) and SqueezeNet 1.1 (Iandola et al. 2016).

The layers are torchvision's, the weights those of its ImageNet releases. VGG comes from the hub (`diffstyle models pull
vgg19`) or, like SqueezeNet 1.1, from torch's own cache of downloads, where torchvision puts it. Any file with the
names of torchvision works.

>>> net = feature_net("vgg19", pooling="average")
>>> net(torch.rand(1, 3, 256, 256))["relu4_1"].shape
torch.Size([1, 512, 32, 32])
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torchvision.models import squeezenet1_1
from torchvision.models.vgg import cfgs, make_layers

from diffstyle.assets.hub import known_model, located, where
from diffstyle.core.errors import InputError
from diffstyle.encoders.features import EfficientNetLite0, FeatureNet, Layer, channels_last_, run
from diffstyle.formats.safetensors import read_state

Pooling = Literal["max", "average"]
Name = Literal["efficientnet-lite0", "vgg16", "vgg19", "squeezenet1_1"]
_VGG = {"vgg16": "D", "vgg19": "E"}  # letters of the paper's table 1
RELEASES = {  # of torchvision, as it names them
    "vgg16": "vgg16-397923af.pth",
    "vgg19": "vgg19-dcbb9e9d.pth",
    "squeezenet1_1": "squeezenet1_1-b8a52dc0.pth",
}


def feature_net(
    name: str = "efficientnet-lite0",
    *,
    weights: Path | None = None,
    pooling: Pooling = "max",
    dtype: torch.dtype = torch.float32,
) -> FeatureNet:
    """The frozen network called `name`, with the weights at `weights` or those that are on this machine.

    `pooling` replaces the max pooling of VGG and SqueezeNet by the average, which gives smoother gradients (Gatys et
    al. 2016, section 2). InputError for other names, and where weights are missing, with how to get them.
    """
    if name == "efficientnet-lite0":
        return EfficientNetLite0.load(weights, dtype=dtype)
    if name not in get_args(Name):
        raise InputError(f"There is no feature network called {name!r}: give one of {', '.join(get_args(Name))}.")
    return ImageNetFeatures.load(name, weights or _found(name), pooling=pooling, dtype=dtype)


class ImageNetFeatures(nn.Module):
    """Activations after every ReLU of VGG, `relu1_1` to `relu5_4`, or of SqueezeNet, `relu1` and `fire2` to `fire9`.

    Pictures (b, 3, h, w) in [0, 1] of any size from 32 pixels; maps are (b, c, about h / stride, about w / stride).
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, name: str, *, pooling: Pooling = "max") -> None:
        super().__init__()
        self.features = squeezenet1_1(weights=None).features if name not in _VGG else make_layers(cfgs[_VGG[name]])
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1), persistent=False)
        self.names: dict[int, str] = {}
        self.layers: Mapping[str, Layer] = {}
        stage = place = stride = 1
        channels = 3
        for index, module in enumerate(self.features):
            if isinstance(module, nn.MaxPool2d):
                stage, place, stride = stage + 1, 1, stride * 2
                if pooling == "average":
                    self.features[index] = nn.AvgPool2d(module.kernel_size, module.stride, ceil_mode=module.ceil_mode)
            elif isinstance(module, nn.Conv2d):
                channels, stride = module.out_channels, stride * int(module.stride[0])
            elif isinstance(module, nn.ReLU):
                module.inplace = False  # maps that were handed out must not change
                self._add(index, "relu1" if name == "squeezenet1_1" else f"relu{stage}_{place}", channels, stride)
                place += 1
            else:  # a fire module: squeeze, then two expansions side by side
                fire = len([n for n in self.names.values() if n.startswith("fire")]) + 2
                channels = _fire_channels(module)
                self._add(index, f"fire{fire}", channels, stride)

    def _add(self, index: int, name: str, channels: int, stride: int) -> None:
        self.names[index] = name
        self.layers = {**self.layers, name: Layer(channels, stride)}

    @classmethod
    def load(
        cls, name: str, path: Path, *, pooling: Pooling = "max", dtype: torch.dtype = torch.float32
    ) -> ImageNetFeatures:
        """The frozen network with the weights at `path`, safetensors or .pth; InputError if they are of another."""
        net = cls(name, pooling=pooling)
        found = read_state(path)
        wanted = net.state_dict()
        if any(k not in found or found[k].shape != v.shape for k, v in wanted.items()):
            raise InputError(f"{path} does not hold the weights of {name} as torchvision names them.")
        net.load_state_dict({k: found[k] for k in wanted})
        channels_last_(net.to(dtype))
        return net.requires_grad_(False).eval()

    def forward(self, pictures: Tensor, *, only: Collection[str] = (), recompute: bool = False) -> dict[str, Tensor]:
        dtype = self.mean.dtype
        wanted = {index: name for index, name in self.names.items() if not only or name in only}
        x = ((pictures.to(dtype) - self.mean) / self.deviation).contiguous(memory_format=torch.channels_last)
        maps: dict[str, Tensor] = {}
        for first, end in self._stages(max(wanted, default=-1)):
            named = [wanted[index] for index in range(first, end) if index in wanted]

            def stage(inputs: Tensor, first: int = first, end: int = end) -> tuple[Tensor, ...]:
                found: list[Tensor] = []
                for index in range(first, end):
                    inputs = self.features[index](inputs)
                    found += [inputs] if index in wanted else []
                return inputs, *found

            x, *found = run(stage, x, recompute=recompute)
            maps |= dict(zip(named, found, strict=True))
        return maps

    def _stages(self, last: int) -> list[tuple[int, int]]:
        """[first, end) of the modules between two poolings, up to the one at `last`."""
        pools = [n for n in range(1, last + 1) if isinstance(self.features[n], (nn.MaxPool2d, nn.AvgPool2d))]
        return list(pairwise((0, *pools, last + 1)))


def _fire_channels(module: nn.Module) -> int:
    return sum(m.out_channels for n, m in module.named_children() if isinstance(m, nn.Conv2d) and "expand" in n)


def weights_of_net(name: str) -> Path | None:
    """The weights file of VGG or SqueezeNet 1.1 on this machine, the hub's or torchvision's; None if there is none."""
    snapshot = where(known_model(name)) if name in _VGG else None
    if snapshot is not None:
        return snapshot / "model.safetensors"
    path = _cache() / RELEASES[name] if name in RELEASES else None
    return path if path is not None and path.is_file() else None


def _found(name: str) -> Path:
    """The weights file of a network on this machine; InputError with how to get it."""
    path = weights_of_net(name)
    if path is not None:
        return path
    if name in _VGG:
        return located(known_model(name)) / "model.safetensors"  # which says how to get it
    raise InputError(
        f"The weights of SqueezeNet 1.1 are not in {_cache()}: fetch https://download.pytorch.org/models/"
        f"{RELEASES[name]} to there."
    )


def _cache() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"
