"""What holds for any speech and any engine, however wrong its answers are."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.options import AlignOptions, ChunkOptions, DecodeOptions, EngineOptions, GuardOptions
from qasr_cli.pipeline.containment import contain
from qasr_cli.records import Chunk, Finish, Hypothesis, Span, Waveform
from qasr_cli.speech.audio import chunking
from qasr_cli.speech.audio.vad import FRAME_MS, SpeechMap
from qasr_cli.speech.fallback import coverage
from qasr_cli.speech.fallback.review import ReviewedSource, review
from qasr_cli.speech.inference.protocols import Engines
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition import hallucination, recognize
from qasr_cli.speech.recognition.hallucination import Flag
from qasr_cli.speech.recognition.passes import RecognizedSource
from qasr_cli.speech.text import display_words
from tests.fakes import Echo, Even

ANSWERS = (
    *(("One two three.", "English"), ("", None), ("Eins, zwei.", "German"), ("안녕하세요", "Korean")),
    *(("no " * 90, "English"), ("Baku Lima Port Said", "English"), ("안녕하세요 여러분", "English")),
    *(("今天我们去港口", "Chinese"), ("...", "English"), ("word " * 400, "English"), ("x", "Klingon")),
)


@dataclass(frozen=True)
class Silence(Waveform):
    """Audio that needs no file."""

    def read(self, start_ms: int, end_ms: int) -> np.ndarray:
        return np.zeros(16 * (end_ms - start_ms), np.float32)


class Unreliable(Echo):
    """Gives any answer to anything, and the same to the same."""

    def __init__(self, seed: int) -> None:
        super().__init__(EngineOptions())
        self.seed = seed
        self.n_heard = 0

    def recognize(self, audio: Sequence[np.ndarray], options: DecodeOptions) -> list[Hypothesis]:
        self.n_heard += len(audio)
        return [self._answer(len(samples), options) for samples in audio]

    def _answer(self, n_samples: int, options: DecodeOptions) -> Hypothesis:
        dice = hashlib.sha256(repr((self.seed, n_samples, options)).encode()).digest()
        text, language = ANSWERS[dice[0] % len(ANSWERS)]
        return Hypothesis(text, language, Finish.TRUNCATED if dice[1] < 40 else Finish.COMPLETE)


@st.composite
def speech_maps(draw: st.DrawFn) -> SpeechMap:
    lengths = draw(
        st.lists(st.tuples(st.integers(1, 5_000), st.integers(400, 40_000)), min_size=1, max_size=6)
    )
    edges = list(itertools.accumulate(itertools.chain.from_iterable(lengths)))
    spans = tuple(Span(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True))
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    probs = rng.uniform(0.5, 1.3, edges[-1] // FRAME_MS + 1).clip(0, 1).astype(np.float32)
    return SpeechMap(spans, probs, edges[-1])


def play(
    maps: Sequence[SpeechMap], engines: Engines, told: DecodeOptions, guard: GuardOptions
) -> tuple[list[RecognizedSource], list[ReviewedSource]]:
    session, recordings = Session(engines), []
    for number, speech in enumerate(maps):
        chunks = chunking.plan(number, speech, ChunkOptions())
        audio = [np.zeros(16 * chunk.duration_ms, np.float32) for chunk in chunks]
        heard = recognize.recognize_batch(audio, chunks, session, told)
        recordings.append(RecognizedSource(Silence(None, 0), speech, tuple(heard)))  # type: ignore[arg-type]
    return recordings, review(recordings, session, told, guard, AlignOptions(), contain)


@given(
    st.lists(speech_maps(), min_size=1, max_size=3),
    st.integers(0, 10**6),
    st.sampled_from(
        [
            *(DecodeOptions(), DecodeOptions(context="Baku Lima Port Said"), DecodeOptions(language="en")),
            DecodeOptions(languages=("en", "ko")),
        ]
    ),
    st.booleans(),
)
def test_a_review_is_orderly_repeats_itself_and_ends(
    maps: list[SpeechMap], seed: int, told: DecodeOptions, is_multilingual: bool
) -> None:
    guard = GuardOptions(multilingual=is_multilingual)
    recognizer = Unreliable(seed)
    recordings, results = play(maps, Engines(recognizer, Even()), told, guard)
    n_chunks = sum(len(recording.results) for recording in recordings)
    assert recognizer.n_heard <= 60 * n_chunks  # four rungs, each of which may cut in two, and the gaps
    assert results == play(maps, Engines(Unreliable(seed), Even()), told, guard)[1]
    for speech, result in zip(maps, results, strict=True):
        for one, other in itertools.pairwise(result.segments):
            assert one.end_ms <= other.start_ms
        for segment in result.segments:
            assert segment.words
            assert segment.start_ms <= segment.words[0].start_ms
            assert segment.words[-1].end_ms <= segment.end_ms <= speech.duration_ms
            assert set(segment.flags) <= set(Flag)
        for span, following in itertools.pairwise(result.uncovered):
            assert span.end_ms < following.start_ms


@given(st.lists(speech_maps(), min_size=2, max_size=3), st.integers(0, 10**6))
def test_a_source_gets_the_same_text_alone_and_among_others(maps: list[SpeechMap], seed: int) -> None:
    def heard(some: Sequence[SpeechMap]) -> list[ReviewedSource]:
        return play(some, Engines(Unreliable(seed), Even()), DecodeOptions(), GuardOptions())[1]

    assert heard(maps) == [heard([alone])[0] for alone in maps]


@given(speech_maps())
def test_halves_are_a_chunk_without_its_pause(speech: SpeechMap) -> None:
    for chunk in chunking.plan(0, speech, ChunkOptions()):
        halves = chunking.halve(chunk, speech)
        if halves is None:
            assert chunk.duration_ms < 2_000
            continue
        one, other = halves
        assert (one.start_ms, other.end_ms) == (chunk.start_ms, chunk.end_ms)
        assert one.end_ms <= other.start_ms
        assert min(one.duration_ms, other.duration_ms) >= 1_000
        assert one.speech_ms + other.speech_ms == chunk.speech_ms  # no word falls between them
        if one.end_ms < other.start_ms:
            assert (one.end_ms, other.start_ms) in {
                (before.end_ms, after.start_ms) for before, after in itertools.pairwise(chunk.speech)
            }


@given(st.text(max_size=80), st.integers(1, 60_000), st.sampled_from(["English", "Japanese", None, "?"]))
def test_any_text_can_be_judged(text: str, duration_ms: int, language: str | None) -> None:
    chunk = Chunk(0, 0, 0, duration_ms, clear_ms=duration_ms)
    found = hallucination.find_flags(Hypothesis(text, language), chunk, DecodeOptions(context=text))
    assert list(found) == [flag for flag in Flag if flag in found]
    assert (Flag.EMPTY in found) == (display_words.count_letters(text) == 0 and duration_ms >= 1_000)


@given(speech_maps(), st.integers(500, 5_000))
def test_without_words_all_clear_speech_is_a_gap(speech: SpeechMap, min_ms: int) -> None:
    gaps = coverage.find_gaps((), speech, min_ms)
    assert all(gap.duration_ms >= min_ms and gap in speech.spans for gap in gaps)
