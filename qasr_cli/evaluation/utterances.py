"""What is compared: an utterance of a reference set, and a system's answer to it.

Readers of corpora make utterances, readers of other programs' outputs make answers; scoring takes pairs of
both. All are frozen. Times are whole milliseconds on the clock of the utterance's own file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from qasr_cli import languages
from qasr_cli.records import Caption, Segment, Span


class Encoding(StrEnum):
    """The encoding of an utterance's sound."""

    MEDIA = "media"  # the file says it
    PCM_16K = "s16le-16k"  # headerless 16-bit mono samples at 16 kHz (KsponSpeech)


@dataclass(frozen=True, slots=True)
class AudioPart:
    """The place of an utterance's sound.

    Attributes:
        path: The file; for embedded sound (parquet) the name that it has there.
        span: The part that is meant; None is the whole file.
        channel: Channel of the file from 0; None mixes all.
        content: The file's own bytes where it is embedded in another; None where it lies at `path`.
        encoding: How it is encoded.
    """

    path: Path
    span: Span | None = None
    channel: int | None = None
    content: bytes | None = field(default=None, repr=False)
    encoding: Encoding = Encoding.MEDIA


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word with times, as a reference or a system gives it.

    Attributes:
        confidence: Probability that it is right, 0 to 1; None if unknown.
        speaker: Label of its speaker, or "".
    """

    text: str
    start_ms: int
    end_ms: int
    confidence: float | None = None
    speaker: str = ""


def timed_words(segments: Iterable[Segment]) -> tuple[TimedWord, ...]:
    """Return the words of segments, as references and answers have them."""
    return tuple(
        TimedWord(word.text, word.start_ms, word.end_ms, word.confidence, word.speaker or "")
        for segment in segments
        for word in segment.words
    )


def text_of(words: Iterable[TimedWord]) -> str:
    """Return words as a text, with spaces where their scripts have some."""
    return languages.joined(word.text for word in words)


@dataclass(frozen=True, slots=True)
class Turn:
    """A stretch of one speaker; turns of several speakers may overlap.

    Attributes:
        text: What is said, or "" if only the speaker is known (RTTM).
    """

    speaker: str
    start_ms: int
    end_ms: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One utterance of a reference set; or a whole recording, matched as one.

    Attributes:
        id: Its name in the set; unique there.
        set_name: The set that its figures belong to, such as `librispeech test-clean`.
        audio: Its sound; None where only texts are compared.
        text: The reference text as the corpus has it, without tags that are no speech.
        language: Code, or None if unknown.
        speaker: Name of its speaker; "" if unknown. Bootstrap blocks follow it.
        recording: Name of the recording that it is cut from; "" if it is one of its own.
        duration_ms: Length of its sound; None if the manifest does not say.
        words: Its words with their times, if the reference has them.
        captions: Its captions, if the reference is a subtitle file.
        turns: Who speaks when, if the reference says so.
        labels: What else the corpus says, such as `gender`, `accent`, `domain`, `dialect`; figures are given
            by each.
    """

    id: str
    set_name: str
    audio: AudioPart | None
    text: str
    language: str | None = None
    speaker: str = ""
    recording: str = ""
    duration_ms: int | None = None
    words: tuple[TimedWord, ...] = ()
    captions: tuple[Caption, ...] = ()
    turns: tuple[Turn, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a system gives for an utterance.

    Attributes:
        text: Its text, as it is.
        language: Code of the language that it detected; None if it does not say.
        words: Its words with their times, if it has them.
        captions: Its captions, if it wrote subtitles.
        turns: Who speaks when, if it says so.
        segments: The chunks of a transcript by qasr with flags and detectors' values; empty for others.
        flags: Signs of hallucination, of all segments.
        wall_s: Seconds that it took, as far as they are known for this utterance alone.
        error: Why there is no text; "" if there is.
    """

    text: str
    language: str | None = None
    words: tuple[TimedWord, ...] = ()
    captions: tuple[Caption, ...] = ()
    turns: tuple[Turn, ...] = ()
    segments: tuple[Segment, ...] = ()
    flags: tuple[str, ...] = ()
    wall_s: float | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """An utterance and one system's answer to it; None if the system has none for its id."""

    system: str
    utterance: Utterance
    answer: Answer | None
