"""`*.style.safetensors`: a style in a small file.

Embeddings, statistics and a thumbnail are tensors; everything else is JSON in the header.
"""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from diffstyle.core.errors import InputError
from diffstyle.core.sphere import unit
from diffstyle.core.style import MAX_EXEMPLARS, Reference, Style
from diffstyle.formats.budget import BUDGET, Budget
from diffstyle.formats.safetensors import read_safetensors, write_safetensors

SUFFIX = ".style.safetensors"
KIND = "diffstyle.style/1"
THUMBNAIL = "thumbnail"


def to_record(style: Style) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """A style as JSON values, and the tensors that they refer to by name."""
    tensors: dict[str, Tensor] = {}
    references: list[dict[str, Any]] = []
    for n, r in enumerate(style.references):
        spaces = sorted(r.statistics)
        tensors |= {f"references.{n}.{space}": r.statistics[space] for space in spaces}
        tensors |= {f"references.{n}.embedding.{space}": vector for space, vector in r.embeddings.items()}
        source = r.source if r.prompt else Path(r.source).name  # without the folders of this machine
        record: dict[str, Any] = {"sha256": r.digest, "source": source, "weight": r.weight, "statistics": spaces}
        if r.prompt:
            record["prompt"] = r.prompt
        if r.adapter:
            record["adapter"] = r.adapter
        if r.exemplars:
            record["exemplars"] = [base64.b64encode(data).decode("ascii") for data in r.exemplars]
        references.append(record | {"confidence": r.confidence, "embeddings": sorted(r.embeddings)})
    return {"name": style.name, "licence": style.licence, "card": style.card, "references": references}, tensors


def from_record(record: dict[str, Any], tensors: dict[str, Tensor], budget: Budget = BUDGET) -> Style:
    """The inverse of `to_record`; KeyError, TypeError or ValueError if the record is not one, InputError for more
    references than `budget` allows.
    """
    budget.check_references(len(record["references"]))
    references = tuple(
        Reference(
            str(r["sha256"]),
            str(r["source"]),
            float(r["weight"]),
            statistics={str(space): _vector(tensors[f"references.{n}.{space}"]) for space in r["statistics"]},
            prompt=str(r.get("prompt", "")),
            embeddings={
                str(space): unit(_vector(tensors[f"references.{n}.embedding.{space}"]), str(r["source"]))
                for space in r.get("embeddings", ())
            },
            confidence=_fraction(r.get("confidence", 1)),
            adapter=str(r.get("adapter", "")),
            exemplars=_exemplars(r),
        )
        for n, r in enumerate(record["references"])
    )
    return Style(references, str(record["name"]), str(record["licence"]), str(record.get("card", "")))


def save(style: Style, path: Path) -> Path:
    """Write `style` whole or not at all. InputError if it holds nothing but pictures that were never measured."""
    if not path.name.endswith(SUFFIX):
        raise InputError(f"Cannot write {path}: a style file must end in {SUFFIX}.")
    record, tensors = to_record(style)
    if not all(r.statistics or r.embeddings or r.prompt or r.exemplars for r in style.references):
        raise InputError("This style was never measured: save the one that Stylizer.measure(style) returns.")
    if style.thumbnail:
        tensors[THUMBNAIL] = torch.frombuffer(bytearray(style.thumbnail), dtype=torch.uint8)
    write_safetensors(path, tensors, {"format": KIND, "style": json.dumps(record)})
    return path


def load(path: Path, *, space: str | None = None) -> Style:
    """Read a style file; it names its spaces itself, so `space` is not needed. InputError if it is anything else."""
    del space
    if path.is_file():
        BUDGET.check_tensors(path.stat().st_size)
    metadata, tensors = read_safetensors(path)
    if metadata.get("format") != KIND:
        raise InputError(f"Cannot use {path}: it is not a style file, make one with Style.save.")
    try:
        style = from_record(cast("dict[str, Any]", json.loads(metadata["style"])), tensors)
        thumbnail = tensors[THUMBNAIL].numpy().tobytes() if THUMBNAIL in tensors else b""
        return replace(style, thumbnail=thumbnail)
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InputError(f"Cannot use {path}: its style record is damaged, make the file again.") from error


def _exemplars(record: dict[str, Any]) -> tuple[bytes, ...]:
    """The list `exemplars`, or the one `exemplar` that earlier versions wrote."""
    texts = cast("list[object]", record.get("exemplars", [record["exemplar"]] if record.get("exemplar") else []))
    if len(texts) > MAX_EXEMPLARS:
        raise ValueError(f"{len(texts)} exemplars are more than {MAX_EXEMPLARS}")
    return tuple(base64.b64decode(str(text), validate=True) for text in texts)


def _fraction(value: object) -> float:
    number = float(str(value))
    if not 0 <= number <= 1:
        raise ValueError(f"{number} is not between 0 and 1")
    return number


def _vector(tensor: Tensor) -> Tensor:
    if tensor.ndim != 1 or tensor.dtype != torch.float32:
        raise TypeError(f"statistics must be a float32 vector, not {tensor.dtype} of shape {tuple(tensor.shape)}")
    return tensor
