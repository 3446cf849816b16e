"""The perceptual teacher."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from diffstyle.encoders.squeezenet import STYLE_LAYERS, SqueezeNet, torchvision_name
from diffstyle.formats.safetensors import write_safetensors


@pytest.mark.parametrize(
    ("published", "name"),
    [
        ("conv1.weight", "features.0.weight"),
        ("fire2.conv1x1_1.bias", "features.3.squeeze.bias"),
        ("fire8.conv3x3_2.weight", "features.10.expand3x3.weight"),
        ("features.3.squeeze.bias", "features.3.squeeze.bias"),
    ],
)
def test_published_names_become_those_of_torchvision(published: str, name: str) -> None:
    assert torchvision_name(published) == name


def test_a_file_with_published_names_is_the_network(tmp_path: Path) -> None:
    net = SqueezeNet()
    names = {torchvision_name(p): p for p in published_names()}
    write_safetensors(tmp_path / "net.safetensors", {names[k]: v for k, v in net.state_dict().items()})
    loaded = SqueezeNet.load(tmp_path / "net.safetensors")
    picture = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(0))
    found, expected = loaded(picture), net(picture)
    assert list(found) == ["relu1", *(f"fire{n}" for n in range(2, 9))]
    assert set(STYLE_LAYERS) <= set(found)
    assert all(torch.equal(found[k], expected[k]) for k in expected)
    assert list(loaded(picture, "fire3")) == ["relu1", "fire2", "fire3"]


def published_names() -> list[str]:
    """Those of the Caffe release, up to the last layer in use."""
    layers = ["conv1", *(f"fire{n}.{c}" for n in range(2, 9) for c in ("conv1x1_1", "conv1x1_2", "conv3x3_2"))]
    return [f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")]
