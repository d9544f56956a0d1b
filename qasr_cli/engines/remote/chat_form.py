"""`POST /v1/chat/completions` in Qwen3-ASR's own form, as vLLM and `qasr serve` take it.

In go a chunk's request and a server's answer; out come a body and a hypothesis. The answer is
`language English<asr_text>text`; after a forced language, which stands at the end of the prompt, it is the
text alone. The sampling temperature is always sent: vLLM's default is not greedy.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from qasr_cli import languages
from qasr_cli.engines.qwen3.languages import RECOGNIZED
from qasr_cli.engines.remote.chunk_request import ChunkRequest, readable
from qasr_cli.engines.remote.reply_errors import FailedError
from qasr_cli.engines.remote.transport import Request
from qasr_cli.records import Finish, Hypothesis

PATH = "/v1/chat/completions"
MARKER = "<asr_text>"
_MOST_TOKENS = 1_000_000  # JSON's numbers may have thousands of digits, and sums of them cannot be printed
_NOBODY = "None"  # the models' tag for audio without speech


def request(chunk: ChunkRequest, *, has_extras: bool = True) -> Request:
    """Return the request for a chunk.

    Args:
        chunk: The chunk and how to recognise it.
        has_extras: Send what goes beyond OpenAI's interface and can be left out: a repetition penalty, and a
            regular expression for the allowed languages.
    """
    audio = {"data": base64.b64encode(chunk.wav).decode("ascii"), "format": "wav"}
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": [{"type": "input_audio", "input_audio": audio}]}
    ]
    if chunk.context:
        messages.insert(0, {"role": "system", "content": chunk.context})
    body: dict[str, Any] = {
        "model": chunk.model,
        "messages": messages,
        "temperature": 0,
        "max_tokens": chunk.max_tokens,
    }
    if chunk.forced:
        messages.append({"role": "assistant", "content": f"language {chunk.forced.name}{MARKER}"})
        body |= {"add_generation_prompt": False, "continue_final_message": True}
    if has_extras:
        body |= extras(chunk)
    return Request("POST", PATH, json.dumps(body).encode(), "application/json")


def extras(chunk: ChunkRequest) -> dict[str, Any]:
    """Return the fields that a server may not know; empty for most chunks."""
    fields: dict[str, Any] = {}
    if chunk.penalty != 1:
        fields["repetition_penalty"] = chunk.penalty
    if chunk.allowed:
        names = "|".join(re.escape(name) for name in (*(one.name for one in chunk.allowed), _NOBODY))
        fields["structured_outputs"] = {"regex": rf"language ({names}){MARKER}[\s\S]*"}
    return fields


def hypothesis(answer: Mapping[str, Any], chunk: ChunkRequest) -> Hypothesis:
    """Return what an answer says about a chunk.

    Raises:
        FailedError: It has no text; there is none either where an answer was filtered.
    """
    content, finish = _content(answer)
    text, is_too_long = readable(content, chunk)
    tag, marker, spoken = text.partition(MARKER)
    found = languages.find(tag.strip().removeprefix("language").strip()) if marker else None
    detected = found.name if found and found.code in RECOGNIZED else None
    return Hypothesis(
        (spoken if marker else text).strip(),
        chunk.forced.name if chunk.forced else detected,
        Finish.TRUNCATED if is_too_long or finish == "length" else Finish.COMPLETE,
        _n_tokens(answer),
    )


def is_spoken(answer: Mapping[str, Any]) -> bool:
    """Whether an answer to a free request is in Qwen's form.

    Raises:
        FailedError: It has no text.
    """
    return MARKER in _content(answer)[0]


def _content(answer: Mapping[str, Any]) -> tuple[str, Any]:
    """Return the text of the first choice, and why it ends there."""
    choices = answer.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(first, dict) or not isinstance(content, str):
        raise FailedError("answers without a text", 200)
    return content, first.get("finish_reason")


def _n_tokens(answer: Mapping[str, Any]) -> int:
    usage = answer.get("usage")
    count = usage.get("completion_tokens") if isinstance(usage, dict) else None
    if not isinstance(count, int) or isinstance(count, bool):
        return 0
    return count if 0 <= count <= _MOST_TOKENS else 0
