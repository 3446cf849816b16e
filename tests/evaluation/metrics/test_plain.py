"""Figures that need no network, against values worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from diffstyle import InputError
from diffstyle.evaluation.case import Case, View
from diffstyle.evaluation.measures import Array
from diffstyle.evaluation.metrics import registry
from diffstyle.evaluation.metrics.colour import colour
from diffstyle.evaluation.metrics.cost import memory, throughput, time
from diffstyle.evaluation.metrics.edges import edges
from diffstyle.evaluation.metrics.extra import extra
from diffstyle.evaluation.metrics.fid import frechet_distance
from diffstyle.evaluation.metrics.grain import grain
from diffstyle.evaluation.metrics.psnr import peak_signal_to_noise
from diffstyle.evaluation.metrics.ssim import structural_similarity
from diffstyle.evaluation.metrics.texture import texture
from tests.conftest import waves


def pixels(seed: int, side: int = 96) -> Tensor:
    return torch.from_numpy(waves(side, side, seed=seed)).permute(2, 0, 1).float() / 255


def case(photo: Tensor, style: Tensor, out: Tensor, *, seconds: float | None = None) -> Case:
    return Case(name="one", photo=View(photo), style=View(style), out=View(out), pixels=250_000, seconds=seconds)


def flat(value: float) -> Array:
    return np.full((32, 32), value, np.float32)


def test_psnr_of_a_constant_difference() -> None:
    """-10 log10 0.1² = 20 dB, -10 log10 0.01² = 40 dB."""
    assert peak_signal_to_noise(flat(0.5), flat(0.6)) == pytest.approx(20, abs=1e-3)
    assert peak_signal_to_noise(flat(0.5), flat(0.51)) == pytest.approx(40, abs=1e-3)
    assert peak_signal_to_noise(flat(0.5), flat(0.5)) == math.inf


def test_ssim_of_flat_pictures_is_their_luminance_term() -> None:
    """Without variance, SSIM = (2ab + C1) / (a² + b² + C1) with C1 = 0.0001."""
    assert structural_similarity(flat(0.2), flat(0.8)) == pytest.approx(0.3201 / 0.6801, abs=1e-5)
    assert structural_similarity(flat(0.5), flat(0.5)) == 1


def test_ssim_of_an_inverted_checkerboard_is_negative() -> None:
    """Equal means and variances s, covariance -s: about (C2 - 2s) / (C2 + 2s), s near 1/4 in a window of 11 pixels."""
    board = np.indices((32, 32)).sum(0).astype(np.float32) % 2
    assert structural_similarity(board, 1 - board) == pytest.approx((0.0009 - 0.5) / (0.0009 + 0.5), abs=5e-3)


def test_frechet_distance_of_known_gaussians() -> None:
    """In one dimension: (μa - μb)² + (σa - σb)². Deviations of {0, 2} and {0, 4} are √2 and 2√2, means 1 and 2."""
    a, b = torch.tensor([[0.0], [2.0]]), torch.tensor([[0.0], [4.0]])
    assert frechet_distance(a, b) == pytest.approx(1 + 2)
    assert frechet_distance(b, a) == pytest.approx(3)


def test_frechet_distance_is_that_of_the_matrix_square_root() -> None:
    """The usual formula, by scipy, where there are more samples than dimensions."""
    from scipy import linalg as untyped

    linalg: Any = untyped
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(40, 5)), rng.normal(1, 2, size=(60, 5)) @ rng.normal(size=(5, 5))
    sa, sb = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    apart = np.square(a.mean(0) - b.mean(0)).sum()
    expected = float(apart + np.trace(sa) + np.trace(sb) - 2 * np.trace(linalg.sqrtm(sa @ sb)).real)
    assert frechet_distance(torch.from_numpy(a), torch.from_numpy(b)) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(torch.from_numpy(a), torch.from_numpy(a)) == pytest.approx(0, abs=1e-9)


def test_ratios_are_one_for_the_photo_and_little_for_the_style() -> None:
    photo, style = pixels(1), pixels(2)
    for figure in (colour, texture):
        assert figure(case(photo, style, photo)) == pytest.approx(1)
        assert figure(case(photo, style, style)) < 0.4


def test_edges_are_kept_by_a_change_of_brightness() -> None:
    photo = pixels(1)
    assert edges(case(photo, pixels(2), photo * 0.5 + 0.2)) == pytest.approx(1, abs=1e-3)
    assert edges(case(photo, pixels(2), pixels(7))) < 0.5


def test_grain_is_counted_in_terms_of_the_style() -> None:
    """The same noise everywhere in result and style: 1; twice the noise: 2; where the photo is flat alone."""
    noise = torch.from_numpy(np.random.default_rng(1).normal(0, 0.05, (1, 96, 96)).astype(np.float32)).expand(3, -1, -1)
    photo = torch.full((3, 96, 96), 0.5)
    photo[:, :, 48:] = pixels(1)[:, :, 48:]
    style = 0.5 + noise.flip(2)
    assert grain(case(photo, style, 0.5 + noise)) == pytest.approx(1, rel=0.15)
    assert grain(case(photo, style, 0.5 + 2 * noise)) == pytest.approx(2, rel=0.15)
    only_detail = torch.where(torch.arange(96) < 48, torch.tensor(0.5), 0.5 + 4 * noise)
    assert grain(case(photo, style, only_detail)) < 0.3


def test_costs_are_what_was_kept() -> None:
    one = case(pixels(1), pixels(2), pixels(3), seconds=0.5)
    assert (time(one), throughput(one)) == (0.5, 0.5)
    assert math.isnan(memory(one))
    assert math.isnan(throughput(case(pixels(1), pixels(2), pixels(3))))


def test_a_missing_package_is_a_sentence() -> None:
    with pytest.raises(InputError, match=r"package no_such_package, .* pip install 'diffstyle\[evaluation\]'"):
        extra("no_such_package.part")


def test_every_figure_is_described_and_can_be_loaded() -> None:
    small = case(pixels(1), pixels(2), pixels(3), seconds=1.0)
    for metric in registry.METRICS:
        assert metric.about
        assert callable(metric._load(metric.function.partition(":")[2]))  # pyright: ignore[reportPrivateUsage]
        if metric.default and metric.of != "cost":
            assert math.isfinite(metric.of_case(small)), metric.name
    assert [m.name for m in registry.chosen(["ssim", "ssim", "psnr"])] == ["ssim", "psnr"]
    assert len(registry.chosen(["all"])) == len(registry.METRICS)
    with pytest.raises(InputError, match="did you mean lpips"):
        registry.chosen(["lpip"])
