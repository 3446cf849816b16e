"""Settings dataclasses as command line options, each under the heading it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, get_args, get_origin

from cyclopts import Group, Token
from cyclopts import Parameter as Option

from diffstyle.core.errors import InputError
from diffstyle.core.fields import FieldInfo, fields_of

FILES, STYLE, WHERE = Group("Files", sort_key=0), Group("Style", sort_key=1), Group("Where", sort_key=3)
_ORDER = ("Files", "Style", "Look", "Where", "Colour", "Photo and finish", "Engine", "Model")


def named_paths(kind: Any, tokens: Sequence[Token]) -> Any:
    """Convert the words of a path, or of several. InputError for an empty one, which would name the current folder."""
    if any(not token.value for token in tokens):
        raise InputError("The name of a file is empty: check the quotes and the variables of the command.")
    paths = [Path(token.value) for token in tokens]
    return paths if get_origin(kind) is list else paths[0]


def check_range(name: str, value: int | None, least: int, most: int) -> None:
    """InputError unless `value` is None or from `least` to `most`."""
    if value is not None and not least <= value <= most:
        raise InputError(f"{name} is {value}: give a number from {least} to {most}.")


@dataclass(frozen=True, slots=True)
class Bound:
    """A settings class whose fields become options; those without a section of their own go under `heading`."""

    cls: type
    heading: str


def group(title: str) -> Group:
    """The heading of that title; the known ones keep one order in every help text."""
    known = next((n for n, start in enumerate(_ORDER) if title.startswith(start)), len(_ORDER))
    return Group(title, sort_key=known)


def with_options(
    function: Callable[..., int], bound: Mapping[str, Bound], choices: Mapping[str, Sequence[str]]
) -> Callable[..., int]:
    """`function` with the fields of settings classes as options in place of the parameters that take their values.

    `bound` maps the name of a parameter to the class that it takes, `choices` that of another to the words it may be.
    Raises InputError, when called, for a value that
    the class refuses.
    """
    shown = signature(function, eval_str=True)
    options = {name: [_parameter(info, b.heading) for info in fields_of(b.cls)] for name, b in bound.items()}
    parameters: list[Parameter] = []
    for parameter in shown.parameters.values():
        parameters += options.get(parameter.name, [_chosen_among(parameter, choices.get(parameter.name, ()))])

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> int:
        values = {
            name: b.cls(**{i.name: kwargs.pop(i.name) for i in fields_of(b.cls) if i.name in kwargs})
            for name, b in bound.items()
        }
        return function(*args, **kwargs, **values)

    vars(call)["__signature__"] = shown.replace(parameters=parameters)
    del vars(call)["__wrapped__"]
    call.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": int}
    return call


def _chosen_among(parameter: Parameter, words: Sequence[str]) -> Parameter:
    if not words:
        return parameter
    _, option = get_args(parameter.annotation)
    return parameter.replace(annotation=Annotated[Literal[tuple(words)] | None, option])  # pyright: ignore


def _parameter(info: FieldInfo, heading: str) -> Parameter:
    kind: Any = Literal[info.choices] if info.choices else info.kind  # pyright: ignore[reportInvalidTypeForm]
    if info.several:
        kind = tuple[kind, ...]
    if info.optional:
        kind = Optional[kind]  # noqa: UP045 - `kind` is a value
    plain = info.default not in (None, "", (), False)
    option = Option(
        help=_help(info), group=group(info.section or heading), negative=(), show_default=plain, json_list=False
    )
    return Parameter(info.name, Parameter.KEYWORD_ONLY, default=info.default, annotation=Annotated[kind, option])


def _help(info: FieldInfo) -> str:
    if info.bounds is None or max(info.bounds) > 1e9:
        return info.help
    low, high = info.bounds
    span = f"from {low:g} to {high:g}"
    return info.help if span in info.help else f"{info.help.rstrip('.')}, {span}."
