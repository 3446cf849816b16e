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

_KINDS = ("image", "preset")


def parse_style(specs: Sequence[str]) -> Style:
    """The blend that `specs` describe, each `[image:|preset:]WHAT[:WEIGHT]`.

    Without a prefix, a name of the zoo is that style and anything else is a file.
    """
    pairs = [_weighted(spec) for spec in specs]
    if len(pairs) == 1 and pairs[0][1] > 0:
        return _one(pairs[0][0])
    return Style.mix([(_one(what), weight) for what, weight in pairs])


def _weighted(spec: str) -> tuple[str, float]:
    match = re.fullmatch(r"(?P<what>.+):(?P<weight>[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?nan|[+-]?inf)", spec, re.I)
    if match is None or Path(spec).exists():
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
    if kind not in _KINDS and path in style_files() and not Path(path).exists():
        return named_style(path)
    if path.endswith(SUFFIX):
        return Style.load(path)
    if not Path(path).exists() and not Path(path).suffix:
        return named_style(path)  # raises, naming what is near
    return Style.from_image(path)
