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
        "output_depth": {
            "type": "integer",
            "enum": [8, 16],
            "default": 8,
            "description": "The bits of a PNG's channel.",
        },
        **setting_schemas(TAKEN),
    }


def edit_fields() -> dict[str, Any]:
    """The fields of an edit."""
    return (
        look_fields()
        | number_field()
        | {
            "response_format": {"type": "string", "enum": ["b64_json"], "default": "b64_json"},
            "stream": {"type": "boolean", "default": False, "description": "Answer with server-sent events."},
            "partial_images": _whole("With stream: how many unfinished pictures to send.", 0, PARTIALS, 0),
        }
    )


def number_field() -> dict[str, Any]:
    """The field that says how many pictures to paint."""
    return {"n": _whole("How many pictures; their seeds count up.", 1, MOST, 1)}


def mix_fields(*more: str) -> dict[str, Any]:
    """The fields that make a style, and those of `more` names."""
    weights = {"type": "array", "items": {"type": "number", "minimum": 0}}
    files = {"type": "array", "items": _FILE}
    words = "Words or the name of a style, with an optional :WEIGHT behind it; repeat it for a mix."
    own = {
        "name": _text("What to call the style."),
        "licence": _text("Under which licence it may be used."),
        "k": _whole("How many styles.", 1, 100, 5),
    }
    return {
        "style": {"type": "array", "items": _text(words), "description": words, "example": ["ukiyo-e:0.6", "charcoal"]},
        "picture": {**files, "description": "Pictures of the style."},
        "picture_weight": {**weights, "description": "A weight for each picture, in the same order; 1 if not given."},
        "style_file": {**files, "description": "Style files, as this address returns them."},
        "style_file_weight": {**weights, "description": "A weight for each style file."},
        **{name: own[name] for name in more},
    }


def replay_fields() -> dict[str, Any]:
    """The fields of a replay."""
    return {
        "picture": {**_FILE, "description": "A picture that diffstyle saved, with its recipe inside."},
        "image": {**_FILE, "description": "The photo to paint: the picture's own, or another."},
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
_STYLE = {
    "id": "ukiyo-e",
    "object": "style",
    "thumbnail": "/v1/styles/ukiyo-e/thumbnail",
    "description": "in the manner of ukiyo-e woodblock prints, rendered here",
    "licence": "CC0",
    "similarity": 0.71,
}
_JOB: dict[str, Any] = {
    "id": "0123456789abcdef0123456789abcdef",
    "object": "job",
    "created_at": 1790000000,
    "status": "running",
    "results": [],
    "steps": {"done": 12, "total": 100},
    "seconds": 0.4,
}
STYLES_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The styles; `similarity` where they were compared.",
        "content": {"application/json": {"example": {"object": "list", "data": [_STYLE]}}},
    },
    **ERRORS,
}
JOB_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "How far the job is.", "content": {"application/json": {"example": _JOB}}},
    **ERRORS,
}
