"""What media read from a photo, at one pixel per unit: its tones, contours, detail, and the direction of its forms."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any, TypeAlias

import cv2 as untyped
import numpy as np
import numpy.typing as npt
import torch
from cachetools import LRUCache

from diffstyle.engines.media.canvas import Array, units_of
from diffstyle.engines.media.subject import find_subject
from diffstyle.ops.faces import find_faces
from diffstyle.ops.guided import guided_filter
from diffstyle.ops.lines import blur, contour_lines, flow, gradient
from diffstyle.ops.luma import LUMA

cv2: Any = untyped
Rng: TypeAlias = np.random.Generator
WIDE = 14.0  # units: the blur against which local contrast is measured
_Key: TypeAlias = tuple[bytes, tuple[int, int]]
_FOUND: LRUCache[_Key, Array] = LRUCache(8)  # subjects: one photo is painted in many styles
_FOUND_LOCK = Lock()
_KEPT: LRUCache[_Key, Photo] = LRUCache(2)  # up to 40 MB each: a thumbnail and a draft take turns
_KEPT_LOCK = Lock()


@dataclass(frozen=True)
class Photo:
    """A photo (h, w, 3) in [0, 1], one pixel per unit. Fields are computed when they are first asked for."""

    rgb: Array
    origin: Photo | None = None
    """The photo as it was before its tones were changed: faces and what stands out are found there."""

    @classmethod
    def of(cls, pixels: Array) -> Photo:
        """From pixels (H, W, 3) of any size. The last two are kept, with what was read from them."""
        h, w = units_of(*(int(n) for n in pixels.shape[:2]))
        larger = h * w > pixels.shape[0] * pixels.shape[1]
        order = cv2.INTER_CUBIC if larger else cv2.INTER_AREA
        rgb = np.asarray(cv2.resize(pixels, (w, h), interpolation=order), np.float32).clip(0, 1)
        rgb.setflags(write=False)
        key = hashlib.sha256(rgb.tobytes()).digest(), (h, w)
        with _KEPT_LOCK:
            if key not in _KEPT:
                _KEPT[key] = cls(rgb)
            return _KEPT[key]

    @property
    def shape(self) -> tuple[int, int]:
        """(h, w) in units."""
        return int(self.rgb.shape[0]), int(self.rgb.shape[1])

    @cached_property
    def luma(self) -> Array:
        """(h, w) in [0, 1], as it is."""
        return self.rgb @ np.array(LUMA, np.float32)

    @cached_property
    def tone(self) -> Array:
        """(h, w) in [0, 1]: luma with its range widened, and local contrast raised so that a coarse grain shows it."""
        low, high = (float(v) for v in np.percentile(self.luma, (1, 99)))
        full = (self.luma - low) / max(high - low, 0.25)
        middle = (low + high) / 2
        full += min(max(middle - (0.25 + middle / 2), -0.1), 0.1) if high - low < 0.25 else 0
        wide = 0.75 * full + 0.25 * self.luma
        return (wide + 0.45 * (wide - blur(wide, WIDE))).clip(0, 1)

    @cached_property
    def flat(self) -> Array:
        """(h, w, 3): smooth areas between sharp edges (bilateral filter, Tomasi & Manduchi 1998, twice)."""
        out = self.rgb
        for _ in range(2):
            out = cv2.bilateralFilter(out, 9, 0.14, 4.0)
        return out.clip(0, 1)

    @cached_property
    def gradient(self) -> tuple[Array, Array]:
        """Derivatives of the three channels, down and across, each (h, w, 3)."""
        return gradient(self.rgb)

    @cached_property
    def edges(self) -> Array:
        """(h, w) in [0, 1]: strength of the gradient, 1 at the strongest twentieth."""
        down, across = self.gradient
        strength = np.sqrt((down * down + across * across).sum(2))
        return (strength / max(float(np.percentile(strength, 95)), 0.08)).clip(0, 1)

    @cached_property
    def detail(self) -> Array:
        """(h, w) in [0, 1]: how much there is to see around a pixel."""
        near = blur(self.edges, 5.0) + 0.5 * blur(self.edges, 16.0)
        detail = np.sqrt((near / max(float(np.percentile(near, 98)), 0.1)).clip(0, 1))
        return detail + (1 - detail) * np.float32(0.7) * self.faces

    @cached_property
    def faces(self) -> Array:
        """(h, w) in [0, 1]: 1 on a face, falling softly to 0 around it."""
        return self.origin.faces if self.origin else find_faces(self.rgb)

    @cached_property
    def standing_out(self) -> Array:
        """(h, w): ranks, evenly spread over [0, 1], of what stands out: in colour from the picture's border, in detail,
        as a face, and towards the middle; they change at contours.
        """
        if self.origin:
            return self.origin.standing_out
        h, w = self.shape
        small = max(4, w // 3), max(4, h // 3)
        colours = cv2.resize(self.rgb, small, interpolation=cv2.INTER_AREA)
        lab = cv2.cvtColor(colours, cv2.COLOR_RGB2LAB) / np.float32(100)
        y, x = (np.linspace(-1, 1, n, dtype=np.float32) for n in lab.shape[:2])
        off = y[:, None] ** 2 + x[None] ** 2
        border = lab[np.maximum(np.abs(y)[:, None], np.abs(x)[None]) > 0.86]
        apart = np.sqrt(np.square(lab - np.median(border, 0)).sum(2))
        detail, faces = (cv2.resize(f, small, interpolation=cv2.INTER_AREA) for f in (self.detail, self.faces))
        field = 0.6 * apart / max(float(np.percentile(apart, 95)), 0.1) + 0.5 * detail + faces - 0.45 * off
        field = blur(field.astype(np.float32), 4.0)
        guide = cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY)
        values, by = (torch.from_numpy(np.ascontiguousarray(f))[None, None] for f in (field, guide))
        field = guided_filter(values, by, radius=14, epsilon=4e-3, shrink=2)[0, 0].numpy()
        return evened(cv2.resize(field - 1e-3 * off, (w, h), interpolation=cv2.INTER_LINEAR))

    @cached_property
    def subject(self) -> Array:
        """(h, w) in [0, 1]: 1 on what the photo is of, with soft edges at its silhouette."""
        if self.origin:
            return self.origin.subject
        key = hashlib.sha256(self.rgb.tobytes()).digest(), self.shape
        with _FOUND_LOCK:
            found = _FOUND.get(key)
        if found is None:
            found = find_subject(self.rgb, self.standing_out, self.faces)
            found.setflags(write=False)
            with _FOUND_LOCK:
                _FOUND[key] = found
        return found

    @cached_property
    def flow(self) -> Array:
        """(h, w): the angle of the contours, spread from strong edges into flat areas."""
        return flow(*self.gradient)


def evened(field: Array) -> Array:
    """A field with its values replaced by their ranks: evenly spread over [0, 1]."""
    edges = np.quantile(field, np.linspace(0, 1, 257))
    return np.interp(field, edges, np.linspace(0, 1, 257)).astype(np.float32)


def contours(photo: Photo, width: float, *, sensitivity: float = 1.0, light: bool = False) -> Array:
    """(h, w): above 0.5 on lines about `width` units wide on the dark, or the `light`, side of contours."""
    tone = 1 - photo.luma if light else photo.luma
    return contour_lines(tone, photo.flow, width, sensitivity=sensitivity)


def spread(radius: Array, rng: Rng, *, first: npt.NDArray[np.intp] | None = None, tries: int = 40_000) -> Array:
    """(n, 2) points y, x, no two nearer than `radius` (h, w) there (dart throwing with a variable radius).

    `first` (k, 2) are places that are tried before random ones.
    """
    h, w = radius.shape
    taken = np.zeros((h, w), np.uint8)
    chance = 1 / np.square(radius).ravel()
    ends = np.cumsum(chance)
    places = np.asarray(np.searchsorted(ends, rng.random(tries) * ends[-1]), np.intp).clip(0, h * w - 1)
    darts = np.stack([places // w, places % w], 1)
    darts = darts if first is None else np.concatenate([first, darts])
    found: list[tuple[int, int]] = []
    circle = cv2.circle
    for y, x in darts.tolist():
        if not taken[y, x]:
            found.append((y, x))
            circle(taken, (x, y), int(radius[y, x]), 1, -1)
    points = np.array(found, np.float32)
    return (points + rng.random(points.shape, np.float32)).astype(np.float32)


def means(photo: Array, labels: npt.NDArray[np.intp], count: int) -> Array:
    """(count, 3): the mean colour of each label of (h, w)."""
    flat = labels.ravel()
    sizes = np.maximum(np.bincount(flat, minlength=count), 1)
    return np.stack([np.bincount(flat, photo[..., c].ravel(), count) / sizes for c in range(3)], 1).astype(np.float32)
