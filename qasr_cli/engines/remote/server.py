"""One server: its models, and its answers about chunks.

In go chunks; out come hypotheses, or a `ReplyError` that says who is to blame. Any thread may call it. Never
tries again by itself, but for a request with fields that the server does not know.
"""

from __future__ import annotations

import http.client
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from qasr_cli.engines.remote import chat_form, chunk_request, reply_errors, transcription_form
from qasr_cli.engines.remote.chunk_request import ChunkRequest
from qasr_cli.engines.remote.reply_errors import (
    BusyError,
    FailedError,
    RefusedError,
    RejectedError,
    ReplyError,
    one_line,
)
from qasr_cli.engines.remote.transport import Deadlines, Reply, Request, Transport
from qasr_cli.options.secret import HIDDEN
from qasr_cli.records import Hypothesis

logger = logging.getLogger(__name__)

SHORT_S = 5.0  # for answers without any work behind them
_MAX_NAME_CHARS = 200


@dataclass(frozen=True, slots=True)
class Form:
    """An endpoint: how it is asked and how it answers."""

    name: str
    request: Callable[..., Request]
    extras: Callable[[ChunkRequest], object]
    hypothesis: Callable[[Mapping[str, Any], ChunkRequest], Hypothesis]


CHAT = Form("chat", chat_form.request, chat_form.extras, chat_form.hypothesis)
TRANSCRIPTIONS = Form(
    "transcriptions",
    transcription_form.request,
    transcription_form.extras,
    transcription_form.hypothesis,
)


class Server:
    """A server of OpenAI's interface.

    Args:
        address: Base address, without `/v1`.
        key: Its key, or "".
        deadlines: Shared by all servers of a recogniser.

    Attributes:
        address: As given.
        form: How it is asked; set once, before the first chunk.
    """

    def __init__(self, address: str, key: str, deadlines: Deadlines) -> None:
        self.address = address
        self.form = CHAT
        self._key = key
        self._transport = Transport(address, key, deadlines)
        self._takes_extras = True

    def close(self) -> None:
        """Close the connections that wait for a request."""
        self._transport.close()

    def models(self) -> list[str]:
        """Return the names of its models.

        Raises:
            ReplyError: It gives none.
        """
        answer = self._object(Request("GET", "/v1/models"), SHORT_S)
        rows = answer.get("data")
        names = [row.get("id") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        found = [name for name in names if isinstance(name, str) and 0 < len(name) <= _MAX_NAME_CHARS]
        if not found:
            raise FailedError("names no models")
        return list(dict.fromkeys(found))

    def check(self, model: str, limit_s: float) -> None:
        """Do nothing if it works: it says so, and answers about half a second of silence.

        A server may well answer for its health and fail on every chunk.

        Raises:
            ReplyError: It does not.
        """
        health = self._reply(Request("GET", "/health"), SHORT_S)
        if health.status in {404, 405, 501}:
            self.models()
        elif health.status != 200:
            raise FailedError(f"answers {health.status} to /health", health.status)
        self.probe(model, limit_s)

    def speaks_chat(self, model: str, limit_s: float) -> bool:
        """Whether it answers about silence in Qwen's own form; a wrong key is an error.

        Raises:
            ReplyError: It cannot be asked now, or not with this key.
        """
        try:
            answer = self._object(chat_form.request(chunk_request.silence(model)), limit_s)
            return chat_form.is_spoken(answer)
        except ReplyError as error:
            is_of_key = isinstance(error, RefusedError) and error.is_of_key
            if is_of_key or isinstance(error, BusyError) or not error.status:
                raise
            logger.debug("%s: chat/completions %s", self.address, error.reason)
        return False

    def probe(self, model: str, limit_s: float) -> Hypothesis:
        """Return what it says about silence.

        Raises:
            ReplyError: Nothing.
        """
        return self.recognize(chunk_request.silence(model), limit_s)

    def recognize(self, chunk: ChunkRequest, limit_s: float) -> Hypothesis:
        """Return a hypothesis for a chunk; it is asked again, with a forced language, if that is not allowed.

        Raises:
            ReplyError: There is no usable answer within the time.
        """
        until_s = time.monotonic() + limit_s
        found = self._hypothesis(chunk, limit_s)
        if found.language is None or not chunk.allowed:
            return found
        if found.language in {language.name for language in chunk.allowed}:
            return found
        forced = replace(chunk, forced=chunk.allowed[0], allowed=())
        return self._hypothesis(forced, max(SHORT_S, until_s - time.monotonic()))

    def _hypothesis(self, chunk: ChunkRequest, limit_s: float) -> Hypothesis:
        form = self.form
        has_extras = bool(self._takes_extras and form.extras(chunk))
        try:
            answer = self._object(form.request(chunk, has_extras=has_extras), limit_s)
        except RejectedError as error:
            if not has_extras:
                raise
            answer = self._object(form.request(chunk, has_extras=False), limit_s)
            logger.debug("%s does not take fields beyond OpenAI's: %s", self.address, error.reason)
            self._takes_extras = False
        return form.hypothesis(answer, chunk)

    def _object(self, request: Request, limit_s: float) -> Mapping[str, Any]:
        try:
            return reply_errors.object_of(self._reply(request, limit_s))
        except ReplyError as error:
            if self._key:  # a server may quote it
                error.reason = error.reason.replace(self._key, HIDDEN)
            raise

    def _reply(self, request: Request, limit_s: float) -> Reply:
        try:
            return self._transport.send(request, limit_s)
        except http.client.HTTPException as error:
            reason = f"breaks its answer off: {one_line(error) or type(error).__name__}"
            raise FailedError(reason) from error
        except ConnectionRefusedError as error:
            raise FailedError("cannot be reached: connection refused", is_of_request=False) from error
        except (ConnectionError, TimeoutError) as error:
            raise FailedError(f"does not answer: {_why(error)}") from error
        except OSError as error:
            raise FailedError(f"cannot be reached: {_why(error)}", is_of_request=False) from error


def _why(error: OSError) -> str:
    return one_line(error.strerror or error) or type(error).__name__
