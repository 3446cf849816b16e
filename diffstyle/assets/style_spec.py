"""Style specs as typed on the command line: words, a picture, a style file or a name, with an optional weight."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from diffstyle.assets.zoo import adapter_style, named_style, starter_space, style_files
from diffstyle.core.errors import InputError
from diffstyle.core.style import Style
from diffstyle.core.user_path import is_file, is_folder, user_path
from diffstyle.formats import ipadpt
from diffstyle.formats.style_files import SUFFIXES, load

_WEIGHT = re.compile(
    r"(?P<what>.*?)\s*:\s*(?P<weight>[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?nan|[+-]?inf)", re.I | re.S
)
_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,11}$")
_ROOTED = re.compile(r"(/|\./|\.\./|~|\.\\|[A-Za-z]:\\|\.{1,2}$)")
_MISTYPED = re.compile(r"\s*[+-]?[\d.,]*\d[\d.,]*\s*(%|x|/\s*\d+)?\s*", re.I)  # a number, but none that is a weight
_LISTED = re.compile(r"\s*[\d.]+\s*%?\s*,.*", re.S)  # a number, and then more behind a comma


def parse_style(specs: Sequence[str]) -> Style:
    """The blend of `specs`, each `[text:|image:|preset:|adapter:]WHAT[:WEIGHT]`.

    Without a prefix, WHAT is the file of that name, or else the style of that name, or else words. InputError if it
    looks like the path of a file that does not exist, or is almost the name of a style.
    """
    parsed = [_Spec.of(spec) for spec in specs]
    if len(parsed) == 1 and parsed[0].weight > 0:
        return parsed[0].style()
    return Style.mix([(spec.style(), spec.weight) for spec in parsed])


def style_paths(specs: Sequence[str]) -> list[Path]:
    """The picture and style files among `specs`."""
    return [user_path(s.what) for s in map(_Spec.of, specs) if s.kind in ("", "image") and is_file(s.what)]


def prompts_of(spec: str) -> tuple[str, ...]:
    """The words of each reference of a spec, "" for one without words; pictures are not read."""
    try:
        return _Spec.of(spec).prompts()
    except InputError:
        return ("",)  # whoever reads the style says why


@dataclass(frozen=True, slots=True)
class _Spec:
    kind: str  # a prefix, or "" if none was given
    what: str
    weight: float

    @classmethod
    def of(cls, spec: str) -> _Spec:
        before, colon, after = spec.partition(":")
        kind = before.lower() if colon and before.lower() in _KINDS and not is_file(spec) else ""
        rest = after if kind else spec
        match = _WEIGHT.fullmatch(rest)
        if kind in ("", "image") and is_file(rest):
            return cls(kind, rest, 1.0)
        _refuse_mistyped(spec, rest, weighed=match is not None)
        if match is None:
            return cls(kind, rest, 1.0)
        weight = float(match["weight"])
        if not math.isfinite(weight) or weight < 0:
            raise InputError(f"The weight in --style {spec} is {weight}: give a number of 0 or more.")
        return cls(kind, match["what"], weight)

    def prompts(self) -> tuple[str, ...]:
        of_pictures = not self.kind and is_file(self.what) and not self.what.endswith(SUFFIXES)
        if of_pictures or self.kind in ("image", "adapter"):
            return ("",)
        return tuple(reference.prompt for reference in self.style().references)

    def style(self) -> Style:
        what = self.what
        if self.kind:
            return _KINDS[self.kind](what)
        if not what.strip():
            return Style.from_text(what)  # raises: it is empty
        if what.endswith(SUFFIXES):
            return _from_file(user_path(what))
        if is_file(what):
            return Style.from_image(what)
        if what in style_files():
            return named_style(what)
        if _looks_like_a_path(what):
            reason = "it is a folder: name a file" if is_folder(what) else "there is no such file or folder"
            raise InputError(f"Cannot read {what}: {reason}; check the path, or write text:{what} if these are words.")
        if "-" in what and " " not in what and difflib.get_close_matches(what, style_files(), cutoff=0.85):
            return named_style(what)  # raises, with the similar names
        return Style.from_text(what)


_KINDS: dict[str, Callable[[str], Style]] = {
    "text": Style.from_text,
    "image": Style.from_image,
    "preset": named_style,
    "adapter": adapter_style,
}


def _from_file(path: Path) -> Style:
    if path.suffix != ipadpt.SUFFIX:
        return load(path)
    space, width = starter_space()
    found = int(ipadpt.read(path).shape[1])
    return load(path, space=space if found == width and found not in ipadpt.SPACES else None)


def _refuse_mistyped(spec: str, rest: str, *, weighed: bool) -> None:
    """InputError for what was meant as a weight and is none: 0,5 or 50% or =0.5, or several styles in one.

    `weighed` is whether a weight stands at the end.
    """
    for cut, sign in enumerate(rest):
        if sign not in ":=":
            continue
        name, behind = rest[:cut].strip(), rest[cut + 1 :]
        known = is_file(name) or name in style_files() or bool(_SUFFIX.search(name))
        if known and _LISTED.fullmatch(behind) and not _MISTYPED.fullmatch(behind):
            raise InputError(f"Cannot read --style {spec}: give every style a --style of its own, as {name}:0.5.")
        last = not (weighed and sign == ":")
        number = bool(_MISTYPED.fullmatch(behind)) and (known or sign == ":")
        if name and last and (number or (is_file(name) and ":" not in behind) or (known and not behind.strip())):
            raise InputError(f"Cannot read the weight in --style {spec}: write it as {name}:0.5.")


def _looks_like_a_path(what: str) -> bool:
    slashed = re.search(r"[/\\]", what) and not re.search(r"\s", what)
    return bool(_SUFFIX.search(what) or _ROOTED.match(what) or slashed)
