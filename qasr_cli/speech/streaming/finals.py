"""The final text of utterances: the same guard, retries and alignment as those of files.

In go utterances that have ended, each with the recognizer's text for exactly its samples; out come their
segments in session time. An utterance is handled as a source with one chunk: what its text is does not depend
on the ones around it, but for its language (`language_inertia`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from qasr_cli.errors import QasrError
from qasr_cli.options import AlignOptions, DecodeOptions, GuardOptions, VadOptions
from qasr_cli.records import INT16_SCALE, Chunk, Hypothesis, Segment, Span
from qasr_cli.speech.audio.vad import SpeechMap, find_spans
from qasr_cli.speech.fallback.review import ReviewedSource, review
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition import hallucination, recognize
from qasr_cli.speech.recognition.passes import Contain, RecognitionRequest, RecognizedSource, recognize_all
from qasr_cli.speech.streaming.language_inertia import LanguageInertia
from qasr_cli.timebase import ms_to_samples, samples_to_ms


@dataclass(frozen=True, slots=True, eq=False)
class MemoryWaveform:
    """An utterance's samples in memory: `int16[n_samples]`, mono at 16 kHz."""

    samples: np.ndarray

    @property
    def duration_ms(self) -> int:
        """Length in whole milliseconds, rounded up."""
        return samples_to_ms(len(self.samples))

    def read(self, start_ms: int, end_ms: int) -> np.ndarray:
        """Return `float32[n_samples]` in [-1, 1) for `[start_ms, end_ms)`, clipped to the waveform."""
        part = self.samples[ms_to_samples(start_ms) : ms_to_samples(end_ms)]
        return part.astype(np.float32) * INT16_SCALE


@dataclass(frozen=True, slots=True)
class FinalOptions:
    """What the text of a session's utterances depends on."""

    decode: DecodeOptions
    guard: GuardOptions
    align: AlignOptions


@dataclass(frozen=True, slots=True, eq=False)
class EndedUtterance:
    """An utterance that has ended.

    Attributes:
        start_ms: Its start in the session.
        waveform: Its samples.
        speech: The speech in it, from its start.
        inertia: The language of its session so far.
        options: Of its session.
    """

    start_ms: int
    waveform: MemoryWaveform
    speech: SpeechMap
    inertia: LanguageInertia
    options: FinalOptions

    @property
    def chunk(self) -> Chunk:
        """All of it, as the model gets it."""
        spans = self.speech.spans or (Span(0, self.speech.duration_ms),)
        clear_ms = self.speech.clear_ms(0, self.speech.duration_ms)
        return Chunk(0, 0, 0, self.speech.duration_ms, spans, clear_ms)


def speech_in(samples: np.ndarray, probs: np.ndarray, vad: VadOptions) -> SpeechMap:
    """Return the speech in `int16[n_samples]` of an utterance; `probs` is `float32[n_frames]`."""
    duration_ms = samples_to_ms(len(samples))
    return SpeechMap(find_spans(probs, duration_ms, vad), probs, duration_ms)


def finish(
    ended: Sequence[tuple[EndedUtterance, Hypothesis]], session: Session, contain: Contain
) -> list[ReviewedSource]:
    """Return the final text of each utterance, in session time; those of a session are in order.

    Raises:
        DeviceLostError: The device cannot compute anything more.
    """
    first = [(utterance, _source(utterance, hypothesis)) for utterance, hypothesis in ended]
    sources = _in_their_language(first, session, contain)
    texts: dict[int, ReviewedSource] = {}
    for options in dict.fromkeys(utterance.options for utterance, _ in ended):
        members = [index for index, (utterance, _) in enumerate(ended) if utterance.options == options]
        reviewed = review(
            [sources[index] for index in members],
            session,
            options.decode,
            options.guard,
            options.align,
            contain,
        )
        texts.update(zip(members, reviewed, strict=True))
    return [_shifted(texts[index], utterance.start_ms) for index, (utterance, _) in enumerate(ended)]


def _source(utterance: EndedUtterance, hypothesis: Hypothesis) -> RecognizedSource:
    result = recognize.checked(utterance.chunk, hypothesis, utterance.options.decode)
    return RecognizedSource(utterance.waveform, utterance.speech, (result,))


def _in_their_language(
    sources: Sequence[tuple[EndedUtterance, RecognizedSource]], session: Session, contain: Contain
) -> list[RecognizedSource]:
    """Recognize what was probably detected as a wrong language again, in its session's; use clean results."""
    requests: dict[int, RecognitionRequest] = {}
    for index, (utterance, source) in enumerate(sources):
        options = utterance.options
        forced = utterance.inertia.judge(source.results[0], options.decode, options.guard)
        if forced is not None:
            in_language = replace(options.decode, language=forced)
            requests[index] = RecognitionRequest(source, source.results[0].chunk, in_language)
    unified = [source for _, source in sources]
    results = recognize_all([*requests.values()], session, contain)
    for index, result in zip(requests, results, strict=True):
        if isinstance(result, QasrError):
            unified[index] = replace(unified[index], failures=(result,))
        elif hallucination.normalized_tokens(result.hypothesis.text) and not result.flags:
            unified[index] = replace(unified[index], results=(result,))
    return unified


def _shifted(text: ReviewedSource, by_ms: int) -> ReviewedSource:
    """Return a text with its times moved from the utterance's start to the session's."""
    segments = tuple(_segment_shifted(segment, by_ms) for segment in text.segments)
    uncovered = tuple(Span(span.start_ms + by_ms, span.end_ms + by_ms) for span in text.uncovered)
    return replace(text, segments=segments, uncovered=uncovered)


def _segment_shifted(segment: Segment, by_ms: int) -> Segment:
    words = tuple(
        replace(word, start_ms=word.start_ms + by_ms, end_ms=word.end_ms + by_ms) for word in segment.words
    )
    return replace(segment, start_ms=segment.start_ms + by_ms, end_ms=segment.end_ms + by_ms, words=words)
