"""What an edit is answered with, in the words of OpenAI's API."""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from typing import Any

from diffstyle.serving.edit import Output
from diffstyle.serving.painting import Painted


def answer(painted: Sequence[Painted], output: Output) -> dict[str, Any]:
    """The body of an answer with all pictures."""
    return {
        "created": int(time.time()),
        "data": [{"b64_json": _base64(p.data)} for p in painted],
        "size": painted[0].dimensions,
        "output_format": output.name,
        "background": "auto",
        "quality": "auto",
        "usage": _usage(painted),
    }


def partial_event(data: bytes, size: tuple[int, int], output: Output, number: int) -> dict[str, Any]:
    """The event for an unfinished picture of `size` (width, height), the first one has the `number` 0."""
    return {"type": "image_edit.partial_image", "partial_image_index": number} | _picture(data, size, output)


def completed_event(painted: Painted, output: Output) -> dict[str, Any]:
    """The event for a finished picture."""
    said = _picture(painted.data, painted.size, output)
    return {"type": "image_edit.completed"} | said | {"usage": _usage([painted])}


def _picture(data: bytes, size: tuple[int, int], output: Output) -> dict[str, Any]:
    return {
        "b64_json": _base64(data),
        "size": f"{size[0]}x{size[1]}",
        "output_format": output.name,
        "background": "auto",
        "quality": "auto",
        "created_at": int(time.time()),
    }


def _usage(painted: Sequence[Painted]) -> dict[str, Any]:
    """What was used. Clients expect tokens: there are none. `seconds` are those of all phases but waiting."""
    return {
        "input_tokens": 0,
        "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
        "output_tokens": 0,
        "total_tokens": 0,
        "images": len(painted),
        "pixels": sum(p.size[0] * p.size[1] for p in painted),
        "seconds": round(sum(p.painting_seconds for p in painted), 3),
        "engine": painted[0].engine,
    }


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
