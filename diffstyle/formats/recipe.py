"""Recipes: what repeats a picture, kept in PNG text, in the TIFF description, or in the EXIF of JPEG and WebP."""

from __future__ import annotations

import base64
import json
import warnings
import zlib
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from diffstyle._version import __version__
from diffstyle.core.errors import InputError
from diffstyle.core.fields import fields_of, values_of
from diffstyle.core.mask import Mask, Region
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.reading import open_image, read_bytes, reading
from diffstyle.core.settings import Settings
from diffstyle.core.style import Style
from diffstyle.core.task import ResolvedTask, record_of, settings_of
from diffstyle.formats.budget import BUDGET, Budget
from diffstyle.formats.picture_file import embedded
from diffstyle.formats.style_file import from_record, to_record

SCHEMA = 2
LARGEST_TENSOR = 2**22  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a saved picture says of itself: all of its task but the content's pixels.

    `content` is the sha256 of the decoded photo (`Picture.digest`); `engine` and `engine_values` are the engine's name
    and settings, plain; `depth` the bits a channel of the file; `schema` the version of the layout it was read from.
    """

    version: str
    content: str
    content_source: str
    style: Style
    settings: Settings
    engine: str
    engine_values: Mapping[str, Any]
    weights: Mapping[str, str]
    runtime: Mapping[str, str]
    options: ModelOptions
    negative_style: Style | None = None
    mask: Mask | None = None
    regions: tuple[Region, ...] = ()
    depth: int = 8
    schema: int = SCHEMA

    def to_json(self) -> str:
        negative = {} if self.negative_style is None else {"negative_style": packed_style(self.negative_style)}
        mask = {} if self.mask is None else {"mask": _packed_mask(self.mask)}
        regions = [{"mask": _packed_mask(r.mask), "style": packed_style(r.style)} for r in self.regions]
        return json.dumps(
            {
                "schema": SCHEMA,
                "version": self.version,
                "content": {"sha256": self.content, "source": self.content_source},
                "settings": values_of(self.settings),
                "engine": {"name": self.engine, "values": dict(self.engine_values)},
                "depth": self.depth,
                "style": packed_style(self.style),
                "model": asdict(self.options),
                **negative,
                **mask,
                **({"regions": regions} if regions else {}),
                "weights": dict(self.weights),
                "runtime": dict(self.runtime),
            },
            sort_keys=True,
        )

    @classmethod
    def from_json(cls, text: str, budget: Budget = BUDGET) -> Recipe:
        """The inverse of `to_json`; it reads older schemas too.

        Raises InputError for a recipe that this version cannot repeat or that is beyond `budget`, KeyError, TypeError
        or ValueError if the text is no recipe.
        """
        budget.check_text(text)
        values: dict[str, Any] = json.loads(text)
        schema = int(values.get("schema", 1))
        if schema > SCHEMA:
            raise InputError(f"The recipe was written by diffstyle {values['version']}: install that version.")
        if schema == 1:
            values |= _from_schema_1(values["settings"], str(values["version"]))
        budget.check_recipe(values)
        tensors = _Tensors(budget)
        masks = _opened_masks([r["mask"] for r in (*values.get("regions", ()), values) if "mask" in r], budget)
        content, negative, engine = values["content"], values.get("negative_style"), values["engine"]
        weights, runtime = ({str(k): str(v) for k, v in values[name].items()} for name in ("weights", "runtime"))
        return cls(
            version=str(values["version"]),
            content=str(content["sha256"]),
            content_source=str(content["source"]),
            style=tensors.style(values["style"]),
            settings=Settings(**values["settings"]),
            engine=str(engine["name"]),
            engine_values={str(k): _plain(v) for k, v in engine["values"].items()},
            weights=weights,
            runtime=runtime,
            options=_options(values.get("model", {})),
            negative_style=None if negative is None else tensors.style(negative),
            mask=masks[-1] if "mask" in values else None,
            regions=tuple(
                Region(mask, tensors.style(r["style"]))
                for mask, r in zip(masks, values.get("regions", ()), strict=False)
            ),
            depth=_depth(values),
            schema=schema,
        )

    @classmethod
    def of(
        cls,
        task: ResolvedTask,
        *,
        weights: Mapping[str, str],
        runtime: Mapping[str, str],
        options: ModelOptions,
        depth: int = 8,
    ) -> Recipe:
        """The recipe of a rendered task. It names no folder of this machine."""
        record = record_of(task.engine)
        return cls(
            version=__version__,
            content=task.content.digest(),
            content_source=Path(task.content.source).name,
            style=task.style,
            settings=settings_of(task),
            engine=record["name"],
            engine_values=record["values"],
            weights=weights,
            runtime=runtime,
            options=options.shareable(),
            negative_style=task.negative_style,
            mask=task.mask,
            regions=task.regions,
            depth=depth,
        )

    @property
    def device(self) -> str:
        return self.runtime["device"]

    @property
    def dtype(self) -> torch.dtype:
        name = self.runtime.get("dtype", "float32")  # drawings by rule named none at first
        found = getattr(torch, name, None)
        if not isinstance(found, torch.dtype):
            raise InputError(f"The recipe is damaged: it names {name} as number type.")
        return found

    @property
    def threads(self) -> int:
        return max(1, int(self.runtime.get("threads", torch.get_num_threads())))

    def repeats(self, other: Recipe) -> bool:
        """Whether both make the same picture of the same photo, by the same weights, to the last bit."""
        same = (self.content, self.settings, self.engine, self.engine_values, dict(self.weights), self.options) == (
            (other.content, other.settings, other.engine, other.engine_values, dict(other.weights), other.options)
        )
        same &= (self.negative_style, self.mask, self.depth) == (other.negative_style, other.mask, other.depth)
        same &= [r.mask for r in self.regions] == [r.mask for r in other.regions]
        pairs = [(self.style, other.style)]
        pairs += [(a.style, b.style) for a, b in zip(self.regions, other.regions, strict=False)]
        return same and all(_measured_alike(a, b) for a, b in pairs)


def read_recipe(path: str | Path, budget: Budget = BUDGET) -> Recipe:
    """The recipe inside a picture that diffstyle saved; InputError if there is none, or if it is beyond `budget`."""
    path = Path(path)
    data = read_bytes(path)
    with reading(str(path)), open_image(data, str(path)) as image:
        text = embedded(image)
    if text is None:
        raise InputError(
            f"{path} holds no diffstyle recipe: give a picture that diffstyle saved and nothing re-encoded."
        )
    try:
        return Recipe.from_json(text, budget)
    except InputError:
        raise
    except Exception as error:  # broken JSON, tensors and masks raise a dozen kinds
        raise InputError(f"The recipe inside {path} is damaged: it cannot be replayed.") from error


def _from_schema_1(settings: dict[str, Any], version: str) -> dict[str, Any]:
    """The parts of a schema 2 recipe that schema 1 kept together in `settings`.

    Schema 1 wrote every engine's settings into every recipe; those that are not the engine's stay in the values and
    are dropped by whoever knows the engine.
    """
    values = dict(settings)
    if (values.pop("texture", 0) or 0) > 0:
        raise InputError(
            f"The picture was made with the texture control, which diffstyle no longer has: install diffstyle {version}"
            " to replay it."
        )
    shared = {info.name: values.pop(info.name) for info in fields_of(Settings) if info.name in values}
    name, depth = str(values.pop("engine")), int(values.pop("depth", 8))
    return {"settings": shared, "engine": {"name": name, "values": values}, "depth": depth}


def _measured_alike(one: Style, other: Style) -> bool:
    """Whether two styles have the same parts with the same statistics."""

    def statistics(style: Style) -> dict[tuple[str, str], Tensor]:
        return {(r.digest, space): v for r in style.references for space, v in r.statistics.items()}

    a, b = statistics(one), statistics(other)
    return one == other and a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def packed_style(style: Style) -> dict[str, Any]:
    """A style as JSON values, with all that was measured of it."""
    record, tensors = to_record(style)
    return record | {"tensors": {k: _to_base64(v) for k, v in tensors.items()}}


def unpacked_styles(values: list[dict[str, Any]], budget: Budget = BUDGET) -> list[Style]:
    """The styles of `packed_style`. KeyError, TypeError or ValueError for what is none, InputError beyond `budget`."""
    budget.check_references(sum(len(v["references"]) for v in values))
    tensors = _Tensors(budget)
    return [tensors.style(v) for v in values]


@dataclass(slots=True)
class _Tensors:
    """Unpacks the styles of one recipe; `size` counts the bytes of their tensors."""

    budget: Budget
    size: int = 0

    def style(self, values: dict[str, Any]) -> Style:
        tensors: dict[str, Tensor] = {}
        for name, text in values["tensors"].items():
            tensors[name] = _from_base64(text)
            self.size += tensors[name].nbytes
            self.budget.check_tensors(self.size)
        return from_record(values, tensors, self.budget)


def _packed_mask(mask: Mask) -> dict[str, str]:
    buffer = BytesIO()
    Image.fromarray(mask.to_array()).save(buffer, "PNG")
    return {"source": Path(mask.source).name, "png": base64.b64encode(buffer.getvalue()).decode("ascii")}


def _opened_masks(packed: list[dict[str, str]], budget: Budget) -> list[Mask]:
    """All masks of a recipe, decoded only if they are within `budget` together."""
    files = [BytesIO(base64.b64decode(values["png"], validate=True)) for values in packed]
    with ExitStack() as stack, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Pillow, whose limit is lower than some budgets
        images = [stack.enter_context(Image.open(file, formats=("PNG",))) for file in files]
        budget.check_masks([image.size for image in images])
        arrays = [np.asarray(image.convert("L"), np.float32) / 255 for image in images]
    return [Mask(torch.from_numpy(a)[None], str(v["source"])) for a, v in zip(arrays, packed, strict=True)]


def _depth(values: dict[str, Any]) -> int:
    """Bits a channel. Raises ValueError for what no file has."""
    depth = values.get("depth", 8)
    if depth not in (8, 16):
        raise ValueError(depth)
    return int(depth)


def _plain(value: Any) -> Any:
    """A setting as it was read. Raises ValueError for a number that no setting can be, which JSON cannot pass on."""
    if isinstance(value, (int, float)) and not abs(value) < 2**63:
        raise ValueError(value)
    if isinstance(value, list):
        return [_plain(v) for v in cast("list[Any]", value)]
    return value


def _options(values: dict[str, Any]) -> ModelOptions:
    values = {k: v for k, v in values.items() if k != "compile"}  # an option of 0.1.0 that changed no picture
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
