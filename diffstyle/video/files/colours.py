"""The colours of decoded frames as sRGB, and back: matrix, range, depth, HDR and chroma subsampling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import cv2 as untyped
import numpy as np
import numpy.typing as npt
from av import VideoFormat, VideoFrame
from av.video.plane import VideoPlane

from diffstyle.core.hdr import HLG, PQ, Cicp, to_srgb
from diffstyle.core.picture import Picture, flattened
from diffstyle.ops.strips import strips

cv2: Any = untyped
Array = npt.NDArray[Any]
BT709, BT601, BT2020 = 1, 6, 9  # code points of ITU-T H.273, for matrices and primaries
LIMITED, FULL = 1, 2
_UNKNOWN = 2
_WEIGHTS: Mapping[int, tuple[float, float]] = {  # of red and blue in luma
    BT709: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    BT601: (0.299, 0.114),
    7: (0.212, 0.087),
    BT2020: (0.2627, 0.0593),
    10: (0.2627, 0.0593),
}
_STRIP = 2**19  # pixels that are converted at once: the numbers in between take much memory
_LARGE = (1280, 576)  # width and height from which, and above which, a clip that does not say is BT.709


def cicp_of(frame: VideoFrame) -> Cicp | None:
    """The colours of a frame, if they have to be converted to sRGB."""
    high = frame.color_trc in (PQ, HLG)
    primaries = BT2020 if high and frame.color_primaries in (0, _UNKNOWN) else frame.color_primaries
    found = Cicp(primaries, frame.color_trc)
    return found if found.wide else None


def has_alpha(form: VideoFormat) -> bool:
    """Whether a pixel format has an alpha channel."""
    return any(c.is_alpha for c in form.components) or form.has_palette


def to_array(frame: VideoFrame) -> Array:
    """A decoded frame as (H, W, 3 or 4) float32 in [0, 1], sRGB with alpha if its format has one."""
    form = frame.format
    deep, alpha = max(c.bits for c in form.components) > 8, has_alpha(form)
    if form.is_rgb or form.has_palette:
        name = ("rgba64le" if alpha else "rgb48le") if deep else ("rgba" if alpha else "rgb24")
        array = _samples(frame.reformat(format=name).planes[0], 4 if alpha else 3, deep=deep)
        array = array / np.float32(65535 if deep else 255)
    else:
        array = _from_luma(frame, deep=deep, alpha=alpha)
    cicp = cicp_of(frame)
    if cicp is not None:
        array[..., :3] = to_srgb(array[..., :3], cicp)
    return np.clip(array, 0, 1, out=array)


def to_frame(picture: Picture, name: str, matrix: int = BT709) -> VideoFrame:
    """A picture as a frame of the pixel format `name`: RGB, or luma and chroma by `matrix`, of limited range. Sides
    that the format needs even are made so by repeating the edge.
    """
    form = VideoFormat(name, 64, 64)
    deep = max(c.bits for c in form.components) > 8
    if form.is_rgb:
        alpha = has_alpha(form)
        depth = 16 if deep else 8
        packed = (picture if alpha else flattened(picture)).to_array(depth)
        if alpha and packed.shape[2] == 3:
            packed = np.dstack([packed, np.full(packed.shape[:2], 2**depth - 1, packed.dtype)])
        frame = VideoFrame.from_ndarray(cast("Any", packed), format=_PACKED[deep, alpha])
        frame = frame.reformat(format=name)
    else:
        frame = _to_luma(picture, form, matrix)
        frame.colorspace, frame.color_range = matrix, LIMITED
    frame.color_primaries, frame.color_trc = BT709, BT709
    return frame


_PACKED = {(False, False): "rgb24", (False, True): "rgba", (True, False): "rgb48le", (True, True): "rgba64le"}


def _from_luma(frame: VideoFrame, *, deep: bool, alpha: bool) -> Array:
    """Luma and chroma as RGB, by the frame's own matrix and range."""
    full = frame.color_range == FULL or frame.format.name.startswith("yuvj")
    name = f"yuv{'a' if alpha else ''}444p{'16le' if deep else ''}"
    # both ranges alike, so that chroma is interpolated and no value changes
    planes = frame.reformat(format=name, src_color_range=FULL, dst_color_range=FULL).planes
    bits = max(c.bits for c in frame.format.components)
    samples = [_samples(plane, 1, deep=deep)[..., 0] for plane in planes]
    unit = 1 / 2 ** (16 - bits) if deep else 1.0
    step, top = 2 ** (bits - 8), 2**bits - 1
    black, luma, chroma = (0, top, top) if full else (16 * step, 219 * step, 224 * step)
    red, blue = _WEIGHTS.get(frame.colorspace) or _WEIGHTS[_guessed(frame)]
    to_red, to_blue = 2 * (1 - red), 2 * (1 - blue)
    green = 1 - red - blue
    weights = np.array(  # of y, u and v in red, green and blue
        [[1, 0, to_red], [1, -blue * to_blue / green, -red * to_red / green], [1, to_blue, 0]]
    ) / (luma, chroma, chroma)
    shift = weights @ (-black, -128 * step, -128 * step)
    matrix = np.column_stack((weights * unit, shift))
    found = np.empty((frame.height, frame.width, 4 if alpha else 3), np.float32)
    for strip in strips(frame.height, frame.width, pixels=_STRIP):
        rows = strip.target()
        yuv = cv2.merge([np.ascontiguousarray(plane[rows], np.float32) for plane in samples[:3]])
        found[rows, :, :3] = cv2.transform(yuv, matrix)
    if alpha:
        np.multiply(samples[3], np.float32(unit / top), out=found[..., 3], casting="unsafe")
    return found


def _guessed(frame: VideoFrame) -> int:
    """The matrix of a frame that does not name one, as players guess it."""
    width, height = _LARGE
    return BT709 if frame.width >= width or frame.height > height else BT601


def _samples(plane: VideoPlane, channels: int, *, deep: bool) -> Array:
    """(h, w, channels) of a plane, without the padding of its lines."""
    lines = np.frombuffer(cast("Any", plane), np.uint8).reshape(plane.height, -1)
    samples = lines.view(np.uint16) if deep else lines
    return samples[:, : plane.width * channels].reshape(plane.height, plane.width, channels)


def _to_luma(picture: Picture, form: VideoFormat, matrix: int) -> VideoFrame:
    alpha = picture.alpha if has_alpha(form) else None
    pixels = (picture if alpha is not None else flattened(picture)).pixels.numpy()
    across, down = 64 // form.chroma_width(64), 64 // form.chroma_height(64)
    height, width = pixels.shape[1:]
    frame = VideoFrame(width + -width % across, height + -height % down, form.name)
    kept: list[list[Array]] = [[] for _ in frame.planes]
    for strip in strips(height, width, pixels=_STRIP, multiple=down):
        rows = strip.target()
        part = None if alpha is None else _even(alpha.numpy()[:, rows], across, down)[0]
        coded = _coded(_even(pixels[:, rows], across, down), part, form, matrix)
        for plane, lines, values in zip(frame.planes, kept, coded, strict=True):
            padded = np.zeros((values.shape[0], plane.line_size), np.uint8)
            padded[:, : values.shape[1] * values.itemsize] = values.view(np.uint8)
            lines.append(padded)
    for plane, lines in zip(frame.planes, kept, strict=True):
        plane.update(np.concatenate(lines).tobytes())
    return frame


def _coded(pixels: Array, alpha: Array | None, form: VideoFormat, matrix: int) -> list[Array]:
    """The samples of each plane for pixels (3, H, W), and alpha (H, W) if there is any, of even sides."""
    across, down = 64 // form.chroma_width(64), 64 // form.chroma_height(64)
    red, blue = _WEIGHTS[matrix]
    r, g, b = pixels
    y = red * r + (1 - red - blue) * g + blue * b
    u, v = (_subsampled(c, across, down) for c in ((b - y) / (2 * (1 - blue)), (r - y) / (2 * (1 - red))))
    bits = max(c.bits for c in form.components)
    step = 2 ** (bits - 8)
    planes = [(y * 219 + 16) * step, (u * 224 + 128) * step, (v * 224 + 128) * step]
    if has_alpha(form):
        planes.append((np.ones_like(y) if alpha is None else alpha) * (2**bits - 1))
    kind = np.uint16 if bits > 8 else np.uint8
    return [np.clip(np.rint(values), 0, 2**bits - 1).astype(kind) for values in planes]


def _even(planes: Array, across: int, down: int) -> Array:
    """(c, H, W) with the last column and line repeated up to a multiple of the chroma's step."""
    height, width = planes.shape[1:]
    return np.pad(planes, ((0, 0), (0, -height % down), (0, -width % across)), "edge")


def _subsampled(chroma: Array, across: int, down: int) -> Array:
    """(H, W) with fewer samples, which lie on the left column of those that they stand for, and midway in height."""
    if down > 1:
        chroma = chroma.reshape(chroma.shape[0] // down, down, -1).mean(1)
    if across == 2:
        wide = np.pad(chroma, ((0, 0), (1, 1)), "edge")
        return (wide[:, :-2:2] + 2 * wide[:, 1:-1:2] + wide[:, 2::2]) / 4
    return chroma.reshape(chroma.shape[0], -1, across).mean(2) if across > 1 else chroma
