"""What the presets of Gaussian statistics stand for, on each network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diffstyle.engines.optimised.presets import STATISTICS, VGG_STATISTICS, with_preset
from diffstyle.engines.optimised.reader import DEFAULT_NET
from diffstyle.engines.optimised.settings import Net, Preset

_WEIGHTS: Mapping[Preset, float] = {"faithful": 5.0, "bold": 15.0, "texture": 10.0}
_VGG_WEIGHTS: Mapping[Preset, float] = {"faithful": 60.0, "bold": 300.0, "texture": 1e3}


def presets(net: Net, preset: Preset) -> Mapping[str, Any]:
    """After crowsonkb's style-transfer-pytorch on VGG; on the default network, what was chosen by looking."""
    if net == DEFAULT_NET:
        return with_preset({**STATISTICS, "style_weight": _WEIGHTS[preset]}, preset)
    return with_preset({**VGG_STATISTICS, "optimizer": "adam", "style_weight": _VGG_WEIGHTS[preset]}, preset)
