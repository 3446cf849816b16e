"""Errors as one sentence on the page. Unexpected errors are also logged, with their traceback."""

from __future__ import annotations

import functools
import html
import inspect
import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import gradio as gr

from diffstyle import Cancelled, InputError

F = TypeVar("F", bound=Callable[..., Any])
CANCELLED = "The render was cancelled: nothing was saved."
UNEXPECTED = "An internal error occurred. Please try again; the server's log has the details."
_log = logging.getLogger("diffstyle_ui")


def user_errors(handler: F) -> F:
    """Decorate an event handler, a function or a generator, so that its errors are shown as one sentence."""
    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def stream(*arguments: Any, **named: Any) -> Iterator[Any]:
            with as_gradio_errors():
                yield from handler(*arguments, **named)

        return cast("F", stream)

    @functools.wraps(handler)
    def call(*arguments: Any, **named: Any) -> Any:
        with as_gradio_errors():
            return handler(*arguments, **named)

    return cast("F", call)


@contextmanager
def as_gradio_errors() -> Generator[None, None, None]:
    """Turn InputError into a `gr.Error` with its message, and any other error into one that says `UNEXPECTED`."""
    try:
        yield
    except gr.Error:
        raise
    except InputError as error:
        raise _gradio_error(str(error)) from error
    except Cancelled:
        gr.Info(CANCELLED, duration=12, title="Cancelled")
        raise _gradio_error(CANCELLED, visible=False) from None
    except Exception as error:
        log_unexpected()
        raise _gradio_error(UNEXPECTED) from error


def misfit(error: Exception) -> gr.Error:
    """The error for a request that no handler has seen, because Gradio could not read it; logged in one line."""
    reason = " ".join(str(error).split())[:200]
    _log.warning("A request was refused, %s: %s", type(error).__name__, reason)
    return _gradio_error("The values are not those of this endpoint: /info lists its parameters.")


def log_unexpected() -> None:
    """Log the current exception with its traceback."""
    _log.exception("unexpected error")


def _gradio_error(sentence: str, *, visible: bool = True) -> gr.Error:
    message = html.escape(sentence, quote=False)  # the page renders it as HTML
    return gr.Error(message, duration=12, visible=visible, title="Please check", print_exception=False)
