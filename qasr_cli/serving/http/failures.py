"""Errors as OpenAI's JSON object, with the status that its clients understand.

In go exceptions; out come responses: `{"error": {"message", "type", "param", "code"}}`. A message is one line
that says what is wrong and what to do next. Paths of the server never leave it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from qasr_cli.errors import (
    DeviceLostError,
    InputOutputError,
    OutOfMemoryError,
    QasrError,
    QualityError,
    UnavailableError,
    UndecodableError,
    UsageError,
    printable,
)
from qasr_cli.serving.refusals import CancelledError, OverloadedError, TooLargeError

MAX_HEAD_BYTES = 32 * 1024  # a browser's cookies; servers usually take 8 to 64 kB

logger = logging.getLogger(__name__)

_STATUS: tuple[tuple[type[QasrError], int], ...] = (  # the first that fits
    (TooLargeError, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (OverloadedError, HTTPStatus.SERVICE_UNAVAILABLE),
    (CancelledError, HTTPStatus.CONFLICT),
    (UsageError, HTTPStatus.BAD_REQUEST),
    (UndecodableError, HTTPStatus.BAD_REQUEST),
    (QualityError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (OutOfMemoryError, HTTPStatus.SERVICE_UNAVAILABLE),
    (DeviceLostError, HTTPStatus.SERVICE_UNAVAILABLE),
    (UnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
    (InputOutputError, HTTPStatus.INSUFFICIENT_STORAGE),
)
# OpenAI's own words where it has some.
_TYPES = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.FORBIDDEN: "permission_error",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error",
    HTTPStatus.SERVICE_UNAVAILABLE: "service_unavailable_error",
}

_FLAG = re.compile(r"--([a-z][a-z-]*[a-z])")
_FIELDS = {"--context": "prompt"}  # where a field's name is not its flag's


class ApiError(QasrError):
    """A request that is refused.

    Args:
        status: The HTTP status.
        message: What is wrong, in one line.
        hint: What to do next, in one line.
        param: The field that is wrong.
        code: A word for programs.
    """

    def __init__(
        self, status: int, message: str, hint: str = "", *, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message, hint or " ")
        self.status = status
        self.param = param
        self.code = code


def head_too_long() -> ApiError:
    """Return the error of a request whose head has more than `MAX_HEAD_BYTES`."""
    return ApiError(431, f"the head of the request has more than {MAX_HEAD_BYTES} bytes", "send less")


def status_of(error: QasrError) -> int:
    """Return the HTTP status of an error."""
    if isinstance(error, ApiError):
        return error.status
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def body_of(error: QasrError) -> dict[str, object]:
    """Return the JSON object of an error."""
    if isinstance(error, UsageError):
        error = _of_field(error)
    status = status_of(error)
    usual = "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    hint = error.hint.strip()
    return {
        "error": {
            "message": f"{error.message}; {hint}" if hint else error.message,
            "type": _TYPES.get(HTTPStatus(status), usual),
            "param": error.param if isinstance(error, ApiError) else None,
            "code": error.code if isinstance(error, ApiError) else None,
        }
    }


def _of_field(error: UsageError) -> ApiError:
    """Return an error about a flag as one about the field of the same name."""
    flag = error.flag or ""
    hint = "" if error.hint == UsageError.hint else _FLAG.sub(_field, error.hint)
    param = _FLAG.sub(_field, flag) or None
    return ApiError(HTTPStatus.BAD_REQUEST, _FLAG.sub(_field, error.message), hint, param=param)


def _field(flag: re.Match[str]) -> str:
    return _FIELDS.get(flag[0]) or flag[1].replace("-", "_")


def answer(error: QasrError) -> Response:
    """Return the response to a request that ended with an error of qasr."""
    return JSONResponse(body_of(error), status_of(error), headers_of(error))


def headers_of(error: QasrError) -> Mapping[str, str]:
    """Return the headers that tell a client when to ask again."""
    return {"Retry-After": str(error.retry_after_s)} if isinstance(error, OverloadedError) else {}


async def on_qasr_error(request: Request, error: Exception) -> Response:
    """Answer a request that ended with an error of qasr."""
    assert isinstance(error, QasrError)  # noqa: S101 - as registered
    return answer(error)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Answer what Starlette itself refuses: an unknown path, a wrong method, a body that is too large."""
    assert isinstance(error, HTTPException)  # noqa: S101 - as registered
    shown = ApiError(error.status_code, *_words(request, error))
    return JSONResponse(body_of(shown), error.status_code, error.headers)


def _words(request: Request, error: HTTPException) -> tuple[str, str]:
    path = printable(request.scope["path"])[:200]
    if error.status_code == HTTPStatus.NOT_FOUND:
        return f"there is no {path}", "GET /openapi.json lists what there is"
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "other methods")
        return f"{path} does not take {request.method}", f"it takes {allowed}"
    return printable(str(error.detail)), ""


async def on_gone(request: Request, error: Exception) -> Response:
    """End a request whose client has gone away; nobody gets the answer."""
    return Response(status_code=499)


async def on_crash(request: Request, error: Exception) -> Response:
    """Answer a request that a bug ended; its traceback is in the log."""
    shown = ApiError(500, f"unexpected {type(error).__name__}", "see the server's log")
    return JSONResponse(body_of(shown), 500)
