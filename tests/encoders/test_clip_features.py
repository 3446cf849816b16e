"""What plus adapters read of a picture: the features of CLIP's last but one layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from diffstyle import StyleEncoder
from diffstyle.core.picture import Picture
from diffstyle.encoders.clip import tiles
from tests.helpers import tiny
from tests.helpers.pictures import waves


def test_features_are_those_of_the_last_but_one_layer(tmp_path: Path) -> None:
    width = tiny.vision_transformer(tmp_path / "clip")
    encoder = StyleEncoder.load(tmp_path / "clip")
    square = Picture.from_array(waves(32, 32))
    model: Any = encoder._loaded.model.visual  # pyright: ignore[reportPrivateUsage]
    seen: list[Tensor] = []

    def keep(_: Any, __: Any, output: Tensor) -> None:
        seen.append(output)

    hook = model.transformer.resblocks[1].register_forward_hook(keep)
    features = encoder.features(square)
    hook.remove()
    assert features.shape == (17, width)
    assert torch.allclose(seen[0].reshape(17, width), features, atol=1e-5)
    assert len(tiles(square, 32)) == 1
    assert 0.1 < encoder.norm < 100
