"""A picture to brush styles on with mouse, touch or keyboard: masks in layers, each with a style of its own."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, cast

import gradio as gr
import numpy as np
import torch
from PIL import Image

from diffstyle import InputError
from diffstyle.core.mask import Mask
from diffstyle_ui.widgets.drag_control import ASK
from diffstyle_ui.widgets.files import beside

PREFIX = "data:image/png;base64,"
MAX_LAYERS = 4
MAX_CHARACTERS = 2_000_000  # of one mask
MAX_SIDE = 512
MAX_WORDS = 1000
MIX, PHOTO, SAVED, NAMED, WORDS = "mix:", "photo:", "saved:", "named:", "words:"  # how choices of a style begin
UNREADABLE = "The painting cannot be read: reload the page and paint it again."
CSS = beside("mask_editor.css")


@dataclass(frozen=True, slots=True)
class PaintLayer:
    """A mask and the choice of its style: `MIX`, or `NAMED`, `WORDS`, `SAVED` followed by a name, words or an index."""

    mask: Mask
    style: str


@dataclass(frozen=True, slots=True)
class Painting:
    """Layers, the later over the earlier ones, and what is elsewhere: `PHOTO`, or a choice of a style."""

    layers: tuple[PaintLayer, ...] = ()
    rest: str = PHOTO


def mask_editor(named: Sequence[tuple[str, str]], *, elem_id: str) -> gr.HTML:
    """The editor; components drawn within it stand below its list of layers. `named` are names of styles and labels.

    Its value is what `read_painting` takes. Its `input` event says that the painting has changed, its `select` event
    carries `what` to select. Its properties are `scene` (of `scene_of`), `picture` (a data URL of the result, "" for
    the photo) and `selected` (of `selected`).
    """
    return gr.HTML(
        "",
        html_template=beside("mask_editor.html"),
        js_on_load=ASK + beside("mask_editor.js", "mask_strokes.js"),
        apply_default_css=False,
        elem_id=elem_id,
        elem_classes="painter",
        label="Picture to brush on",
        answered=0,
        named=[list(pair) for pair in named],
        scene=None,
        picture="",
        selected=None,
    )


def scene_of(
    key: str,
    photo: str,
    size: tuple[int, int],
    *,
    mix: bool,
    fallback: str,
    saved: Sequence[str] = (),
    restored: tuple[int, Painting] | None = None,
    refresh: bool = False,
) -> dict[str, Any]:
    """What the editor shows: a photo (its data URL and size) known by `key`, another of which begins a new painting.

    `mix` says whether there is a mix, `fallback` is the style of layers for which none was chosen, `saved` are labels
    of the styles of a saved picture. A painting `restored` under a new number is shown. `refresh` asks for a preview.
    """
    painting = None
    if restored is not None and restored[1].layers:
        number, value = restored
        layers = [{"style": layer.style, "mask": mask_url(layer.mask.resized(size))} for layer in value.layers]
        painting = {"n": number, "layers": layers, "rest": value.rest}
    scene = {"key": key, "photo": photo, "size": list(size), "mix": mix, "fallback": fallback, "saved": list(saved)}
    return scene | {"restored": painting, "refresh": refresh}


def selected(mask: Mask | None, number: int) -> dict[str, Any]:
    """The answer to a `select` event: a mask to add to the layer, or None; `number` differs from the last one."""
    return {"n": number, "mask": "" if mask is None else mask_url(mask)}


def mask_url(mask: Mask) -> str:
    """The PNG of `mask` as a data URL: the inverse of `read_mask`."""
    pixels = np.zeros((*mask.to_array().shape, 4), np.uint8)
    pixels[..., 3] = mask.to_array()
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return PREFIX + base64.b64encode(buffer.getvalue()).decode("ascii")


def read_painting(value: object) -> Painting:
    """The painting in the JSON that the editor's value is.

    Raises InputError for anything else, for more than `MAX_LAYERS` layers, and as `read_mask`.
    """
    if value in (None, ""):
        return Painting()
    if not isinstance(value, str) or len(value) > MAX_LAYERS * (MAX_CHARACTERS + 2 * MAX_WORDS):
        raise InputError(UNREADABLE)
    try:
        found: object = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise InputError(UNREADABLE) from error
    painting = _mapping(found)
    layers = painting.get("layers")
    if not isinstance(layers, list):
        raise InputError(UNREADABLE)
    items = [_mapping(item) for item in cast("list[object]", layers)]
    if len(items) > MAX_LAYERS:
        raise InputError(f"The painting has {len(items)} layers: at most {MAX_LAYERS} are possible.")
    masks = [(read_mask(item.get("mask")), _choice(item.get("style"))) for item in items]
    return Painting(tuple(PaintLayer(mask, style) for mask, style in masks), _choice(painting.get("rest"), rest=True))


def read_mask(url: object) -> Mask:
    """The mask in a PNG data URL: the opacity of what was painted.

    Raises InputError for anything else, and for a side of more than `MAX_SIDE` pixels.
    """
    if not isinstance(url, str) or not url.startswith(PREFIX) or len(url) > MAX_CHARACTERS:
        raise InputError(UNREADABLE)
    try:
        image = Image.open(BytesIO(base64.b64decode(url.removeprefix(PREFIX), validate=True)), formats=["PNG"])
        large = max(image.size) > MAX_SIDE
        alpha = np.zeros((1, 1)) if large else np.asarray(image.convert("RGBA"))[..., 3]
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(UNREADABLE) from error
    if large:
        raise InputError(f"The painted mask has a side of more than {MAX_SIDE} pixels: make it smaller.")
    return Mask(torch.from_numpy(alpha.astype(np.float32) / 255)[None], "brush")  # (1, H, W)


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise InputError(UNREADABLE)
    return cast("Mapping[str, object]", value)


def _choice(value: object, *, rest: bool = False) -> str:
    kinds = (MIX, NAMED, WORDS, SAVED, *((PHOTO,) if rest else ()))
    if not isinstance(value, str) or not value.startswith(kinds):
        raise InputError(UNREADABLE)
    if len(value) > MAX_WORDS + len(WORDS):
        raise InputError(f"The words for a style are longer than {MAX_WORDS} characters: shorten them.")
    return value
