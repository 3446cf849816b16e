"""Libraries kept quiet, and loud again."""

from __future__ import annotations

import logging
import warnings

import diffusers
import pytest
import transformers

from diffstyle.core.quiet import quiet


def test_nothing_is_printed_inside_and_everything_is_restored(capsys: pytest.CaptureFixture[str]) -> None:
    bars = diffusers.utils.logging
    transformers.utils.logging.get_logger()  # sets the level of its logger
    loggers = [logging.getLogger(name) for name in (None, "diffusers", "transformers")]
    before = [(logger.level, list(logger.handlers)) for logger in loggers]
    shown = bars.is_progress_bar_enabled()
    with quiet():
        logging.warning("a warning")
        logging.getLogger("diffusers").warning("another")
        warnings.warn("a third", stacklevel=1)
        assert not bars.is_progress_bar_enabled()
    assert capsys.readouterr() == ("", "")
    assert [(logger.level, list(logger.handlers)) for logger in loggers] == before
    assert bars.is_progress_bar_enabled() == shown


def test_quiet_contexts_nest_and_end_with_errors() -> None:
    level = logging.getLogger().level
    with pytest.raises(KeyError), quiet(bars=False):
        raise KeyError
    assert logging.getLogger().level == level
    with quiet(bars=False):
        with quiet(bars=False):
            pass
        assert logging.getLogger().level == logging.ERROR
    assert logging.getLogger().level == level
