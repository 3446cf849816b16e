"""The students' network: its sizes, its identity, mixtures of its styles, and that it can be exported."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
import torch
from torch.nn import functional as F

from diffstyle.engines.feedforward.network import SMALLEST, StudentNetwork, UpConv
from diffstyle.engines.feedforward.settings import Size

STYLES = 3
ALL = torch.ones(1, 1)


def network(size: Size = "tiny", seed: int = 0) -> StudentNetwork:
    """With styles that differ, as after training."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = StudentNetwork(size, STYLES)
        with torch.no_grad():
            made.rows.add_(0.3 * torch.randn_like(made.rows))
    return made.eval().requires_grad_(False)


def picture(height: int = 40, width: int = 56, seed: int = 1) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def one(style: int) -> torch.Tensor:
    return F.one_hot(torch.tensor([style]), STYLES).float()


@pytest.mark.parametrize(("size", "most"), [("tiny", 60_000), ("small", 250_000), ("base", 1_700_000)])
def test_sizes_keep_their_budget_of_parameters(size: Size, most: int) -> None:
    assert size in get_args(Size)
    counted = sum(p.numel() for p in StudentNetwork(size, 8).parameters())
    assert 0.6 * most < counted <= most


@pytest.mark.parametrize("sides", [(SMALLEST, SMALLEST), (40, 56), (41, 63), (97, 43)])
def test_any_size_is_kept(sides: tuple[int, int]) -> None:
    painted = network()(picture(*sides), one(0), ALL)
    assert painted.shape == (1, 3, *sides)
    assert 0 <= float(painted.min()) <= float(painted.max()) <= 1


@pytest.mark.parametrize("size", get_args(Size))
def test_without_strength_it_gives_the_photo(size: Size) -> None:
    photo = picture()
    assert torch.equal(network(size)(photo, one(1), torch.zeros(1, 1)), photo)


def test_strength_goes_from_the_photo_to_the_style() -> None:
    net, photo = network(), picture()
    painted = [net(photo, one(1), torch.full((1, 1), s)) for s in (0.0, 0.01, 0.3, 0.6, 1.0)]
    distances = [float((p - photo).abs().mean()) for p in painted]
    assert distances == sorted(distances)
    assert distances[1] < 0.02 < distances[-1]


def test_styles_mix_by_their_weights() -> None:
    net, photo = network(), picture()
    first, second = net(photo, one(0), ALL), net(photo, one(1), ALL)
    nearly = net(photo, 0.999 * one(0) + 0.001 * one(1), ALL)
    half = net(photo, 0.5 * one(0) + 0.5 * one(1), ALL)
    apart = float((first - second).abs().mean())
    assert float((nearly - first).abs().mean()) < 0.02 * apart
    assert all(0.1 * apart < float((half - end).abs().mean()) < apart for end in (first, second))


def test_a_batch_paints_each_photo_in_its_own_style() -> None:
    net, photos = network(), torch.cat((picture(seed=1), picture(seed=2)))
    together = net(photos, torch.cat((one(0), one(2))), torch.tensor([[1.0], [0.5]]))
    alone = (net(photos[:1], one(0), ALL), net(photos[1:], one(2), torch.tensor([[0.5]])))
    assert torch.allclose(together, torch.cat(alone), atol=1e-5)


def test_the_folded_convolution_is_that_of_the_enlarged_map() -> None:
    up, x = UpConv(5, 3), torch.rand(2, 5, 7, 9)
    plain = F.conv2d(F.interpolate(x, scale_factor=2.0, mode="nearest"), up.weight, padding=1)
    assert torch.allclose(up(x), plain, atol=1e-5)


def test_half_precision_paints_the_same() -> None:
    net, photo = network("small"), picture(64, 64)
    exact = net(photo, one(0), ALL)
    net.freeze(torch.bfloat16)
    assert float((net(photo, one(0), ALL) - exact).abs().mean()) < 0.02


@pytest.mark.long
def test_it_is_exported_with_any_height_and_width(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    net, dynamic = network(), torch.export.Dim.DYNAMIC
    inputs = (picture(), one(1), torch.full((1, 1), 0.7))
    shapes = ({2: dynamic, 3: dynamic}, None, None)
    names = ["photo", "weights", "strength"]
    program = torch.onnx.export(net, inputs, dynamo=True, dynamic_shapes=shapes, input_names=names, verbose=False)
    assert program is not None
    path = tmp_path / "student.onnx"
    program.save(str(path))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for sides in ((40, 56), (41, 63), (128, 72)):
        photo = picture(*sides)
        wanted = net(photo, *inputs[1:])
        given = dict(zip(names, (photo.numpy(), *(t.numpy() for t in inputs[1:])), strict=True))
        (found,) = session.run(None, given)
        assert float((torch.from_numpy(found) - wanted).abs().max()) < 1e-3
