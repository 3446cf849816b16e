"""Exemplars in style files and recipes: how many, how large, and as earlier versions wrote them."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from diffstyle import InputError, Picture, Reference, Style
from diffstyle.core.style import MAX_EXEMPLARS
from diffstyle.formats.exemplar import LARGEST
from diffstyle.formats.picture_file import embedded, encode
from diffstyle.formats.safetensors import read_safetensors, write_safetensors
from diffstyle.formats.style_file import KIND, from_record, to_record
from tests.conftest import waves


def several(count: int, size: int = 9) -> tuple[bytes, ...]:
    rng = np.random.default_rng(count)
    return tuple(rng.bytes(size) for _ in range(count))


@pytest.mark.parametrize("count", [0, 1, MAX_EXEMPLARS])
def test_exemplars_are_saved(count: int, tmp_path: Path) -> None:
    style = Style((Reference("d", "s", prompt="ink", exemplars=several(count)),))
    (kept,) = Style.load(style.save(tmp_path / "x.style.safetensors")).references
    assert kept.exemplars == several(count)


def test_the_one_exemplar_of_earlier_versions_is_read() -> None:
    record, tensors = to_record(Style((Reference("d", "s", exemplars=(b"\0\1",)),)))
    (written,) = record["references"]
    assert "exemplar" not in written
    (written["exemplar"],) = written.pop("exemplars")
    assert from_record(record, tensors).references[0].exemplars == (b"\0\1",)


def test_too_many_exemplars_are_damage(tmp_path: Path) -> None:
    path = Style((Reference("d", "s", exemplars=several(MAX_EXEMPLARS)),)).save(tmp_path / "x.style.safetensors")
    metadata, tensors = read_safetensors(path)
    record = json.loads(metadata["style"])
    record["references"][0]["exemplars"].append("AA==")
    write_safetensors(path, tensors, {"format": KIND, "style": json.dumps(record)})
    with pytest.raises(InputError, match="its style record is damaged"):
        Style.load(path)


@pytest.mark.parametrize(("kind", "depth"), [("PNG", 8), ("PNG", 16), ("JPEG", 8), ("WEBP", 8), ("TIFF", 8)])
@pytest.mark.parametrize("collections", [1, 4])
def test_every_format_carries_collections(kind: str, depth: int, collections: int) -> None:
    exemplars = several(MAX_EXEMPLARS, LARGEST)
    style = Style(tuple(Reference(str(n), "s", exemplars=exemplars) for n in range(collections)))
    text = json.dumps(to_record(style)[0])
    data = encode(Picture.from_array(waves(40, 30)), kind, text, depth=depth)
    with Image.open(BytesIO(data)) as image:
        assert image.size == (40, 30)
        assert embedded(image) == text
    plain = encode(Picture.from_array(waves(40, 30)), kind, "{}", depth=depth)
    assert Picture.from_pil(Image.open(BytesIO(data))) == Picture.from_pil(Image.open(BytesIO(plain)))
