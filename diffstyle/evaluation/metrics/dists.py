"""DISTS, the distance of structure and texture of a result to its photo."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import torch

from diffstyle.evaluation.case import Case
from diffstyle.evaluation.metrics.extra import extra
from diffstyle.evaluation.metrics.weights import VGG16, check

if TYPE_CHECKING:
    from torch import nn


def dists(case: Case) -> float:
    """DISTS of the result to the photo: 0 for the photo itself, at most 1.

    D = 1 - Σ_l Σ_c (α_lc l(x̃, ỹ) + β_lc s(x̃, ỹ)), where x̃ and ỹ are channel c of layer l of VGG-16, l compares their
    means and s their correlation, as SSIM does (Ding et al. 2020, "Image quality assessment: unifying structure and
    texture similarity"). InputError if torchmetrics or the network's weights are missing.
    """
    check_dists()
    with torch.inference_mode():
        return float(_network()(case.out.pixels[None], case.photo.pixels[None]))


def check_dists() -> None:
    """InputError with what to do if something that `dists` needs is missing."""
    extra("torchmetrics")
    check(VGG16, "DISTS")


@lru_cache(maxsize=1)
def _network() -> nn.Module:
    """torchmetrics' network, which reads VGG-16 from torch's cache of downloads."""
    functional: Any = extra("torchmetrics.functional.image.dists")
    return functional.DISTSNetwork().eval()
