"""The bodies of results, one for each response format.

In go a job's result and what is wanted of it; out come responses. `json` and `verbose_json` are OpenAI's
objects; the other formats are the texts that `qasr transcribe` writes. Laying out the cues of a film takes a
second: call it on a thread.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse, Response

from qasr_cli import languages
from qasr_cli.errors import QasrError
from qasr_cli.formats.writers.spoken_text import joined, one_line
from qasr_cli.options import CueOptions, OutputOptions
from qasr_cli.pipeline import finish
from qasr_cli.pipeline.script import AlignedScript
from qasr_cli.records import Cue, Transcript, Word
from qasr_cli.serving.http import failures
from qasr_cli.serving.jobs import Job, JobResult
from qasr_cli.subtitles.rules import limits

# Formats of qasr under the names that a request has for them: its writer, and the type of its text.
_TEXTS = {
    "text": ("txt", "text/plain"),
    "srt": ("srt", "text/plain"),  # as OpenAI has it; no browser shows application/x-subrip
    "vtt": ("vtt", "text/vtt"),
    "tsv": ("tsv", "text/tab-separated-values"),
    "qasr_json": ("json", "application/json"),
}
RESPONSE_FORMATS = ("json", "text", "srt", "vtt", "verbose_json", "qasr_json", "tsv")
UNTIMED_FORMATS = frozenset({"json", "text"})  # of a transcript: words need no times for them


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """What is wanted of a result.

    Attributes:
        cue: Limits of the cues.
        output: Options of the writers.
        has_segments: `verbose_json` has the cues.
        has_words: `verbose_json` has the words.
    """

    cue: CueOptions = field(default_factory=CueOptions)
    output: OutputOptions = field(default_factory=OutputOptions)
    has_segments: bool = True
    has_words: bool = False


async def of_job(
    job: Job, response_format: str, wanted: AnswerOptions, headers: Mapping[str, str]
) -> Response:
    """Return the answer to the client of a job that is final."""
    if job.result is None:
        response = failures.answer(job.error or QasrError(f"{job.name}: no result"))
    else:
        response = await run_in_threadpool(body, job.result, response_format, wanted)
    response.headers.update(headers)
    return response


def body(result: JobResult, response_format: str, wanted: AnswerOptions) -> Response:
    """Return the response with a result, in one of `RESPONSE_FORMATS`."""
    if response_format in _TEXTS:
        name, media_type = _TEXTS[response_format]
        return PlainTextResponse(_rendered(result, name, wanted), media_type=media_type)
    is_verbose = response_format == "verbose_json"
    if result.aligned is not None:
        return JSONResponse(_alignment(result.aligned, wanted, is_verbose=is_verbose))
    if is_verbose:
        return JSONResponse(_verbose(result, wanted))
    return JSONResponse(
        {
            "text": result.transcript.text,
            "language": language_name(result.language),
            "languages": language_codes(result),
            "usage": _duration(result.transcript),
            **_warnings(result.warnings),
        }
    )


def _rendered(result: JobResult, name: str, wanted: AnswerOptions) -> str:
    transcript = result.transcript if result.aligned is None else result.aligned.transcript
    output = replace(wanted.output, formats=(name,))
    laid_out = None if result.aligned is None else _script_cues(result.aligned, wanted)
    return finish.render(transcript, wanted.cue, output, laid_out)[name]


def _script_cues(aligned: AlignedScript, wanted: AnswerOptions) -> tuple[Cue, ...]:
    # The job may have been begun by another client, who wanted other cues.
    return finish.script_cues(aligned.transcript, aligned.script, aligned.alignment, wanted.cue)


def _verbose(result: JobResult, wanted: AnswerOptions) -> dict[str, object]:
    transcript = result.transcript
    return {
        "task": "transcribe",
        "language": language_name(result.language),
        "duration": seconds(transcript.duration_ms),
        "text": transcript.text,
        **_parts(transcript, wanted, lambda: _laid_out(transcript, wanted)),
        "usage": _duration(transcript),
        **_warnings(result.warnings),
    }


def _alignment(aligned: AlignedScript, wanted: AnswerOptions, *, is_verbose: bool) -> dict[str, object]:
    transcript = aligned.transcript
    parts = replace(wanted, has_words=True, has_segments=is_verbose)
    return {
        "text": transcript.text,
        "language": language_name(transcript.language),
        "duration": seconds(transcript.duration_ms),
        **_parts(transcript, parts, lambda: _script_cues(aligned, wanted)),
        "unspoken": [
            {"line": origin.line, **({} if origin.cue is None else {"cue": origin.cue}), "text": text}
            for origin, text in aligned.unspoken
        ],
        **_warnings(aligned.warnings),
    }


def _parts(
    transcript: Transcript, wanted: AnswerOptions, cues: Callable[[], Sequence[Cue]]
) -> dict[str, object]:
    parts: dict[str, object] = {}
    if wanted.has_segments:
        parts["segments"] = _segments(cues(), transcript)
    if wanted.has_words:
        parts["words"] = [_word(word) for word in transcript.words]
    return parts


def _laid_out(transcript: Transcript, wanted: AnswerOptions) -> tuple[Cue, ...]:
    return finish.lay_out(transcript, limits.of_transcript(transcript, wanted.cue))


def _segments(cues: Sequence[Cue], transcript: Transcript) -> list[dict[str, object]]:
    """Return the cues as OpenAI's segments, whose other fields belong to Whisper and have neutral values."""
    return [
        {
            "id": number,
            "seek": 0,
            "start": seconds(cue.start_ms),
            "end": seconds(cue.end_ms),
            "text": text,
            "tokens": [],
            "temperature": 0.0,
            "avg_logprob": 0.0,
            "compression_ratio": _compression_ratio(text),
            "no_speech_prob": 0.0,
        }
        for number, (cue, text) in enumerate(zip(cues, joined(cues, transcript), strict=True))
    ]


def _compression_ratio(text: str) -> float:
    """Return how far a text can be compressed, as Whisper measures it: repetitions compress well."""
    raw = text.encode()
    return round(len(raw) / len(zlib.compress(raw)), 3) if raw else 0.0


def _word(word: Word) -> dict[str, object]:
    return {
        "word": one_line(word.text), "start": seconds(word.start_ms), "end": seconds(word.end_ms),
    }  # fmt: skip


def seconds(time_ms: int) -> float:
    """Return a time in seconds."""
    return time_ms / 1000


def language_name(code: str | None) -> str:
    """Return a language's English name in lower case, as OpenAI writes it; "" without speech."""
    entry = languages.find(code) if code else None
    return entry.name.lower() if entry else code or ""


def language_codes(result: JobResult) -> list[dict[str, str]]:
    """Return the languages of a transcript, the one that is spoken longest first."""
    spoken = [segment.language for segment in result.transcript.segments if segment.language]
    others = sorted(set(spoken) - {result.language}, key=spoken.index)
    return [{"code": code} for code in (result.language, *others) if code]


def _duration(transcript: Transcript) -> dict[str, object]:
    return {"type": "duration", "seconds": math.ceil(transcript.duration_ms / 1000)}


def _warnings(lines: Sequence[str]) -> dict[str, object]:
    return {"warnings": list(lines)} if lines else {}
