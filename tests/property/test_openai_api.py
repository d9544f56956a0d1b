"""Whatever a client sends: a request is understood or refused in one line, and a stream adds up."""

from __future__ import annotations

import asyncio
import json
import time
import tracemalloc
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai._streaming import SSEDecoder  # the decoder of the real client

from qasr_cli.errors import QasrError
from qasr_cli.options import CueOptions, Options
from qasr_cli.options.flag import flags_of
from qasr_cli.records import Segment, Track, Transcript, Word
from qasr_cli.serving.ask import Ask
from qasr_cli.serving.http import failures
from qasr_cli.serving.http.waiting import following
from qasr_cli.serving.jobs import Job, JobResult
from qasr_cli.serving.openai_api import asks, chat_asks, events
from qasr_cli.serving.openai_api.answers import RESPONSE_FORMATS

T = TypeVar("T")
OPTIONS = Options()
NAMES = (
    *("model", "language", "languages", "prompt", "keywords", "hotwords", "response_format", "temperature"),
    *("timestamp_granularities", "include", "stream", "chunking_strategy", "chunking_strategy[threshold]"),
    *("chunking_strategy[type]", "highlight_words", "max_line_count", "unknown"),
    *(flag.key for flag in flags_of(CueOptions).values()),
)
PLAUSIBLE = st.sampled_from(
    (
        *(
            "",
            "en",
            "ko,en",
            '["word"]',
            "[",
            "{",
            '{"type": "server_vad", "threshold": {}}',
            "true",
            "0",
            "1",
        ),
        *("25", "nan", "inf", "1e400", "-1", "٣", "0x10", "srt", "verbose_json", "netflix", "auto", "none"),
    )
)
VALUES = st.one_of(PLAUSIBLE, st.text(max_size=20))
FORMS = st.dictionaries(st.sampled_from(NAMES), st.lists(VALUES, min_size=1, max_size=3), max_size=6)

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
CHAT_FIELDS = (
    *("messages", "n", "tools", "stop", "stream", "stream_options", "max_tokens", "structured_outputs"),
    *("repetition_penalty", "temperature", "modalities", "response_format", "continue_final_message"),
)
PART = st.one_of(
    JSON,
    st.fixed_dictionaries({"type": st.sampled_from(["text", "input_audio", "audio_url"])}, optional={
        "text": JSON, "input_audio": JSON | st.just({"data": "YQ=="}), "audio_url": JSON,
    }),
)  # fmt: skip
MESSAGE = st.fixed_dictionaries({
    "role": st.sampled_from(["system", "user", "assistant"]) | JSON,
    "content": JSON | st.lists(PART, max_size=3) | st.just("language English<asr_text>"),
})  # fmt: skip
BODIES = st.one_of(
    st.binary(max_size=40),
    st.fixed_dictionaries(
        {"messages": st.lists(MESSAGE, max_size=3)}, optional=dict.fromkeys(CHAT_FIELDS[1:], JSON)
    ).map(lambda body: json.dumps(body).encode()),
)


def outcome(read: Callable[[], T]) -> T | QasrError:
    try:
        return read()
    except QasrError as error:
        return error


def one_line(error: QasrError) -> bool:
    body = failures.body_of(error)
    shown: Any = body["error"]
    json.dumps(body, ensure_ascii=False).encode()  # as the response will be
    return len(str(shown["message"]).splitlines()) == 1 and failures.status_of(error) < 500


@given(FORMS)
def test_a_form_is_understood_or_refused_in_one_line(form: dict[str, list[str]]) -> None:
    request = outcome(lambda: asks.transcription(form, OPTIONS))
    if isinstance(request, QasrError):
        assert one_line(request)
        return
    assert request.response_format in RESPONSE_FORMATS
    request.headers.get("X-Qasr-Warning", "").encode("latin-1")
    assert asks.transcription(form, OPTIONS) == request
    request.ask.options.fingerprint("model", "aligner")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("part", ["x", " ", "9", "en,", "[", "\u0661", '"\\', "{"])
def test_a_value_without_end_costs_and_says_little(name: str, part: str) -> None:
    begun_s = time.process_time()
    request = outcome(lambda: asks.transcription({name: [part * 300_000]}, OPTIONS))
    assert time.process_time() - begun_s < 1
    if isinstance(request, QasrError):
        assert one_line(request)
        assert len(request.message) < 300


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", ["1e9999999", "1e-9999999", "1/1e9999999", "9" * 60])
def test_a_huge_number_costs_little(name: str, value: str) -> None:
    begun_s = time.process_time()
    request = outcome(lambda: asks.transcription({name: [value]}, OPTIONS))
    assert time.process_time() - begun_s < 1
    assert not isinstance(request, QasrError) or one_line(request)


@pytest.mark.parametrize("name", ["keywords", "languages", "include"])
def test_half_a_character_in_a_list_reaches_no_prompt(name: str) -> None:
    request = outcome(lambda: asks.transcription({name: ['["\\ud800 word"]']}, OPTIONS))
    if isinstance(request, QasrError):
        assert one_line(request)
    else:
        assert request.ask.options.decode.context.encode() == (b"? word" if name == "keywords" else b"")


@pytest.mark.parametrize("content", ["language" + " " * 1_000_000, "language " * 100_000, "(" * 1_000_000])
def test_a_pattern_without_end_costs_little(content: str) -> None:
    user = {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "YQ=="}}]}
    forced = {"messages": [user, {"role": "assistant", "content": content}], "continue_final_message": True}
    chosen = {"messages": [user], "structured_outputs": {"regex": content}}
    begun_s = time.process_time()
    for body in (forced, chosen):
        refused = outcome(lambda body=body: chat_asks.read(json.dumps(body).encode()))  # type: ignore[misc]
        assert isinstance(refused, QasrError)
        assert one_line(refused)
    assert time.process_time() - begun_s < 1


@pytest.mark.parametrize("value", ["[]", "{}", "0", '"ab"'])
def test_a_body_of_many_values_is_not_parsed(value: str) -> None:
    body = f'{{"messages": [{",".join([value] * 1_000_000)}]}}'.encode()
    tracemalloc.start()
    refused = outcome(lambda: chat_asks.read(body))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(refused, QasrError)
    assert one_line(refused)
    assert most < 1_000_000


@given(BODIES)
def test_a_chat_is_understood_or_refused_in_one_line(body: bytes) -> None:
    ask = outcome(lambda: chat_asks.read(body))
    if isinstance(ask, QasrError):
        assert one_line(ask)
        return
    ask.decode.context.encode()
    assert chat_asks.read(body) == ask


def transcript(texts: list[str]) -> Transcript:
    segments = tuple(
        Segment(at * 1_000, at * 1_000 + 900, "en", text, (Word("", text, at * 1_000, at * 1_000 + 900),))
        for at, text in enumerate(texts)
    )
    return Transcript("a.wav", Track(0, "pcm", 1, 16_000), 1_000 * len(texts) + 1, segments, "f")


async def collect(texts: list[str], n_shown: list[int]) -> bytes:
    """Return the events of a job whose text becomes final bit by bit."""
    result = JobResult(transcript(texts), language="en")
    job = Job("key", Ask(OPTIONS), "a.wav")

    async def work() -> None:
        for length in sorted(n_shown):
            job.text = result.transcript.text[:length]
            job.tell()
            await asyncio.sleep(0)
        job.succeed(result)

    async with following(job) as changes:
        working = asyncio.ensure_future(work())
        written = b"".join([part async for part in events.events(job, changes)])
        await working
    return written


TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12), max_size=4)


@given(TEXTS, st.lists(st.integers(0, 60), max_size=4))
def test_the_deltas_of_a_stream_are_its_text(texts: list[str], n_shown: list[int]) -> None:
    written = asyncio.run(collect(texts, n_shown))
    decoded = [event for event in SSEDecoder().iter_bytes(iter([written])) if event.data]
    seen = [json.loads(event.data) for event in decoded]
    assert [event["type"] for event in seen] == [event.event for event in decoded]
    assert [event["type"] for event in seen] == ["transcript.text.delta"] * (len(seen) - 1) + [
        "transcript.text.done"
    ]
    joined = "".join(event["delta"] for event in seen[:-1])
    assert joined == seen[-1]["text"] == transcript(texts).text
    # Readers that know more line ends than the standard must not see others
    assert len(written.decode().splitlines()) == written.count(b"\n")


def test_a_comment_keeps_a_silent_stream_awake() -> None:
    async def wait() -> list[bytes]:
        job = Job("key", Ask(OPTIONS), "a.wav")
        found: list[bytes] = []
        async with following(job) as changes:
            async for part in events.events(job, changes, comment_s=0.01):
                found.append(part)
                if len(found) == 4:
                    job.fail(QasrError("it is broken"))
        return found

    found = asyncio.run(wait())
    assert all(part.startswith(b": ") for part in found[:4])
    assert json.loads(found[-1].removeprefix(b"data: "))["error"]["message"].startswith("it is broken")
