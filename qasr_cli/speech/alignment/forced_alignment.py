"""Forced alignment: when each word of known text is spoken; outliers are aligned once more.

In go chunks with their audio and display words; out come words with times, each marked as aligned, repaired
or interpolated. The audio for the aligner has no silence at its ends: words would be placed there. Uses
engines through their protocols only.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from qasr_cli.records import Chunk, Span, Timing, Word
from qasr_cli.speech.alignment import interpolation, outliers, word_times
from qasr_cli.speech.alignment.interpolation import SpokenLength
from qasr_cli.speech.alignment.monotonic_decoder import TokenTime, decode
from qasr_cli.speech.alignment.outliers import TokenRange
from qasr_cli.speech.inference import batching
from qasr_cli.speech.inference.protocols import Aligner, AlignRequest, Posterior
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.text import display_words
from qasr_cli.speech.text.display_words import DisplayWord
from qasr_cli.timebase import ms_to_samples

logger = logging.getLogger(__name__)

_SHORTEST_CLIP_MS = 80  # a shorter clip holds no speech; the models pad it to half a second anyway
_WHOLE = 0.9  # a range of more than this share of its clip would only get the same times again


@dataclass(frozen=True, slots=True)
class AlignmentInput:
    """A chunk with words that have no times yet.

    Attributes:
        samples: `float32[n_samples]` of the chunk.
        language: English name, or None.
    """

    chunk: Chunk
    samples: np.ndarray
    language: str | None
    words: tuple[DisplayWord, ...]


@dataclass(frozen=True, slots=True)
class _Clip:
    """The audio of one request to the aligner: a chunk without the silence at its ends, or a part of one.

    Attributes:
        lengths: Spoken length of each token in letters, for interpolation.
        speech: Speech spans, relative to the clip's start.
        start_ms: Offset in the chunk or clip that it was cut from.
    """

    samples: np.ndarray
    tokens: tuple[str, ...]
    lengths: tuple[SpokenLength, ...]
    language: str | None
    speech: tuple[Span, ...]
    start_ms: int

    @property
    def duration_ms(self) -> int:
        return word_times.duration_ms(self.samples)

    def part(self, first: int, last: int, start_ms: int, end_ms: int) -> _Clip:
        """Return tokens `[first, last)` with the audio of the speech in `[start_ms, end_ms)`."""
        speech = interpolation.clip_speech(self.speech, start_ms, end_ms)
        begin_ms = speech[0].start_ms
        return _Clip(
            self.samples[ms_to_samples(begin_ms) : ms_to_samples(speech[-1].end_ms)],
            self.tokens[first:last],
            self.lengths[first:last],
            self.language,
            tuple(Span(span.start_ms - begin_ms, span.end_ms - begin_ms) for span in speech),
            begin_ms,
        )


@dataclass(frozen=True, slots=True)
class _Alignment:
    """The aligner's posterior for a clip, and the times decoded from it."""

    clip: _Clip
    posterior: Posterior
    times: list[TokenTime]

    @property
    def outlier_ranges(self) -> list[TokenRange]:
        return outliers.find(self.posterior, self.times, self.clip.speech, self.clip.duration_ms)

    @property
    def whole_range(self) -> TokenRange:
        return TokenRange(0, len(self.times), 0, self.clip.duration_ms)

    def mean_confidence(self, token_range: TokenRange) -> float:
        """Return the mean confidence of a range's times; an unusable time counts as 0."""
        confidences = outliers.token_confidences(self.posterior, self.times, token_range)
        return float(np.where(self.unusable(token_range), 0.0, confidences).mean())

    def unusable(self, token_range: TokenRange) -> np.ndarray:
        return outliers.unusable(self.posterior, self.times, self.clip.speech, token_range)


def align_words(
    inputs: Sequence[AlignmentInput], session: Session, *, is_enabled: bool = True
) -> list[tuple[Word, ...]]:
    """Return the words of each chunk with their times, in container time.

    Args:
        inputs: Any number of chunks of any sources.
        session: Its aligner is used, if there is one; each language that it does not support is logged once.
        is_enabled: False: all times are interpolated.

    Raises:
        OutOfMemoryError: Not even one chunk fits into the aligner's memory.
    """
    clips: dict[int, _Clip] = {}
    aligner = session.aligner if is_enabled else None
    for index, item in enumerate(inputs):
        if aligner and item.words and _is_supported(item.language, aligner, session):
            clip = _clip(item)
            if clip.tokens and clip.duration_ms <= aligner.capacity.max_chunk_ms:
                clips[index] = clip
    aligned: dict[int, tuple[Word, ...]] = {}
    if aligner and clips:
        alignments = _run_aligner(list(clips.values()), aligner, session)
        for index, alignment in zip(clips, _realign_outliers(alignments, aligner, session), strict=True):
            if alignment is not None:
                aligned[index] = _words(inputs[index], alignment)
    return [
        aligned[index] if index in aligned else word_times.interpolate_words(item.words, item.chunk)
        for index, item in enumerate(inputs)
    ]


def _is_supported(language: str | None, aligner: Aligner, session: Session) -> bool:
    if aligner.supports(language):
        return True
    if language and session.is_new(f"aligner lacks {language}"):
        logger.warning("the aligner does not support %s: its word times are interpolated", language)
    return False


def _clip(item: AlignmentInput) -> _Clip:
    begin_ms = item.chunk.start_ms
    inside = interpolation.clip_speech(item.chunk.speech, begin_ms, item.chunk.end_ms)
    speech = tuple(Span(span.start_ms - begin_ms, span.end_ms - begin_ms) for span in inside)
    lengths = [
        SpokenLength(
            max(1, display_words.letters_to_say(token)),
            display_words.pause_after(word.text) if number == len(word.tokens) else 0,
        )
        for word in item.words
        for number, token in enumerate(word.tokens, 1)
    ]
    tokens = tuple(token for word in item.words for token in word.tokens)
    whole_range = _Clip(item.samples, tokens, tuple(lengths), item.language, speech, 0)
    return whole_range.part(0, len(tokens), 0, whole_range.duration_ms)


def _run_aligner(clips: Sequence[_Clip], aligner: Aligner, session: Session) -> list[_Alignment | None]:
    """Return the alignment of each clip, None where its posterior gives no times."""
    alignments: list[_Alignment | None] = [None] * len(clips)
    for batch in batching.plan([clip.duration_ms for clip in clips], aligner.capacity):
        batch_clips = [clips[index] for index in batch]
        posteriors: list[Posterior] = batching.run_halving(
            [AlignRequest(clip.samples, clip.tokens, clip.language) for clip in batch_clips],
            aligner.align,
            [len(clip.samples) for clip in batch_clips],
            session.aligner_limit,
        )
        for index, posterior in zip(batch, posteriors, strict=True):
            times = decode(posterior, clips[index].duration_ms)
            alignments[index] = _Alignment(clips[index], posterior, times) if times else None
    return alignments


def _realign_outliers(
    alignments: Sequence[_Alignment | None], aligner: Aligner, session: Session
) -> list[_Alignment | None]:
    """Align every range of outliers again on its own; times that stay unusable are interpolated."""
    best = list(alignments)
    is_unusable = [np.zeros(len(alignment.times) if alignment else 0, dtype=bool) for alignment in alignments]
    realignments: list[tuple[int, _Alignment, TokenRange, _Clip]] = []
    for index, alignment in enumerate(alignments):
        if alignment is None:
            continue
        for token_range in alignment.outlier_ranges:
            is_unusable[index][token_range.first : token_range.last] = alignment.unusable(token_range)
            clip = alignment.clip.part(
                token_range.first, token_range.last, token_range.start_ms, token_range.end_ms
            )
            if _SHORTEST_CLIP_MS <= clip.duration_ms <= _WHOLE * alignment.clip.duration_ms:
                realignments.append((index, alignment, token_range, clip))
    realigned = _run_aligner([clip for _, _, _, clip in realignments], aligner, session)
    for (index, first_alignment, token_range, _), new in zip(realignments, realigned, strict=True):
        before = best[index]
        if before is None or new is None:
            continue
        if new.mean_confidence(new.whole_range) > first_alignment.mean_confidence(token_range):
            best[index] = replace(before, times=_spliced(before, token_range, new))
            is_unusable[index][token_range.first : token_range.last] = new.unusable(new.whole_range)
    return [
        None
        if alignment is None
        else replace(alignment, times=_with_interpolated(alignment, unusable_tokens))
        for alignment, unusable_tokens in zip(best, is_unusable, strict=True)
    ]


def _spliced(old: _Alignment, token_range: TokenRange, new: _Alignment) -> list[TokenTime]:
    """Return the old times with the range's new ones, marked where they moved by more than a bin."""
    times = list(old.times)
    for index, token in enumerate(new.times, token_range.first):
        start_ms, end_ms = token.start_ms + new.clip.start_ms, token.end_ms + new.clip.start_ms
        moved_ms = max(abs(start_ms - times[index].start_ms), abs(end_ms - times[index].end_ms))
        timing = Timing.REPAIRED if moved_ms > new.posterior.bin_ms else times[index].timing
        times[index] = TokenTime(start_ms, end_ms, timing, token.confidence)
    return times


def _with_interpolated(alignment: _Alignment, is_unusable: np.ndarray) -> list[TokenTime]:
    """Return the times, with interpolated ones in place of the unusable ones."""
    times = list(alignment.times)
    for token_range in outliers.outlier_ranges(
        is_unusable, is_unusable, alignment.times, alignment.clip.duration_ms
    ):
        speech = interpolation.clip_speech(alignment.clip.speech, token_range.start_ms, token_range.end_ms)
        interpolated = interpolation.interpolate(
            alignment.clip.lengths[token_range.first : token_range.last], speech
        )
        times[token_range.first : token_range.last] = [
            TokenTime(start_ms, end_ms, Timing.INTERPOLATED, None) for start_ms, end_ms in interpolated
        ]
    return times


def _words(item: AlignmentInput, alignment: _Alignment) -> tuple[Word, ...]:
    moved = [
        replace(
            token,
            start_ms=token.start_ms + alignment.clip.start_ms,
            end_ms=token.end_ms + alignment.clip.start_ms,
        )
        for token in alignment.times
    ]
    return word_times.from_tokens(item.words, moved, item.chunk)
