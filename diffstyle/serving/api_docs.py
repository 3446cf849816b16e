"""What OpenAPI says of forms and answers, with examples. Settings describe themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diffstyle.serving.edit import FORMATS, MOST, PARTIALS, TAKEN
from diffstyle.serving.form_settings import setting_schemas

ABOUT = """Repaint photos in a style that you describe in words, show with pictures, or mix.

`POST /v1/images/edits` is what OpenAI's clients call: `image` is the photo, further images show the style, and `prompt`
describes it. Errors are `{"error": {"message", "type", "param", "code"}}`."""
_FILE: Mapping[str, Any] = {"type": "string", "format": "binary"}


def _text(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, **more}


def _whole(description: str, low: int, high: int, default: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": low, "maximum": high, "default": default, "description": description}


def look_fields() -> dict[str, Any]:
    """The fields that say what to paint, and how."""
    return {
        "image": {
            "type": "array",
            "items": _FILE,
            "description": "The photo; pictures behind it show the style. image[] is the same field.",
        },
        "mask": {**_FILE, "description": "A PNG: what is transparent is painted, the rest of the photo is kept."},
        "prompt": _text(
            "The style in words, or the name of one. Empty: the pictures alone.", example="ukiyo-e woodblock print"
        ),
        "prompt_weight": {
            "type": "number",
            "minimum": 0,
            "maximum": 1,
            "default": 0.5,
            "description": "The share of the words in a mix with pictures or a style file.",
        },
        "style_file": {**_FILE, "description": "A style file, as POST /v1/styles returns it."},
        "negative_style": _text("A style in words to move away from; for engines that can."),
        "size": _text("auto, WIDTHxHEIGHT or a number: the longest side of the result in pixels.", default="auto"),
        "model": _text("The name of the server's model."),
        "output_format": {"type": "string", "enum": list(FORMATS), "default": "png"},
        "output_compression": _whole("The quality of a JPEG or WebP.", 0, 100, 100),
        **setting_schemas(TAKEN),
    }


def edit_fields() -> dict[str, Any]:
    """The fields of an edit."""
    return look_fields() | {
        "n": _whole("How many pictures; their seeds count up.", 1, MOST, 1),
        "response_format": {"type": "string", "enum": ["b64_json"], "default": "b64_json"},
        "stream": {"type": "boolean", "default": False, "description": "Answer with server-sent events."},
        "partial_images": _whole("With stream: how many unfinished pictures to send.", 0, PARTIALS, 0),
    }


def form(fields: Mapping[str, Any], *, required: tuple[str, ...] = ("image",)) -> dict[str, Any]:
    """The description of a multipart form."""
    schema = {"type": "object", "properties": dict(fields), "required": list(required)}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def _error(message: str, kind: str, param: str | None, code: str) -> dict[str, Any]:
    example = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return {"description": message, "content": {"application/json": {"example": example}}}


_INVALID = "invalid_request_error"
ERRORS: dict[int | str, dict[str, Any]] = {
    400: _error("strength is 2.0: give a number from 0 to 1.", _INVALID, "strength", "invalid_value"),
    401: _error(
        "The API key is missing or wrong: send the header Authorization: Bearer KEY.",
        "authentication_error",
        None,
        "invalid_api_key",
    ),
    413: _error("The request is larger than 50 MB: send smaller or fewer.", _INVALID, None, "request_too_large"),
    429: _error("The queue is full: try again in a moment.", "rate_limit_error", None, "rate_limit_exceeded"),
}
EDIT_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The pictures as base64, with their recipes inside; with stream, server-sent events.",
        "content": {
            "application/json": {
                "example": {
                    "created": 1790000000,
                    "data": [{"b64_json": "iVBORw0KGgo..."}],
                    "size": "512x341",
                    "output_format": "png",
                    "background": "auto",
                    "quality": "auto",
                    "usage": {"images": 1, "pixels": 174592, "seconds": 1.1, "engine": "nnst", "total_tokens": 0},
                }
            },
            "text/event-stream": {"example": 'event: image_edit.completed\ndata: {"type": "image_edit.completed"}'},
        },
    },
    **ERRORS,
}
PICTURE_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture.", "content": {"image/png": {"schema": dict(_FILE)}}},
    **ERRORS,
}
