"""Figures on networks: those that ship as they are, the others with random weights in the published layouts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torchvision.models import Inception3, squeezenet1_1
from torchvision.models.vgg import cfgs, make_layers

from diffstyle import InputError
from diffstyle.evaluation.metrics import artfid, csd, dists, fid, leakage, lite, lpips, weights
from diffstyle.evaluation.metrics.cfsd import check_cfsd, structural_distance
from diffstyle.formats.atomic import sha256
from tests.evaluation.metrics.test_plain import case, pixels


@pytest.fixture
def torch_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache of downloads, and no network that is kept from another test."""
    networks = (lpips._network, dists._network, fid._network, csd._network)  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    for network in networks:
        network.cache_clear()
    yield tmp_path / "hub" / "checkpoints"
    for network in networks:
        network.cache_clear()


def test_what_is_missing_is_said_with_the_way_to_get_it(torch_home: Path) -> None:
    for check, what in (
        (lpips.check_lpips, "alexnet-owt-7be5be79.pth"),
        (lpips.check_lpips_squeeze, "squeezenet1_1-b8a52dc0.pth"),
        (dists.check_dists, "vgg16-397923af.pth"),
        (fid.check_fid, "art_inception.pth"),
        (artfid.check_artfid, "alexnet"),
        (csd.check_csd, "learn2phoenix/CSD"),
    ):
        with pytest.raises(InputError, match=what) as caught:
            check()
        assert str(torch_home) in str(caught.value)
    with pytest.raises(InputError, match="save the file"):
        weights.fetch(weights.CSD)
    with pytest.raises(InputError, match="models pull vgg19"):
        check_cfsd()
    assert not list(torch_home.iterdir())  # nothing was downloaded


def test_weights_are_fetched_only_whole(torch_home: Path, tmp_path: Path) -> None:
    """From a file in place of a server; a digest that differs leaves nothing behind."""
    source = tmp_path / "source.pth"
    source.write_bytes(b"weights")
    url, digest = source.as_uri(), sha256(source)
    kept = weights.fetch(weights.MetricWeights("good.pth", "a network", 7, url, digest[:8]))
    assert kept.read_bytes() == b"weights"
    source.write_bytes(b"others")
    assert weights.fetch(weights.MetricWeights("good.pth", "a network", 7, url, digest[:8])) == kept  # it is there
    with pytest.raises(InputError, match="Cannot download"):
        weights.fetch(weights.MetricWeights("bad.pth", "a network", 7, url, digest[:8]))
    with pytest.raises(InputError, match="Cannot download"):
        weights.fetch(weights.MetricWeights("none.pth", "a network", 7, (tmp_path / "none").as_uri()))
    assert [path.name for path in torch_home.iterdir()] == ["good.pth"]


def test_lpips_is_its_equation(torch_home: Path) -> None:
    """On SqueezeNet with random weights: recomputed from torchvision's layers and the published linear weights."""
    torch.manual_seed(4)
    net = squeezenet1_1(weights=None).eval()
    torch.save(net.state_dict(), torch_home / weights.SQUEEZENET.name)
    a, b = pixels(1, 64)[None], pixels(2, 64)[None]
    import torchmetrics

    linear = torch.load(Path(torchmetrics.__file__).parent / "functional/image/lpips_models/squeeze.pth", "cpu")
    shift, scale = (torch.tensor(v).view(1, 3, 1, 1) for v in ((-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)))
    x, y = ((2 * v - 1 - shift) / scale for v in (a, b))
    total = torch.zeros(())
    layers, ends = list(net.features), (1, 4, 7, 9, 10, 11, 12)
    with torch.no_grad():
        for n, layer in enumerate(layers):
            x, y = layer(x), layer(y)
            if n in ends:
                unit = (v / (v.square().sum(1, keepdim=True) + 1e-8).sqrt() for v in (x, y))
                apart = torch.sub(*unit).square()
                total += (apart * linear[f"lin{ends.index(n)}.model.1.weight"]).sum(1).mean()
    found = lpips.lpips_squeeze(case(a[0], a[0], b[0]))
    assert found == pytest.approx(float(total), rel=1e-4)
    assert lpips.lpips_squeeze(case(a[0], a[0], a[0])) == 0


def test_dists_compares_means_and_correlations(torch_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """VGG-16 with random weights in torchvision's layout: 0 for the same picture, the same both ways."""
    torch.manual_seed(5)
    (torch_home / weights.VGG16.name).touch()
    layers = make_layers(cfgs["D"])

    def made(weights: object) -> SimpleNamespace:
        del weights
        return SimpleNamespace(features=layers)

    monkeypatch.setattr("torchmetrics.functional.image.dists.vgg16", made)
    a, b = pixels(1, 64), pixels(2, 64)
    assert dists.dists(case(a, a, a)) == pytest.approx(0, abs=1e-4)
    assert 0.01 < dists.dists(case(a, a, b)) == pytest.approx(dists.dists(case(b, a, a)), abs=1e-5)


def test_fid_and_artfid_follow_their_equations(torch_home: Path) -> None:
    """ArtFID's layout has two heads, which are left out; other files are refused."""
    torch.manual_seed(6)
    make: Any = Inception3
    state = make(aux_logits=False, init_weights=False).state_dict()
    heads = {f"fc{n}.weight": torch.zeros(4, 2048) for n in (1, 2)}
    kept = {k: v for k, v in state.items() if not k.startswith("fc.")}
    torch.save(kept | heads, torch_home / weights.ART_INCEPTION.name)
    pairs = [(pixels(n, 96), pixels(n + 10, 96)) for n in range(3)]
    embedded = [fid.embed(case(a, b, a)) for a, b in pairs]
    assert embedded[0][0].shape == (2048,)
    same = [(out, out) for out, _ in embedded]
    assert fid.fid(same) == pytest.approx(0, abs=1e-6)
    distance = fid.fid(embedded)
    assert distance > 0
    assert artfid.artfid([(0.5, e) for e in embedded]) == pytest.approx(1.5 * (1 + distance))
    with pytest.raises(InputError, match="at least two"):
        fid.fid(embedded[:1])
    torch.save({"conv.weight": torch.zeros(3)}, torch_home / weights.ART_INCEPTION.name)
    fid._network.cache_clear()  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(InputError, match="fetch it again"):
        fid.embed(case(*([pixels(1, 96)] * 3)))


def test_csd_reads_the_authors_layout(torch_home: Path) -> None:
    """A tiny CLIP tower in OpenAI's names: the cosine of projected, normalised embeddings."""
    from open_clip.transformer import QuickGELU, VisionTransformer

    torch.manual_seed(7)
    make: Any = VisionTransformer
    tower = make(32, 8, 64, 2, 1, 4.0, act_layer=QuickGELU).eval()
    tower.proj = None
    projection = torch.randn(64, 16)
    state = {f"module.backbone.{k}": v for k, v in tower.state_dict().items()}
    saved = {"model_state_dict": {**state, "module.last_layer_style": projection}, "epoch": 3}
    torch.save(saved, torch_home / weights.CSD.name)
    a, b = pixels(1, 32), pixels(2, 32)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (csd._MEAN, csd._STD))  # pyright: ignore
    with torch.no_grad():
        x, y = (F.normalize(tower((v[None] - mean) / std) @ projection, dim=1)[0] for v in (a, b))
    assert csd.csd(case(b, b, a)) == pytest.approx(float(x @ y), abs=1e-5)
    assert csd.csd(case(b, a, a)) == pytest.approx(1, abs=1e-5)
    torch.save({"weight": torch.zeros(3)}, torch_home / weights.CSD.name)
    csd._network.cache_clear()  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(InputError, match="does not hold CSD"):
        csd.csd(case(b, b, pixels(3, 32)))


def test_cfsd_by_hand() -> None:
    """Two places, one channel: features (0, 1) give similarities [[0, 0], [0, 1]], features (0, 0) give none.

    Row 0 is (1/2, 1/2) in both; row 1 is p = (1, e) / (1 + e) against (1/2, 1/2): KL = Σ p log 2p.
    """
    photo, out = torch.tensor([[[0.0, 1.0]]]), torch.zeros(1, 1, 2)
    p = np.array([1, np.e]) / (1 + np.e)
    assert structural_distance(photo, out) == pytest.approx(float((p * np.log(2 * p)).sum()), rel=1e-5)
    assert structural_distance(photo, photo) == 0


def test_lite_figures_are_what_they_say_of_photo_and_style() -> None:
    photo, style = pixels(1), pixels(2)
    same, copied = case(photo, style, photo), case(photo, style, style)
    assert lite.lpips_lite(same) == 0
    assert lite.lpips_lite(copied) > 0.1
    assert lite.content_lite(same) == pytest.approx(1, abs=1e-5)
    assert lite.content_lite(copied) < 0.9
    assert lite.style_lite(same) == pytest.approx(1, abs=1e-6)
    assert lite.style_lite(copied) < 0.05


def test_lpips_lite_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Orthogonal features are √2 apart when normalised: 2 at one of two places, 0 at the other, so 1."""
    maps = {
        0: torch.tensor([[[[3.0, 1.0]], [[0.0, 1.0]]]]),
        1: torch.tensor([[[[0.0, 2.0]], [[5.0, 2.0]]]]),
    }
    one = case(torch.zeros(3, 16, 16), torch.zeros(3, 16, 16), torch.zeros(3, 16, 16))
    monkeypatch.setattr(lite, "features", lambda view: {"stem": maps[0 if view is one.photo else 1]})  # pyright: ignore
    assert lite.lpips_lite(one) == pytest.approx(1)


def test_leakage_of_the_photo_is_none_and_of_the_style_whole() -> None:
    photo, style = pixels(1), pixels(2)
    assert leakage.leakage(case(photo, style, photo)) == 0
    assert leakage.leakage(case(photo, style, style)) == pytest.approx(1, abs=1e-5)
    half = leakage.leakage(case(photo, style, (photo + style) / 2))
    assert 0 < half < 1
