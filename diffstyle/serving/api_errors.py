"""Errors of the HTTP API, in the shape that OpenAI's clients read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from starlette.responses import JSONResponse

from diffstyle.core.errors import InputError
from diffstyle.serving.gate import Busy
from diffstyle.serving.uploaded_files import Refused

T = TypeVar("T")
UNEXPECTED = "An internal error occurred: try again, and if it stays, ask whoever runs this server for its log."


class ApiError(Refused):
    """A request that the server does not carry out.

    `status` is the HTTP status, `param` the form field that is wrong, `code` a word for programs, and `retry_after` the
    seconds after which the same request may succeed.
    """

    def __init__(
        self, status: int, sentence: str, *, param: str | None = None, code: str = "", retry_after: int | None = None
    ) -> None:
        super().__init__(status, sentence)
        self.param, self.code, self.retry_after = param, code or _CODES.get(status, "invalid_value"), retry_after

    @property
    def body(self) -> dict[str, Any]:
        """The JSON value that clients read."""
        kind = "server_error" if self.status >= 500 else _TYPES.get(self.status, "invalid_request_error")
        return {"error": {"message": self.sentence, "type": kind, "param": self.param, "code": self.code}}

    def response(self) -> JSONResponse:
        """The answer to the request."""
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(self.body, self.status, headers)


def invalid(error: InputError, param: str | None = None) -> ApiError:
    """The error for a value that cannot be used, or for a server that is busy."""
    if isinstance(error, Busy):
        return ApiError(503, str(error), retry_after=1)
    return ApiError(400, str(error), param=param)


def checked(make: Callable[[], T], param: str | None = None) -> T:
    """`make()`, whose InputError becomes an ApiError about the form field `param`."""
    try:
        return make()
    except InputError as error:
        raise invalid(error, param) from error


_TYPES = {429: "rate_limit_error", 401: "authentication_error", 403: "permission_error"}
_CODES = {
    401: "invalid_api_key",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "upload_timeout",
    409: "conflict",
    413: "request_too_large",
    415: "unsupported_media_type",
    429: "rate_limit_exceeded",
    500: "internal_error",
    503: "unavailable",
}
