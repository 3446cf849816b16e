"""What the presets of Gram matrices stand for, on each network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diffstyle.engines.optimised.presets import STATISTICS, VGG_STATISTICS, with_preset
from diffstyle.engines.optimised.reader import DEFAULT_NET
from diffstyle.engines.optimised.settings import Net, Preset

_WEIGHTS: Mapping[Preset, float] = {"faithful": 2.5, "bold": 8.0, "texture": 10.0}
_VGG_WEIGHTS: Mapping[Preset, float] = {"faithful": 1e3, "bold": 1e4, "texture": 1e5}


def presets(net: Net, preset: Preset) -> Mapping[str, Any]:
    """Gatys et al. 2016 on VGG; on the default network, what was chosen by looking at pictures."""
    if net == DEFAULT_NET:
        return with_preset({**STATISTICS, "style_weight": _WEIGHTS[preset]}, preset)
    return with_preset({**VGG_STATISTICS, "optimizer": "lbfgs", "style_weight": _VGG_WEIGHTS[preset]}, preset)
