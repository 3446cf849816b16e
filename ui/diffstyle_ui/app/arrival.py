"""When a request arrived, and whose it is: noted by the guard, read by handlers, which may run minutes later."""

from __future__ import annotations

import math
import time
from collections.abc import MutableMapping
from typing import Any

import gradio as gr

NEVER = math.inf
_ARRIVED, _OWNER, _ADDRESS = "diffstyle.arrived", "diffstyle.owner", "diffstyle.address"


def note_arrival(scope: MutableMapping[str, Any], *, owner: str, address: str) -> None:
    """Write into an ASGI scope that the request of `owner` at `address` arrives now."""
    scope[_ARRIVED], scope[_OWNER], scope[_ADDRESS] = time.monotonic(), owner, address


def arrival(request: gr.Request) -> float:
    """When `request` arrived, on the clock of `time.monotonic`; `NEVER` if nobody noted it."""
    return float(_scope(getattr(request, "request", None)).get(_ARRIVED, NEVER))


def sender(request: Any) -> tuple[str, str]:
    """Owner and address of a Starlette request; "" if nobody noted them."""
    scope = _scope(request)
    return str(scope.get(_OWNER, "")), str(scope.get(_ADDRESS, ""))


def _scope(request: Any) -> MutableMapping[str, Any]:
    return getattr(request, "scope", None) or {}
