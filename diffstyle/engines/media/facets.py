"""Cells of one colour: low-poly, stained glass, mosaic."""

from __future__ import annotations

from typing import Any, cast

import cv2 as untyped
import numpy as np
import numpy.typing as npt
from scipy import ndimage as untyped_ndimage
from scipy.spatial import Delaunay, KDTree
from skimage import segmentation as untyped_segmentation

from diffstyle.engines.media.canvas import Array, Draw, Window, canvas_of, fill, from_bytes, to_bytes
from diffstyle.engines.media.dots import photo_at
from diffstyle.engines.media.look import Look, ramp, saturated
from diffstyle.engines.media.photo import Photo, Rng, contours, means, spread
from diffstyle.ops.lines import blur, noise

cv2: Any = untyped
ndimage: Any = untyped_ndimage
segmentation: Any = untyped_segmentation
Labels = npt.NDArray[np.intp]
_TILE = np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]], np.float32) / 2


def low_poly(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Triangles between points that lie on the contours, closer where there is detail (Delaunay triangulation)."""
    h, w = photo.shape
    colours = ramp(look.inks, photo.tone) if look.said else saturated(photo.rgb, 1.25)
    apart = look.grain * (64.0 - 47.0 * np.sqrt(photo.detail)) * (1 - 0.45 * photo.faces)
    ridge = photo.edges * (photo.edges >= ndimage.maximum_filter(photo.edges, 3)) > 0.25
    on_edges = rng.permutation(np.argwhere(ridge))
    strongest = on_edges[np.argsort(-photo.edges[on_edges[:, 0], on_edges[:, 1]], kind="stable")]
    points = spread(apart.astype(np.float32), rng, first=strongest, tries=12_000)
    corners = np.array([(0, 0), (0, w), (h, 0), (h, w)], np.float32)
    sides = [(y, x) for x in np.linspace(0, w, 12)[1:-1] for y in (0, h)]
    sides += [(y, x) for y in np.linspace(0, h, 12)[1:-1] for x in (0, w)]
    points = np.concatenate([points, corners, np.array(sides, np.float32)])
    faces = np.asarray(Delaunay(points).simplices, np.intp)
    labels = np.zeros((h, w), np.int32)
    for n, face in enumerate(points[faces][:, :, ::-1]):
        cv2.fillConvexPoly(labels, np.rint(face - 0.5).astype(np.int32), n)
    paint = means(colours, labels.astype(np.intp), len(faces))
    missing = np.bincount(labels.ravel(), minlength=len(faces)) == 0
    paint[missing] = photo_at(colours, points[faces[missing]].mean(1))
    paint *= 1 + rng.uniform(-0.05, 0.05, (len(faces), 1)).astype(np.float32)
    paints, places = to_bytes(paint).tolist(), points[faces]
    low, high = places[..., 0].min(1), places[..., 0].max(1)

    def draw(window: Window) -> Array:
        canvas = window.canvas(colours.mean((0, 1)))
        chosen = window.near((low + high) / 2, (high - low) / 2 + 2)
        triangles = window.points(places[chosen])
        for hard in (True, False):  # smooth edges blend with what lies beside them, so that is filled first
            for n, triangle in zip(chosen.tolist(), triangles, strict=True):
                fill(canvas, triangle, paints[n], hard=hard)
        return from_bytes(canvas)

    return draw


def stained_glass(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Panes cut along the contours (superpixels, Achanta et al. 2012), smaller where there is detail, in leads, with
    the features drawn in dark glass paint. The subject has thinner leads, and its light and shade are painted on the
    glass; on faces there are few leads.
    """
    h, w = photo.shape
    labels = _panes(photo, look.grain, rng)
    count = int(labels.max()) + 1
    colours = ramp(look.inks, photo.tone) if look.said else photo.rgb
    glass = means(colours, labels, count)
    bright = min(max(0.82 * np.log(0.42) / np.log(max(float(glass.mean()), 0.02)), 0.64), 0.82)  # light shines through
    uneven = 1.06 + rng.normal(0, 0.05, (count, 1))

    def lit(paint: Array, factor: Array) -> Array:
        return (saturated(paint, 2.1) ** bright * factor).clip(0.03, 1).astype(np.float32)

    care = np.maximum(0.6 * photo.subject, 0.9 * photo.faces)
    border = cv2.distanceTransform((~_borders(labels)).astype(np.uint8), cv2.DIST_L2, 5)
    sides = np.minimum(*np.meshgrid(_to_side(h), _to_side(w), indexing="ij"))
    lead = np.minimum(blur(border, 1.2), np.maximum(sides - 3, 0)).astype(np.float32)
    shade = 0.8 + (0.55 + 0.75 * care) * (photo.luma - means(photo.rgb, labels, count).mean(1)[labels])
    rays = noise(photo.shape, 9.0, rng) * 0.07 + noise(photo.shape, 1.4, rng) * 0.025
    plain = lit(glass, uneven)[labels]
    enamel = lit(colours, uneven[labels])
    light = plain * (shade + 0.18 + rays)[..., None]
    light = light + (enamel * (1 + rays)[..., None] - light) * (0.8 * care)[..., None]
    painted = contours(photo, 1.3 * look.grain, sensitivity=0.9)
    painted = np.maximum(painted, contours(photo, 1.3 * look.grain, sensitivity=1.5) * (care > 0.5))
    widths = 2.3 * look.grain * (1 - 0.5 * care)

    def draw(window: Window) -> Array:
        distance, width = window.sample(lead), window.sample(widths, smooth=False)
        glow = (0.72 + 0.28 * (distance / (7 * look.grain)).clip(0, 1))[..., None]
        pane = window.sample(light, smooth=False) * glow
        lines = window.cover((window.sample(painted) - 0.62) * 6) * 0.75
        pane = pane * (1 - lines[..., None]) + look.ink * 0.5 * lines[..., None]
        ridge = (1 - distance / width).clip(0, 1)
        came = look.ink + 0.16 * np.square(ridge)[..., None]
        leaded = window.cover(width - distance)[..., None]
        return pane * (1 - leaded) + came * leaded

    return draw


def mosaic(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Square stones laid along the contours, smaller where there is detail, in grout (Hausner 2001: centroidal Voronoi
    cells in the city-block metric of the local direction).
    """
    size = 12.5 * look.grain
    scale = size * (1.12 - 0.5 * photo.detail) * (1 - 0.35 * photo.faces)
    points = spread((scale * 0.8).astype(np.float32), rng, tries=40_000)
    points, area = _settled(photo, points)
    angle = photo_at(photo.flow, points)
    colours = ramp(look.inks, photo.tone) if look.said else saturated(photo.rgb, 1.35)
    glaze = photo_at(blur(colours, 1.6), points)
    glaze = (glaze * (1 + rng.normal(0, 0.07, (len(points), 1))) + rng.normal(0, 0.018, (len(points), 3))).clip(0, 1)
    side = np.sqrt(area).clip(size * 0.3, size * 1.3) * 0.95
    corners = side[:, None, None] * (_TILE[None] + rng.normal(0, 0.035, (len(points), 4, 2)))
    cosine, sine = np.cos(angle)[:, None], np.sin(angle)[:, None]
    turned = np.stack(
        [corners[..., 0] * cosine + corners[..., 1] * sine, corners[..., 1] * cosine - corners[..., 0] * sine], -1
    )
    stones = (points[:, None] + turned).astype(np.float32)
    inner = (points[:, None] + turned * 0.72 - 0.03 * side[:, None, None]).astype(np.float32)
    outer, raised = to_bytes(glaze * 0.84).tolist(), to_bytes(glaze * 1.05 + 0.02).tolist()
    grout = 0.4 + 0.7 * blur(photo.luma, 6.0)  # in shadows light grout would glitter
    rough = 0.05 * noise(photo.shape, 0.9, rng)

    def draw(window: Window) -> Array:
        canvas = canvas_of(look.paper * window.sample(grout, smooth=False)[..., None])
        chosen = window.near(points[:, 0], size * 1.2)
        shapes = zip(chosen.tolist(), window.points(stones[chosen]), window.points(inner[chosen]), strict=True)
        for n, stone, top in shapes:
            fill(canvas, stone, outer[n])
            fill(canvas, top, raised[n])
        return from_bytes(canvas) * (1 + window.sample(rough))[..., None]

    return draw


def _settled(photo: Photo, points: Array) -> tuple[Array, Array]:
    """Points (n, 2) moved to the middles of their cells, four times; and the area of each cell in square units."""
    h, w = photo.shape
    step = 2.0
    rows, columns = np.arange(step / 2, h, step), np.arange(step / 2, w, step)
    pixels = np.stack(np.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2).astype(np.float32)
    weight = 1 - 0.9 * photo_at(photo.edges, pixels)  # stones keep off the contours, so that these lie between them
    area = np.ones(len(points), np.float32)
    near = min(5, len(points))
    for _ in range(4):
        angle = photo_at(photo.flow, points)
        owners = np.asarray(cast("Any", KDTree(points).query(pixels, near))[1], np.intp).reshape(len(pixels), near)
        apart = pixels[:, None] - points[owners]
        cosine, sine = np.cos(angle)[owners], np.sin(angle)[owners]
        u, v = apart[..., 1] * cosine + apart[..., 0] * sine, apart[..., 0] * cosine - apart[..., 1] * sine
        owner = owners[np.arange(len(pixels)), np.maximum(np.abs(u), np.abs(v)).argmin(1)]
        count = len(points)
        mass = np.bincount(owner, weight, count)
        area = (np.bincount(owner, minlength=count) * step**2).astype(np.float32)
        moved = np.stack([np.bincount(owner, weight * pixels[:, c], count) for c in range(2)], 1)
        points = np.where(mass[:, None] > 0, moved / np.maximum(mass, 1e-6)[:, None], points).astype(np.float32)
    return points, area


def _panes(photo: Photo, grain: float, rng: Rng) -> Labels:
    """(h, w): numbered superpixels, large ones divided where there is detail; slivers join their neighbours."""
    h, w = photo.shape
    small = (max(4, w // 2), max(4, h // 2))
    flat = cv2.resize(photo.flat, small, interpolation=cv2.INTER_AREA)
    flat = flat + 0.014 * noise((small[1], small[0]), 7.0, rng)[..., None]  # no regular panes in flat areas
    area = h * w / 4

    def slic(side: float, compactness: float) -> Labels:
        count = max(1, round(area / (side * grain / 2) ** 2))
        return np.asarray(
            segmentation.slic(flat, count, compactness=compactness, max_num_iter=6, sigma=0, start_label=0), np.intp
        )

    coarse, fine = slic(72, 12.0), slic(40, 13.0)
    detail, faces = (cv2.resize(f, small, interpolation=cv2.INTER_AREA) for f in (photo.detail, photo.faces))
    count = int(coarse.max()) + 1
    busy = np.bincount(coarse.ravel(), detail.ravel(), count) / np.maximum(
        np.bincount(coarse.ravel(), minlength=count), 1
    )
    mixed = np.where(busy[coarse] > 0.72, fine + count + coarse * (int(fine.max()) + 1), coarse)
    subject = cv2.resize(photo.subject, small, interpolation=cv2.INTER_AREA) > 0.5
    calm = slic(58, 7.0) if subject.any() else coarse  # leads across a subject would hide it
    mixed = np.where(subject, calm + mixed.max() + 1, mixed)
    if faces.any():
        mixed = np.where(faces > 0.5, slic(150, 3.0) + mixed.max() + 1, mixed)
    _, numbered = np.unique(mixed, return_inverse=True)
    numbered = numbered.reshape(mixed.shape)
    sizes = np.bincount(numbered.ravel())
    sliver = sizes[numbered] < ((14 - 5 * faces) * grain / 2) ** 2
    if sliver.any() and not sliver.all():
        nearest = ndimage.distance_transform_edt(sliver, return_distances=False, return_indices=True)
        numbered = numbered[tuple(nearest)]
    wide = cv2.resize(numbered.astype(np.uint16), (w, h), interpolation=cv2.INTER_NEAREST)
    for _ in range(3):
        wide = cv2.medianBlur(wide, 5)
    return wide.astype(np.intp)


def _borders(labels: Labels) -> npt.NDArray[np.bool_]:
    """Where a pixel's label differs from that to its right or below."""
    out = np.zeros(labels.shape, np.bool_)
    out[:-1] |= labels[:-1] != labels[1:]
    out[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    return out


def _to_side(n: int) -> Array:
    """(n,): the distance of each pixel to the nearer end."""
    places = np.arange(n, dtype=np.float32) + 0.5
    return np.minimum(places, n - places)
