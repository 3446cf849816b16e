"""Shards of painted pictures: tar files whose members are called KEY.NAME, written whole or not at all."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from diffstyle.core.picture import Picture
from diffstyle.formats.atomic import write_atomic
from diffstyle.training.data import Pixels


def write_shard(path: Path, members: Iterable[tuple[str, bytes]]) -> None:
    """Write a shard of `members`, each a name with its content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    write_atomic(path, lambda file: file.write(buffer.getvalue()))


def read_shard(path: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Each key of a shard with its members by name."""
    found: dict[str, dict[str, bytes]] = {}
    with tarfile.open(path) as tar:
        for member in tar:
            key, _, name = member.name.partition(".")
            content = tar.extractfile(member)
            assert content is not None, member.name
            found.setdefault(key, {})[name] = content.read()
    yield from found.items()


def to_png(picture: Picture) -> bytes:
    """A picture without its alpha, barely compressed, for speed."""
    buffer = io.BytesIO()
    pixels: Pixels = (picture.opaque().permute(1, 2, 0).clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def from_png(data: bytes) -> Pixels:
    """(h, w, 3) uint8."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
