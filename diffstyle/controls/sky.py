"""Where the sky is, by rule: large, smooth, bright or blue, and connected to the top edge."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt

SMOOTH = (3.0, 2.0, 1.3)  # mean local gradients in CIELAB, the first of which that keeps the sky off the ground
CALM = 1.5  # pixels over which the gradient is averaged
WIDTH = 0.12  # the part of the top edge that an area must touch
FLOOR = 0.1  # the part of the bottom edge that a sky may touch
LIGHT, BLUE, DEEP = 45.0, -4.0, -20.0  # L* from which an area is bright; b* up to which it is blue, and deep blue
BRIGHTER, DARKER = 8.0, 4.0  # in L*, than the rest: how much a bright sky must be, how much a blue one may be
SMALLEST = 0.02  # the part of the picture

Bools = npt.NDArray[np.bool_]


def likely_sky(picture: npt.NDArray[np.uint8]) -> Bools:
    """(H, W): where a photo (H, W, 3), at most a few hundred pixels a side, is probably sky; nowhere if it has none.

    An area is taken for sky if its texture is low, if it touches enough of the top edge and little of the bottom edge,
    and if it is bright or blue compared with the rest. Night skies and dark clouds are missed; a bright wall up to the
    top edge, or a light backdrop, is taken for sky.
    """
    from scipy import ndimage
    from skimage import color

    filtering = cast("Any", ndimage)
    lab = cast("Any", color).rgb2lab(picture)
    gradient = sum(filtering.gaussian_gradient_magnitude(lab[..., c], 1) for c in range(3))
    texture = filtering.gaussian_filter(gradient, CALM)
    for limit in SMOOTH:
        smooth = texture < limit
        labels, _ = filtering.label(smooth)
        sky = np.zeros(smooth.shape, bool)
        for n in np.unique(labels[0][smooth[0]]):
            area = labels == n
            if area[0].mean() >= WIDTH and _bright_or_blue(lab, area):
                sky |= area
        if sky.mean() >= SMALLEST and sky[-1].mean() <= FLOOR:
            return cast("Bools", filtering.binary_fill_holes(sky))
    return np.zeros(picture.shape[:2], bool)


def _bright_or_blue(lab: npt.NDArray[np.float64], area: Bools) -> bool:
    """Whether an area has the lightness and hue of a sky, given those of the rest."""
    lightness, _, blue = (float(v) for v in lab[area].mean(0))
    rest = float(lab[~area][:, 0].mean()) if not area.all() else lightness
    bright = lightness > LIGHT and lightness > rest + BRIGHTER
    return bright or (blue < BLUE and lightness > rest - DARKER) or (blue < DEEP and lightness > rest - 5 * DARKER)
