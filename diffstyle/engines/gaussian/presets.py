"""What the presets of Gaussian statistics stand for, on each network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diffstyle.engines.optimised.presets import COMMON, VGG_COMMON, VGG_STYLE_LAYERS, with_preset
from diffstyle.engines.optimised.reader import DEFAULT_NET
from diffstyle.engines.optimised.settings import Net, Preset

_DEFAULT: Mapping[str, Any] = {
    **COMMON,
    "style_layers": "rgb,stem,block1,block2,block3,block4",
    "content_layers": "block3,block4",
    "optimizer": "adam",
}
_WEIGHTS: Mapping[Preset, float] = {"faithful": 5.0, "bold": 15.0, "texture": 10.0}
_VGG: Mapping[str, Any] = {
    **VGG_COMMON,
    "style_layers": VGG_STYLE_LAYERS,
    "content_layers": "relu4_2",
    "optimizer": "adam",
}
_VGG_WEIGHTS: Mapping[Preset, float] = {"faithful": 60.0, "bold": 300.0, "texture": 1e3}


def presets(net: Net, preset: Preset) -> Mapping[str, Any]:
    """After crowsonkb's style-transfer-pytorch on VGG; on the default network, what was chosen by looking."""
    if net == DEFAULT_NET:
        return with_preset({**_DEFAULT, "style_weight": _WEIGHTS[preset]}, preset)
    return with_preset({**_VGG, "style_weight": _VGG_WEIGHTS[preset]}, preset)
