"""`.ipadpt`: picture embeddings as ComfyUI's IP-Adapter nodes save them, a bare tensor written by torch.save."""

from __future__ import annotations

from pathlib import Path

import torch

from diffstyle.core.errors import InputError, explain
from diffstyle.core.sphere import unit
from diffstyle.core.style import Style
from diffstyle.formats.atomic import write_atomic

SUFFIX = ".ipadpt"
SPACES = {1024: "ViT-H-14/laion2b_s32b_b79k", 1280: "ViT-bigG-14/laion2b_s39b_b160k"}
"""What IP-Adapters are trained on, by width: the file itself does not say."""


def load(path: Path, *, space: str | None = None) -> Style:
    """The style of an .ipadpt: (n, d) or (d,) embeddings in equal parts, in `space` or the one that d tells of those
    of IP-Adapter and the starter's.

    Opened with weights_only, so that no code in it can run.
    """
    try:
        tensor: object = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise explain(error, f"read {path}") from error
    except Exception as error:  # torch names a dozen kinds
        raise InputError(f"Cannot use {path}: it is not an .ipadpt, a tensor written by torch.save.") from error
    if (
        not isinstance(tensor, torch.Tensor)
        or not tensor.is_floating_point()
        or tensor.ndim not in (1, 2)
        or not len(tensor)
    ):
        shape = tuple(tensor.shape) if isinstance(tensor, torch.Tensor) else type(tensor).__name__
        raise InputError(f"Cannot use {path}: it holds {shape}, not picture embeddings of shape (n, width).")
    rows = tensor.reshape(-1, tensor.shape[-1]).float()
    where = space or SPACES.get(rows.shape[1]) or _starter_space(rows.shape[1])
    if where is None:
        raise InputError(f"Cannot tell the space of {path} from its width {rows.shape[1]}: name it with space=.")
    styles = [Style.from_embedding(unit(row, str(path)), where, name=path.stem) for row in rows]
    parts = tuple(r for style in styles for r in style.references)
    return Style(parts, path.stem)


def _starter_space(width: int) -> str | None:
    """The starter's, if that is its width: what the named styles are embedded in."""
    from diffstyle.assets.zoo import named_style, style_files

    style = named_style(next(iter(style_files())))
    return style.space if style.space and len(style.embedding) == width else None


def save(style: Style, path: Path) -> Path:
    """Write the embedding (1, d) of `style`, a direction of length 1: the length that the encoder gave it is not kept.

    Raises InputError if it has none, or several and none of IP-Adapter's.
    """
    known = [s for s in style.spaces if s in SPACES.values()] or list(style.spaces)
    if len(known) != 1:
        raise InputError(
            f"Cannot write {path}: the style {style.label} needs an embedding in one space, it has {known}."
        )
    row = style.embedding_in(known[0])[None].clone()
    write_atomic(path, lambda file: torch.save(row, file))
    return path
