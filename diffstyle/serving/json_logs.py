"""Logs as JSON, one object a line. They hold no pictures, no words of styles and no keys."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

LOG = logging.getLogger("diffstyle.serving")


class JsonFormatter(logging.Formatter):
    """A record as one JSON object: time, level, event, and the fields that `log` was given."""

    def format(self, record: logging.LogRecord) -> str:
        values: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "values", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            # the message of an error may quote what a user sent; that of the system does not
            values["error"] = type(record.exc_info[1]).__name__
            if isinstance(record.exc_info[1], OSError):
                values["reason"] = str(record.exc_info[1])
            values["trace"] = [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(record.exc_info[2])]
        return json.dumps(values)


def log(
    event: str, values: Mapping[str, Any], *, level: int = logging.INFO, error: BaseException | None = None
) -> None:
    """Log an event with its `values`, and where `error` was raised."""
    LOG.log(level, event, extra={"values": dict(values)}, exc_info=error)


def start_logging() -> None:
    """Write what this server, and uvicorn under it, log to the standard error stream."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    for name, level in (("diffstyle.serving", logging.INFO), ("uvicorn.error", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
