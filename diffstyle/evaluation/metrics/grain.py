"""Grain: noise where the photo is flat."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from diffstyle.evaluation.case import Case
from diffstyle.ops.luma import luma

FLATTEST, CALMEST = 0.2, 0.1  # shares of the photo, and of the style
FLOOR = 2e-3  # of the style's own grain; less cannot be seen


def grain(case: Case) -> float:
    """High-frequency energy of the result where the photo is flat, over that of the style where that is flattest.

    Energy is |y - box3(y)|, averaged over windows of 9 pixels, y luma; flat is the fifth of the windows of 17 pixels in
    which the photo's luma varies least. 1 is the style's own grain; above about 2, skies look mottled. Our own figure.
    """
    photo, style, out = (luma(v.pixels[None]) for v in (case.photo, case.style, case.out))
    flat = _activity(photo) <= _activity(photo).quantile(FLATTEST)
    calm = _energy(style)[_activity(style) <= _activity(style).quantile(CALMEST)].mean()
    return float(_energy(out)[flat].mean() / calm.clamp_min(FLOOR))


def _energy(y: Tensor) -> Tensor:
    fine = (y - F.avg_pool2d(y, 3, 1, 1, count_include_pad=False)).abs()
    return F.avg_pool2d(fine, 9, 4, 4, count_include_pad=False).flatten()


def _activity(y: Tensor) -> Tensor:
    mean, square = (F.avg_pool2d(x, 17, 4, 8, count_include_pad=False) for x in (y, y * y))
    return (square - mean * mean).clamp_min(0).sqrt().flatten()
