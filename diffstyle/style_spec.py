"""Styles as people type them: a picture, a style file or a name, with a weight behind a colon."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

from diffstyle.errors import InputError
from diffstyle.style import Style
from diffstyle.style_file import SUFFIX
from diffstyle.zoo import named_style, style_files


def parse_style(specs: Sequence[str]) -> Style:
    """The blend that `specs` describe, each `[image:|preset:]WHAT[:WEIGHT]`.

    Without a prefix, a name of the zoo is that style and anything else is a file.
    """
    pairs = [_weighted(spec) for spec in specs]
    if len(pairs) == 1 and pairs[0][1] > 0:
        return _one(pairs[0][0])
    return Style.mix([(_one(what), weight) for what, weight in pairs])


def style_paths(specs: Sequence[str]) -> list[Path]:
    """The files that `specs` name."""
    paths = [what.removeprefix("image:") for what, _ in map(_weighted, specs)]
    return [Path(p) for p in paths if _exists(p)]


def _weighted(spec: str) -> tuple[str, float]:
    match = re.fullmatch(r"(?P<what>.+):(?P<weight>[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?nan|[+-]?inf)", spec, re.I)
    if match is None or _exists(spec):
        return spec, 1.0
    weight = float(match["weight"])
    if not math.isfinite(weight) or weight < 0:
        raise InputError(f"The weight in --style {spec} is {weight}: give a number of 0 or more.")
    return match["what"], weight


def _one(what: str) -> Style:
    kind, _, rest = what.partition(":")
    if kind == "preset" and rest:
        return named_style(rest)
    path = rest if kind == "image" and rest else what
    if kind != "image" and path in style_files() and not _exists(path):
        return named_style(path)
    if path.endswith(SUFFIX):
        return Style.load(path)
    if kind != "image" and not _exists(path) and not Path(path).suffix:
        return named_style(path)  # raises, naming what is near
    return Style.from_image(path)


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except OSError:  # a name that no file can have
        return False
