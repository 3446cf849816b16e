"""Libraries kept from writing to the terminal while they load models."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Generator


@contextlib.contextmanager
def quiet(*, bars: bool = True) -> Generator[None]:
    """Hide Python warnings, log records below ERROR and, with `bars`, the progress bars of diffusers and transformers.

    `bars=False` avoids importing those two libraries. Every setting is restored at the end.
    """
    loggers = [logging.getLogger(name) for name in (None, "diffusers", "transformers")]
    handler = logging.NullHandler()  # without one, the root logger would set up a handler that prints
    with contextlib.ExitStack() as stack:
        if bars:  # first: importing these libraries sets the level of their loggers
            stack.enter_context(_without_bars())
        loggers[0].addHandler(handler)
        stack.callback(loggers[0].removeHandler, handler)
        for logger in loggers:
            stack.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.ERROR)
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _without_bars() -> Generator[None]:
    import diffusers
    import transformers

    shown = [m for m in (diffusers.utils.logging, transformers.utils.logging) if m.is_progress_bar_enabled()]
    for module in shown:
        module.disable_progress_bar()
    try:
        yield
    finally:
        for module in shown:
            module.enable_progress_bar()
