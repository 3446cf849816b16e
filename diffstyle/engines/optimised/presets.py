"""The part of the presets that engines share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diffstyle.engines.optimised.settings import Preset

COMMON: Mapping[str, Any] = {
    "tv_weight": 0.0,
    "edge_aware_tv": 0.1,
    "temporal_weight": 100.0,
    "init": "content",
    "content_colours": "style",
    "scales": 3,
    "iterations": 60,
    "learning_rate": 0.01,
    "learning_rate_decay": 0.2,
    "pyramid": 5,
}
VGG_COMMON: Mapping[str, Any] = {
    **COMMON,
    "pooling": "average",
    "edge_aware_tv": 0.0,
    "content_colours": "photo",
    "iterations": 100,
    "learning_rate": 0.02,
    "pyramid": 1,
}
STATISTICS: Mapping[str, Any] = {
    **COMMON,
    "style_layers": "rgb,stem,block1,block2,block3,block4",
    "content_layers": "block3,block4",
    "optimizer": "adam",
}
VGG_STATISTICS: Mapping[str, Any] = {
    **VGG_COMMON,
    "style_layers": "relu1_1,relu2_1,relu3_1,relu4_1,relu5_1",
    "content_layers": "relu4_2",
}
TEXTURE: Mapping[str, Any] = {"content_layers": "", "init": "noise", "edge_aware_tv": 0.0}


def with_preset(values: Mapping[str, Any], preset: Preset) -> Mapping[str, Any]:
    """`values` without any content, for a texture."""
    return {**values, **TEXTURE} if preset == "texture" else values
