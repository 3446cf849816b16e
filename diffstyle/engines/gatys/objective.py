"""The style loss of Gatys et al. 2016: squared differences of Gram matrices."""

from __future__ import annotations

import torch
from torch import Tensor

from diffstyle.engines.optimised.descent import Loss
from diffstyle.engines.optimised.scene import Scene
from diffstyle.engines.optimised.statistics import Distance, Guide, Samples, statistics_loss
from diffstyle.ops.gram import gram, gram_distance


def objective(scene: Scene) -> Loss:
    """Gram matrices in every layer."""
    return statistics_loss(scene, _measure)


def _measure(samples: Samples, literature: bool) -> Distance:
    """To the mean of the Gram matrices of samples, which has the gradient of the weighted sum of their losses.

    In the scale of the literature it is the mean square over all pairs of channels, over the squared number of channels
    (the weights of Gatys's own PyTorch release). Otherwise it is relative to the target's mean square, and features are
    taken less the style's mean (activation shift of Novak and Nikulin 2016): of maps that are positive nearly
    everywhere, Gram matrices hold little but the means.
    """
    if literature:
        shift = None
        target = torch.stack([share * gram(m, guide) for m, share, guide in samples.maps]).sum(0)
        scale = 1 / target.shape[1] ** 2
    else:
        shift = torch.stack([share * _mean(m, guide) for m, share, guide in samples.maps]).sum(0)
        target = torch.stack([share * gram(m - shift, guide) for m, share, guide in samples.maps]).sum(0)
        scale = 1 / max(float(target.square().mean()), 1e-8)

    def distance(found: Tensor, guide: Guide) -> Tensor:
        return scale * gram_distance(found if shift is None else found - shift, target, guide)

    return distance


def _mean(maps: Tensor, guide: Guide) -> Tensor:
    """(1, c, 1, 1) over the part that a guide marks."""
    weight = torch.ones_like(maps[:, :1]) if guide is None else guide
    return (maps * weight).sum((2, 3), keepdim=True) / weight.sum().clamp_min(1e-6)
