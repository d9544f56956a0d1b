"""Utterances: where speech begins and ends in an endless waveform, decided as it arrives.

In go probabilities of speech, a frame of 32 ms each; out come the open utterance and those that have ended.
Their places are counted in frames since the session's first sample, so that all times are whole milliseconds.
An utterance opens as a speech span does offline, with a little sound before it; it ends at a pause or, if it
grows too long, at its best silence. What has hardly any clear speech is no utterance, unless it is the rest
of one that was cut.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from qasr_cli.options import StreamOptions, VadOptions
from qasr_cli.speech.audio import chunking
from qasr_cli.speech.audio.vad import CLEAR, FRAME_MS

_PRE_ROLL_FRAMES = 10  # 320 ms: the onset of a soft consonant is below the threshold
_CUT_FRAMES = 4_000 // FRAME_MS  # a forced cut is at the best silence of the last 4 s
_MIN_CLEAR_FRAMES = -(-250 // FRAME_MS)  # shorter bursts are clicks and coughs, as offline
_FIRST_TEXT_FRAMES = -(-1_000 // FRAME_MS)  # of less, the first text is often a wrong "Uh huh."


@dataclass(slots=True)
class Bounds:
    """The open utterance, or one that has just ended.

    Attributes:
        start: Its first frame.
        least_clear: Frames of clear speech that make it real.
        probs: Probability of speech of its frames so far.
        n_clear: Frames of clear speech among them.
        n_quiet: Frames in an unbroken stretch below offset, at its end.
    """

    start: int
    least_clear: int = _MIN_CLEAR_FRAMES
    probs: list[float] = field(default_factory=list)
    n_clear: int = 0
    n_quiet: int = 0

    def add(self, probability: float, offset: float) -> None:
        """Add a frame."""
        self.probs.append(probability)
        self.n_clear += probability >= CLEAR
        self.n_quiet = self.n_quiet + 1 if probability < offset else 0

    @property
    def is_real(self) -> bool:
        """Whether somebody speaks, as far as a detector can know."""
        return self.n_clear >= self.least_clear

    @property
    def least_clear_of_rest(self) -> int:
        """What makes the rest real if this one is cut: the rest of real speech is no click, however short."""
        return 1 if self.is_real else _MIN_CLEAR_FRAMES

    @property
    def has_enough(self) -> bool:
        """Whether there is enough speech for a first text."""
        return self.n_clear >= _FIRST_TEXT_FRAMES


@dataclass(frozen=True, slots=True)
class Closed:
    """An utterance has ended: `[start, end)` in frames, with the probability of each as `float32[n_frames]`.

    Attributes:
        is_real: False if it had hardly any clear speech and is to be forgotten.
    """

    start: int
    end: int
    probs: np.ndarray
    is_real: bool


class UtteranceDetector:
    """Finds utterances in one endless waveform, frame by frame.

    Args:
        vad: Thresholds.
        stream: The pause that ends an utterance, and how long one may be.

    Attributes:
        earliest_cut: Frames of an utterance that it has at least if it is cut for its length.
        n_frames: Frames so far.
        current: The open utterance, or None in silence.
    """

    def __init__(self, vad: VadOptions, stream: StreamOptions) -> None:
        self._vad = vad
        self._pause_frames = -(-stream.pause_ms // FRAME_MS)
        self._pad_frames = -(-vad.pad_ms // FRAME_MS)
        self._max_frames = stream.max_utterance_ms // FRAME_MS
        self.earliest_cut = self._max_frames - _CUT_FRAMES
        self._before: deque[float] = deque(maxlen=_PRE_ROLL_FRAMES)  # frames of no utterance
        self._next_least_clear = _MIN_CLEAR_FRAMES
        self.n_frames = 0
        self.current: Bounds | None = None

    @property
    def earliest(self) -> int:
        """The first frame that may still belong to an utterance that is not closed."""
        return self.n_frames - len(self._before) if self.current is None else self.current.start

    @property
    def certain_end(self) -> int:
        """The frame up to which the open utterance goes at least, unless it is cut for its length."""
        if self.current is None:
            return self.n_frames
        return self.n_frames - max(0, self.current.n_quiet - self._pad_frames)

    def add(self, probability: float) -> Closed | None:
        """Add a frame; return the utterance that ends with it. `current` may have changed either way."""
        self.n_frames += 1
        if self.current is None:
            self._await_onset(probability)
            return None
        self.current.add(probability, self._vad.offset)
        if self.current.n_quiet >= self._pause_frames:
            return self.close()
        if len(self.current.probs) >= self._max_frames:
            return self._cut()
        return None

    def close(self) -> Closed | None:
        """End the open utterance now, less the silence at its end; None if there is none."""
        if self.current is None:
            return None
        open_now, self.current = self.current, None
        self._next_least_clear = _MIN_CLEAR_FRAMES if open_now.n_quiet else open_now.least_clear_of_rest
        end = self.n_frames - max(0, open_now.n_quiet - self._pad_frames)
        self._before.extend(open_now.probs[end - open_now.start :])
        return self._closed(open_now, end)

    def skip(self, n_frames: int) -> None:
        """Add frames of silence behind silence, at once; nothing is open."""
        self.n_frames += n_frames
        self._before.extend([0.0] * min(n_frames, _PRE_ROLL_FRAMES))

    def _await_onset(self, probability: float) -> None:
        if probability < self._vad.onset:
            self._before.append(probability)
            self._next_least_clear = _MIN_CLEAR_FRAMES
            return
        self.current = Bounds(self.n_frames - 1 - len(self._before), self._next_least_clear)
        for earlier in (*self._before, probability):
            self.current.add(earlier, self._vad.offset)
        self._before.clear()

    def _cut(self) -> Closed:
        """Cut the open utterance at its best silence; the rest is the next one."""
        assert self.current is not None  # noqa: S101 - as the caller has seen
        whole = self.current
        latest_ms = (len(whole.probs) - 1) * FRAME_MS
        probs = np.array(whole.probs, dtype=np.float32)
        n_kept = chunking.quietest(probs, self.earliest_cut * FRAME_MS, latest_ms) // FRAME_MS
        self.current = Bounds(whole.start + n_kept, whole.least_clear_of_rest)
        for probability in whole.probs[n_kept:]:
            self.current.add(probability, self._vad.offset)
        return self._closed(whole, whole.start + n_kept)

    @staticmethod
    def _closed(ended: Bounds, end: int) -> Closed:
        probs = np.array(ended.probs[: end - ended.start], dtype=np.float32)
        is_real = int(np.count_nonzero(probs >= CLEAR)) >= ended.least_clear
        return Closed(ended.start, end, probs, is_real)
