"""`Edit`: a photo to paint, as a form asks for it; everything that can be checked before the photo is decoded is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from diffstyle.controls.selection import inverse
from diffstyle.core.errors import InputError
from diffstyle.core.fields import values_of
from diffstyle.core.mask import Mask
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.picture import Picture
from diffstyle.core.settings import EngineSettings, Settings, check_honoured
from diffstyle.core.style import Style
from diffstyle.core.task import Task
from diffstyle.engines.registry import default_engine_of, settings_class
from diffstyle.formats.picture_file import encode
from diffstyle.formats.result import Result
from diffstyle.serving.api_errors import ApiError, checked
from diffstyle.serving.asked_style import AskedStyle, read_style
from diffstyle.serving.form_body import Form
from diffstyle.serving.form_settings import read_engine, read_settings
from diffstyle.serving.form_values import chosen, number, truth
from diffstyle.serving.limits import ServerLimits
from diffstyle.serving.uploaded_files import check_picture, open_picture

MOST, PARTIALS = 10, 3
FORMATS = ("png", "jpeg", "webp")
TAKEN = (
    *("image", "mask", "style_file", "prompt", "prompt_weight", "negative_style", "model", "n", "size", "stream"),
    *("partial_images", "output_format", "output_compression", "output_depth", "response_format", "quality"),
    *("background", "input_fidelity", "moderation", "user", "safety_identifier"),
)
"""The fields of an edit that are no settings of an engine."""
_SIZE = re.compile(r"(\d{1,6})(?:x(\d{1,6}))?")
_ONLY_AUTO = ("quality", "background", "input_fidelity", "moderation")


@dataclass(frozen=True, slots=True)
class Output:
    """The file format of a result, as clients name it, the quality of one that is compressed with loss, and the bits
    of a channel, 16 in PNG alone.
    """

    name: Literal["png", "jpeg", "webp"] = "png"
    quality: int | None = None
    depth: Literal[8, 16] = 8

    @property
    def kind(self) -> str:
        """Pillow's name of the format."""
        return self.name.upper()

    @property
    def media_type(self) -> str:
        """What HTTP calls it."""
        return f"image/{self.name}"

    def of_result(self, result: Result) -> bytes:
        """The bytes of a result, with its recipe inside."""
        return result.encoded(self.kind, depth=self.depth, quality=self.quality)

    def of_picture(self, picture: Picture) -> bytes:
        """The bytes of a picture, without a recipe."""
        return encode(picture, self.kind, "", quality=self.quality)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What to paint: the file of the photo and of a mask (what is transparent is painted), the style and one to move
    away from, all settings, and the `engine`, None for the one that such styles are painted with (`engine_name`).

    `n` pictures are painted, with seeds that count up, `output` is their format; `stream` answers as events, with
    `partials` unfinished pictures of each.
    """

    photo: Path
    style: AskedStyle
    settings: Settings
    engine: EngineSettings | None
    engine_name: str
    mask: Path | None = None
    negative_style: Style | None = None
    n: int = 1
    output: Output = Output()
    stream: bool = False
    partials: int = 0

    def tasks(self, limits: ServerLimits) -> list[Callable[[], Task]]:
        """One task for each picture, made when it is called: it decodes the photo. It raises InputError."""
        return [partial(self._task, limits, number) for number in range(self.n)]

    def _task(self, limits: ServerLimits, number: int) -> Task:
        return Task(
            open_picture(self.photo, limits),
            self.style.read(limits),
            engine=self.engine,
            negative_style=self.negative_style,
            mask=None if self.mask is None else transparent_part(self.mask, limits),
            **values_of(replace(self.settings, seed=self.settings.seed + number)),
        )


def read_edit(form: Form, options: ModelOptions, limits: ServerLimits) -> Edit:
    """The edit that a form asks for, with a model of those `options`.

    Raises ApiError for what is missing, not allowed, unknown to the engine, or no picture.
    """
    _check_names(form, options)
    photos = form.files.get("image", ())
    if not photos:
        raise ApiError(400, "There is no photo: send it as the file image.", param="image", code="missing_parameter")
    style = read_style(form, photos[1:])
    settings = read_settings(form, leave=("size",))
    settings = checked(lambda: replace(settings, size=_longest_side(form.text("size", "auto"))), "size")
    engine = read_engine(form, options, [style.prompts], taken=TAKEN)
    found = engine or settings_class(default_engine_of(options, prompts=[style.prompts]))()
    words = form.text("negative_style").strip()
    negative = checked(lambda: Style.from_text(words), "negative_style") if words else None
    checked(lambda: check_honoured(settings, found, negative=negative is not None))
    n = number(form, "n", 1, (1, MOST))
    if n > 1 and not found.capabilities.seeded:
        said = f"The engine {found.name} paints the same picture with every seed: leave n out, or use another engine."
        raise ApiError(400, said, param="n")
    checked(lambda: replace(settings, seed=settings.seed + n - 1), "seed")
    mask = form.file("mask")
    for file, field in [*((photo, "image") for photo in photos), *([(mask, "mask")] if mask else [])]:
        checked(lambda file=file: check_picture(file, limits), field)
    return Edit(
        photo=photos[0],
        style=style,
        settings=settings,
        engine=engine,
        engine_name=found.name,
        mask=mask,
        negative_style=negative,
        n=n,
        output=read_output(form),
        stream=truth(form, "stream"),
        partials=number(form, "partial_images", 0, (0, PARTIALS)),
    )


def read_output(form: Form) -> Output:
    """The format that a form asks for. Raises ApiError for a quality or a depth of a format that has none."""
    name = chosen(form, "output_format", FORMATS)
    if name == "png" and "output_compression" in form.texts and form.text("output_compression") != "100":
        said = "A PNG is compressed without loss: leave output_compression out, or take jpeg or webp."
        raise ApiError(400, said, param="output_compression")
    given = name != "png" and "output_compression" in form.texts
    quality = number(form, "output_compression", 100, (0, 100)) if given else None
    deep = chosen(form, "output_depth", ("8", "16")) == "16"
    if deep and name != "png":
        said = f"A {name} has 8 bits a channel: leave output_depth out, or take png."
        raise ApiError(400, said, param="output_depth")
    return Output(name, quality, 16 if deep else 8)


def transparent_part(path: Path, limits: ServerLimits) -> Mask:
    """The mask in a picture whose transparent part is to be painted. Raises InputError for one without."""
    picture = open_picture(path, limits)
    if picture.alpha is None or float(picture.alpha.min()) >= 1:
        raise InputError(f"The mask {path.name} has no transparent pixels: make transparent what is to be painted.")
    return inverse(Mask(picture.alpha, picture.source))


def _check_names(form: Form, options: ModelOptions) -> None:
    """Raise ApiError for another model, and for what this server has no choice of."""
    model = form.text("model", options.name)
    if model != options.name:
        said = f"There is no model {model[:60]} here: this server has {options.name}."
        raise ApiError(404, said, param="model", code="model_not_found")
    chosen(form, "response_format", ("b64_json",))
    for name in _ONLY_AUTO:
        chosen(form, name, ("auto",))
    unknown = next((field for field in form.files if field not in ("image", "mask", "style_file")), None)
    if unknown is not None:
        said = f"There is no file field {unknown[:60]}: send image, mask or style_file."
        raise ApiError(400, said, param=unknown[:60], code="unknown_parameter")


def _longest_side(text: str) -> int | None:
    """The longest side in pixels of a `size`: auto, WIDTHxHEIGHT, or that side itself."""
    if text.strip() in ("", "auto"):
        return None
    match = _SIZE.fullmatch(text.strip().lower())
    if match is None:
        raise InputError(f"size is {text[:40]!r}: give auto, or WIDTHxHEIGHT such as 1024x768.")
    return max(int(side) for side in match.groups() if side)
