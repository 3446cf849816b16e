"""The mask of a photo's subject: what a network takes for it, cut out along the edges in the photo."""

from __future__ import annotations

import hashlib
from threading import Lock
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from cachetools import LRUCache
from torch import Tensor
from torch.nn import functional as F

from diffstyle.core.mask import Mask
from diffstyle.core.picture import Picture
from diffstyle.encoders.saliency import subject_likelihood
from diffstyle.ops.guided import guided_filter
from diffstyle.ops.luma import luma

CUT_SIDE = 448  # longest side on which the edge is cut
LIKELY = 0.45  # from here on a place is taken for the subject
CLEAR = 0.7  # of the highest likelihood: an area that nowhere reaches this is not of the subject
SURE = 0.55  # from here on it is not doubted, but for the band around the edge
BAND = 0.025  # of the longest side: half the width of that band, in which GrabCut decides
ROUNDS = 3  # of GrabCut
SNAP = 0.006  # of the longest side: the radius in which the edge moves to that of the photo
CONTRAST = 1.25  # of the mask around 0.5, against the haze of the filter
_SEED = 7
_CUT: LRUCache[tuple[bytes, tuple[int, int]], npt.NDArray[np.float32]] = LRUCache(16)
_LOCK = Lock()


def foreground(picture: Picture) -> Mask:
    """Where the subject of a photo is, at the photo's size; empty where the network finds none.

    U²-Net (Qin et al. 2020) says where it is; near its edge GrabCut (Rother et al. 2004) decides by colour, and a
    guided filter (He et al. 2013) moves the edge to that in the photo. What was found in the last photos is kept.
    """
    photo = Picture(picture.opaque())
    key = hashlib.sha256(photo.pixels.contiguous().numpy().tobytes()).digest(), photo.size
    with _LOCK:
        inside = _CUT.get(key)
    if inside is None:
        inside = _cut(photo)
        with _LOCK:
            _CUT[key] = inside
    return Mask(_snapped(torch.from_numpy(inside), photo), "foreground")


def _cut(photo: Picture) -> npt.NDArray[np.float32]:
    """The subject at CUT_SIDE: (h, w), 0 or 1."""
    scale = min(1.0, CUT_SIDE / max(photo.size))
    width, height = (max(16, round(side * scale)) for side in photo.size)
    small = photo.resized((width, height)).to_array()
    likelihood = subject_likelihood(photo.pixels)[None, None]
    likely = F.interpolate(likelihood, (height, width), mode="bilinear", align_corners=False)[0, 0].numpy()
    return _grabbed(small, likely, _clear(likely)) if (likely > LIKELY).any() else np.zeros_like(likely)


def _clear(likely: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """(h, w): the connected areas of what is likely in which some place is clearly of the subject."""
    from scipy import ndimage

    areas, _ = cast("Any", ndimage).label(likely > LIKELY)
    clear = np.unique(areas[likely > max(LIKELY, CLEAR * float(likely.max()))])
    return np.isin(areas, clear[clear > 0])


def _grabbed(
    small: npt.NDArray[np.uint8], likely: npt.NDArray[np.float32], inside: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float32]:
    """(h, w), 0 or 1: `inside`, its edge by the colours of `small` (h, w, 3)."""
    import cv2 as untyped

    cv2: Any = untyped
    reach = max(2.0, BAND * max(likely.shape))

    def depth(area: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
        return cv2.distanceTransform(area.astype(np.uint8), cv2.DIST_L2, 3)

    labels = np.full(inside.shape, cv2.GC_PR_BGD, np.uint8)
    labels[inside] = cv2.GC_PR_FGD
    labels[inside & (likely > SURE) & (depth(inside) > reach)] = cv2.GC_FGD
    labels[depth(~inside) > reach] = cv2.GC_BGD
    cv2.setRNGSeed(_SEED)  # its clusters begin at random
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(small[..., ::-1].copy(), labels, None, *models, ROUNDS, cv2.GC_INIT_WITH_MASK)
    return np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)


def _snapped(inside: Tensor, picture: Picture) -> Tensor:
    """A mask (h, w) at the size of `picture`, (1, H, W), its edges on those of the photo."""
    width, height = picture.size
    values = F.interpolate(inside[None, None], (height, width), mode="bilinear", align_corners=False)
    radius = max(3, round(SNAP * max(picture.size)))
    guide = luma(picture.pixels)[None]
    snapped = guided_filter(values, guide, radius=radius, epsilon=1e-3, shrink=max(1, radius // 4))[0]
    return ((snapped - 0.5) * CONTRAST + 0.5).clamp(0, 1)
