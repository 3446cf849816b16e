"""Texture distance: how far the result's small patches are from the style's."""

from __future__ import annotations

from diffstyle.evaluation.case import Case
from diffstyle.evaluation.measures import texture_ratio


def texture(case: Case) -> float:
    """Distance of patches to the style's, relative to the photo's: 1 for the photo or a pure colour transfer.

    SW(out, style) / SW(photo, style) over mean-free 7x7 patches of luma that were matched in contrast, at three scales
    (Rabin et al. 2011; patches as in Elnekave & Weiss 2022, "Generating natural images with direct patch distributions
    matching"). An engine that optimises patch statistics scores well and looks worse: see docs/measures.md.
    """
    return texture_ratio(case.photo.array, case.style.array, case.out.array)
