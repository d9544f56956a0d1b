"""Text that was called final is the begin of the final text, whatever an engine answers and in any order."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.options import AlignOptions, ChunkOptions, DecodeOptions, GuardOptions
from qasr_cli.pipeline.containment import contain
from qasr_cli.records import Hypothesis, Track, Transcript
from qasr_cli.speech.audio import chunking
from qasr_cli.speech.audio.vad import SpeechMap
from qasr_cli.speech.fallback.review import review
from qasr_cli.speech.fallback.settled import SettledText
from qasr_cli.speech.inference.protocols import Engines
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition import recognize
from qasr_cli.speech.recognition.passes import RecognizedSource
from qasr_cli.speech.recognition.recognize import RecognizedChunk
from tests.fakes import Even
from tests.property.test_fallback import Silence, Unreliable, speech_maps
from tests.scenes import speech_of


class Obedient(Unreliable):
    """Answers in the language that it is told, as an engine that puts it into the prompt."""

    def _answer(self, n_samples: int, options: DecodeOptions) -> Hypothesis:
        answer = super()._answer(n_samples, options)
        return replace(answer, language="English") if options.language else answer


class Clean(Unreliable):
    """Says nothing doubtful."""

    def _answer(self, n_samples: int, options: DecodeOptions) -> Hypothesis:
        return Hypothesis(" ".join(f"word{n}" for n in range(n_samples // 8_000)), "English")


@given(
    speech_maps(),
    st.integers(0, 10**6),
    st.sampled_from([DecodeOptions(), DecodeOptions(language="en"), DecodeOptions(languages=("en", "ko"))]),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_settled_text_is_the_begin_of_the_final_text(
    speech: SpeechMap, seed: int, told: DecodeOptions, is_multilingual: bool, order: random.Random
) -> None:
    session = Session(Engines(Obedient(seed), Even()))
    guard = GuardOptions(multilingual=is_multilingual)
    waveform = Silence(None, 0)  # type: ignore[arg-type]
    chunks = chunking.plan(0, speech, ChunkOptions())
    results: list[RecognizedChunk | None] = [None] * len(chunks)
    growing = SettledText(chunks, told, guard)
    texts = [growing.update(results)]
    places = list(range(len(chunks)))
    order.shuffle(places)
    for place in places:
        audio = [waveform.read(chunks[place].start_ms, chunks[place].end_ms)]
        (heard,) = recognize.recognize_batch(audio, [chunks[place]], session, told)
        (aligned,) = (
            [heard] if heard.flags else recognize.align_batch(audio, [heard], session, AlignOptions())
        )
        results[place] = aligned
        texts.append(growing.update(results))
    whole = tuple(result for result in results if result is not None)
    (text,) = review(
        [RecognizedSource(waveform, speech, whole)], session, told, guard, AlignOptions(), contain
    )
    final = Transcript("a", Track(0, "pcm", 1, 16_000), speech.duration_ms, text.segments, "").text
    for earlier, later in zip(texts, [*texts[1:], final], strict=True):
        assert later.startswith(earlier)


def test_clean_text_in_a_forced_language_is_settled_at_once() -> None:
    speech = speech_of(0, 25, 30, 55, 60, 85)
    session, told = Session(Engines(Clean(0), Even())), DecodeOptions(language="en")
    chunks = chunking.plan(0, speech, ChunkOptions())
    growing = SettledText(chunks, told, GuardOptions())
    results: list[RecognizedChunk | None] = [None] * len(chunks)
    lengths = []
    for place, chunk in enumerate(chunks):
        audio = [Silence(None, 0).read(chunk.start_ms, chunk.end_ms)]  # type: ignore[arg-type]
        clean = recognize.recognize_batch(audio, [chunk], session, told)
        (results[place],) = recognize.align_batch(audio, clean, session, AlignOptions())
        lengths.append(len(growing.update(results)))
    assert len(chunks) >= 3
    assert lengths == sorted(set(lengths))
    assert lengths[0] > 0
