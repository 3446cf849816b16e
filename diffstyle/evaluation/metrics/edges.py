"""Edge correlation: how far the edges of the photo are where they were."""

from __future__ import annotations

from diffstyle.evaluation.case import Case
from diffstyle.evaluation.measures import structure


def edges(case: Case) -> float:
    """Pearson correlation of blurred gradient lengths of luma with the photo's, mean of two scales: 1 if every edge is
    kept, 0 where there are none.
    """
    return structure(case.out.array, case.photo.array)
