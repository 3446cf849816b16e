"""`keep_faces`: holds the photo's features and tones in faces, so that people stay who they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from diffstyle.controls.wrapper import Wrapper
from diffstyle.core.picture import Picture, fitted
from diffstyle.core.task import ResolvedTask
from diffstyle.engines.base import OnStep
from diffstyle.ops.faces import find_faces
from diffstyle.ops.guided import guided_filter
from diffstyle.ops.luma import luma

SEEN = 640  # pixels, the longest side at which faces are looked for
FEATURES = 1 / 24  # of the longer side: detail finer than this is that of eyes and mouths


class KeepFaces(Wrapper):
    """In faces, the painting takes the detail of the photo's lightness in the place of its own, and keeps its colours.

    Nothing changes where no face is found.
    """

    def render(self, task: ResolvedTask, on_step: OnStep | None = None) -> Picture:
        painted = self.engine.render(task, on_step)
        share = task.keep_faces * min(1.0, 2 * task.strength)
        if share == 0:
            return painted
        faces = faces_in(task.content)
        if not bool(faces.any()):
            return replace(painted, notes=(*painted.notes, "No face was found to keep."))
        return replace(painted, pixels=with_features(painted.pixels, task.content.pixels, share * faces))


def faces_in(photo: Picture) -> Tensor:
    """(1, H, W) in [0, 1]: 1 in the faces of `photo`, with soft edges."""
    small = photo.resized(fitted(photo.size, min(SEEN, max(photo.size))))
    pixels = np.ascontiguousarray(small.opaque().permute(1, 2, 0).numpy())
    found = torch.from_numpy(find_faces(pixels))[None, None]
    size = (photo.height, photo.width)
    return torch.nn.functional.interpolate(found, size, mode="bilinear", align_corners=False)[0]


def with_features(painted: Tensor, photo: Tensor, share: Tensor) -> Tensor:
    """(3, H, W): `painted` with the detail of the photo's luma, by `share` (1, H, W)."""
    radius = max(2, round(max(painted.shape[1:]) * FEATURES / 2))

    def detail(pixels: Tensor) -> Tensor:
        y = luma(pixels)[None]
        return (y - guided_filter(y, y, radius=radius, epsilon=0.05))[0]

    return (painted + share * (detail(photo) - detail(painted))).clamp(0, 1)
