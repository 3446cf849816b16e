"""Figures computed from features of EfficientNet-Lite0, whose weights ship with diffstyle.

Their names end in `-lite`: they follow published figures on another network, so their values are not comparable with
published ones. They favour engines that optimise or match these features, as the painter and the classics do: use them
to compare settings of one engine, not different engines.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.encoders.features import EfficientNetLite0, FeatureNet
from diffstyle.evaluation.case import Case, View
from diffstyle.ops.gaussian_wasserstein import FeatureMoments, feature_moments, gaussian_distance, square_root

STYLE_LAYERS = ("stem", "block2", "block4", "block6")
CONTENT_LAYER = "block6"


def lpips_lite(case: Case) -> float:
    """LPIPS' formula on six layers of EfficientNet-Lite0, all channels alike: 0 for the photo itself.

    d = mean_l mean_x Σ_c (â_lcx - b̂_lcx)², with â the features at a place divided by their length (Zhang et al. 2018,
    equation 1 with w = 1).
    """
    a, b = features(case.photo), features(case.out)
    layers = [(F.normalize(a[name], dim=1) - F.normalize(b[name], dim=1)).square().sum(1).mean() for name in a]
    return float(torch.stack(layers).mean())


def style_lite(case: Case) -> float:
    """How far the result's features are from the style's: 1 as far as the photo's, 0 the style's own.

    mean_l W(out, style) / W(photo, style), where W is the 2-Wasserstein distance of the features of a layer, described
    as Gaussians over places (Olkin & Pukelsheim 1982; as a style loss in crowsonkb's style-transfer-pytorch).
    """
    found, photo, style = (_moments(v) for v in (case.out, case.photo, case.style))
    ratios: list[float] = []
    for name in STYLE_LAYERS:
        root = square_root(style[name].covariance)
        a, b = (float(gaussian_distance(m[name], style[name], root)) for m in (found, photo))
        ratios.append((max(a, 0.0) / max(b, 1e-9)) ** 0.5)
    return sum(ratios) / len(ratios)


def content_lite(case: Case) -> float:
    """How far the same things are in the same places: 1 for the photo itself, about 0 for an unrelated picture.

    The cosine of the features of block 6 with the photo's, place by place, after subtracting the mean of each
    picture; mean over places.
    """
    return similarity(case.photo, case.out)


def similarity(a: View, b: View) -> float:
    """`content_lite` of any two views; features of `b` are resized to those of `a`."""
    one, other = (features(v)[CONTENT_LAYER] for v in (a, b))
    if one.shape != other.shape:
        other = F.interpolate(other, one.shape[2:], mode="bilinear", align_corners=False)
    one, other = (x - x.mean((2, 3), keepdim=True) for x in (one, other))
    return float(F.cosine_similarity(one, other, dim=1).mean())


def features(view: View) -> dict[str, Tensor]:
    """Maps (1, c, h, w) by layer name."""

    def run() -> dict[str, Tensor]:
        with torch.inference_mode():
            return _network()(view.pixels[None])

    return view.kept("lite", run)


def _moments(view: View) -> dict[str, FeatureMoments]:
    def run() -> dict[str, FeatureMoments]:
        return {name: feature_moments(features(view)[name].double()) for name in STYLE_LAYERS}

    return view.kept("lite-moments", run)


@lru_cache(maxsize=1)
def _network() -> FeatureNet:
    return EfficientNetLite0.load()
