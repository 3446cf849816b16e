"""Colour distance: how far the result's colours are from the style's."""

from __future__ import annotations

from diffstyle.evaluation.case import Case
from diffstyle.evaluation.measures import colour_ratio


def colour(case: Case) -> float:
    """Distance of colours to the style's, relative to the photo's: 1 for the photo itself, 0 for the style.

    SW(out, style) / SW(photo, style), where SW is the sliced Wasserstein distance of the colours of single pixels in a
    luma and chroma space (Rabin et al. 2011, "Wasserstein barycenter and its application to texture mixing").
    """
    return colour_ratio(case.photo.array, case.style.array, case.out.array)
