"""The values that are passed through qasr, in the order in which they are made.

All are frozen. Times are whole milliseconds of container time, spans are half-open `[start_ms, end_ms)`.
Conditions called "always true" in a docstring are checked at construction if that is cheap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

import numpy as np

from qasr_cli import languages
from qasr_cli.captions import Caption, Cue, LineSpeaker, Speaker
from qasr_cli.operating_system import files
from qasr_cli.timebase import BYTES_PER_SAMPLE, ms_to_samples, samples_to_ms

__all__ = ["Caption", "Cue", "LineSpeaker", "Speaker"]  # handed on; the others are defined here

INT16_SCALE = np.float32(1 / 32768)  # int16 full scale to [-1, 1)


@dataclass(frozen=True, slots=True)
class Source:
    """An input file.

    Attributes:
        id: Index in this run; also the order of outputs.
        path: Path for ffmpeg.
        relative: Path below the folder that the user named (the file name alone for a file); it decides
            the output's name and folder.
        is_found: Discovered in a folder or a list, rather than named on the command line: with existing
            results it is skipped, and not refused.
        spans: The parts to recognise, each as one chunk if the model can; ordered, disjoint, cut off
            where the sound ends. Empty: all speech, in chunks of the planner's choice.
    """

    id: int
    path: Path
    relative: Path
    is_found: bool = False
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Track:
    """One audio stream of a source. `start_ms` is its start in the container."""

    stream_index: int
    codec: str
    channels: int
    sample_rate_hz: int
    start_ms: int = 0
    duration_ms: int | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Waveform:
    """Mono 16 kHz signed 16-bit samples in a file; sample 0 is container time 0.

    The samples stay on disk (115 MB an hour) and are read a chunk at a time with plain reads rather than
    a memory map, so that an hour of audio adds nothing to the resident memory.
    """

    path: Path
    n_samples: int

    @property
    def duration_ms(self) -> int:
        """Length in whole milliseconds, rounded up."""
        return samples_to_ms(self.n_samples)

    def read(self, start_ms: int, end_ms: int) -> np.ndarray:
        """Return `float32[n_samples]` in [-1, 1) for `[start_ms, end_ms)`, clipped to the waveform."""
        first = min(ms_to_samples(start_ms), self.n_samples)
        last = min(ms_to_samples(end_ms), self.n_samples)
        with self.path.open("rb") as file:
            raw = files.read_at(file.fileno(), (last - first) * BYTES_PER_SAMPLE, first * BYTES_PER_SAMPLE)
        return np.frombuffer(raw, dtype="<i2").astype(np.float32) * INT16_SCALE


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A time span; always true: `0 <= start_ms < end_ms`."""

    start_ms: int
    end_ms: int

    def __post_init__(self) -> None:
        if not 0 <= self.start_ms < self.end_ms:
            raise ValueError(f"not a span: [{self.start_ms}, {self.end_ms}) ms")

    @property
    def duration_ms(self) -> int:
        """Length in milliseconds."""
        return self.end_ms - self.start_ms


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a source that the model recognises in one piece; it has no audio itself.

    Always true of a source's chunks: ordered, disjoint, none longer than the limit they were planned
    with, and together they cover every speech span.

    Attributes:
        speech: The speech spans inside, clipped to the chunk (container time).
        clear_ms: Milliseconds of clear speech according to the detector; 0 if unknown.
    """

    source_id: int
    index: int
    start_ms: int
    end_ms: int
    speech: tuple[Span, ...] = ()
    clear_ms: int = 0

    @property
    def duration_ms(self) -> int:
        """Length in milliseconds."""
        return self.end_ms - self.start_ms

    @property
    def speech_ms(self) -> int:
        """Milliseconds of speech; the whole chunk if its spans are unknown."""
        return sum(span.duration_ms for span in self.speech) or self.duration_ms


class Finish(StrEnum):
    """Why the recognizer stopped writing."""

    COMPLETE = "complete"
    TRUNCATED = "truncated"  # it reached its token budget first


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """The recognizer's text for one chunk.

    Attributes:
        language: English name, or None (no speech).
        token_ends: Number of the text's characters up to the end of each of its tokens; empty if unknown.
        token_posteriors: The recognizer's probability of each of these tokens, given those before. Rounding
            differs between ways to compute them, so that hypotheses are equal without them.
    """

    text: str
    language: str | None
    finish: Finish = Finish.COMPLETE
    n_tokens: int = 0
    token_ends: tuple[int, ...] = ()
    token_posteriors: tuple[float, ...] = field(default=(), compare=False)

    @property
    def without_text(self) -> Hypothesis:
        """The hypothesis that there are no words."""
        return replace(self, text="", token_ends=(), token_posteriors=())


class Timing(StrEnum):
    """The origin of a word's times, so that estimates are not taken for measurements."""

    ALIGNED = "aligned"  # the aligner's own answer
    REPAIRED = "repaired"  # moved, because the aligner's answer was impossible
    INTERPOLATED = "interpolated"  # estimated: no aligner for this language, or nothing to go by


@dataclass(frozen=True, slots=True)
class Word:
    """A display word with its times.

    Attributes:
        lead: The space before it ("" in Chinese and Japanese).
        confidence: Probability that the word is right, from the two posteriors; None without either.
        token_posterior: The recognizer's probability of its least likely token; None if unknown.
        time_posterior: The aligner's probability of its times; None without an aligner.
        speaker: Label of its speaker, such as `S1`; None if speakers are not told apart.
    """

    lead: str
    text: str
    start_ms: int
    end_ms: int
    timing: Timing = Timing.ALIGNED
    confidence: float | None = None
    token_posterior: float | None = None
    time_posterior: float | None = None
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A chunk once it has text and words.

    Always true: `"".join(word.lead + word.text for word in words) == text`.

    Attributes:
        language: Code such as `en`, or None if unknown.
        flags: Signs of hallucination, by the names of `hallucination.Flag` (`truncated`, `loop`).
        detectors: What the detectors of hallucination look at, by name; empty if unknown.
    """

    start_ms: int
    end_ms: int
    language: str | None
    text: str
    words: tuple[Word, ...]
    flags: tuple[str, ...] = ()
    detectors: Mapping[str, float] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        rebuilt = "".join(word.lead + word.text for word in self.words)
        if rebuilt != self.text:
            raise ValueError(f"words are {rebuilt!r} and the text is {self.text!r}")

    @property
    def speaker(self) -> str | None:
        """The one speaker of all its words; None if unknown, or if there are several."""
        labels = {word.speaker for word in self.words}
        return labels.pop() if len(labels) == 1 else None


def longest_language(segments: Sequence[Segment]) -> str | None:
    """Return the code of the language with the most time in the segments, or None if none is known."""
    total_ms: dict[str, int] = {}
    for segment in segments:
        if segment.language is not None:
            segment_ms = segment.end_ms - segment.start_ms
            total_ms[segment.language] = total_ms.get(segment.language, 0) + segment_ms
    return max(total_ms, key=lambda code: total_ms[code], default=None)


@dataclass(frozen=True, slots=True)
class Video:
    """The properties of the picture that matter for subtitles.

    Attributes:
        frame_rate: Frames a second (24000/1001), or None if it varies or is unknown.
        shots_ms: Shot changes, in order; empty without shot detection.
    """

    frame_rate: Fraction | None = None
    shots_ms: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Transcript:
    """The transcript of a source: the input of all outputs, and the border between model and subtitles.

    Attributes:
        uncovered: Spans of speech without words, even after a second recognition; ordered, disjoint.
        video: Properties of the picture; None without a picture.
        speakers: Those with a name; the others follow from the words.
    """

    source_name: str
    track: Track
    duration_ms: int
    segments: tuple[Segment, ...]
    fingerprint: str
    model: str = ""
    aligner: str = ""
    uncovered: tuple[Span, ...] = ()
    video: Video | None = None
    speakers: tuple[Speaker, ...] = ()

    @property
    def speaker_names(self) -> dict[str, str]:
        """What is shown for each speaker, by label, in the order of their first words."""
        spoken = (word.speaker for segment in self.segments for word in segment.words)
        names = {speaker.label: speaker.name for speaker in self.speakers}
        return {label: names.get(label) or label for label in dict.fromkeys(spoken) if label is not None}

    @property
    def is_dialogue(self) -> bool:
        """Whether its speakers are shown: there are several, or one with a name."""
        return bool(self.speakers) or len(self.speaker_names) > 1

    @property
    def language(self) -> str | None:
        """The language that is spoken longest, or None without speech."""
        return longest_language(self.segments)

    @property
    def text(self) -> str:
        """The whole text on one line."""
        entry = languages.find(self.language) if self.language else None
        if entry is None or entry.is_spaced:
            return " ".join(segment.text for segment in self.segments)
        return "".join(word.lead + word.text for word in self.words)

    @property
    def words(self) -> tuple[Word, ...]:
        """Every word of every segment, in order.

        A segment's first word has no lead. In a language with spaces the layout of lines adds a space there;
        in a language without, it is added here between two words of another language.
        """
        known = languages.find(self.language) if self.language else None
        if known is None or known.is_spaced:
            return tuple(word for segment in self.segments for word in segment.words)
        words: list[Word] = []
        for segment in self.segments:
            for number, word in enumerate(segment.words):
                is_seam = number == 0 and bool(words) and not word.lead
                lead = languages.joint(words[-1].text, word.text) if is_seam else word.lead
                words.append(replace(word, lead=lead))
        return tuple(words)


class Status(StrEnum):
    """The status of a finished source."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Quality:
    """The quality of one source's cues.

    Attributes:
        n_readable: Number of cues within the reading speed `max_cps`.
        broken: Violations of hard rules, one short line each.
    """

    n_cues: int
    n_readable: int
    max_cps: float
    broken: tuple[str, ...] = ()


class Stage(StrEnum):
    """The stages of a source, in order."""

    DECODE = "decode"  # ffmpeg, and finding speech while it decodes
    RECOGNIZE = "recognize"
    ALIGN = "align"
    REVIEW = "review"  # doubtful chunks, recognised again
    SPEAKERS = "speakers"  # who speaks when
    WRITE = "write"  # transcript, cues, files


@dataclass(frozen=True, slots=True)
class FlaggedSpan:
    """A span of a source with doubtful text.

    Attributes:
        flags: The reasons, by the names of `hallucination.Flag`; `uncovered` for speech without words.
        text: The recognised text, may be empty.
    """

    start_ms: int
    end_ms: int
    flags: tuple[str, ...]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one source. `error` is set if and only if it failed.

    Attributes:
        quality: Quality of its cues; None without cues.
        stage_s: Seconds by stage; of a shared batch, its share by length.
        flagged_spans: Spans with doubtful text, in order.
        reason: Why it was skipped, in a few words.
        language: Code of the language that is spoken longest, or "".
        subtitles: The file with the subtitles for which it was skipped.
    """

    source: Source
    status: Status
    audio_ms: int = 0
    wall_s: float = 0.0
    outputs: tuple[Path, ...] = ()
    error: Exception | None = None
    warnings: tuple[str, ...] = field(default=())
    quality: Quality | None = None
    stage_s: Mapping[Stage, float] = field(default_factory=dict)
    flagged_spans: tuple[FlaggedSpan, ...] = ()
    reason: str = ""
    language: str = ""
    subtitles: Path | None = None
