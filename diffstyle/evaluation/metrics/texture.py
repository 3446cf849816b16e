"""Texture distance: how far the result's small patches are from the style's."""

from __future__ import annotations

from diffstyle.evaluation.case import Case
from diffstyle.evaluation.measures import texture_distance


def texture(case: Case) -> float:
    """1 as far as the photo's patches, 0 the style's own; a mere colour transfer scores 1.

    SW(out, style) / SW(photo, style) over mean-free 7x7 patches of luma that were matched in contrast, at three scales
    (Rabin et al. 2011; patches as in Elnekave & Weiss 2022, "Generating natural images with direct patch distributions
    matching"). This is the figure by which the project was misled: an engine that is fitted to patch statistics scores
    well and looks worse.
    """
    style = case.style.array
    return texture_distance(case.out.array, style) / max(texture_distance(case.photo.array, style), 1e-6)
