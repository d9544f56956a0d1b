r"""What a chat request asks for: one clip, recognised once.

In goes a JSON body; out come the options of one recognition and the clip's bytes. The form is Qwen3-ASR's
under vLLM: audio in a user message, terms in the system message, a forced language as the begin of the
answer, and `structured_outputs.regex` for the languages that may be. Whatever would change an answer and
cannot be done is refused.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from qasr_cli import bounded_json, languages
from qasr_cli.options import DecodeOptions
from qasr_cli.serving.http.failures import ApiError
from qasr_cli.serving.openai_api.asks import MAX_CONTEXT_CHARS
from qasr_cli.serving.openai_api.fields import invalid, shown

MARKER = "<asr_text>"
_TAG = "language "
_CHOICE = re.compile(rf"\^?language \(?([^()]+?)\)?{MARKER}\[\\s\\S\][*]\$?")
_DATA_URL = re.compile(r"data:[^,;]*(?:;[^,;]*)*;base64,", re.IGNORECASE)
_NOBODY = "none"  # the models' tag for audio without speech
_MAX_PENALTY = 2.0
_MAX_VALUES = 100_000  # the longest context has 32,000 commas at most
_MAX_PATTERN_CHARS = 1_000  # of what is matched with a pattern: 30 languages have 300; all else does not fit


@dataclass(frozen=True, slots=True)
class ChatAsk:
    """What a chat request asks for.

    Attributes:
        decode: Options of the recognition.
        audio: The clip, a file of any format.
        is_streamed: The answer is sent as chunks.
        has_usage: The last chunk has the numbers of tokens.
        warnings: Fields without effect, one line each.
    """

    decode: DecodeOptions
    audio: bytes
    is_streamed: bool = False
    has_usage: bool = False
    warnings: tuple[str, ...] = ()


def read(body: bytes) -> ChatAsk:
    """Return what a body asks for.

    Raises:
        ApiError: It is no such request, or asks for what cannot be done.
    """
    fields = _parsed(body)
    _refuse_impossible(fields)
    messages = _messages(fields)
    language = _forced(fields, messages)
    context = "\n".join(_texts(messages, ("system", "developer"))).strip()
    context = context.encode("utf-8", "replace").decode()  # JSON may have half of a character
    if len(context) > MAX_CONTEXT_CHARS:
        raise invalid("messages", f"the system message has more than {MAX_CONTEXT_CHARS:,} characters")
    decode = DecodeOptions(
        language=language,
        context=context,
        languages=() if language else _languages(fields),
        repetition_penalty=_number(fields, "repetition_penalty", 1.0, _MAX_PENALTY) or 1.0,
        max_tokens=_max_tokens(fields),
    )
    stream_options = fields.get("stream_options")
    return ChatAsk(
        decode,
        _audio(messages),
        is_streamed=fields.get("stream") is True,
        has_usage=isinstance(stream_options, dict) and stream_options.get("include_usage") is True,
        warnings=tuple(_warnings(fields, messages)),
    )


def _parsed(body: bytes) -> dict[str, Any]:
    # Parsed values take up to forty times the memory of their text; base64 has none of these characters.
    if sum(map(body.count, (b"[", b"{", b","))) > _MAX_VALUES:
        raise ApiError(HTTPStatus.BAD_REQUEST, "the body has too many values", "send one clip a request")
    try:
        fields = bounded_json.loads(body)
    except ValueError as error:
        raise ApiError(
            HTTPStatus.BAD_REQUEST, "the body is not JSON", "send a chat completion request"
        ) from error
    if not isinstance(fields, dict):
        raise ApiError(
            HTTPStatus.BAD_REQUEST, "the body is not a JSON object", "send a chat completion request"
        )
    return fields


def _refuse_impossible(fields: dict[str, Any]) -> None:
    if fields.get("n") not in (None, 1):
        raise invalid("n", "there is one answer to a clip", "leave n out")
    for name in ("tools", "functions", "logprobs", "top_logprobs", "prompt_logprobs", "stop", "audio"):
        if fields.get(name):
            raise invalid(name, "a transcript has none", f"leave {name} out")
    modalities = fields.get("modalities")
    if modalities and modalities != ["text"]:
        raise invalid("modalities", "the answer is text", "leave modalities out")
    response_format = fields.get("response_format")
    if response_format and response_format != {"type": "text"}:
        raise invalid(
            "response_format", "the answer is text", "for times send it to /v1/audio/transcriptions"
        )


def _messages(fields: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the messages, each with a list of parts as its content."""
    messages = fields.get("messages")
    if not isinstance(messages, list) or not messages:
        raise invalid("messages", "there are none", "send a user message with an input_audio part")
    found = []
    for message in messages:
        content = message.get("content") if isinstance(message, dict) else None
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
            raise invalid("messages", "a message has neither text nor parts")
        found.append({"role": str(message.get("role")), "parts": parts})
    return found


def _texts(messages: list[dict[str, Any]], roles: tuple[str, ...]) -> Iterator[str]:
    for message in messages:
        for part in message["parts"]:
            if message["role"] in roles and isinstance(part.get("text"), str):
                yield part["text"]


def _forced(fields: dict[str, Any], messages: list[dict[str, Any]]) -> str | None:
    """Return the code of the language that the begin of the answer names."""
    spoken = [number for number, message in enumerate(messages) if message["role"] == "assistant"]
    if not spoken:
        return None
    is_continued = (
        fields.get("continue_final_message") is True and fields.get("add_generation_prompt") is not True
    )
    begin = "".join(_texts(messages, ("assistant",))).strip()
    is_tag = begin.startswith(_TAG) and begin.endswith(MARKER)
    if spoken != [len(messages) - 1] or not is_continued or not is_tag:
        raise invalid(
            "messages",
            "an assistant message can only force the language",
            f"send `language English{MARKER}` last, with continue_final_message true and "
            "add_generation_prompt false",
        )
    return _code("messages", begin.removeprefix(_TAG).removesuffix(MARKER).strip())


def _languages(fields: dict[str, Any]) -> tuple[str, ...]:
    """Return the codes of the languages that an answer may have; empty for all."""
    wanted = fields.get("structured_outputs")
    if not wanted:
        return ()
    pattern = wanted.get("regex") if isinstance(wanted, dict) else None
    choice = _CHOICE.fullmatch(pattern[:_MAX_PATTERN_CHARS]) if isinstance(pattern, str) else None
    if choice is None:
        raise invalid(
            "structured_outputs",
            "only the language can be chosen",
            rf"send the regex `language (English|Korean|None){MARKER}[\s\S]*`",
        )
    plain = choice[1].replace("\\", "")  # names may be escaped
    names = [name for name in plain.split("|") if name.lower() != _NOBODY]
    return tuple(dict.fromkeys(_code("structured_outputs", name) for name in names))


def _code(field: str, name: str) -> str:
    found = languages.find(name)
    if found is None:
        raise invalid(field, f"there is no language {shown(name)}", "give its English name")
    return found.code


def _max_tokens(fields: dict[str, Any]) -> int | None:
    for name in ("max_completion_tokens", "max_tokens"):
        value = fields.get(name)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise invalid(name, f"{shown(str(value))} is not a number of tokens")
        return value
    return None


def _number(fields: dict[str, Any], name: str, low: float, high: float) -> float | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not low <= value <= high:
        raise invalid(name, f"{shown(str(value))} is not a number from {low:g} to {high:g}")
    return float(value)


def _audio(messages: list[dict[str, Any]]) -> bytes:
    """Return the one clip in the messages."""
    clips = [
        part
        for message in messages
        for part in message["parts"]
        if part.get("type") in ("input_audio", "audio_url")  # compared, as it may be anything
    ]
    others = {str(part.get("type")) for message in messages for part in message["parts"]}
    unknown = sorted(others - {"text", "input_audio", "audio_url"})
    if unknown:
        raise invalid("messages", f"there is no part {shown(unknown[0])}", "send input_audio")
    if len(clips) != 1:
        count = "no audio" if not clips else "more than one clip"
        raise invalid("messages", count, "send one input_audio part a request")
    return _decoded(clips[0])


def _decoded(part: dict[str, Any]) -> bytes:
    kind = str(part["type"])
    inner = part.get(kind)
    data = inner.get("data" if kind == "input_audio" else "url") if isinstance(inner, dict) else inner
    if not isinstance(data, str):
        raise invalid("messages", f"{kind} has no data", "send the clip in base64")
    prefix = _DATA_URL.match(data[:200])
    if kind == "audio_url" and prefix is None:
        raise invalid(
            "messages",
            "audio_url is no data: URL in base64",
            "this server fetches nothing: send the clip itself",
        )
    try:
        return base64.b64decode(data[prefix.end() :] if prefix else data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("messages", f"{kind} is not base64", "send the clip in base64") from error


def _warnings(fields: dict[str, Any], messages: list[dict[str, Any]]) -> Iterator[str]:
    if _number(fields, "temperature", 0.0, 2.0):
        yield "temperature has no effect"
    if any(map(str.strip, _texts(messages, ("user",)))):
        yield "the text of a user message has no effect: terms go into the system message"
