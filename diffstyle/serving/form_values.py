"""The fields of a form that are no settings: numbers, choices, yes or no."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from diffstyle.serving.api_errors import ApiError
from diffstyle.serving.form_body import Form

C = TypeVar("C", bound=str)


def number(form: Form, name: str, default: int, span: tuple[int, int]) -> int:
    """A whole number within `span`, both ends included. Raises ApiError for anything else."""
    text = form.text(name).strip()
    if not text:
        return default
    low, high = span
    if not (text.isascii() and text.isdecimal() and low <= int(text) <= high):
        raise ApiError(400, f"{name} is {text[:40]!r}: give a whole number from {low} to {high}.", param=name)
    return int(text)


def share(form: Form, name: str, default: float) -> float:
    """A number from 0 to 1. Raises ApiError for anything else."""
    text = form.text(name).strip()
    try:
        value = float(text) if text else default
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ApiError(400, f"{name} is {text[:40]!r}: give a number from 0 to 1.", param=name)
    return value


def chosen(form: Form, name: str, choices: Sequence[C]) -> C:
    """One of `choices`, the first one if the field is empty. Raises ApiError for anything else."""
    text = form.text(name).strip() or choices[0]
    found = next((choice for choice in choices if choice == text), None)
    if found is None:
        said = f"{name} is {text[:40]!r}: give {'one of ' if len(choices) > 1 else ''}{', '.join(choices)}."
        raise ApiError(400, said, param=name)
    return found


def truth(form: Form, name: str) -> bool:
    """Yes or no; no if the field is empty. Raises ApiError for anything else."""
    return chosen(_lowered(form, name), name, ("false", "true")) == "true"


def _lowered(form: Form, name: str) -> Form:
    return Form({name: tuple(text.lower() for text in form.texts.get(name, ()))}, {})
