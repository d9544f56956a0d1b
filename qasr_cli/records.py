"""The values that travel through qasr, in the order in which they come into being.

All are frozen. Times are whole milliseconds of container time, spans are half-open `[start_ms, end_ms)`.
What each record's docstring calls "always true" is checked where it is cheap, at construction.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

import numpy as np

from qasr_cli import languages
from qasr_cli.timebase import BYTES_PER_SAMPLE, ms_to_samples, samples_to_ms

INT16_SCALE = np.float32(1 / 32768)  # int16 full scale to [-1, 1)


@dataclass(frozen=True, slots=True)
class Source:
    """An input file.

    Attributes:
        id: Place in this run; also the order of outputs.
        path: What ffmpeg opens.
        relative: Path below the folder that the user named (the file name alone for a file); it decides
            the output's name and folder.
        is_found: Found in a folder or a list, rather than named on the command line: when its results are
            there it is passed over, and not refused.
    """

    id: int
    path: Path
    relative: Path
    is_found: bool = False


@dataclass(frozen=True, slots=True)
class Track:
    """One audio stream of a source. `start_ms` is where it begins in the container."""

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
            raw = os.pread(file.fileno(), (last - first) * BYTES_PER_SAMPLE, first * BYTES_PER_SAMPLE)
        return np.frombuffer(raw, dtype="<i2").astype(np.float32) * INT16_SCALE


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of time; always true: `0 <= start_ms < end_ms`."""

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
    """What the model gets once; carries no audio.

    Always true of a source's chunks: ordered, disjoint, none longer than the limit they were planned
    with, and together they cover every speech span.

    Attributes:
        speech: The speech spans inside, clipped to the chunk (container time).
        clear_ms: How much of it the detector is sure is speech; 0 when nobody has looked.
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
        """How much of it is speech; all of it when no spans are known."""
        return sum(span.duration_ms for span in self.speech) or self.duration_ms


class Finish(StrEnum):
    """Why the recognizer stopped writing."""

    COMPLETE = "complete"
    TRUNCATED = "truncated"  # it reached its token budget first


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What the recognizer heard in one chunk. `language` is an English name or None (no speech)."""

    text: str
    language: str | None
    finish: Finish = Finish.COMPLETE
    n_tokens: int = 0


class Timing(StrEnum):
    """Where a word's times come from, so that no estimate passes for a measurement."""

    ALIGNED = "aligned"  # the aligner's own answer
    REPAIRED = "repaired"  # moved, because the aligner's answer was impossible
    INTERPOLATED = "interpolated"  # estimated: no aligner for this language, or nothing to go by


@dataclass(frozen=True, slots=True)
class Word:
    """A display word with its times; `lead` is the space before it ("" in Chinese and Japanese)."""

    lead: str
    text: str
    start_ms: int
    end_ms: int
    timing: Timing = Timing.ALIGNED
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A chunk once it has text and words.

    Always true: `"".join(word.lead + word.text for word in words) == text`.

    Attributes:
        language: Code such as `en`, or None when the model named none.
        flags: What is doubtful about it, by the names of `hallucination.Flag` (`truncated`, `loop`).
    """

    start_ms: int
    end_ms: int
    language: str | None
    text: str
    words: tuple[Word, ...]
    flags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        rebuilt = "".join(word.lead + word.text for word in self.words)
        if rebuilt != self.text:
            raise ValueError(f"words say {rebuilt!r} where the text says {self.text!r}")


def longest_language(segments: Sequence[Segment]) -> str | None:
    """Return the code of the language that most of the segments' time is in, or None when none is known."""
    total_ms: dict[str, int] = {}
    for segment in segments:
        if segment.language is not None:
            heard_ms = segment.end_ms - segment.start_ms
            total_ms[segment.language] = total_ms.get(segment.language, 0) + heard_ms
    return max(total_ms, key=lambda code: total_ms[code], default=None)


@dataclass(frozen=True, slots=True)
class Video:
    """What of the picture matters to subtitles.

    Attributes:
        frame_rate: Frames a second (24000/1001), or None where it varies or is not known.
        shots_ms: Where the picture changes, in order; empty where nobody looked.
    """

    frame_rate: Fraction | None = None
    shots_ms: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Transcript:
    """All that any output needs; the border between model and subtitles.

    Attributes:
        uncovered: Speech that no words were found for, after it was heard again; ordered, disjoint.
        video: What is known of the picture; None where there is none.
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

    @property
    def language(self) -> str | None:
        """The language spoken longest, or None when there is no speech."""
        return longest_language(self.segments)

    @property
    def text(self) -> str:
        """All of it on one line."""
        known = languages.find(self.language) if self.language else None
        if known is None or known.is_spaced:
            return " ".join(segment.text for segment in self.segments)
        return "".join(word.lead + word.text for word in self.words)

    @property
    def words(self) -> tuple[Word, ...]:
        """Every word of every segment, in order.

        A segment's first word has no lead. In a language with spaces whoever sets lines puts one there; in
        one without, a word of another language next to another such word gets it here.
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


@dataclass(frozen=True, slots=True)
class Cue:
    """A timed subtitle block.

    Always true of a transcript's cues: ordered, no overlap, each at least one non-empty line.

    Attributes:
        word_range: `[first, last)` into `Transcript.words`; the ranges of all cues partition the words.
        flags: Rules that could not be held, by name (`cps`, `dur_min`).
    """

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    word_range: tuple[int, int]
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Caption:
    """A timed block of a subtitle file that somebody wrote, right or wrong; nothing of it is sure.

    Attributes:
        start_ms: May be negative, or after the end.
        lines: What is seen, without styling; none of them is empty.
        number: What the file calls it, or "".
        line: Where in the file it begins, from 1; 0 where lines say nothing (JSON).
        marked: The lines with their styling, as the file has them.
        place: Where on the screen it stands, "" for where captions usually do; two of different places may
            be shown together.
        settings: What else the file says about it, as written.
        before: Lines between the caption before and this one that are no caption, as written.
        word_range: `[first, last)` into the transcript's words, where the file has them.
    """

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    number: str = ""
    line: int = 0
    marked: tuple[str, ...] = ()
    place: str = ""
    settings: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    word_range: tuple[int, int] | None = None


class Status(StrEnum):
    """How one source ended."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Quality:
    """How good the cues of one source are.

    Attributes:
        n_readable: Cues that keep the reading speed of `max_cps`.
        broken: What is wrong by a hard rule, a short line each.
    """

    n_cues: int
    n_readable: int
    max_cps: float
    broken: tuple[str, ...] = ()


class Stage(StrEnum):
    """What a source goes through, in order."""

    DECODE = "decode"  # ffmpeg, and finding speech while it decodes
    RECOGNIZE = "recognize"
    ALIGN = "align"
    REVIEW = "review"  # what is doubtful, heard again
    WRITE = "write"  # transcript, cues, files


@dataclass(frozen=True, slots=True)
class FlaggedSpan:
    """A stretch of a source whose text is in doubt.

    Attributes:
        flags: Why, by the names of `hallucination.Flag`; `uncovered` where speech has no words.
        text: What was heard, perhaps nothing.
    """

    start_ms: int
    end_ms: int
    flags: tuple[str, ...]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one source. `error` is set if and only if it failed.

    Attributes:
        quality: Of its cues; None where none were made.
        stage_s: Seconds of the lanes' time that it took; of a batch that it shared, its part by length.
        doubts: Stretches that somebody should listen to, in order.
        reason: Why it was skipped, in a few words.
        language: Code of what is spoken most, or "".
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
