"""LPIPS, the learned perceptual distance of a result to its photo."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from diffstyle.evaluation.case import Case
from diffstyle.evaluation.metrics.extra import extra
from diffstyle.evaluation.metrics.weights import ALEXNET, SQUEEZENET, check

if TYPE_CHECKING:
    from torch import nn

Net = Literal["alex", "squeeze"]


def lpips(case: Case) -> float:
    """LPIPS of the result to the photo on AlexNet, as most papers give it: 0 for the photo, about 0.7 for noise."""
    return float(perceptual_distance(case.photo.pixels[None], case.out.pixels[None], net="alex"))


def lpips_squeeze(case: Case) -> float:
    """LPIPS on SqueezeNet 1.1, whose weights are small; not comparable with figures on AlexNet."""
    return float(perceptual_distance(case.photo.pixels[None], case.out.pixels[None], net="squeeze"))


def perceptual_distance(a: Tensor, b: Tensor, *, net: Net) -> Tensor:
    """LPIPS of pictures (1, 3, h, w) in [0, 1], the same result as the `lpips` package's.

    d = Σ_l mean_x Σ_c w_lc (â_lcx - b̂_lcx)², where â are the features of layer l divided by their length at each place
    and w are weights that were fitted to human judgements (Zhang et al. 2018, "The unreasonable effectiveness of deep
    features as a perceptual metric", equation 1). InputError if torchmetrics or the network's weights are missing.
    """
    check_lpips() if net == "alex" else check_lpips_squeeze()
    with torch.no_grad():
        return _network(net)(a, b, normalize=True).flatten()[0]


def check_lpips() -> None:
    """InputError with what to do if something that `lpips` needs is missing."""
    extra("torchmetrics")
    check(ALEXNET, "LPIPS")


def check_lpips_squeeze() -> None:
    """InputError with what to do if something that `lpips_squeeze` needs is missing."""
    extra("torchmetrics")
    check(SQUEEZENET, "LPIPS on SqueezeNet")


@lru_cache(maxsize=2)
def _network(net: Net) -> nn.Module:
    """torchmetrics' network, which reads the backbone's weights from torch's cache of downloads."""
    functional: Any = extra("torchmetrics.functional.image.lpips")
    return functional._NoTrainLpips(net=net)
