"""A result as a file that knows how it was made: recipe in PNG text, or in the EXIF of JPEG and WebP."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from diffstyle import __version__
from diffstyle.errors import InputError, explain
from diffstyle.files import write_atomic
from diffstyle.model_options import ModelOptions
from diffstyle.picture import Picture
from diffstyle.region import Mask, Region
from diffstyle.style import Style
from diffstyle.style_file import from_record, to_record
from diffstyle.task import Result, Settings, Task, settings_dict

KEY = "diffstyle"
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
SIDES = {"PNG": 2**31 - 1, "JPEG": 65_500, "WEBP": 16_383}
_EXIF_IFD, _USER_COMMENT = 0x8769, 0x9286
_COMMENT_HEAD = b"ASCII\0\0\0"
_EXIF_LIMIT = 65_000  # a JPEG segment holds 64 KB


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a saved picture says of itself: all of its task but the content's pixels."""

    version: str
    content: str  # sha256 of the decoded picture, Picture.digest()
    content_source: str
    style: Style
    settings: Settings
    weights: Mapping[str, str]
    runtime: Mapping[str, str]
    options: ModelOptions
    negative_style: Style | None = None
    mask: Mask | None = None
    regions: tuple[Region, ...] = ()

    def to_json(self) -> str:
        unwanted = {} if self.negative_style is None else {"negative_style": _packed(self.negative_style)}
        where = {} if self.mask is None else {"mask": _packed_mask(self.mask)}
        regions = [{"mask": _packed_mask(r.mask), "style": _packed(r.style)} for r in self.regions]
        return json.dumps(
            {
                "version": self.version,
                "content": {"sha256": self.content, "source": self.content_source},
                "settings": settings_dict(self.settings),
                "style": _packed(self.style),
                "model": asdict(self.options),
                **unwanted,
                **where,
                **({"regions": regions} if regions else {}),
                "weights": dict(self.weights),
                "runtime": dict(self.runtime),
            },
            sort_keys=True,
        )

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """The inverse of `to_json`; KeyError, TypeError or ValueError if the text is no recipe."""
        values: dict[str, Any] = json.loads(text)
        content, unwanted = values["content"], values.get("negative_style")
        weights, runtime = ({str(k): str(v) for k, v in values[name].items()} for name in ("weights", "runtime"))
        return cls(
            str(values["version"]),
            str(content["sha256"]),
            str(content["source"]),
            _unpacked(values["style"]),
            Settings(**values["settings"]),
            weights,
            runtime,
            _options(values.get("model", {})),
            None if unwanted is None else _unpacked(unwanted),
            _unpacked_mask(values["mask"]) if "mask" in values else None,
            tuple(Region(_unpacked_mask(r["mask"]), _unpacked(r["style"])) for r in values.get("regions", ())),
        )

    @property
    def device(self) -> str:
        return self.runtime["device"]

    @property
    def dtype(self) -> torch.dtype:
        found = getattr(torch, self.runtime["dtype"], None)
        if not isinstance(found, torch.dtype):
            raise InputError(f"The recipe names the number type {self.runtime['dtype']}, which is none: it is damaged.")
        return found

    @property
    def threads(self) -> int:
        return max(1, int(self.runtime["threads"]))

    @classmethod
    def of(cls, result: Result) -> Recipe:
        task = result.task
        source = Path(task.content.source).name  # the folders of a private machine are nobody's business
        digest = task.content.digest()
        made = (task.style, task.settings, result.weights, result.runtime, result.options.shareable())
        return cls(__version__, digest, source, *made, task.negative_style, task.mask, task.regions)

    def task(self, content: Picture) -> Task:
        """What was rendered, on its photo."""
        return Task.of(
            content,
            self.style,
            self.settings,
            negative_style=self.negative_style,
            mask=self.mask,
            regions=self.regions,
        )


def read_recipe(path: str | Path) -> Recipe:
    """The recipe inside a picture that diffstyle saved; InputError if there is none."""
    path = Path(path)
    try:
        with Image.open(path) as image:
            text = _embedded(image)
    except (OSError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError) as error:
        if isinstance(error, OSError) and error.errno:
            raise explain(error, f"read {path}") from error
        raise InputError(f"Cannot read {path}: this is not a picture, or it is damaged.") from error
    if text is None:
        raise InputError(
            f"{path} holds no diffstyle recipe: give a picture that diffstyle saved and nothing re-encoded."
        )
    try:
        return Recipe.from_json(text)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"The recipe inside {path} is damaged: it cannot be replayed.") from error


def output_format(path: Path) -> str:
    """PIL's name of the format that the suffix of `path` asks for."""
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError:
        raise InputError(f"Cannot write {path}: end the name in .png, .jpg or .webp.") from None


def check_output(path: Path, size: tuple[int, int] | None) -> str:
    """PIL's name of the format, if a picture of `size` fits into it."""
    kind = output_format(path)
    if size is not None and max(size) > SIDES[kind]:
        raise InputError(f"Cannot write {path}: {kind} holds at most {SIDES[kind]} pixels a side, save it as PNG.")
    return kind


def save_result(result: Result, path: Path) -> Path:
    """Write `result` to `path` whole or not at all."""
    kind = check_output(path, result.picture.size)
    data = encode(result.picture, kind, Recipe.of(result).to_json())
    write_atomic(path, lambda file: file.write(data))
    return path


def encode(picture: Picture, kind: str, recipe: str) -> bytes:
    """PNG, JPEG (transparency laid on white, for it has none) or lossless WebP, with `recipe` inside."""
    image, buffer = picture.to_pil(), BytesIO()
    if kind == "PNG":
        text = PngInfo()
        text.add_itxt(KEY, recipe, zip=True)
        image.save(buffer, kind, pnginfo=text, compress_level=4)
        return buffer.getvalue()
    if len(recipe) > _EXIF_LIMIT:
        raise InputError(f"This recipe is too large for the header of a {kind} file: save it as PNG.")
    exif = Image.Exif()
    exif.get_ifd(_EXIF_IFD)[_USER_COMMENT] = _COMMENT_HEAD + recipe.encode("ascii")
    if kind == "JPEG":
        if image.mode == "RGBA":
            white = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(white, image).convert("RGB")
        image.save(buffer, kind, quality=95, subsampling=0, exif=exif)
    else:
        image.save(buffer, kind, lossless=True, exact=True, exif=exif)
    return buffer.getvalue()


def _embedded(image: Image.Image) -> str | None:
    if image.format == "PNG":
        image.load()  # text may stand after the pixels
        text = cast("dict[str, str]", getattr(image, "text", {})).get(KEY)
        return None if text is None else str(text)
    comment = image.getexif().get_ifd(_EXIF_IFD).get(_USER_COMMENT)
    if not isinstance(comment, bytes) or not comment.startswith(_COMMENT_HEAD + b"{"):
        return None
    return comment.removeprefix(_COMMENT_HEAD).decode("ascii", "replace")


def _packed(style: Style) -> dict[str, Any]:
    record, tensors = to_record(style)
    return record | {"tensors": {k: _to_base64(v) for k, v in tensors.items()}}


def _unpacked(values: dict[str, Any]) -> Style:
    return from_record(values, {k: _from_base64(v) for k, v in values["tensors"].items()})


def _packed_mask(mask: Mask) -> dict[str, str]:
    buffer = BytesIO()
    Image.fromarray(mask.to_array()).save(buffer, "PNG")
    return {"source": Path(mask.source).name, "png": base64.b64encode(buffer.getvalue()).decode("ascii")}


def _unpacked_mask(values: dict[str, str]) -> Mask:
    with Image.open(BytesIO(base64.b64decode(values["png"], validate=True))) as image:
        return Mask(torch.from_numpy(np.asarray(image, np.float32) / 255)[None], str(values["source"]))


def _options(values: dict[str, Any]) -> ModelOptions:
    several = {k: tuple(map(str, values.get(k, ()))) for k in ("adapter", "controlnet", "lora")}
    return ModelOptions(**{**values, **cast("dict[str, Any]", several)})


def _to_base64(tensor: Tensor) -> str:
    return base64.b64encode(tensor.contiguous().numpy().astype("<f4").tobytes()).decode("ascii")


def _from_base64(text: str) -> Tensor:
    return torch.from_numpy(np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float32))
