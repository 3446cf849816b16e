"""The image type of diffstyle. Files, PIL images and arrays are converted to and from it at the edges."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias, cast, overload

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageCms
from torch import Tensor
from torch.nn import functional as F

from diffstyle.core.camera_raw import refuse_raw
from diffstyle.core.cancelling import check_cancelled
from diffstyle.core.colour_profile import UNUSABLE, image_to_srgb, profile_of, srgb_profile
from diffstyle.core.deep_files import DeepPixels, read_deep_png, read_deep_tiff, read_numbered, scaled
from diffstyle.core.errors import Cancelled, InputError
from diffstyle.core.fill import filled
from diffstyle.core.hdr import cicp_of
from diffstyle.core.reading import (
    MAX_PIXELS,
    check_size,
    left_out,
    open_image,
    orientation_of,
    read_bytes,
    reading,
    turned,
    upright,
)
from diffstyle.core.user_path import user_path

MIN_SIDE = 16
CLEAR = 1e-3  # up to this alpha a pixel is fully transparent
_DEEP_GREYS = ("I;16", "I;16B", "I;16L", "I;16N", "I", "F")


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """An sRGB picture: `pixels` (3, H, W) float32 in [0, 1], and `alpha` (1, H, W) where it has one.

    `source` is what messages call it; `notes` are sentences on what reading or painting left out; `measures` are
    numbers that controls measured, by name. Two pictures are equal when their pixels and alpha are.
    """

    pixels: Tensor
    alpha: Tensor | None = None
    source: str = "picture"
    notes: tuple[str, ...] = ()
    measures: Mapping[str, float] = field(default_factory=dict[str, float])

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[0] != 3 or self.pixels.dtype != torch.float32:
            raise InputError(
                f"Cannot use {self.source}: pixels must be float32 of shape (3, H, W),"
                f" not {self.pixels.dtype} of shape {tuple(self.pixels.shape)}."
            )
        low, high = (float(v) for v in torch.aminmax(self.pixels)) if self.pixels.numel() else (0.0, 0.0)
        if not (low >= 0 and high <= 1):  # false for NaN too
            raise InputError(f"Cannot use {self.source}: pixels must be finite and between 0 and 1.")
        if self.alpha is not None and self.alpha.shape != (1, self.height, self.width):
            raise InputError(f"Cannot use {self.source}: alpha must have shape (1, {self.height}, {self.width}).")
        if min(self.size) < MIN_SIDE:
            raise InputError(
                f"Cannot use {self.source}: {self.width}x{self.height} pixels are too few,"
                f" give a picture with at least {MIN_SIDE} on each side."
            )

    @property
    def width(self) -> int:
        """In pixels."""
        return self.pixels.shape[2]

    @property
    def height(self) -> int:
        """In pixels."""
        return self.pixels.shape[1]

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.width, self.height

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Picture):
            return NotImplemented
        if self.size != other.size or (self.alpha is None) != (other.alpha is None):
            return False
        same = torch.equal(self.pixels, other.pixels)
        return same and (self.alpha is None or other.alpha is None or torch.equal(self.alpha, other.alpha))

    def __hash__(self) -> int:
        return hash(self.digest())

    def digest(self) -> str:
        """sha256 of size, pixels and alpha; it does not depend on the file format."""
        digest = hashlib.sha256(repr((self.size, self.alpha is not None)).encode())
        for part in (self.pixels, self.alpha):
            if part is not None:
                digest.update(np.ascontiguousarray(part.numpy()).data)
        return digest.hexdigest()

    def resized(self, size: tuple[int, int]) -> Picture:
        """The picture at `size` (width, height), resampled with a Lanczos filter; itself if it has that size."""
        if size == self.size:
            return self

        def lanczos(channel: Tensor) -> Tensor:
            check_cancelled()
            image = Image.fromarray(np.ascontiguousarray(channel.numpy()))
            return torch.from_numpy(np.asarray(image.resize(size, Image.Resampling.LANCZOS)).copy()).clamp(0, 1)

        if self.alpha is None:
            return replace(self, pixels=torch.stack([lanczos(c) for c in self.pixels]))
        alpha = lanczos(self.alpha[0])[None]
        # weighted by alpha, so that the colours of transparent pixels do not bleed into the edges
        weighted = torch.stack([lanczos(c) for c in self.pixels * self.alpha]) / alpha.clamp_min(1e-3)
        hidden = torch.stack([lanczos(c) for c in self.pixels])
        return replace(self, pixels=torch.where(alpha > 1e-3, weighted.clamp(0, 1), hidden), alpha=alpha)

    def reduced(self, longest: int) -> Picture:
        """The picture with a longest side of at most `longest` pixels; itself if it is no larger."""
        return self if max(self.size) <= longest else self.resized(fitted(self.size, longest))

    def check_visible(self) -> None:
        """InputError if every pixel is fully transparent, so that there is nothing to see."""
        if self.alpha is not None and float(self.alpha.max()) <= CLEAR:
            raise InputError(f"Cannot use {self.source}: it is wholly transparent, there is nothing to see.")

    def measured(self, **measures: float) -> Picture:
        """The same picture with `measures` added to its own."""
        return replace(self, measures={**self.measures, **measures})

    def opaque(self) -> Tensor:
        """Pixels (3, H, W) composited on colours continued from the opaque part."""
        return self.pixels if self.alpha is None else filled(self.pixels, self.alpha * (self.alpha > CLEAR))

    def padded(self, multiple: int) -> Tensor:
        """Pixels (3, H', W') with both sides rounded up to `multiple`, the edge repeated to the right and below."""
        right, below = -self.width % multiple, -self.height % multiple
        return F.pad(self.pixels[None], (0, right, 0, below), mode="replicate")[0] if right or below else self.pixels

    @classmethod
    def open(cls, path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Picture:
        """Read a picture file: EXIF rotation applied, colours converted to sRGB, first frame of an animation.

        Colours are those that the file states: its ICC profile, gAMA and cHRM of a PNG, the code points of an AVIF; HDR
        is compressed to sRGB. PNG and TIFF keep more than 8 bits a channel. InputError for a file that is missing,
        unreadable, cut off, camera raw, too small, or of more than `max_pixels`.
        """
        path = user_path(path)
        data, source = read_bytes(path), str(path)
        with reading(source):
            refuse_raw(data, source)
            if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
                deep = _deep_tiff(data, source, max_pixels)
                if deep is not None:
                    return cls._from_deep(deep, source)
            image = open_image(data, source, most=max_pixels)
            notes, cicp = left_out(image, source), cicp_of(data, str(image.format))
            deep = None
            if cicp is not None and cicp.wide:
                deep = read_numbered(image, data, cicp, source)
            elif image.format == "PNG" and data[24] == 16:
                deep = read_deep_png(image, data, source, ())
            if deep is None:
                return cls.from_pil(image, source=source)
            image.load()  # raises if the file is damaged
            return cls._from_deep(replace(deep, orientation=orientation_of(image), notes=(*notes, *deep.notes)), source)

    @classmethod
    def from_pil(cls, image: Image.Image, *, source: str = "picture") -> Picture:
        """Convert a PIL image of any mode, 8 or 16 bit: EXIF rotation applied, ICC profile converted to sRGB."""
        check_size(image, source)
        notes, profile = left_out(image, source), profile_of(image)
        image = upright(image)
        if image.mode in _DEEP_GREYS:
            samples = np.asarray(image)
            if image.mode == "I":
                wide = float(samples.max(initial=0)) > 65535
                samples = np.clip(samples, 0, None).astype(np.uint32 if wide else np.uint16)
            grey, note = scaled(samples, 8 * samples.dtype.itemsize, source)
            return cls.from_array(grey, source=source, notes=(*notes, note) if note else notes)
        has_alpha = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
        if image.mode == "LAB":
            profile, image = None, _from_lab(image)
        if profile is not None:
            flat = image.mode if image.mode in ("L", "CMYK") and not has_alpha else "RGBA" if has_alpha else "RGB"
            flat = "LA" if image.mode in ("LA", "La") or (image.mode == "L" and has_alpha) else flat
            converted = image_to_srgb(image.convert(flat), profile)
            if converted is None:
                notes = (*notes, UNUSABLE.format(source=source))
            image = converted or image
        array = np.asarray(image.convert("RGBA" if has_alpha else "RGB"))
        return cls.from_array(array, source=source, notes=notes)

    @classmethod
    def _from_deep(cls, deep: DeepPixels, source: str) -> Picture:
        return cls.from_array(turned(deep.array, deep.orientation), source=source, notes=deep.notes)

    @classmethod
    def from_array(
        cls, array: npt.NDArray[np.generic], *, source: str = "array", notes: tuple[str, ...] = ()
    ) -> Picture:
        """Convert an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of uint8, uint16, bool, or float in [0, 1].

        InputError for any other shape, dtype or range.
        """
        if array.ndim == 2:
            array = array[..., None]
        if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
            raise InputError(
                f"Cannot use {source}: the shape must be (H, W), (H, W, 3) or (H, W, 4), not {array.shape}."
            )
        if array.dtype.kind == "u":
            top = np.float32(2 ** (8 * array.dtype.itemsize) - 1)
        elif array.dtype.kind in "fb":
            top = np.float32(1)
            if not (array.min(initial=0) >= 0 and array.max(initial=0) <= 1):  # false for NaN too
                raise InputError(f"Cannot use {source}: float pixels must be finite and between 0 and 1.")
        else:
            raise InputError(f"Cannot use {source}: pixels must be uint8, uint16 or float, not {array.dtype}.")
        planes = torch.empty((array.shape[2], *array.shape[:2]))  # (c, h, w)
        for n, plane in enumerate(planes.numpy()):
            check_cancelled()
            np.divide(array[..., n], top, out=plane, casting="unsafe")
        colour = planes.expand(3, -1, -1).contiguous() if planes.shape[0] == 1 else planes[:3].contiguous()
        return cls(colour, planes[3:].contiguous() if planes.shape[0] == 4 else None, source, notes)

    @classmethod
    def of(cls, value: PictureLike) -> Picture:
        """Convert a path, a PIL image or an array; a Picture is returned as it is. InputError for anything else."""
        if isinstance(value, Picture):
            return value
        if isinstance(value, (str, Path)):
            return cls.open(value)
        if isinstance(value, Image.Image):
            return cls.from_pil(value)
        if not isinstance(value, np.ndarray):  # pyright: ignore[reportUnnecessaryIsInstance]
            what = "None" if value is None else f"a {type(value).__name__}"
            raise InputError(f"Cannot use {what} as a picture: give a file, a PIL image, an array or a Picture.")
        return cls.from_array(value)

    @overload
    def to_array(self, depth: Literal[8] = 8) -> npt.NDArray[np.uint8]: ...
    @overload
    def to_array(self, depth: Literal[16]) -> npt.NDArray[np.uint16]: ...
    @overload
    def to_array(self, depth: int) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]: ...

    def to_array(self, depth: int = 8) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
        """An array (H, W, 3), or (H, W, 4) with alpha, of uint8 or, for a `depth` of 16, uint16."""
        planes = [*self.pixels] if self.alpha is None else [*self.pixels, self.alpha[0]]
        array = np.empty((self.height, self.width, len(planes)), np.uint16 if depth == 16 else np.uint8)
        for n, plane in enumerate(planes):  # one by one, to save memory
            check_cancelled()
            array[..., n] = plane.clamp(0, 1).mul_(2**depth - 1).round_().numpy()
        return cast("npt.NDArray[np.uint8] | npt.NDArray[np.uint16]", array)

    def to_pil(self) -> Image.Image:
        """A PIL image of 8 bits a channel, RGB or, with alpha, RGBA."""
        return Image.fromarray(self.to_array())


def fitted(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """`size` (width, height) scaled so that its longer side is `longest`; the shorter one is at least MIN_SIDE."""
    scale = longest / max(size)
    width, height = (max(MIN_SIDE, round(side * scale)) for side in size)
    return width, height


def flattened(picture: Picture) -> Picture:
    """A picture without alpha, composited on white as in a JPEG; opaque pixels keep their exact values."""
    if picture.alpha is None:
        return picture
    return Picture(torch.lerp(torch.ones(()), picture.pixels, picture.alpha).clamp(0, 1), None, picture.source)


PictureLike: TypeAlias = Picture | str | Path | Image.Image | npt.NDArray[np.generic]


def _deep_tiff(data: bytes, source: str, most: int) -> DeepPixels | None:
    """None for a TIFF that Pillow reads right, and for one that tifffile cannot read."""
    try:
        return read_deep_tiff(data, source, most=most)
    except (InputError, Cancelled, MemoryError):
        raise
    except Exception:
        return None


def _from_lab(image: Image.Image) -> Image.Image:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))  # pyright: ignore[reportUnknownArgumentType]
    return ImageCms.profileToProfile(image, lab, srgb_profile(), outputMode="RGB") or image
