"""`*.style.safetensors`: a style as a small file. Tensors are statistics, everything else is JSON in the header."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from diffstyle.errors import InputError
from diffstyle.style import Reference, Style
from diffstyle.tensors import read_safetensors, write_safetensors

SUFFIX = ".style.safetensors"
KIND = "diffstyle.style/1"


def to_record(style: Style) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """JSON values and the tensors they name."""
    tensors: dict[str, Tensor] = {}
    references: list[dict[str, Any]] = []
    for n, r in enumerate(style.references):
        spaces = sorted(r.statistics)
        tensors |= {f"references.{n}.{space}": r.statistics[space] for space in spaces}
        references.append({"sha256": r.digest, "source": Path(r.source).name, "weight": r.weight, "statistics": spaces})
    return {"name": style.name, "licence": style.licence, "references": references}, tensors


def from_record(record: dict[str, Any], tensors: dict[str, Tensor]) -> Style:
    """The inverse of `to_record`; KeyError, TypeError or ValueError if the record is not one."""
    references = tuple(
        Reference(
            str(r["sha256"]),
            str(r["source"]),
            float(r["weight"]),
            statistics={str(space): _vector(tensors[f"references.{n}.{space}"]) for space in r["statistics"]},
        )
        for n, r in enumerate(record["references"])
    )
    return Style(references, str(record["name"]), str(record["licence"]))


def save(style: Style, path: Path) -> Path:
    if not path.name.endswith(SUFFIX):
        raise InputError(f"Cannot write {path}: a style file must end in {SUFFIX}.")
    record, tensors = to_record(style)
    if not all(r.statistics for r in style.references):
        raise InputError("This style was never measured: save the one that Stylizer.measure(style) returns.")
    write_safetensors(path, tensors, {"format": KIND, "style": json.dumps(record)})
    return path


def load(path: Path) -> Style:
    metadata, tensors = read_safetensors(path)
    if metadata.get("format") != KIND:
        raise InputError(f"Cannot use {path}: it is not a style file, make one with Style.save.")
    try:
        return from_record(cast("dict[str, Any]", json.loads(metadata["style"])), tensors)
    except InputError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"Cannot use {path}: its style record is damaged, make the file again.") from error


def _vector(tensor: Tensor) -> Tensor:
    if tensor.ndim != 1 or tensor.dtype != torch.float32:
        raise TypeError(f"statistics must be a float32 vector, not {tensor.dtype} of shape {tuple(tensor.shape)}")
    return tensor
