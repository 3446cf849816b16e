"""Errors as one plain sentence in the page; what nobody expected goes to the log as well."""

from __future__ import annotations

import functools
import html
import inspect
import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import gradio as gr

from diffstyle import InputError
from diffstyle_ui.app.status import UNEXPECTED

F = TypeVar("F", bound=Callable[..., Any])
_log = logging.getLogger("diffstyle_ui")


def plainly(handler: F) -> F:
    """`handler`, a function or a generator, with its errors as sentences that the page shows."""
    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def stepwise(*arguments: Any, **named: Any) -> Iterator[Any]:
            with sentences():
                yield from handler(*arguments, **named)

        return cast("F", stepwise)

    @functools.wraps(handler)
    def once(*arguments: Any, **named: Any) -> Any:
        with sentences():
            return handler(*arguments, **named)

    return cast("F", once)


@contextmanager
def sentences() -> Generator[None, None, None]:
    """Turn InputError into the message of a `gr.Error`, and any other error into `UNEXPECTED`."""
    try:
        yield
    except gr.Error:
        raise
    except InputError as error:
        raise said(str(error)) from error
    except Exception as error:
        _log.exception("an error nobody expected")
        raise said(UNEXPECTED) from error


def said(sentence: str) -> gr.Error:
    """A `gr.Error` of `sentence`, which the page would read as HTML."""
    message = html.escape(sentence, quote=False)
    return gr.Error(message, duration=12, title="Please look", print_exception=False)
