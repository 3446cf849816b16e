"""Who sends a request: a browser with a cookie that this server signed, or else an address."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

COOKIE = "diffstyle_visitor"
_VISITOR = "visitor "


class Visitors:
    """Makes and checks cookies. The key lives as long as the process, like the sessions."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def new(self) -> str:
        """A cookie for somebody who has none."""
        name = secrets.token_urlsafe(18)
        return f"{name}.{self._signature(name)}"

    def known(self, cookies: Mapping[str, str]) -> str:
        """The visitor of a cookie that this server signed; "" if there is none."""
        name, _, signature = cookies.get(COOKIE, "").rpartition(".")
        return name if name and hmac.compare_digest(signature, self._signature(name)) else ""

    def owner(self, cookies: Mapping[str, str], address: str) -> str:
        """Whose uploads and sessions these are: a visitor's, or of whoever has no cookie at `address`."""
        found = self.known(cookies)
        return f"{_VISITOR}{found}" if found else f"address {address}"

    @staticmethod
    def is_visitor(owner: str) -> bool:
        """Whether `owner` has a cookie, and so is told from others at the same address."""
        return owner.startswith(_VISITOR)

    def _signature(self, name: str) -> str:
        return hmac.new(self._key, name.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def cookies_of(header: str) -> dict[str, str]:
    """The cookies in a `Cookie` header; none if it is malformed."""
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}
