"""VGG and SqueezeNet as feature networks: torchvision's own layers, with weights from files in its layout."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision.models import squeezenet1_1
from torchvision.models.vgg import cfgs, make_layers

from diffstyle import InputError
from diffstyle.encoders.imagenet_features import RELEASES, ImageNetFeatures, feature_net
from diffstyle.formats.safetensors import write_safetensors

NETS = ("vgg16", "vgg19", "squeezenet1_1")


def published(name: str) -> nn.Module:
    """torchvision's layers with random weights, as published files name them."""
    torch.manual_seed(0)
    made = squeezenet1_1().features if name == "squeezenet1_1" else make_layers(cfgs["DE"[name == "vgg19"]])
    return nn.ModuleDict({"features": made})


@pytest.fixture(params=NETS)
def named(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path, nn.Module]:
    net = published(request.param)
    state = {**net.state_dict(), "classifier.weight": torch.zeros(3, 3)}
    if request.param == "squeezenet1_1":
        path = tmp_path / RELEASES["squeezenet1_1"]
        torch.save(state, path)
    else:
        path = tmp_path / "model.safetensors"
        write_safetensors(path, state)
    return request.param, path, net


def test_maps_are_those_of_torchvision(named: tuple[str, Path, nn.Module]) -> None:
    name, path, original = named
    net = feature_net(name, weights=path)
    pictures = torch.rand(2, 3, 64, 96)
    maps = net(pictures)
    assert list(maps) == list(net.layers)
    for layer, map_ in maps.items():
        assert map_.shape[1] == net.layers[layer].channels
        assert abs(map_.shape[2] - 64 / net.layers[layer].stride) <= 2
    mean, deviation = (torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    x = (pictures - mean) / deviation
    features = original.get_submodule("features")
    last = features(x)
    deepest = maps[list(maps)[-1]]
    ours = deepest if name == "squeezenet1_1" else nn.functional.max_pool2d(deepest, 2)
    assert torch.allclose(ours, last, atol=1e-4)
    assert not any(p.requires_grad for p in ImageNetFeatures.load(name, path).parameters())


def test_average_pooling_keeps_the_layers(named: tuple[str, Path, nn.Module]) -> None:
    name, path, _ = named
    net = ImageNetFeatures.load(name, path, pooling="average")
    assert not any(isinstance(m, nn.MaxPool2d) for m in net.modules())
    assert list(net.layers) == list(ImageNetFeatures.load(name, path).layers)


def test_the_names_are_those_of_the_papers(named: tuple[str, Path, nn.Module]) -> None:
    name, path, _ = named
    layers = feature_net(name, weights=path).layers
    if name == "squeezenet1_1":
        assert list(layers) == ["relu1", *(f"fire{n}" for n in range(2, 10))]
    else:
        assert (layers["relu4_1"].channels, layers["relu4_1"].stride) == (512, 8)
        assert list(layers)[-1] == ("relu5_4" if name == "vgg19" else "relu5_3")


@pytest.mark.parametrize("name", NETS)
def test_missing_weights_get_a_sentence(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=r"models pull|fetch https"):
        feature_net(name)


def test_weights_of_another_network_get_a_sentence(tmp_path: Path) -> None:
    write_safetensors(tmp_path / "x.safetensors", published("vgg16").state_dict())
    with pytest.raises(InputError, match="does not hold the weights of squeezenet1_1"):
        feature_net("squeezenet1_1", weights=tmp_path / "x.safetensors")


def test_unknown_names_get_a_sentence() -> None:
    with pytest.raises(InputError, match="no feature network called 'resnet'"):
        feature_net("resnet")
