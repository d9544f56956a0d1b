"""Chat completions: what `qasr transcribe --server` and vLLM's clients send, by OpenAI's own client."""

from __future__ import annotations

import base64
import json
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion

from tests.e2e.conftest import CLIP, SAMPLES
from tests.serving import raw
from tests.serving.in_process import InProcess
from tests.serving.server import Served

TEXT = "Where is the yellow bicycle?"
DATA = base64.b64encode(CLIP.read_bytes()).decode()
PART: Any = {"type": "input_audio", "input_audio": {"data": DATA, "format": "wav"}}
USER: Any = {"role": "user", "content": [PART]}
CHOOSE = r"language ({})<asr_text>[\s\S]*"


def prefill(language: str) -> Any:
    return {"role": "assistant", "content": f"language {language}<asr_text>"}


def ask(client: openai.OpenAI, *messages: Any, **more: Any) -> ChatCompletion:
    answer = client.chat.completions.create(model="m", messages=messages or (USER,), temperature=0, **more)
    assert isinstance(answer, ChatCompletion)
    return answer


def test_an_answer_has_its_language_and_what_openai_declares(demo: openai.OpenAI) -> None:
    answer = ask(demo)
    ChatCompletion.model_validate_json(answer.model_dump_json(), strict=True)
    (choice,) = answer.choices
    assert choice.message.content == f"language English<asr_text>{TEXT}"
    assert choice.finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.completion_tokens > 0
    assert answer.usage.prompt_tokens == 26  # 13 for each of two seconds
    assert answer.id.startswith("chatcmpl-")


def test_a_begin_forces_the_language(demo: openai.OpenAI) -> None:
    flags = {"add_generation_prompt": False, "continue_final_message": True}
    assert ask(demo, USER, prefill("English"), extra_body=flags).choices[0].message.content == TEXT
    korean = ask(demo, USER, prefill("Korean"), extra_body=flags).choices[0].message.content
    assert korean
    assert "<asr_text>" not in korean


def test_a_regex_chooses_among_languages(demo: openai.OpenAI) -> None:
    for names, expected in (("English|Korean|None", "English"), ("Korean", "Korean"), ("Korean|None", "")):
        chosen = {"structured_outputs": {"regex": CHOOSE.format(names)}}
        content = ask(demo, extra_body=chosen).choices[0].message.content or ""
        assert content.startswith(f"language {expected}" if expected else "language ")
        assert not content.startswith("language English") or expected == "English"


def test_a_budget_ends_an_answer(demo: openai.OpenAI) -> None:
    for name in ("max_tokens", "max_completion_tokens"):
        answer = ask(demo, **{name: 4})
        assert answer.choices[0].finish_reason == "length"
        assert answer.usage is not None
        assert answer.usage.completion_tokens <= 4


def test_context_and_text_parts(demo: openai.OpenAI) -> None:
    system: Any = {"role": "system", "content": [{"type": "text", "text": "Bicycles."}]}
    said: Any = {"role": "user", "content": [{"type": "text", "text": "Please transcribe."}, PART]}
    answer = demo.chat.completions.with_raw_response.create(model="m", messages=[system, said])
    assert "user message" in answer.headers["x-qasr-warning"]
    assert (answer.parse().choices[0].message.content or "").startswith("language English<asr_text>")


def test_a_data_url(demo: openai.OpenAI) -> None:
    part: Any = {"type": "audio_url", "audio_url": {"url": f"data:audio/wav;base64,{DATA}"}}
    answer = ask(demo, {"role": "user", "content": [part]})
    assert answer.choices[0].message.content == f"language English<asr_text>{TEXT}"


def test_a_stream_of_chunks(demo: openai.OpenAI) -> None:
    stream = demo.chat.completions.create(
        model="m", messages=[USER], stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == f"language English<asr_text>{TEXT}"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None


def wave(samples: bytes) -> Any:
    """Return the part with a WAV of these samples."""
    head = CLIP.read_bytes()[:44]
    sizes = (36 + len(samples)).to_bytes(4, "little"), len(samples).to_bytes(4, "little")
    content = base64.b64encode(head[:4] + sizes[0] + head[8:40] + sizes[1] + samples).decode()
    return {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": content}}]}


def test_silence_has_an_answer_and_nothing_has_none(demo: openai.OpenAI) -> None:
    for samples in (bytes(2), bytes(16_000)):
        content = ask(demo, wave(samples)).choices[0].message.content
        assert content is not None
        assert content.startswith("language ")
    with pytest.raises(openai.BadRequestError, match="no sound"):
        ask(demo, wave(b""))


def test_more_than_a_chunk_is_refused(demo: openai.OpenAI) -> None:
    talk = base64.b64encode((SAMPLES / "talk.mp4").read_bytes()).decode()
    part = {"type": "input_audio", "input_audio": {"data": talk, "format": "mp4"}}
    with pytest.raises(openai.BadRequestError, match="/v1/audio/transcriptions"):
        ask(demo, {"role": "user", "content": [part]})


def post(server: Served, body: object) -> raw.Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return raw.request(server, "POST", "/v1/chat/completions", content, {"Content-Type": "application/json"})


def user(*parts: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": list(parts)}]}


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"", "JSON"),
        (b"[1]", "object"),
        (b'{"messages": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", "JSON"),
        ({}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [None]}, "messages"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages"),
        (user(), "no audio"),
        (user({"type": "text", "text": "hello"}), "no audio"),
        (user({"type": {}, "audio_url": {"url": ""}}), "there is no part"),
        (user(PART, PART), "more than one"),
        (user({"type": "image_url", "image_url": {"url": "data:"}}), "image_url"),
        (user({"type": "audio_url", "audio_url": {"url": "http://127.0.0.1/a.wav"}}), "fetches nothing"),
        (user({"type": "audio_url", "audio_url": {"url": "file:///etc/passwd"}}), "fetches nothing"),
        (user({"type": "input_audio", "input_audio": {"data": "*"}}), "base64"),
        (user({"type": "input_audio", "input_audio": {"data": 7}}), "base64"),
        (user({"type": "input_audio"}), "base64"),
        (user({"type": "input_audio", "input_audio": {"data": "bm8gbWVkaWE="}}), "clip"),
        ({**user(PART), "n": 2}, "n:"),
        ({**user(PART), "n": []}, "n:"),
        ({**user(PART), "tools": [{"type": "function"}]}, "tools"),
        ({**user(PART), "logprobs": True}, "logprobs"),
        ({**user(PART), "stop": ["."]}, "stop"),
        ({**user(PART), "modalities": ["text", "audio"]}, "modalities"),
        ({**user(PART), "response_format": {"type": "json_object"}}, "response_format"),
        ({**user(PART), "max_tokens": 0}, "max_tokens"),
        ({**user(PART), "max_tokens": True}, "max_tokens"),
        ({**user(PART), "repetition_penalty": 0.5}, "repetition_penalty"),
        ({**user(PART), "temperature": "warm"}, "temperature"),
        ({**user(PART), "structured_outputs": {"regex": "[0-9]+"}}, "structured_outputs"),
        ({**user(PART), "structured_outputs": {"regex": CHOOSE.format("Klingon")}}, "Klingon"),
        ({**user(PART), "structured_outputs": {"regex": CHOOSE.format("Icelandic")}}, "Icelandic"),
        ({"messages": [USER, prefill("English")]}, "continue_final_message"),
        ({"messages": [USER, prefill("Hello World")], "continue_final_message": True}, "Hello World"),
        ({"messages": [prefill("English"), USER], "continue_final_message": True}, "last"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused(demo_server: Served, body: object, part: str) -> None:
    answer = post(demo_server, body)
    assert answer.status == 400, answer.body
    error = json.loads(answer.body)["error"]
    assert part in error["message"]
    assert "\n" not in error["message"]
    assert "--" not in error["message"]


def test_too_large_a_body_is_refused_before_it_is_read(echo_in_process: InProcess) -> None:
    headers = {"Content-Type": "application/json", "Content-Length": str(2**25)}
    answer = raw.request(echo_in_process, "POST", "/v1/chat/completions", b"", headers)
    assert answer.status == 413
    assert "16 MiB" in json.loads(answer.body)["error"]["message"]
