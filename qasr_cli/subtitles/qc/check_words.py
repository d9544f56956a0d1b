"""Rules of speech: captions compared with the times of their words, which only qasr's transcripts have.

In go captions and the transcript; out come findings. Reads no audio.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from qasr_cli.records import Caption, Timing, Transcript
from qasr_cli.subtitles.qc.caption_atoms import width
from qasr_cli.subtitles.qc.findings import Finding
from qasr_cli.subtitles.rules.limits import Limits
from qasr_cli.timebase import MS_PER_S

_EARLY_MS = 100  # TED: a subtitle starts at most 100 ms before the speech
_LATE_MS = 83  # Netflix: within two frames of the audio
_MIN_UNCOVERED_MS = 1_500
_MIN_VOICED = 0.2  # of a caption's time


def check(captions: Sequence[Caption], transcript: Transcript, limits: Limits) -> Iterator[Finding]:
    """Yield findings about captions and their speech."""
    words = transcript.words
    chunks_ms = sorted((segment.start_ms, segment.end_ms) for segment in transcript.segments)
    n_estimated = n_spoken = 0
    for index, caption in enumerate(captions):
        spoken = words[slice(*(caption.word_range or (0, 0)))]
        if spoken:
            n_spoken += 1
            n_estimated += any(word.timing is Timing.INTERPOLATED for word in spoken)
            span_ms = spoken[0].start_ms, max(word.end_ms for word in spoken)
            yield from _times(caption, index, span_ms, limits)
            yield from _silence(caption, index, chunks_ms)
    if n_estimated:
        comment = f"{n_estimated} of {n_spoken} cues have words with estimated times"
        yield Finding("interpolated_timing", comment, value=n_estimated, limit=0)
    for span in transcript.uncovered:
        if span.duration_ms >= _MIN_UNCOVERED_MS:
            comment = f"{span.duration_ms / MS_PER_S:.1f} s of speech without words"
            yield Finding(
                "untranscribed_speech", comment, None, span.start_ms, span.duration_ms / MS_PER_S, 1.5
            )


def _times(caption: Caption, index: int, span_ms: tuple[int, int], limits: Limits) -> Iterator[Finding]:
    begin_ms, end_ms = span_ms
    early_ms = begin_ms - caption.start_ms
    if early_ms > max(_EARLY_MS, limits.lead_in_ms):
        comment = f"starts {early_ms} ms before its first word"
        yield Finding("early", comment, index, caption.start_ms, early_ms / MS_PER_S, _EARLY_MS / MS_PER_S)
    elif -early_ms > _LATE_MS:
        comment = f"starts {-early_ms} ms after its first word"
        yield Finding("late", comment, index, caption.start_ms, -early_ms / MS_PER_S, _LATE_MS / MS_PER_S)
    reading_ms = width(caption.lines, limits) * MS_PER_S / limits.soft_rate
    needed_ms = caption.start_ms + max(limits.min_duration_ms, reading_ms)
    linger_ms = caption.end_ms - end_ms
    if linger_ms > limits.max_linger_ms and caption.end_ms > needed_ms:
        comment = f"stays {linger_ms / MS_PER_S:.1f} s after its last word"
        limit_s = limits.max_linger_ms / MS_PER_S
        yield Finding("linger", comment, index, caption.start_ms, linger_ms / MS_PER_S, limit_s)


def _silence(caption: Caption, index: int, chunks_ms: Sequence[tuple[int, int]]) -> Iterator[Finding]:
    """Find a caption outside every chunk: the chunks together cover all detected speech."""
    shown_ms = caption.end_ms - caption.start_ms
    speech_ms = 0
    # Chunks are disjoint, so those that overlap the caption end with the last that begins before its end.
    for at in range(bisect_left(chunks_ms, (caption.end_ms,)) - 1, -1, -1):
        start_ms, end_ms = chunks_ms[at]
        if end_ms <= caption.start_ms:
            break
        speech_ms += min(caption.end_ms, end_ms) - max(caption.start_ms, start_ms)
    if shown_ms > 0 and speech_ms < _MIN_VOICED * shown_ms:
        share = speech_ms / shown_ms
        comment = f"only {share:.0%} of its time has speech"
        yield Finding("silence_text", comment, index, caption.start_ms, round(share, 2), _MIN_VOICED)
