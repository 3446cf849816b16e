"""The image type of diffstyle. Files, PIL images and arrays are converted to and from it at the edges."""

from __future__ import annotations

import hashlib
import struct
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Literal, TypeAlias, cast, overload

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
from torch import Tensor
from torch.nn import functional as F

from diffstyle.core.errors import InputError, explain

MIN_SIDE = 16
MOVING = ("GIF", "WEBP", "PNG", "AVIF")
MAX_PIXELS = 2**27  # twice 8192 x 8192
_ORIENTATION = 0x0112
_TURNS: Mapping[int, Callable[[npt.NDArray[np.generic]], npt.NDArray[np.generic]]] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a.swapaxes(0, 1)[:, ::-1],
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a.swapaxes(0, 1)[::-1],
}


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

    def measured(self, **measures: float) -> Picture:
        """The same picture with `measures` added to its own."""
        return replace(self, measures={**self.measures, **measures})

    def opaque(self) -> Tensor:
        """Pixels (3, H, W) composited on the mean colour of the opaque part."""
        if self.alpha is None:
            return self.pixels
        mean = (self.pixels * self.alpha).sum((1, 2)) / self.alpha.sum().clamp_min(1e-6)
        return torch.lerp(mean[:, None, None].expand_as(self.pixels), self.pixels, self.alpha)

    def padded(self, multiple: int) -> Tensor:
        """Pixels (3, H', W') with both sides rounded up to `multiple`, the edge repeated to the right and below."""
        right, below = -self.width % multiple, -self.height % multiple
        return F.pad(self.pixels[None], (0, right, 0, below), mode="replicate")[0] if right or below else self.pixels

    @classmethod
    def open(cls, path: str | Path) -> Picture:
        """Read a picture file: EXIF rotation applied, ICC profile converted to sRGB, first frame of an animation.

        16 bits a channel are kept for PNG and TIFF files in sRGB or without a profile. InputError for a file that is
        missing, unreadable, truncated, too small or too large.
        """
        path = Path(path)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise explain(error, f"read {path}") from error
        if not data:
            raise InputError(f"Cannot read {path}: the file is empty, copy it again.")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Pillow warns about files that are handled below
                image = Image.open(BytesIO(data))
                _check_size(image, str(path))
                if not _is_deep(image):
                    return cls.from_pil(image, source=str(path))
                if (profile := image.info.get("icc_profile")) and profile != srgb_bytes():
                    note = f"{path} was read at 8 bits a channel because it has a colour profile other than sRGB."
                    picture = cls.from_pil(image, source=str(path))
                    return replace(picture, notes=(*picture.notes, note))
                notes = _left_out(image, str(path))
                return cls.from_array(_deep_pixels(image, data), source=str(path), notes=notes)
        except Image.DecompressionBombError:
            raise _too_large(str(path)) from None
        except UnidentifiedImageError:
            raise InputError(
                f"Cannot read {path}: this is not a picture, give a PNG, JPEG, WebP or TIFF file."
            ) from None
        except InputError:
            raise
        except (OSError, SyntaxError, EOFError, IndexError, TypeError, ValueError, struct.error) as error:
            reason = "is cut off" if "truncated" in str(error) else "is damaged"
            raise InputError(f"Cannot read {path}: the file {reason}, copy or export it again.") from error

    @classmethod
    def from_pil(cls, image: Image.Image, *, source: str = "picture") -> Picture:
        """Convert a PIL image of any mode, 8 or 16 bit: EXIF rotation applied, ICC profile converted to sRGB."""
        _check_size(image, source)
        notes = _left_out(image, source)
        image = ImageOps.exif_transpose(image)
        if image.mode in ("I;16", "I;16B", "I;16L", "I", "F"):
            grey = np.asarray(image, dtype=np.float32)
            top = 1.0 if image.mode == "F" and grey.max(initial=0) <= 1 else 255.0 if image.mode == "F" else 65535.0
            return cls.from_array(np.clip(grey / top, 0, 1), source=source, notes=notes)
        has_alpha = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
        if image.mode not in ("CMYK", "L") or has_alpha:
            image = _keeping_profile(image, "RGBA" if has_alpha else "RGB")
        array = np.asarray(_to_srgb(image).convert("RGBA" if has_alpha else "RGB"))
        return cls.from_array(array, source=source, notes=notes)

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
            if not np.isfinite(array).all() or array.min(initial=0) < 0 or array.max(initial=0) > 1:
                raise InputError(f"Cannot use {source}: float pixels must be finite and between 0 and 1.")
        else:
            raise InputError(f"Cannot use {source}: pixels must be uint8, uint16 or float, not {array.dtype}.")
        planes = torch.empty((array.shape[2], *array.shape[:2]))  # (c, h, w)
        for n, plane in enumerate(planes.numpy()):
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


PictureLike: TypeAlias = Picture | str | Path | Image.Image | npt.NDArray[np.generic]


def _too_large(source: str) -> InputError:
    return InputError(f"Cannot use {source}: it has more than {MAX_PIXELS / 1e6:.0f} million pixels, make it smaller.")


def _check_size(image: Image.Image, source: str) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(source)


def _left_out(image: Image.Image, source: str) -> tuple[str, ...]:
    """A note if an opened file holds more than one picture."""
    if getattr(image, "n_frames", 1) == 1:
        return ()
    moving = image.format in MOVING
    what = "is animated: only its first frame" if moving else "holds several pictures: only the first"
    return (f"{source} {what} is used.",)


def _is_deep(image: Image.Image) -> bool:
    """Whether an opened file is in colour with 16 bits a channel, which Pillow reduces to 8."""
    colour = image.mode in ("RGB", "RGBA") and "transparency" not in image.info
    return colour and ";16" in str(getattr(image, "tile", ()))


def _deep_pixels(image: Image.Image, data: bytes) -> npt.NDArray[np.generic]:
    """(H, W, 3 or 4) uint16, EXIF rotation applied."""
    import cv2

    image.load()  # raises if the file is damaged
    array = cast("npt.NDArray[np.uint16] | None", cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED))
    if array is None or array.ndim != 3:
        raise OSError("not decoded")
    order = (2, 1, 0, 3)[: array.shape[2]]
    turn = _TURNS.get(int(image.getexif().get(_ORIENTATION, 1)), lambda a: a)
    return turn(array[..., order])


def _keeping_profile(image: Image.Image, mode: str) -> Image.Image:
    converted = image.convert(mode)
    if profile := image.info.get("icc_profile"):
        converted.info["icc_profile"] = profile
    return converted


def _to_srgb(image: Image.Image) -> Image.Image:
    """Convert colours with the embedded ICC profile, if there is a usable one."""
    profile = image.info.get("icc_profile")
    if not profile or profile == srgb_bytes() or image.mode not in ("RGB", "RGBA", "CMYK", "L"):
        return image
    target = "RGBA" if image.mode == "RGBA" else "RGB"
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, srgb_profile(), outputMode=target)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image  # a broken profile is ignored: the values are taken as sRGB
    return converted or image


def srgb_profile() -> ImageCms.ImageCmsProfile:
    """The ICC profile of a Picture's colours."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))  # pyright: ignore[reportUnknownArgumentType]


@cache
def srgb_bytes() -> bytes:
    """That profile as bytes, with a fixed creation date so that equal pictures give equal files."""
    made = srgb_profile().tobytes()
    return made[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + made[36:]  # bytes 24 to 36 hold the creation date
