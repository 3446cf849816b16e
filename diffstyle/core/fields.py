"""Reads a settings dataclass (types, ranges, help) for checks, forms, the command line and HTTP."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Annotated, Any, Literal, cast, get_args, get_origin, get_type_hints

from diffstyle.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Range:
    """The lowest and the highest value of a number, both allowed."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class MaxLength:
    """The most characters that a text may have."""

    characters: int


@dataclass(frozen=True, slots=True)
class Section:
    """The heading under which a form, or `--help`, shows a setting."""

    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldInfo:
    """What a form needs to ask for one setting.

    `kind` is its plain type. `bounds` are the lowest and highest allowed number, `max_length` the most characters of a
    text, `choices` the allowed words. An `optional` setting may be None; the value of a `several` setting is a tuple of
    `kind`. `section` is the heading above it, "" for none.
    """

    name: str
    kind: type
    default: Any
    help: str
    optional: bool = False
    several: bool = False
    bounds: tuple[float, float] | None = None
    max_length: int | None = None
    choices: tuple[str, ...] = ()
    section: str = ""


def check_values(settings: object, cls: type) -> None:
    """Convert and check the fields of a frozen dataclass that `cls` declares as settings; call it in `__post_init__`.

    Numbers become plain int or float, because NumPy's cannot be written as JSON. Raises InputError, in one sentence,
    for a number or text of the wrong type, a number outside its `Range`, a text longer than its `MaxLength`, or a word
    that is not among the choices.
    """
    for info in fields_of(cls):
        object.__setattr__(settings, info.name, _checked(info, getattr(settings, info.name)))


@cache
def fields_of(cls: type) -> tuple[FieldInfo, ...]:
    """The settings of a dataclass in their order, described by annotations, defaults and its numpydoc Parameters.

    A field without a help text in the docstring of `cls`, or of the class that declares it, is no setting and is left
    out: it holds a picture or a style.
    """
    helps: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        helps |= _helps(base.__dict__.get("__doc__") or "")
    hints = get_type_hints(cls, include_extras=True)
    return tuple(
        _described(f.name, hints[f.name], None if f.default is MISSING else f.default, helps[f.name])
        for f in fields(cls)
        if f.name in helps
    )


def values_of(settings: object, cls: type | None = None) -> dict[str, Any]:
    """Field values by name: all settings of `settings`, or only those that `cls` declares."""
    return {info.name: getattr(settings, info.name) for info in fields_of(cls or type(settings))}


def changed_from_default(settings: object) -> tuple[str, ...]:
    """The names of all settings that differ from their defaults."""
    return tuple(i.name for i in fields_of(type(settings)) if getattr(settings, i.name) != i.default)


def _described(name: str, hint: Any, default: Any, text: str) -> FieldInfo:
    extras: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *rest = get_args(hint)
        extras = tuple(rest)
    plain = [h for h in get_args(hint) if h is not type(None)] if type(None) in get_args(hint) else [hint]
    kind, several = plain[0], get_origin(plain[0]) is tuple
    if several:
        kind = get_args(kind)[0]
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    limits = next((e for e in extras if isinstance(e, Range)), None)
    length = next((e for e in extras if isinstance(e, MaxLength)), None)
    section = next((e for e in extras if isinstance(e, Section)), None)
    return FieldInfo(
        name=name,
        kind=str if choices else kind,
        default=default,
        help=text,
        optional=type(None) in get_args(hint),
        several=several,
        bounds=None if limits is None else (limits.low, limits.high),
        max_length=None if length is None else length.characters,
        choices=choices,
        section="" if section is None else section.title,
    )


def _checked(info: FieldInfo, value: Any) -> Any:
    if value is None:
        if info.optional:
            return None
        raise InputError(f"{info.name} is None: give a value.")
    if info.several:
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise InputError(f"{info.name} is {value!r}: give a list.")
        return tuple(cast("Iterable[Any]", value))
    if info.kind in (int, float):
        return _number(info, value)
    if info.choices and value not in info.choices:
        raise InputError(f"{info.name} is {value!r}: give one of {', '.join(info.choices)}.")
    if info.kind is str and not isinstance(value, str):
        raise InputError(f"{info.name} is {value!r}: give text.")
    if info.max_length is not None and len(value) > info.max_length:
        raise InputError(f"{info.name} has {len(value)} characters: give at most {info.max_length}.")
    return value


def _number(info: FieldInfo, value: Any) -> int | float:
    try:
        if isinstance(value, bool):
            raise TypeError(value)
        number = info.kind(value)
        if number != float(value) and math.isfinite(float(value)) and not isinstance(value, int):
            raise ValueError(value)  # int() would drop the fraction
    except (TypeError, ValueError, OverflowError):
        what = "a whole number" if info.kind is int else "a number"
        raise InputError(f"{info.name} is {value!r}: give {what}.") from None
    if info.bounds is not None:
        low, high = info.bounds
        if not math.isfinite(number) or not low <= number <= high:
            raise InputError(f"{info.name} is {number}: give {_span(info.kind, low, high)}.")
    return number


def _span(kind: type, low: float, high: float) -> str:
    what = "a whole number" if kind is int else "a number"
    return f"{what} from {low:g} to {high:g}" if abs(high) < 1e9 else f"{what} from {low:g} to {int(high)}"


def _helps(docstring: str) -> dict[str, str]:
    """The descriptions in a numpydoc Parameters section, by name."""
    helps: dict[str, str] = {}
    name = ""
    for line in inspect.cleandoc(docstring).partition("----------\n")[2].splitlines():
        if line.startswith(" "):
            helps[name] = f"{helps[name]} {line.strip()}".strip()
        elif line.strip():
            name = line.strip()
            helps[name] = ""
    return helps
