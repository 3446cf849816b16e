"""The style loss of Gaussian statistics: mean and covariance of features, compared by optimal transport."""

from __future__ import annotations

import torch
from torch import Tensor

from diffstyle.engines.optimised.descent import Loss
from diffstyle.engines.optimised.scene import Scene
from diffstyle.engines.optimised.statistics import Distance, Guide, Samples, statistics_loss
from diffstyle.ops.gaussian_wasserstein import FeatureMoments, feature_moments, gaussian_distance, square_root


def objective(scene: Scene) -> Loss:
    """The 2-Wasserstein distance in every layer."""
    return statistics_loss(scene, _measure)


def _measure(samples: Samples, literature: bool) -> Distance:
    """To the mean moments of samples, over the mean square of their features.

    Means and covariances are mixed each by itself: the covariance between one sample and the next belongs to none.
    """
    del literature  # as in crowsonkb's style-transfer-pytorch, relative on every network
    moments = [(feature_moments(m, guide), share) for m, share, guide in samples.maps]
    mean = torch.stack([share * m.mean for m, share in moments]).sum(0)
    covariance = torch.stack([share * m.covariance for m, share in moments]).sum(0)
    target, root = FeatureMoments(mean, covariance), square_root(covariance)
    scale = 1 / max(float(covariance.diagonal(dim1=1, dim2=2).sum()), 1e-6)

    def distance(found: Tensor, guide: Guide) -> Tensor:
        return scale * gaussian_distance(feature_moments(found, guide), target, root)

    return distance
