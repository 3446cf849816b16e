"""Colour distance: how far the result's colours are from the style's."""

from __future__ import annotations

from diffstyle.evaluation.case import Case
from diffstyle.evaluation.measures import colour_distance


def colour(case: Case) -> float:
    """1 as far as the photo's colours, 0 the style's own.

    SW(out, style) / SW(photo, style), where SW is the sliced Wasserstein distance of the colours of single pixels in a
    luma and chroma space (Rabin et al. 2011, "Wasserstein barycenter and its application to texture mixing").
    """
    style = case.style.array
    return colour_distance(case.out.array, style) / max(colour_distance(case.photo.array, style), 1e-6)
