"""A transcript as server-sent events: text as soon as it is final.

In goes a job; out come OpenAI's events, of which the last has the whole text. What was sent is never taken
back: the deltas joined are the text of the last event. Between events comments keep proxies awake.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import AsyncIterator, Mapping

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from qasr_cli.errors import QasrError
from qasr_cli.serving.http import failures
from qasr_cli.serving.http.waiting import Changes, following
from qasr_cli.serving.jobs import Job, JobResult, JobState
from qasr_cli.serving.openai_api.answers import language_codes

COMMENT_S = 15.0  # proxies close a connection that is silent for 30 s or more
TOKENS_PER_S = 13  # of audio, for the model
_GRACE_S = 1.0  # in which media that cannot be decoded is refused with a status
_COMMENT = b": waiting\n\n"
# Legal in JSON, but line ends for some readers (NEL, LS, PS), or not encodable.
_ESCAPED = re.compile(r"[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


class EventStream(Response):
    """The response with the events of a job; one that fails at once is refused with a status instead."""

    def __init__(self, job: Job, headers: Mapping[str, str]) -> None:
        super().__init__()
        self._job = job
        self._own_headers = {**_HEADERS, **headers}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events; whoever leaves in between is no client of the job any more."""
        job = self._job
        async with following(job) as changes:
            while job.state in {JobState.QUEUED, JobState.DECODING} and await changes.next(_GRACE_S):
                pass
            if job.is_final and job.result is None:
                await failures.answer(_error(job))(scope, receive, send)
                return
            stream = StreamingResponse(
                events(job, changes), media_type="text/event-stream", headers=self._own_headers
            )
            await stream(scope, receive, send)


async def events(job: Job, changes: Changes, comment_s: float = COMMENT_S) -> AsyncIterator[bytes]:
    """Yield the events of a job: deltas, then the whole text, or an error."""
    sent = ""
    yield _COMMENT  # proxies and clients see that the server is at work
    while not job.is_final:
        if len(job.text) > len(sent):
            delta, sent = job.text[len(sent) :], job.text
            yield event({"type": "transcript.text.delta", "delta": delta})
        if not await changes.next(comment_s):
            yield _COMMENT
    if job.result is None:
        yield event(failures.body_of(_error(job)))
        return
    rest = job.result.transcript.text[len(sent) :]
    if rest:
        yield event({"type": "transcript.text.delta", "delta": rest})
    yield event(_done(job.result))


def event(fields: Mapping[str, object]) -> bytes:
    """Return one event, whose data is one line in every reader's eyes.

    Its type stands before the data as well: Subtitle Edit reads no event without it.
    """
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    name = f"event: {fields['type']}\n".encode() if "type" in fields else b""
    return name + b"data: " + _ESCAPED.sub(_escape, text).encode() + b"\n\n"


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def audio_tokens(audio_ms: int) -> int:
    """Return the number of tokens that the model gets for so much audio."""
    return math.ceil(audio_ms * TOKENS_PER_S / 1000)


def _done(result: JobResult) -> dict[str, object]:
    n_audio = audio_tokens(result.transcript.duration_ms)
    return {
        "type": "transcript.text.done",
        "text": result.transcript.text,
        "languages": language_codes(result),
        "usage": {
            "type": "tokens",
            "input_tokens": n_audio,
            "output_tokens": result.n_tokens,
            "total_tokens": n_audio + result.n_tokens,
            "input_token_details": {"audio_tokens": n_audio, "text_tokens": 0},
        },
    }


def _error(job: Job) -> QasrError:
    return job.error or QasrError(f"{job.name}: no result")
