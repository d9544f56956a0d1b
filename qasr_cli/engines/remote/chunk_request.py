"""What a server is asked about one chunk, whatever its endpoint.

In go samples and decoding options; out come a WAV file of the very same samples, and the options in the
spellings of servers.
"""

from __future__ import annotations

import re
import struct
import sys
from dataclasses import dataclass

import numpy as np

from qasr_cli import languages
from qasr_cli.engines.qwen3.token_budget import token_budget
from qasr_cli.languages import Language
from qasr_cli.options import DecodeOptions
from qasr_cli.records import INT16_SCALE
from qasr_cli.timebase import BYTES_PER_SAMPLE, SAMPLE_RATE_HZ

_FRAME_SAMPLES = 160  # 10 ms: the models take whole frames …
_SHORTEST_SAMPLES = SAMPLE_RATE_HZ // 2  # … and half a second at least
_MAX_CHARS_PER_TOKEN = 64
_UNREADABLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")  # half characters, and what terminals obey
_MARKUP = re.compile(r"<\|[^<>|]*\|>|<(?:asr_text|timestamp)>")  # a context is text and no control token


@dataclass(frozen=True, slots=True)
class ChunkRequest:
    """One chunk of audio and how to recognise it.

    Attributes:
        model: The model's name on the servers.
        wav: The chunk as a WAV file: mono, 16 kHz, 16 bits.
        duration_ms: Length of the chunk.
        max_tokens: Maximum length of the answer.
        context: Text for the system turn.
        forced: Language of the answer; None lets the model choose.
        allowed: Languages to choose from; empty for all.
        penalty: Of repetition; 1 is none.
    """

    model: str
    wav: bytes
    duration_ms: int
    max_tokens: int
    context: str = ""
    forced: Language | None = None
    allowed: tuple[Language, ...] = ()
    penalty: float = 1.0


def of_chunk(model: str, samples: np.ndarray, options: DecodeOptions) -> ChunkRequest:
    """Return the request for `float32[n_samples]`.

    The audio is padded with silence to whole frames and half a second, as the local engine does, so that
    both compute the same features.
    """
    n_samples = max(_SHORTEST_SAMPLES, -(-len(samples) // _FRAME_SAMPLES) * _FRAME_SAMPLES)
    padded = np.pad(samples, (0, n_samples - len(samples)))
    forced = languages.find(options.language) if options.language else None
    allowed = [found for code in options.languages if (found := languages.find(code))]
    return ChunkRequest(
        model,
        wav_of(padded),
        duration_ms=len(samples) * 1000 // SAMPLE_RATE_HZ,
        max_tokens=min(token_budget(len(samples)), options.max_tokens or sys.maxsize),
        context=_MARKUP.sub(" ", options.context).strip(),
        forced=forced,
        allowed=() if forced else tuple(allowed),
        penalty=float(options.repetition_penalty),
    )


def silence(model: str) -> ChunkRequest:
    """Return a request with half a second of silence, which shows that a server works and what it speaks."""
    return of_chunk(model, np.zeros(_SHORTEST_SAMPLES, np.float32), DecodeOptions())


def readable(text: str, chunk: ChunkRequest) -> tuple[str, bool]:
    """Return the text of an answer without what no file can hold, and whether it is too long to be true.

    A text that is far longer than its tokens may be is cut: a loop of a server that heeds no limit.
    """
    limit = _MAX_CHARS_PER_TOKEN * chunk.max_tokens
    return _UNREADABLE.sub("\ufffd", text[:limit]), len(text) > limit


def wav_of(samples: np.ndarray) -> bytes:
    """Return `float32[n_samples]` in [-1, 1) as a WAV file; exact for what was 16 bits before."""
    full_scale = round(1 / float(INT16_SCALE))
    pcm = np.clip(np.rint(samples * full_scale), -full_scale, full_scale - 1).astype("<i2").tobytes()
    rate = SAMPLE_RATE_HZ
    form = struct.pack("<HHIIHH", 1, 1, rate, rate * BYTES_PER_SAMPLE, BYTES_PER_SAMPLE, 8 * BYTES_PER_SAMPLE)
    return b"".join(
        (
            struct.pack("<4sI4s", b"RIFF", 36 + len(pcm), b"WAVE"),
            struct.pack("<4sI", b"fmt ", len(form)),
            form,
            struct.pack("<4sI", b"data", len(pcm)),
            pcm,
        )
    )
