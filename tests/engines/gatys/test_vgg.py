"""Engines that optimise the picture on VGG-19: random weights of full size in the layout of torchvision's file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torchvision.models import vgg19

from diffstyle import Picture, Style, Stylizer, Task
from diffstyle.encoders.imagenet_features import RELEASES, feature_net
from diffstyle.engines.gatys.settings import Gatys
from diffstyle.engines.gaussian.settings import Gaussian
from diffstyle.engines.optimised.settings import Optimised
from diffstyle.engines.strotss.settings import Strotss

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def torch_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of torch's hub with the file that torchvision would download, 575 MB."""
    folder = tmp_path_factory.mktemp("torch")
    (folder / "checkpoints").mkdir()
    torch.manual_seed(0)
    torch.save(vgg19(weights=None).state_dict(), folder / "checkpoints" / RELEASES["vgg19"])
    return folder


@pytest.fixture
def with_vgg(torch_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(torch_folder))


@pytest.mark.usefixtures("with_vgg")
@pytest.mark.parametrize("settings", [Gatys(iterations=3), Gaussian(iterations=2), Strotss(iterations=2)])
def test_vgg_is_used_where_its_weights_are(
    settings: Optimised, stylizer: Stylizer, small_photo: Picture, painting: Style
) -> None:
    result = stylizer.stylize(small_photo, painting, engine=settings)
    resolved = result.task.engine
    assert isinstance(resolved, Optimised)
    assert resolved.net == "vgg19"
    assert set(result.weights) == {"vgg19"}
    assert result.picture.size == small_photo.size
    assert stylizer.render(result.task).picture == result.picture


@pytest.mark.usefixtures("with_vgg")
def test_the_literature_is_reproduced_by_name(stylizer: Stylizer, small_photo: Picture, painting: Style) -> None:
    resolved = stylizer.prepare(Task(small_photo, painting, engine=Gatys())).engine
    assert isinstance(resolved, Gatys)
    assert resolved.style_layers == "relu1_1,relu2_1,relu3_1,relu4_1,relu5_1"
    assert (resolved.content_layers, resolved.style_weight) == ("relu4_2", 1e3)
    assert (resolved.optimizer, resolved.pooling) == ("lbfgs", "average")


@pytest.mark.usefixtures("with_vgg")
def test_recomputed_activations_of_vgg_give_the_same_gradient() -> None:
    net = feature_net("vgg19", pooling="average")
    gradients: list[torch.Tensor] = []
    for recompute in (False, True):
        picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1)).requires_grad_()
        maps = net(picture, only=("relu1_1", "relu4_2"), recompute=recompute)
        assert list(maps) == ["relu1_1", "relu4_2"]
        torch.autograd.backward([torch.stack([m.square().sum() for m in maps.values()]).sum()])
        assert picture.grad is not None
        gradients.append(picture.grad)
    assert torch.allclose(*gradients, rtol=1e-4, atol=1e-8)
