"""The routes of whisper-asr-webservice, which Bazarr and others call: `/asr` and `/detect-language`.

In go recordings, whole media or bare samples (`encode=false`: 16 kHz, mono, 16 bits, no header); out come
subtitles and languages in whisper's words. Every request is accepted and queued: Bazarr leaves a server alone
for a day after an error of the connection. The work goes on when a client gives up, as it soon sends the same
again. What fails is answered with its status and an empty body, since Bazarr saves the body as a subtitle
whatever the status; the reason is in the header `X-Qasr-Error` and in the log.
"""

from __future__ import annotations

import contextlib
import json
import logging
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from qasr_cli import languages
from qasr_cli.errors import QasrError
from qasr_cli.formats.writers import spoken_text
from qasr_cli.options import Options
from qasr_cli.pipeline import finish
from qasr_cli.records import Cue, Transcript
from qasr_cli.serving import spoken
from qasr_cli.serving.ask import Ask, Purpose, Upload
from qasr_cli.serving.http import failures, uploads, waiting
from qasr_cli.serving.http.failures import ApiError
from qasr_cli.serving.http.raw_samples import RawShape
from qasr_cli.serving.http.site import Site, site_of
from qasr_cli.serving.jobs import Job, JobResult
from qasr_cli.serving.refusals import CancelledError, TooLargeError
from qasr_cli.subtitles.rules import limits

logger = logging.getLogger(__name__)

OUTPUTS = ("txt", "vtt", "srt", "tsv", "json")
_WORTH_KEEPING_BYTES = 1_000_000  # a shorter recording is transcribed again sooner than it is found
_MAX_HEADER_CHARS = 500
_GONE = 499  # nobody reads it; the log of requests has it
_TRUE, _FALSE = {"true", "1", "yes", "on"}, {"false", "0", "no", "off"}
# Whisper's languages have no Cantonese in most versions, and call Filipino after Tagalog.
_WHISPER = {"yue": ("zh", "chinese"), "fil": ("tl", "tagalog")}
_UNDETERMINED = ("und", "undetermined")  # Bazarr takes it for "not known"; without a name it fails


def routes() -> list[Route]:
    """Return the routes."""
    return [
        Route("/asr", _asr, methods=["POST"]),
        Route("/detect-language", _detect_language, methods=["POST"]),
    ]


@dataclass(frozen=True, slots=True)
class _Query:
    """The parameters in a request's address; unknown ones are ignored, `video_file` among them.

    Attributes:
        output: One of `OUTPUTS`.
        is_media: The body is media of any kind, and no bare samples.
        language: The client's spelling, or "".
        prompt: Text for the model's prompt.
        has_words: The JSON has the times of words.
    """

    output: str
    is_media: bool
    language: str
    prompt: str
    has_words: bool

    @classmethod
    def of(cls, given: QueryParams) -> _Query:
        """Return the parameters of a request.

        Raises:
            ApiError: A value is not possible, or nothing that qasr does.
        """
        if _choice(given, "task", ("transcribe", "translate")) == "translate":
            raise ApiError(
                501, "qasr does not translate", "ask for the language that is spoken", param="task"
            )
        if _flag(given, "diarize", default=False):
            raise ApiError(400, "qasr does not tell speakers apart", "leave diarize out", param="diarize")
        _flag(given, "vad_filter", default=True)  # speech is always detected
        return cls(
            output=_choice(given, "output", OUTPUTS),
            is_media=_flag(given, "encode", default=True),
            language=given.get("language", ""),
            prompt=given.get("initial_prompt", ""),
            has_words=_flag(given, "word_timestamps", default=False),
        )

    @property
    def is_timed(self) -> bool:
        """Whether words need times."""
        return self.output != "txt"


def _flag(given: QueryParams, name: str, *, default: bool) -> bool:
    text = given.get(name, "").strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if not text:
        return default
    raise ApiError(400, f"{name}={text[:40]} is neither true nor false", param=name)


def _choice(given: QueryParams, name: str, known: tuple[str, ...]) -> str:
    text = given.get(name, "").strip().lower() or known[0]
    if text not in known:
        raise ApiError(400, f"{name}={text[:40]} is unknown", f"known: {', '.join(known)}", param=name)
    return text


# ── requests ────────────────────────────────────────────────────────────────────────────────────────────────


async def _asr(request: Request) -> Response:
    return await _answered(request, _transcribe)


async def _detect_language(request: Request) -> Response:
    return await _answered(request, _detect)


async def _answered(request: Request, answer: Callable[[Request, Site], Awaitable[Response]]) -> Response:
    """Return the answer to a request, or its error without a body, once the request is read."""
    try:
        try:
            return await answer(request, site_of(request))
        except QasrError as error:
            if not isinstance(error, TooLargeError):
                await _read_rest(request)
            return _failure(request, error)
    except ClientDisconnect:
        return Response(status_code=_GONE)


async def _read_rest(request: Request) -> None:
    """Read what is left of a body: Bazarr reads no answer before it has sent all of its own."""
    n_left = site_of(request).settings.max_upload_bytes
    with contextlib.suppress(RuntimeError):  # it was read already
        async for block in request.stream():
            n_left -= len(block)
            if n_left < 0:
                return


async def _transcribe(request: Request, site: Site) -> Response:
    service = site.service
    service.admit(is_refusable=False)
    query = _Query.of(request.query_params)
    options = spoken.options_of(service, query.language, [query.prompt], is_timed=query.is_timed)
    upload = await _received(request, site, query)
    ask = Ask(options, is_kept=upload.n_bytes >= _WORTH_KEEPING_BYTES)
    result = await _result_of(service.submit(ask, upload), request)
    if isinstance(result, QasrError):
        return _failure(request, result)
    text = await run_in_threadpool(_render, result, query, options)
    name = f"{quote(upload.name)}.{query.output}"
    return PlainTextResponse(text, headers={"Content-Disposition": f'attachment; filename="{name}"'})


async def _detect(request: Request, site: Site) -> Response:
    service = site.service
    service.admit(is_refusable=False)
    query = _Query.of(request.query_params)
    options = spoken.options_of(service, "", [], is_timed=False)
    options = replace(options, decode=replace(options.decode, language=None))  # also if the server has one
    upload = await _received(request, site, query)
    is_kept = upload.n_bytes >= _WORTH_KEEPING_BYTES
    ask = Ask(options, Purpose.DETECT_LANGUAGE, is_kept=is_kept)
    result = await _result_of(service.submit(ask, upload), request)
    if isinstance(result, QasrError):
        return _failure(request, result)
    code, name = whisper_language(result.language)
    # Whisper gives a probability here. The recognizer gives none, so that it is 1 or 0.
    confidence = 0.0 if result.language is None else 1.0
    return JSONResponse({"detected_language": name, "language_code": code, "confidence": confidence})


async def _received(request: Request, site: Site, query: _Query) -> Upload:
    most = site.settings.max_upload_bytes

    def raw(name: str) -> uploads.Spool:
        return uploads.RawSpool(site.service.folder, name, most, RawShape())

    form = await uploads.receive(request, site, None if query.is_media else raw)
    if form.upload is None:
        raise ApiError(400, "the form has no file", "send the recording as the file audio_file")
    return form.upload


async def _result_of(job: Job, request: Request) -> JobResult | QasrError:
    """Return the result of a job, or its error: raised, it would keep this request alive.

    Raises:
        ClientDisconnect: The client has gone away before.
    """
    if not await waiting.finished(job, request):
        raise ClientDisconnect
    return job.result or job.error or CancelledError(f"{job.name}: no result")


def _failure(request: Request, error: QasrError) -> Response:
    """Return the status of an error without a body; Bazarr would take any for a subtitle."""
    logger.warning("%s: %s", request.url.path, error)
    hint = error.hint.strip()
    reason = (f"{error.message}; {hint}" if hint else error.message)[:_MAX_HEADER_CHARS]
    told = reason.encode("ascii", "backslashreplace").decode()
    return Response(
        status_code=failures.status_of(error), headers={"X-Qasr-Error": told, **failures.headers_of(error)}
    )


# ── answers ─────────────────────────────────────────────────────────────────────────────────────────────────


def whisper_language(code: str | None) -> tuple[str, str]:
    """Return whisper's code and name of a language."""
    if code is None:
        return _UNDETERMINED
    language = languages.find(code)
    return _WHISPER.get(code) or (code, language.name.lower() if language else code)


def _render(result: JobResult, query: _Query, options: Options) -> str:
    transcript = result.transcript
    if query.output == "json":
        cues = finish.lay_out(transcript, limits.of_transcript(transcript, options.cue))
        return whisper_json(transcript, cues, has_words=query.has_words)
    output = replace(options.output, formats=(query.output,))
    return finish.render(transcript, options.cue, output)[query.output]


def whisper_json(transcript: Transcript, cues: tuple[Cue, ...], *, has_words: bool) -> str:
    """Return a transcript as whisper's JSON: text, segments and language; its segments are the cues.

    Fields that only whisper's decoder has are there with neutral values, because some clients need them.
    """
    segments: list[dict[str, object]] = []
    gap = " " if spoken_text.is_spaced(transcript.language) else ""
    for number, (cue, text) in enumerate(zip(cues, spoken_text.joined(cues, transcript), strict=True)):
        raw = text.encode()
        segment: dict[str, object] = {
            "id": number,
            "seek": 0,
            "start": cue.start_ms / 1000,
            "end": cue.end_ms / 1000,
            "text": f"{gap}{text}",  # as whisper does: all texts in a row are the whole
            "tokens": [],
            "temperature": 0.0,
            "avg_logprob": 0.0,
            "compression_ratio": round(len(raw) / max(1, len(zlib.compress(raw))), 3),
            "no_speech_prob": 0.0,
        }
        if has_words:
            segment["words"] = _words(cue, transcript, gap)
        segments.append(segment)
    text = "".join(str(segment["text"]) for segment in segments)
    language = None if transcript.language is None else whisper_language(transcript.language)[0]
    return json.dumps({"text": text, "segments": segments, "language": language}, ensure_ascii=False)


def _words(cue: Cue, transcript: Transcript, gap: str) -> list[dict[str, object]]:
    first, last = cue.word_range
    return [
        {
            "word": f"{word.lead or (gap if number == first else '')}{word.text}",
            "start": word.start_ms / 1000,
            "end": word.end_ms / 1000,
            "probability": 1.0 if word.confidence is None else word.confidence,
        }
        for number, word in enumerate(transcript.words[first:last], first)
    ]
