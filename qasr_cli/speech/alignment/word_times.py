"""Times for display words: from aligner tokens if there are some, otherwise interpolated.

In go words and a chunk; out come `Word` records in container time, inside the chunk, in order, never empty.
Every word is marked as aligned, repaired or interpolated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from qasr_cli.records import Chunk, Span, Timing, Word
from qasr_cli.speech.alignment import interpolation
from qasr_cli.speech.alignment.interpolation import SpokenLength
from qasr_cli.speech.alignment.monotonic_decoder import TokenTime
from qasr_cli.speech.text.display_words import DisplayWord, letters_to_say, pause_after
from qasr_cli.timebase import samples_to_ms

# A longer word includes a pause: the limit is a bit over a second, or a quarter second a letter.
_LONGEST_WORD_MS = 1_200
_LONGEST_LETTER_MS = 250
# Of silence at the end of a speech span: 200 ms of padding, and the lag of the detector
_LONGEST_MARGIN_MS = 350


def duration_ms(samples: np.ndarray) -> int:
    """Return the length of `float32[n_samples]` in milliseconds, rounded up."""
    return samples_to_ms(len(samples))


def from_tokens(words: Sequence[DisplayWord], times: Sequence[TokenTime], chunk: Chunk) -> tuple[Word, ...]:
    """Return the words of a chunk with the times of their tokens; `times` covers all tokens in order.

    A word without tokens (`...`) takes the time between its neighbours.
    """
    timed: list[Word] = []
    position = 0
    for index, word in enumerate(words):
        token_times = times[position : position + len(word.tokens)]
        if not token_times:
            before_ms = times[position - 1].end_ms if position else 0
            after_ms = times[position].start_ms if position < len(times) else chunk.duration_ms
            edges_ms = chunk.start_ms + before_ms, chunk.start_ms + after_ms
            timed.append(Word(word.lead, word.text, *edges_ms, Timing.INTERPOLATED))
            continue
        position += len(word.tokens)
        start_ms, end_ms = chunk.start_ms + token_times[0].start_ms, chunk.start_ms + token_times[-1].end_ms
        timing = max((token.timing for token in token_times), key=list(Timing).index)
        tight_ms = _without_silence(words, index, Span(start_ms, max(end_ms, start_ms + 1)), chunk.speech)
        if tight_ms != (start_ms, end_ms):
            start_ms, end_ms = tight_ms
            timing = max(timing, Timing.REPAIRED, key=list(Timing).index)
        posteriors = [token.confidence for token in token_times if token.confidence is not None]
        posterior = min(posteriors, default=None)
        timed.append(Word(word.lead, word.text, start_ms, end_ms, timing, time_posterior=posterior))
    return enforce_order(timed, chunk)


def interpolate_words(words: Sequence[DisplayWord], chunk: Chunk) -> tuple[Word, ...]:
    """Return the words spread over the chunk's speech by their spoken length; an estimate."""
    lengths = [SpokenLength(max(1, letters_to_say(word.text)), pause_after(word.text)) for word in words]
    times = interpolation.interpolate(lengths, chunk.speech or (Span(chunk.start_ms, chunk.end_ms),))
    timed = [
        Word(word.lead, word.text, start_ms, end_ms, Timing.INTERPOLATED)
        for word, (start_ms, end_ms) in zip(words, times, strict=True)
    ]
    return enforce_order(timed, chunk)


def enforce_order(timed: Sequence[Word], chunk: Chunk) -> tuple[Word, ...]:
    """Keep every word inside the chunk, after the one before it, and at least a millisecond long.

    There are never more words than milliseconds: models write at most a dozen words a second.
    """
    words: list[Word] = []
    earliest_ms = chunk.start_ms
    for index, word in enumerate(timed):
        latest_ms = chunk.end_ms - (len(timed) - index)  # leaves a millisecond for each following word
        start_ms = max(min(max(word.start_ms, earliest_ms), latest_ms), chunk.start_ms)
        end_ms = max(min(word.end_ms, latest_ms + 1), start_ms + 1)
        timing = word.timing
        if (start_ms, end_ms) != (word.start_ms, word.end_ms) and timing is Timing.ALIGNED:
            timing = Timing.REPAIRED
        words.append(replace(word, start_ms=start_ms, end_ms=end_ms, timing=timing))
        earliest_ms = end_ms
    return tuple(words)


def _without_silence(
    words: Sequence[DisplayWord], index: int, span: Span, speech: Sequence[Span]
) -> tuple[int, int]:
    """Return a word's times without a silence that it reaches into or over, and within the maximum length.

    If a word spans a silence, its longer part stays: a detected silence, with its margins, never lies inside
    a word. At the end of a sentence a part that is hardly longer than such a margin is ignored: it is the
    margin after the full stop, or the one before the next sentence.
    """
    word = words[index]
    parts = list(interpolation.clip_speech(speech, span.start_ms, span.end_ms))
    if len(parts) > 1 and index and pause_after(words[index - 1].text) and _is_margin(parts[0]):
        del parts[0]
    if len(parts) > 1 and pause_after(word.text) and _is_margin(parts[-1]):
        del parts[-1]
    part = max(parts, key=lambda span: span.duration_ms)
    max_ms = max(_LONGEST_WORD_MS, _LONGEST_LETTER_MS * max(len(word.text), letters_to_say(word.text)))
    return part.start_ms, min(part.end_ms, part.start_ms + max_ms)


def _is_margin(part: Span) -> bool:
    return part.duration_ms <= _LONGEST_MARGIN_MS
