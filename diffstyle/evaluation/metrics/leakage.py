"""Content leakage: how much of what the style picture shows appears in the result."""

from __future__ import annotations

from diffstyle.evaluation.case import Case
from diffstyle.evaluation.metrics.lite import similarity


def leakage(case: Case) -> float:
    """0 for the photo itself, towards 1 as the style picture's things appear in its places.

    (s(out, style) - s(photo, style)) / (1 - s(photo, style)), not below 0, where s is the centred cosine of deep
    features place by place, that of `content-lite`. What the literature calls content leakage (Wang et al. 2024,
    "InstantStyle") is judged there by eye or by CLIP; this measures the plain case, in which the style picture's layout
    shows through. Things that moved are not seen.
    """
    found, before = similarity(case.style, case.out), similarity(case.style, case.photo)
    return max(0.0, (found - before) / max(1 - before, 1e-6))
