"""What the presets of STROTSS stand for, on each network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diffstyle.engines.optimised.presets import COMMON, VGG_COMMON, with_preset
from diffstyle.engines.optimised.reader import DEFAULT_NET
from diffstyle.engines.optimised.settings import Net, Preset

_DEFAULT: Mapping[str, Any] = {
    **COMMON,
    "style_layers": "stem,block1,block2,block3,block4",
    "content_layers": "block2,block3,block4",
    "pyramid": 1,  # samples of bands leave ripples and coloured specks where the photo is flat
    "edge_aware_tv": 0.5,
}
_WEIGHTS: Mapping[Preset, float] = {"faithful": 0.4, "bold": 1.2, "texture": 10.0}
_VGG: Mapping[str, Any] = {
    **VGG_COMMON,
    "pooling": "max",
    "style_layers": "relu1_1,relu1_2,relu2_1,relu2_2,relu3_1,relu3_2,relu4_1",
    "content_layers": "relu2_2,relu3_2,relu4_1",
    "init": "content",
    "content_colours": "style",
    "pyramid": 5,
}
_VGG_WEIGHTS: Mapping[Preset, float] = {"faithful": 0.25, "bold": 1.0, "texture": 10.0}


def presets(net: Net, preset: Preset) -> Mapping[str, Any]:
    """Kolkin et al. 2019 on VGG; on the default network, what was chosen by looking at pictures."""
    if net == DEFAULT_NET:
        return with_preset({**_DEFAULT, "style_weight": _WEIGHTS[preset]}, preset)
    return with_preset({**_VGG, "style_weight": _VGG_WEIGHTS[preset]}, preset)
