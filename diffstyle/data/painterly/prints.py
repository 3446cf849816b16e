"""Japanese woodblock prints: flat planes in the colours of the period, key lines, and the grain of the block.

Lengths are in pixels of a picture whose longest side is `washes.UNITS`.
"""

from __future__ import annotations

from typing import Any

import cv2 as untyped
import numpy as np

from diffstyle.ops.lab import to_lab
from diffstyle.ops.lines import Array, along, blur, contour_lines, flow, gradient, noise
from diffstyle.ops.luma import LUMA

cv2: Any = untyped
PIGMENTS = np.array(
    (
        *((32, 40, 66), (44, 72, 118), (84, 124, 166), (152, 188, 200), (246, 237, 213), (234, 214, 172)),
        *((218, 172, 98), (172, 120, 76), (100, 70, 58), (136, 158, 116), (60, 98, 92), (198, 88, 62)),
        *((228, 176, 146), (152, 166, 170), (216, 214, 198), (88, 106, 130)),
    ),
    np.float32,
) / np.float32(255)
"""Indigo, Prussian blue, ochre, vermilion, greens and greys, thinned with paste and on paper."""
KEY = np.array((0.1, 0.12, 0.2), np.float32)  # the ink of the key block


def ukiyo_e(photo: Array, rng: np.random.Generator, subject: Array) -> Array:
    """Flat planes of pigment with a graded sky (bokashi), under lines of the key block firmer on the subject."""
    h, w = (int(n) for n in photo.shape[:2])
    planes = _planes(photo, subject)
    row = np.linspace(0, h / max(h, w), h, dtype=np.float32)[:, None]
    calm = 1 - (9 * blur(np.abs(planes - blur(planes, 3.0)).mean(2), 6.0)).clip(0, 1)
    graded = 0.85 * ((0.2 - row) / 0.2).clip(0, 1) ** 1.4 * calm * (1 - subject)
    light = ((planes.mean(2) - 0.35) * 2.5).clip(0, 1)
    planes = planes + (PIGMENTS[1] - planes) * (graded * light)[..., None]
    tone = photo @ np.array(LUMA, np.float32)
    angle = flow(*gradient(photo))
    fine = contour_lines(tone, angle, 1.1, sensitivity=1.5)
    bold = contour_lines(tone, angle, 2.2, sensitivity=1.3)
    lines = np.maximum((fine - 0.55) * (0.35 + 0.65 * subject), (bold - 0.55) * (0.7 + 0.3 * subject)).clip(0, 1)
    lines = np.maximum((4.5 * lines).clip(0, 1), _silhouette(subject, planes))
    block = along(noise((h, w), 0.7, rng), np.zeros((h, w), np.float32) + 0.04, 60.0)
    worn = 1 + 0.022 * block / np.float32(block.std() + 1e-6) + 0.012 * noise((h, w), 2.2, rng)
    printed = planes * worn[..., None]
    return (printed + (KEY - printed) * (0.92 * lines)[..., None]).clip(0, 1).astype(np.float32)


def _planes(photo: Array, subject: Array) -> Array:
    """(h, w, 3): each place in the pigment nearest to its colour, with a little of the colour itself."""
    smooth = photo
    for deviation in (3.0, 4.0, 6.0):
        smooth = cv2.bilateralFilter(smooth, 11, 0.09, deviation)
    smooth = smooth + (blur(smooth, 2.5) - smooth) * (0.8 * (1 - subject))[..., None]
    lab = to_lab(np.asarray(smooth, np.float32))
    low, high = np.percentile(lab[..., 0], (2, 98))
    tone = ((lab[..., 0] - low) / max(float(high - low), 20.0)).clip(0, 1)
    lab[..., 0] = 20 + 75 * tone ** np.float32(0.85 - 0.2 * (1 - subject))
    wanted = lab.reshape(-1, 3) * np.array((1, 1.15, 1.15), np.float32)
    pigments = to_lab(PIGMENTS)
    apart = np.square(wanted).sum(1)[:, None] - 2 * wanted @ pigments.T + np.square(pigments).sum(1)
    share = np.exp(-(apart - apart.min(1, keepdims=True)) / np.float32(40))
    flat = (share @ PIGMENTS / share.sum(1, keepdims=True)).reshape(photo.shape)
    return np.asarray(blur(np.asarray(0.85 * flat + 0.15 * smooth, np.float32), 0.7), np.float32)


def _silhouette(subject: Array, planes: Array) -> Array:
    """(h, w): a line around the subject, where the planes on both sides do differ."""
    edge = 4 * subject * (1 - subject)
    down, across = gradient(blur(planes, 1.5))
    return ((edge - 0.35) * 1.4).clip(0, 1) * (3 * np.sqrt((down**2 + across**2).sum(2))).clip(0, 1)
