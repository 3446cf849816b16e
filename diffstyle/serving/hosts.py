"""Which names a server answers to: no other page may reach it through a name of its own (DNS rebinding)."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit


def host_name(header: str) -> str:
    """The name in a `Host` header: without port and brackets, in lower case; "" if it is none."""
    if set(header) & set("@/?#\\"):  # parts of an address that are not its host
        return ""
    try:
        return (urlsplit(f"//{header.strip()}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def allowed_host(header: str, names: Sequence[str]) -> bool:
    """Whether a `Host` header names this server: an IP address, this machine, or one of `names`.

    Rebinding needs a name that the attacker resolves, so an address is always safe.
    """
    name = host_name(header)
    if not name:
        return False
    own = {"localhost", socket.gethostname().lower(), *(n.lower() for n in names)}
    return is_address(name) or name in own or name.endswith(".localhost")


def is_address(name: str) -> bool:
    """Whether `name` is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def allowed_origin(origin: str | None, host: str, names: Sequence[str]) -> bool:
    """Whether a request with that `Origin` header, None if it has none, comes from a page of this server."""
    if origin is None:
        return True
    try:
        found = urlsplit(origin)
        named = (found.hostname or "").lower()
    except ValueError:
        return False
    if found.scheme not in ("http", "https") or not named:
        return False
    return found.netloc.lower() == host.strip().lower() or named in {n.lower() for n in names}
