"""PSNR, the peak signal-to-noise ratio of a result against its photo."""

from __future__ import annotations

import math

import numpy as np

from diffstyle.evaluation.case import Case
from diffstyle.evaluation.measures import Array


def psnr(case: Case) -> float:
    """PSNR of the result against the photo in dB, higher is nearer; infinite for the photo itself."""
    return peak_signal_to_noise(case.photo.array, case.out.array)


def peak_signal_to_noise(a: Array, b: Array) -> float:
    """PSNR = -10 log10 mean (a - b)² for arrays of one shape in [0, 1]: two that differ by 0.1 everywhere have 20 dB.

    scikit-image's `peak_signal_noise_ratio`; infinite where both are equal, which it warns of.
    """
    from skimage.metrics import peak_signal_noise_ratio  # pyright: ignore[reportUnknownVariableType]

    if np.array_equal(a, b):
        return math.inf
    return float(peak_signal_noise_ratio(a.astype(np.float64), b.astype(np.float64), data_range=1.0))
