"""A result as a file that knows how it was made: recipe in PNG text, TIFF description, or the EXIF of JPEG and WebP."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from diffstyle._version import __version__
from diffstyle.core.errors import InputError, explain
from diffstyle.core.mask import Mask, Region
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.picture import Picture
from diffstyle.core.style import Style
from diffstyle.core.task import Result, Settings, Task, settings_dict
from diffstyle.formats.atomic import write_atomic
from diffstyle.formats.picture_file import check_output, embedded, encode
from diffstyle.formats.style_file import from_record, to_record

LARGEST_TENSOR = 2**22  # bytes


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
            text = embedded(image)
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
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise InputError(f"The recipe inside {path} is damaged: it cannot be replayed.") from error


def save_result(result: Result, path: Path) -> Path:
    """Write `result` to `path` whole or not at all."""
    depth = result.task.depth
    kind = check_output(path, result.picture.size, depth=depth)
    data = encode(result.picture, kind, Recipe.of(result).to_json(), depth=depth)
    write_atomic(path, lambda file: file.write(data))
    return path


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
    """Of little-endian float32; packed, behind a colon, where that is shorter: the header of a JPEG holds 64 KB."""
    plain = tensor.contiguous().numpy().astype("<f4").tobytes()
    packed = zlib.compress(plain, 9)
    text = base64.b64encode(min(plain, packed, key=len)).decode("ascii")
    return f":{text}" if len(packed) < len(plain) else text


def _from_base64(text: str) -> Tensor:
    data = base64.b64decode(text.removeprefix(":"), validate=True)
    if text.startswith(":"):
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(data, LARGEST_TENSOR)
        if not unpacker.eof:
            raise ValueError("a tensor is larger than any of ours, or cut off")
    return torch.from_numpy(np.frombuffer(data, "<f4").astype(np.float32))
