"""SSIM, the structural similarity of a result to its photo."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from diffstyle.evaluation.case import Case
from diffstyle.evaluation.measures import LUMA, Array


def ssim(case: Case) -> float:
    """SSIM of the result's luma to the photo's, 1 if both are equal."""
    return structural_similarity(case.photo.array @ LUMA, case.out.array @ LUMA)


def structural_similarity(a: Array, b: Array) -> float:
    """Mean SSIM of two lightness maps (h, w) in [0, 1], in a Gaussian window of 11 pixels with deviation 1.5.

    SSIM = (2 μaμb + C1)(2 σab + C2) / ((μa² + μb² + C1)(σa² + σb² + C2)), with C1 = 0.01² and C2 = 0.03² (Wang et al.
    2004, "Image quality assessment: from error visibility to structural similarity", equation 13). scikit-image's
    implementation with the paper's settings.
    """
    from skimage import metrics

    found = cast("Any", metrics).structural_similarity(
        a.astype(np.float64),
        b.astype(np.float64),
        data_range=1.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    return float(found)
