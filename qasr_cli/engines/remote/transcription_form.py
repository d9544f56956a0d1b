"""`POST /v1/audio/transcriptions`, as OpenAI's and most other servers take it.

In go a chunk's request and a server's answer; out come a form and a hypothesis. Such an answer does not say
whether it was cut short, and often not in which language it is: the guards alone judge it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from qasr_cli import languages
from qasr_cli.engines.remote.chunk_request import ChunkRequest, readable
from qasr_cli.engines.remote.reply_errors import FailedError
from qasr_cli.engines.remote.transport import Request
from qasr_cli.records import Finish, Hypothesis

PATH = "/v1/audio/transcriptions"
_WHISPER_CODES = {"fil": "tl"}  # the code of whisper's list where ISO 639-1 has none


def request(chunk: ChunkRequest, *, has_extras: bool = True) -> Request:
    """Return the request for a chunk; `has_extras` as in `chat_form.request`."""
    boundary = hashlib.sha256(chunk.wav).hexdigest()  # cannot stand in the audio that it is made from
    fields = [*_fields(chunk), *(extras(chunk) if has_extras else ())]
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode(
            "utf-8", "backslashreplace"
        )
        for name, value in fields
    ]
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="chunk.wav"\r\n'
        "Content-Type: audio/wav\r\n\r\n".encode()
    )
    body = b"".join((*parts, chunk.wav, f"\r\n--{boundary}--\r\n".encode()))
    return Request("POST", PATH, body, f"multipart/form-data; boundary={boundary}")


def _fields(chunk: ChunkRequest) -> Iterator[tuple[str, str]]:
    yield "model", chunk.model
    yield "response_format", "json"
    yield "temperature", "0"
    if chunk.forced:
        yield "language", _WHISPER_CODES.get(chunk.forced.code, chunk.forced.code)
    if chunk.context:
        yield "prompt", chunk.context


def extras(chunk: ChunkRequest) -> list[tuple[str, str]]:
    """Return the fields that a server may not know."""
    codes = [("languages[]", one.code) for one in chunk.allowed]
    penalty = [("repetition_penalty", f"{chunk.penalty:g}")] if chunk.penalty != 1 else []
    return [*codes, *penalty, ("max_completion_tokens", str(chunk.max_tokens))]


def hypothesis(answer: Mapping[str, Any], chunk: ChunkRequest) -> Hypothesis:
    """Return what an answer says about a chunk.

    Raises:
        FailedError: It has no text.
    """
    text = answer.get("text")
    if not isinstance(text, str):
        raise FailedError("answers without a text", 200)
    language = chunk.forced or _language(answer)
    text, is_too_long = readable(text, chunk)
    finish = Finish.TRUNCATED if is_too_long else Finish.COMPLETE
    return Hypothesis(text.strip(), language.name if language else None, finish)


def _language(answer: Mapping[str, Any]) -> languages.Language | None:
    listed = answer.get("languages")
    first = listed[0] if isinstance(listed, list) and listed else None
    found = answer.get("language") or (first.get("code") if isinstance(first, dict) else first)
    return languages.find(found) if isinstance(found, str) else None
