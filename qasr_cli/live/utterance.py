"""The utterances of a session on their way: open, then ended, then final.

In go a session's samples and what is decided about them; out comes the audio of the next step. An utterance
belongs to its session, whose lock guards it; the engine's thread alone uses its stream.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qasr_cli.options import DecodeOptions
from qasr_cli.records import Chunk, Hypothesis
from qasr_cli.speech.fallback.review import ReviewedSource
from qasr_cli.speech.inference.streaming import UtteranceStream
from qasr_cli.speech.recognition import recognize
from qasr_cli.speech.recognition.hallucination import Flag
from qasr_cli.speech.streaming.events import Final, Partial
from qasr_cli.speech.streaming.finals import EndedUtterance
from qasr_cli.speech.streaming.stable_prefix import StablePrefix
from qasr_cli.timebase import SAMPLE_RATE_HZ, samples_to_ms

# Text with one of these is wrong in whatever follows; the final's retries mend it.
_NOT_SHOWN = {Flag.LOOP, Flag.CONTEXT, Flag.RATE, Flag.SCRIPT, Flag.LANGUAGE}


class SampleWindow:
    """The latest samples of an endless waveform: what is not needed any more is dropped.

    Attributes:
        n_samples: Samples so far, dropped ones included.
    """

    def __init__(self) -> None:
        self._kept = np.zeros(0, dtype=np.int16)
        self._n_kept = 0
        self.n_samples = 0

    def append(self, samples: np.ndarray) -> None:
        """Add `int16[n_samples]`."""
        n_kept = self._n_kept + len(samples)
        if n_kept > len(self._kept):
            grown = np.zeros(2 * n_kept, dtype=np.int16)
            grown[: self._n_kept] = self._kept[: self._n_kept]
            self._kept = grown
        self._kept[self._n_kept : n_kept] = samples
        self._n_kept = n_kept
        self.n_samples += len(samples)

    def drop_before(self, first: int) -> None:
        """Drop the samples before the one with this index; they are moved once in a while only."""
        n_dropped = first - (self.n_samples - self._n_kept)
        if n_dropped > self._n_kept // 2:
            self._n_kept -= n_dropped
            self._kept = self._kept[n_dropped:].copy()

    def skip(self, n_samples: int) -> None:
        """Add samples of silence behind silence, of which the last second at most is kept."""
        self.n_samples += n_samples
        self._n_kept = min(self._n_kept + n_samples, SAMPLE_RATE_HZ)
        self._kept = np.zeros(self._n_kept, dtype=np.int16)

    def read(self, first: int, end: int) -> np.ndarray:
        """Return a copy of `int16[end - first]`, fewer if they are still to come."""
        begin = first - (self.n_samples - self._n_kept)
        return self._kept[begin : min(begin + end - first, self._n_kept)].copy()


@dataclass(slots=True, eq=False)
class Utterance:
    """One utterance.

    Attributes:
        start: Its first sample in the session.
        prefix: Its stable text.
        number: Its number for others; None until it is certain that somebody speaks.
        stream: What the engine keeps of it; None if it has decoded nothing yet, or has failed.
        n_decoded: Samples of its last step.
        n_partials: Partials so far.
        ended: What its final is made of; None as long as it is open.
        decided_s: When its end was decided, by the lane's clock.
    """

    start: int
    prefix: StablePrefix
    number: int | None = None
    stream: UtteranceStream | None = None
    n_decoded: int = 0
    n_partials: int = 0
    ended: EndedUtterance | None = None
    decided_s: float = 0.0
    _text: tuple[str, str] = ("", "")  # of the last partial

    @property
    def n_undecoded(self) -> int:
        """Samples of an ended utterance that the engine has not got."""
        n_samples = 0 if self.ended is None else len(self.ended.waveform.samples)
        return max(0, n_samples - self.n_decoded)

    def shown(self, decoded: Decoded, clear_ms: int, options: DecodeOptions) -> Partial | None:
        """Take a hypothesis of the utterance, and return what is shown of it.

        Nothing is if it has no text, text that is certainly wrong, or the same text as before.

        Args:
            decoded: The step and its hypothesis.
            clear_ms: Milliseconds of clear speech in the utterance.
            options: Options that it was decoded with.
        """
        duration_ms = samples_to_ms(len(decoded.step.samples))
        chunk = Chunk(0, 0, 0, duration_ms, (), min(clear_ms, duration_ms))
        result = recognize.checked(chunk, decoded.hypothesis, options)
        text = result.hypothesis.text.strip()
        if not text or self.number is None or not _NOT_SHOWN.isdisjoint(result.flags):
            return None
        start_ms = samples_to_ms(self.start)
        parts = self.prefix.update(text, start_ms + duration_ms)
        if parts == self._text:
            return None
        self._text = parts
        language = recognize.language_code(result.hypothesis)
        revision, self.n_partials = self.n_partials, self.n_partials + 1
        return Partial(self.number, revision, *parts, start_ms, start_ms + duration_ms, language)

    def final(self, text: ReviewedSource, compute_ms: int) -> Final:
        """Return the event of its final text; it has ended and has a number."""
        assert self.number is not None and self.ended is not None  # noqa: S101, PT018 - as every final's
        start_ms = self.ended.start_ms
        end_ms = start_ms + self.ended.waveform.duration_ms
        return Final(self.number, start_ms, end_ms, text.segments, text.warnings, compute_ms)


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One step of an utterance, to be computed.

    Attributes:
        utterance: The utterance.
        samples: `int16[n_samples]`, the utterance so far, or all of it.
        is_final: It has ended.
    """

    utterance: Utterance
    samples: np.ndarray
    is_final: bool


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """A step and its hypothesis."""

    step: Step
    hypothesis: Hypothesis
