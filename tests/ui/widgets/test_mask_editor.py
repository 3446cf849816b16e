"""Paintings as the page sends them, and the messages for what is none."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import numpy as np
import pytest
from diffstyle_ui.widgets.mask_editor import (
    MAX_LAYERS,
    PREFIX,
    Painting,
    PaintLayer,
    mask_url,
    read_mask,
    read_painting,
    scene_of,
)
from PIL import Image

from diffstyle import InputError
from diffstyle.core.mask import Mask


def png(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return PREFIX + base64.b64encode(buffer.getvalue()).decode()


@pytest.fixture
def drawn() -> tuple[str, Mask]:
    """A drawing as the page sends it, and its mask."""
    pixels = np.zeros((40, 60, 4), np.uint8)
    pixels[10:20, 5:30] = (224, 69, 43, 255)
    pixels[20, 5:30] = (224, 69, 43, 90)
    url = png(Image.fromarray(pixels))
    mask = read_mask(url)
    assert np.array_equal(mask.to_array(), pixels[..., 3])
    return url, mask


def test_a_drawing_is_read_as_a_mask_and_shown_again(drawn: tuple[str, Mask]) -> None:
    _, mask = drawn
    assert mask.size == (60, 40)
    assert read_mask(mask_url(mask)) == mask


@pytest.mark.parametrize(
    "url",
    [None, 3, "", "/etc/passwd", "data:text/html,x", PREFIX + "!", PREFIX + "AAAA", PREFIX + "A" * 5_000_000],
    ids=["none", "number", "nothing", "path", "other type", "no base64", "no picture", "too long"],
)
def test_any_other_mask_is_refused(url: object) -> None:
    with pytest.raises(InputError, match="paint it again"):
        read_mask(url)


def test_a_drawing_of_many_pixels_is_refused() -> None:
    with pytest.raises(InputError, match="512"):
        read_mask(png(Image.new("RGBA", (3000, 20))))


def test_a_painting_is_read_and_shown_again(drawn: tuple[str, Mask]) -> None:
    url, mask = drawn
    layers = [{"style": "mix:", "mask": url}, {"style": "words:neon", "mask": url}]
    painting = read_painting(json.dumps({"layers": layers, "rest": "named:ukiyo-e"}))
    assert painting == Painting((PaintLayer(mask, "mix:"), PaintLayer(mask, "words:neon")), "named:ukiyo-e")
    scene = scene_of("a", "data:,", mask.size, mix=True, fallback="mix:", restored=(1, painting))
    assert read_painting(json.dumps(scene["restored"])) == painting
    for nothing in ("", None):
        assert read_painting(nothing) == Painting()


@pytest.mark.parametrize(
    "value",
    [
        *[3, "[", "[" * 100_000, "[]", "{}", '{"layers": 3}', '{"layers": [3]}', '{"layers": [], "rest": 3}'],
        *['{"layers": [], "rest": "/etc/passwd"}', '{"layers": [{}], "rest": "photo:"}', " " * 20_000_000],
        '{"layers": NaN}',
    ],
    ids=range(12),
)
def test_any_other_painting_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="paint it again"):
        read_painting(value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"style": "photo:"}, "paint it again"),
        ({"style": "image:/etc/passwd"}, "paint it again"),
        ({"style": "words:" + "a" * 2000}, "shorten"),
        ({"mask": "data:image/svg+xml,"}, "paint it again"),
    ],
)
def test_layers_that_are_none_are_refused(change: dict[str, Any], said: str, drawn: tuple[str, Mask]) -> None:
    layer = {"style": "mix:", "mask": drawn[0]} | change
    with pytest.raises(InputError, match=said):
        read_painting(json.dumps({"layers": [layer], "rest": "photo:"}))


def test_more_layers_than_there_can_be_are_refused(drawn: tuple[str, Mask]) -> None:
    layers = [{"style": "mix:", "mask": drawn[0]}] * (MAX_LAYERS + 1)
    with pytest.raises(InputError, match="at most 4"):
        read_painting(json.dumps({"layers": layers, "rest": "photo:"}))
