"""POST /v1/chat/completions: one clip, recognised once, as vLLM serves Qwen3-ASR.

In goes a JSON body with a clip of at most one chunk; out comes `language English<asr_text>...`. No voice
detection, no second try, no times: for clients that have the rest of a pipeline themselves.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from qasr_cli import engines
from qasr_cli.options import Options
from qasr_cli.records import Finish
from qasr_cli.serving.ask import Upload
from qasr_cli.serving.clips import RecognizedClip
from qasr_cli.serving.http.site import Site, site_of
from qasr_cli.serving.http.uploads import Spool, content_length
from qasr_cli.serving.http.waiting import unless_gone
from qasr_cli.serving.openai_api import chat_asks
from qasr_cli.serving.openai_api.chat_asks import MARKER, ChatAsk
from qasr_cli.serving.openai_api.events import audio_tokens, event
from qasr_cli.serving.refusals import TooLargeError

_MAX_BODY_BYTES = 16 * 1024**2  # a minute of CD audio in base64; no model takes so much at once
_CLIENT_GONE = 499
_DONE = b"data: [DONE]\n\n"


async def complete(request: Request) -> Response:
    """Answer a chat request."""
    site = site_of(request)
    service = site.service
    service.admit()
    with service.arriving(content_length(request)), site.bodies.holding() as hold:
        body = await _body(request, hold)
        ask, upload = await run_in_threadpool(_received, body, site)
    del body
    options = Options(engine=service.options.engine, media=service.options.media, decode=ask.decode)
    clip = await unless_gone(asyncio.wrap_future(service.recognize(upload, options)), request)
    if clip is None:
        service.lane.notify()
        return Response(status_code=_CLIENT_GONE)
    headers = {"X-Qasr-Warning": "; ".join(ask.warnings)} if ask.warnings else {}
    head = {
        "id": f"chatcmpl-{secrets.token_hex(12)}",
        "created": int(time.time()),
        "model": site.model_name,
    }
    if ask.is_streamed:
        chunks = b"".join(_chunks(head, ask, clip))
        return Response(chunks, media_type="text/event-stream", headers=headers)
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": _text(ask, clip)},
        "logprobs": None,
        "finish_reason": _reason(clip),
    }
    answer = {**head, "object": "chat.completion", "choices": [choice], "usage": _usage(clip)}
    return JSONResponse(answer, headers=headers)


async def _body(request: Request, hold: Callable[[int], None]) -> bytes:
    """Return the body, whose bytes are noted as they come.

    Raises:
        TooLargeError: It is too large for a clip.
        OverloadedError: All requests together are too large for the memory.
    """
    if (content_length(request) or 0) > _MAX_BODY_BYTES:
        raise _too_large()
    body = bytearray()
    async for block in request.stream():
        hold(len(block))
        body += block
        if len(body) > _MAX_BODY_BYTES:
            raise _too_large()
    return bytes(body)


def _too_large() -> TooLargeError:
    return TooLargeError(
        f"the request has more than {_MAX_BODY_BYTES / 1024**2:.0f} MiB",
        "a chat has one clip of less than a minute; send the rest to /v1/audio/transcriptions",
    )


def _received(body: bytes, site: Site) -> tuple[ChatAsk, Upload]:
    """Return what a body asks for, and its clip on disk."""
    ask = chat_asks.read(body)
    engines.refuse_unknown_languages(site.service.options.engine, ask.decode)
    with Spool(site.service.folder, "clip", _MAX_BODY_BYTES) as spool:
        spool.write(ask.audio)
        return ask, spool.close()


def _text(ask: ChatAsk, clip: RecognizedClip) -> str:
    """Return the model's own form of an answer; a forced language stands in the request already."""
    hypothesis = clip.hypothesis
    return (
        hypothesis.text if ask.decode.language else f"language {hypothesis.language}{MARKER}{hypothesis.text}"
    )


def _reason(clip: RecognizedClip) -> str:
    return "length" if clip.hypothesis.finish is Finish.TRUNCATED else "stop"


def _usage(clip: RecognizedClip) -> dict[str, object]:
    """Return the numbers of tokens; those of the prompt without its few words."""
    n_audio, n_written = audio_tokens(clip.audio_ms), clip.hypothesis.n_tokens
    return {
        "prompt_tokens": n_audio,
        "completion_tokens": n_written,
        "total_tokens": n_audio + n_written,
        "prompt_tokens_details": {"audio_tokens": n_audio},
    }


def _chunks(head: dict[str, Any], ask: ChatAsk, clip: RecognizedClip) -> Iterator[bytes]:
    """Yield the answer as chunks; it is not written bit by bit, since it is checked as a whole."""
    deltas: list[tuple[dict[str, str], str | None]] = [
        ({"role": "assistant", "content": ""}, None),
        ({"content": _text(ask, clip)}, None),
        ({}, _reason(clip)),
    ]
    for delta, reason in deltas:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        yield event({**head, "object": "chat.completion.chunk", "choices": [choice]})
    if ask.has_usage:
        yield event({**head, "object": "chat.completion.chunk", "choices": [], "usage": _usage(clip)})
    yield _DONE
