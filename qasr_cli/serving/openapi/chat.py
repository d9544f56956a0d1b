"""The path of chat completions: one clip, recognised once."""

from __future__ import annotations

from qasr_cli.languages import LANGUAGES
from qasr_cli.serving.openai_api.chat_asks import MARKER
from qasr_cli.serving.openapi.parts import (
    EVENTS,
    JSON,
    Part,
    answer,
    array,
    boolean,
    content,
    errors,
    header,
    integer,
    number,
    object_of,
    ref,
    string,
)

_CHOICE = rf"language (English|Korean|None){MARKER}[\s\S]*"
_NAME = "|".join((*(language.name for language in LANGUAGES), "None"))
_IS_CHOICE = rf"^language \(({_NAME})(\|({_NAME}))*\){MARKER}\[\\s\\S\]\*$"


def paths() -> dict[str, Part]:
    """Return the paths."""
    return {"/v1/chat/completions": {"post": _completion()}}


def _message() -> Part:
    clip = object_of(
        {"data": string("The clip in base64, with or without a data: URL"), "format": string()}, ("format",)
    )
    parts = [
        object_of({"type": string(const="text"), "text": string()}),
        object_of({"type": string(const="input_audio"), "input_audio": clip}),
        object_of(
            {
                "type": string(const="audio_url"),
                "audio_url": object_of({"url": string("A data: URL; nothing is fetched")}),
            }
        ),
    ]
    return object_of(
        {
            "role": string(enum=["system", "developer", "user", "assistant"]),
            "content": {"oneOf": [string(), array({"oneOf": parts})]},
        }
    )


def _completion() -> Part:
    fields = {
        "model": string("Any name"),
        "messages": array(
            _message(),
            f"One clip in a user message; terms to expect in a system message; `language English{MARKER}` "
            "as the last assistant message forces the language",
            minItems=1,
        ),
        "add_generation_prompt": boolean("false, if the last message forces the language"),
        "continue_final_message": boolean("true, if the last message forces the language"),
        "structured_outputs": object_of(
            {"regex": string("Chooses the languages that may be", examples=[_CHOICE], pattern=_IS_CHOICE)}
        ),
        "max_tokens": integer(minimum=1),
        "max_completion_tokens": integer(minimum=1),
        "repetition_penalty": number(minimum=1, maximum=2),
        "temperature": number("Has no effect", minimum=0, maximum=2),
        "stream": boolean(),
    }
    optional = tuple(name for name in fields if name != "messages")
    return {
        "operationId": "complete",
        "summary": "Recognise one clip, once, as vLLM serves Qwen3-ASR",
        "requestBody": {"required": True, "content": content(JSON, object_of(fields, optional))},
        "responses": {
            "200": answer(
                "The model's answer",
                content(JSON, ref("ChatCompletion")),
                content(EVENTS, object_of({"data": string("A chat.completion.chunk, or [DONE]")})),
                headers={"X-Qasr-Warning": header("Fields that have no effect", string())},
            ),
            **errors(409, 413, 422, 507),
        },
    }
