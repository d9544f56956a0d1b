"""What is wrong with a reply, and who is to blame: the server for now, the request, or the settings.

In go replies; out come exceptions with one printable line as their reason. A body is JSON in several shapes,
HTML, or nothing: an error whose text is not understood is still an error of that status.
"""

from __future__ import annotations

import email.utils
import math
import re
import time
from collections.abc import Mapping
from typing import Any, NoReturn

from qasr_cli import bounded_json
from qasr_cli.engines.remote.transport import Reply
from qasr_cli.escapes import printable

LONGEST_WAIT_S = 120.0  # of Retry-After; a longer one would be a server that does not want to work
_MAX_SHOWN = 300
# One that is not closed takes the rest: else each `<script` of thousands would be looked through to the end.
_TAG = re.compile(r"<(script|style)\b(?:.*?</\1>|.*)|<[^>]{0,1000}>", re.DOTALL | re.IGNORECASE)
_BUSY = {409, 425, 429, 503}
_NO_KEY = {401, 403}
_KEY_HINT = "give the servers' key: QASR_SERVER_KEY, or --server-key @FILE"
_URL_HINT = "check --server (the address without /v1/...), --server-model and --server-api"


class ReplyError(Exception):
    """No usable answer.

    Attributes:
        reason: One line without the address.
        status: Of the reply; 0 without one.
    """

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


class BusyError(ReplyError):
    """The server works and has no room for the request now.

    Attributes:
        wait_s: What it asks to wait; None if it names no time.
    """

    def __init__(self, reason: str, status: int = 0, wait_s: float | None = None) -> None:
        super().__init__(reason, status)
        self.wait_s = wait_s


class FailedError(ReplyError):
    """The server fails; another one, or the same one later, may answer.

    Attributes:
        is_of_request: The server had the whole request, so that it may be the request that it fails on.
    """

    def __init__(self, reason: str, status: int = 0, *, is_of_request: bool = True) -> None:
        super().__init__(reason, status)
        self.is_of_request = is_of_request


class RejectedError(ReplyError):
    """The server refuses this one request."""


class RefusedError(ReplyError):
    """The server would refuse every request.

    Attributes:
        hint: What the user can do.
        is_certain: The server itself says so, in JSON; a proxy before a server that is gone says 404, too.
    """

    def __init__(self, reason: str, hint: str, status: int = 0, *, is_certain: bool = True) -> None:
        super().__init__(reason, status)
        self.hint = hint
        self.is_certain = is_certain

    @property
    def is_of_key(self) -> bool:
        """Whether the key is missing or wrong."""
        return self.status in _NO_KEY


def object_of(reply: Reply) -> Mapping[str, Any]:
    """Return the JSON object of a successful reply.

    Raises:
        ReplyError: The status is that of an error, or the body is no JSON object.
    """
    if not 200 <= reply.status < 300:
        raise_for(reply)
    try:
        found = bounded_json.loads(reply.body)
    except ValueError as error:
        reason = f"answers with something that is not JSON: {_shown(reply.body)}"
        raise FailedError(reason, reply.status) from error
    if not isinstance(found, dict):
        raise FailedError(f"answers with JSON that is no object: {_shown(reply.body)}", reply.status)
    return found


def raise_for(reply: Reply) -> NoReturn:
    """Raise the error of a reply that is no success."""
    status = reply.status
    said = message_of(reply.body)
    reason = f"answers {status}" + (f": {said}" if said else "")
    if status in _BUSY:
        raise BusyError(reason, status, wait_s(reply.headers))
    if status in _NO_KEY:
        raise RefusedError(reason, _KEY_HINT, status)
    if status == 402:
        raise RefusedError(reason, "the account of the key has no credit", status)
    if status in {404, 405, 410}:
        raise RefusedError(reason, _URL_HINT, status, is_certain=_is_json_object(reply.body))
    if 300 <= status < 400:
        place = reply.headers.get("location", "")
        raise RefusedError(
            f"answers {status}, a redirect{' to ' + _place(place) if place else ''}",
            "redirects are not followed; give --server the address itself",
            status,
        )
    if status == 408 or not 400 <= status < 500:
        raise FailedError(reason, status)
    raise RejectedError(reason, status)


def _is_json_object(body: bytes) -> bool:
    try:
        return isinstance(bounded_json.loads(body), dict)
    except ValueError:
        return False


def message_of(body: bytes) -> str:
    """Return the message in an error's body: OpenAI's object, a text in its place, `detail`, or bare text."""
    try:
        found: Any = bounded_json.loads(body)
    except ValueError:
        return _shown(body)
    for _ in range(3):  # {"error": {"message": "..."}} is the deepest of the usual shapes
        if not isinstance(found, dict):
            break
        found = next((found[name] for name in ("error", "message", "detail") if found.get(name)), "")
    return one_line(found if isinstance(found, str) else "" if found in ({}, None) else str(found))


def wait_s(headers: Mapping[str, str], now_s: float | None = None) -> float | None:
    """Return the seconds of `Retry-After`, at most 120; None without a valid one.

    Args:
        headers: By their names in lower case.
        now_s: Current time, in seconds since 1970.
    """
    text = headers.get("retry-after", "").strip()
    try:
        found = float(text)
    except ValueError:
        try:
            found = email.utils.parsedate_to_datetime(text).timestamp() - (now_s or time.time())
        except (ValueError, OverflowError):
            return None
    return min(max(found, 0.0), LONGEST_WAIT_S) if math.isfinite(found) else None


def _shown(body: bytes) -> str:
    text = body[: 1 << 14].decode("utf-8", "replace")
    return one_line(_TAG.sub(" ", text))


def one_line(text: object) -> str:
    """Return a text of a stranger as one short line."""
    line = printable(" ".join(str(text).split()))
    return line if len(line) <= _MAX_SHOWN else f"{line[:_MAX_SHOWN]}…"


def _place(location: str) -> str:
    """Return an address without what may be a secret: its query, a user's name, a password."""
    bare = re.sub(r"//[^/?#]*@", "//", location.partition("?")[0].partition("#")[0])
    return one_line(bare)
