"""CFSD, the distance of the self-similarity of a result to that of its photo."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.encoders.features import FeatureNet
from diffstyle.encoders.imagenet_features import feature_net
from diffstyle.evaluation.case import Case, View

LAYER = "relu3_1"
_ROWS = 1024  # of the similarity matrix in one batch


def cfsd(case: Case) -> float:
    """CFSD of the result to the photo: 0 for the photo itself.

    With F the features (n places, c channels) of layer relu3_1 of VGG-19, divided by c, and P = softmax(F Fᵀ) by row,
    CFSD = Σ_i KL(P_i of the photo ‖ P_i of the result) (Chung et al. 2024, "Style injection in diffusion", StyleID's
    content feature structural distance). The sum over places grows with the size of the pictures: compare figures at
    the same size only. InputError if VGG-19 is missing.
    """
    return structural_distance(_features(case.photo), _features(case.out))


def structural_distance(reference: Tensor, found: Tensor) -> float:
    """`cfsd` of feature maps (c, h, w)."""
    a, b = (x.flatten(1).T / x.shape[0] for x in (reference, found))  # (n, c)
    total = 0.0
    for n in range(0, len(a), _ROWS):
        wanted, got = (F.log_softmax(x[n : n + _ROWS] @ x.T, 1) for x in (a, b))
        total += float((wanted.exp() * (wanted - got)).sum(dtype=torch.float64))
    return total


def check_cfsd() -> None:
    """InputError with what to do if VGG-19 is missing."""
    _network()


def _features(view: View) -> Tensor:
    def run() -> Tensor:
        with torch.inference_mode():
            return _network()(view.pixels[None], only=(LAYER,))[LAYER][0].float()

    return view.kept("cfsd", run)


@lru_cache(maxsize=1)
def _network() -> FeatureNet:
    return feature_net("vgg19")
