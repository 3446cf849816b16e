"""A result taken apart for other programs: the photo, what each style painted with how much of it is seen, the mask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from diffstyle.core.errors import InputError, explain
from diffstyle.core.mask import composite_weights
from diffstyle.core.picture import Picture
from diffstyle.core.task import ResolvedTask, feathered, with_content
from diffstyle.formats.atomic import Inputs, check_apart, check_writable, write_atomic
from diffstyle.formats.picture_file import FORMATS, encode, encode_tiff, output_format
from diffstyle.formats.result import Result

NOTHING = Inputs.of(())
_NUMBERED = re.compile(r"\d+-.*\.png", re.I)


@dataclass(frozen=True, slots=True)
class Layer:
    """One picture of a stack, by name."""

    name: str
    picture: Picture


def layers(result: Result) -> tuple[Layer, ...]:
    """`content`, a layer for every style that is seen, the later over the earlier, and `mask`, of all of them.

    Laid over one another in that order, each by its alpha, the first ones give the result. All styles' layers hold the
    one painting, which two of them share where masks are soft; where none was painted, they hold the photo.
    """
    task = _as_painted(result)
    content, mask = task.content, torch.ones(1, *result.picture.pixels.shape[1:])
    if task.mask is not None:
        mask = task.mask.values
    left, parts = composite_weights(task.regions) if task.regions else (torch.ones_like(mask), [])
    pixels = _unmixed(result.picture.pixels, content.pixels, mask)
    stack = [Layer("content", content)]
    for style, alpha in zip(task.styles, _alphas([part * mask for part in (left, *parts)]), strict=True):
        if bool(alpha.any()):
            seen = alpha if content.alpha is None else alpha * content.alpha
            stack.append(Layer(f"style {style.label}", Picture(pixels, seen)))
    return (*stack, Layer("mask", Picture(mask.expand(3, -1, -1).contiguous())))


def is_one_file(path: Path) -> bool:
    """Whether layers go to pages of a .tif, and not into a folder."""
    return path.suffix.lower() in FORMATS and not path.is_dir()


def check_layers(path: Path, inputs: Inputs = NOTHING) -> None:
    """Raise InputError now if `save_layers` could not write there, or would write over one of `inputs`."""
    if is_one_file(path):
        if output_format(path) != "TIFF":
            raise InputError(f"Cannot write layers to {path}: name a .tif file, or a folder.")
        check_writable(path, inputs)
        return
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain(error, f"make the folder {path}") from error
    check_writable(path / "layer.png")
    for other in path.iterdir():
        if _NUMBERED.fullmatch(other.name):
            check_apart(other, inputs)
    for other in inputs.paths:
        if _NUMBERED.fullmatch(other.name) and other.parent.is_dir() and other.parent.samefile(path):
            check_apart(other, Inputs.of([other], missing=True))


def save_layers(result: Result, path: str | Path, *, depth: int = 8, recipe: bool = True) -> list[Path]:
    """Write the layers as pages of a .tif, or as numbered PNGs into a folder, made if need be. All hold the recipe,
    unless `recipe` is False.
    """
    path = Path(path)
    check_layers(path)
    stack, text = layers(result), result.recipe(depth=depth).to_json() if recipe else ""
    if is_one_file(path):
        data = encode_tiff([layer.picture for layer in stack], [text] * len(stack), depth=depth)
        write_atomic(path, lambda file: file.write(data))
        return [path]
    written: list[Path] = []
    for number, layer in enumerate(stack):
        name = re.sub(r"[^\w-]+", "-", layer.name)[:60].strip("-")
        data = encode(layer.picture, "PNG", text, depth=depth)
        written.append(path / f"{number}-{name}.png")
        write_atomic(written[-1], lambda file, data=data: file.write(data))
    return written


def _as_painted(result: Result) -> ResolvedTask:
    """The task at the size of the result, its masks as soft as they were there."""
    task, size = result.task, result.picture.size
    return feathered(with_content(task, replace(task.content.resized(size)), lambda mask: mask.resized(size)))


def _unmixed(shown: Tensor, content: Tensor, mask: Tensor) -> Tensor:
    """What was painted, of which `mask` is seen over the content: all (c, H, W)."""
    painted = (content + (shown - content) / mask.clamp_min(1 / 255)).clamp_(0, 1)
    return torch.where(mask == 1, shown, torch.where(mask > 0, painted, content))


def _alphas(weights: list[Tensor]) -> Iterator[Tensor]:
    """How opaque layers must be for each to be seen by its weight: one that is covered must make up for it."""
    rest, found = torch.ones_like(weights[0]), list[Tensor]()
    for weight in reversed(weights):
        found.append((weight / rest.clamp_min(1e-6)).clamp(0, 1))
        rest = rest - weight
    return reversed(found)
