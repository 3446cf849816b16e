"""ArtFID, one figure of content and style."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from diffstyle.evaluation.case import Case
from diffstyle.evaluation.metrics.fid import check_fid, embed, fid
from diffstyle.evaluation.metrics.lpips import check_lpips, lpips

Embedded = tuple[float, tuple[Tensor, Tensor]]


def artfid(embedded: Sequence[Embedded]) -> float:
    """ArtFID = (1 + mean LPIPS to the photos) (1 + FID to the styles), lower is better (Wright & Ommer 2022, "ArtFID:
    quantitative evaluation of neural style transfer"). LPIPS is that on AlexNet, as in StyleID's evaluation.
    """
    content = sum(distance for distance, _ in embedded) / len(embedded)
    return (1 + content) * (1 + fid([pair for _, pair in embedded]))


def embed_artfid(case: Case) -> Embedded:
    """LPIPS of the result to the photo, and the embeddings that FID compares."""
    return lpips(case), embed(case)


def check_artfid() -> None:
    """InputError with what to do if one of both needs something that is missing."""
    check_lpips()
    check_fid()
