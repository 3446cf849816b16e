"""`.ipadpt`: picture embeddings as ComfyUI's IP-Adapter nodes save them, a bare tensor written by torch.save."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from diffstyle.core.errors import InputError
from diffstyle.core.sphere import unit
from diffstyle.core.style import Style
from diffstyle.formats.atomic import write_atomic
from diffstyle.formats.safetensors import read_pickle

SUFFIX = ".ipadpt"
SPACES = {1024: "ViT-H-14/laion2b_s32b_b79k", 1280: "ViT-bigG-14/laion2b_s39b_b160k"}
"""The encoders that public IP-Adapters are trained on, by embedding width: the file itself does not name one."""


def read(path: Path) -> Tensor:
    """The embeddings (n, d) float32 in an .ipadpt, which holds (n, d) or (d,). No code in the file can run."""
    tensor = read_pickle(path, what="an .ipadpt, a tensor written by torch.save")
    if not isinstance(tensor, Tensor) or not tensor.is_floating_point() or tensor.ndim not in (1, 2) or not len(tensor):
        shape = tuple(tensor.shape) if isinstance(tensor, Tensor) else type(tensor).__name__
        raise InputError(f"Cannot use {path}: it holds {shape}, not picture embeddings of shape (n, width).")
    return tensor.reshape(-1, tensor.shape[-1]).float()


def load(path: Path, *, space: str | None = None) -> Style:
    """The style of an .ipadpt, its embeddings in equal parts, in `space`.

    Without `space` it is that of the public IP-Adapter of the same width; InputError if there is none.
    """
    rows = read(path)
    where = space or SPACES.get(rows.shape[1])
    if where is None:
        raise InputError(f"Cannot tell the space of {path} from its width {rows.shape[1]}: name it with space=.")
    styles = [Style.from_embedding(unit(row, str(path)), where, name=path.stem) for row in rows]
    return Style(tuple(r for style in styles for r in style.references), path.stem)


def save(style: Style, path: Path) -> Path:
    """Write the embedding (1, d) of `style` at length 1.

    InputError if it has none, or several of which none is of a public IP-Adapter.
    """
    known = [s for s in style.spaces if s in SPACES.values()] or list(style.spaces)
    if len(known) != 1:
        raise InputError(
            f"Cannot write {path}: the style {style.label} needs an embedding in one space, it has {known}."
        )
    row = style.embedding_in(known[0])[None].clone()
    write_atomic(path, lambda file: torch.save(row, file))
    return path
