"""Voice activity detection.

In go `int16` samples as they are decoded, in blocks of any size; out come speech spans and a probability for
every 32 ms. Holds one block of audio at most, and never imports torch: silero-vad's own package would.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from qasr_cli.errors import UnavailableError
from qasr_cli.options import VadOptions
from qasr_cli.records import INT16_SCALE, Span
from qasr_cli.speech.audio import vad_graph
from qasr_cli.timebase import SAMPLES_PER_MS, samples_to_ms

FRAME_SAMPLES = 512  # silero-vad's window at 16 kHz
FRAME_MS = FRAME_SAMPLES // SAMPLES_PER_MS  # 32
_CONTEXT_SAMPLES = 64  # of the previous window, which is put in front of each window
_BLOCK_FRAMES = 512  # 16.4 s in one call, in which the products are large
CLEAR = 0.8  # music and noise detected as speech are mostly below; clear speech is mostly above 0.95
_MODEL_FILE = Path("data") / "silero_vad_16k_sequence.onnx"


@dataclass(frozen=True, slots=True)
class SpeechMap:
    """The speech in a waveform.

    Attributes:
        spans: Speech spans, padded, ordered, disjoint, inside `[0, duration_ms)`.
        probs: `float32[n_frames]`, probability of speech in each 32 ms.
        duration_ms: Length of the whole waveform.
    """

    spans: tuple[Span, ...]
    probs: np.ndarray
    duration_ms: int

    def clear_ms(self, start_ms: int, end_ms: int) -> int:
        """Return the milliseconds of clear speech in `[start_ms, end_ms)`, to about 32 ms."""
        inside = self.probs[start_ms // FRAME_MS : -(-end_ms // FRAME_MS)]
        return min(int(np.count_nonzero(inside >= CLEAR)) * FRAME_MS, end_ms - start_ms)


class FrameProbabilities:
    """The probability of speech in each 32 ms of an endless waveform, block by block.

    The probabilities are the same for blocks of any size.

    Args:
        n_frames: Frames in one call of the model: many are faster, one is never late.

    Raises:
        UnavailableError: The model of the silero-vad package is missing or cannot be read.
    """

    def __init__(self, n_frames: int) -> None:
        self._session = _session()
        self._hidden = np.zeros((1, 1, 128), dtype=np.float32)
        self._cell = np.zeros((1, 1, 128), dtype=np.float32)
        self._context = np.zeros(_CONTEXT_SAMPLES, dtype=np.float32)
        self._rest = np.zeros(0, dtype=np.int16)
        self._block_samples = n_frames * FRAME_SAMPLES

    def feed(self, samples: np.ndarray) -> np.ndarray:
        """Add `int16[n_samples]` and return `float32[n_frames]`, of the frames that are complete now."""
        self._rest = np.concatenate([self._rest, samples])
        found = [np.zeros(0, dtype=np.float32)]
        begin = 0
        while begin + self._block_samples <= len(self._rest):
            found.append(self._run_model(self._rest[begin : begin + self._block_samples]))
            begin += self._block_samples
        self._rest = self._rest[begin:]
        return np.concatenate(found)

    def finish(self) -> np.ndarray:
        """Return `float32[n_frames]` of the rest, the last frame filled up with silence."""
        rest, self._rest = self._rest, self._rest[:0]
        if not len(rest):
            return np.zeros(0, dtype=np.float32)
        return self._run_model(np.pad(rest, (0, -len(rest) % FRAME_SAMPLES)))

    def _run_model(self, samples: np.ndarray) -> np.ndarray:
        frames = (samples.astype(np.float32) * INT16_SCALE).reshape(-1, FRAME_SAMPLES)
        tails = np.concatenate([self._context[None], frames[:-1, -_CONTEXT_SAMPLES:]])
        self._context = frames[-1, -_CONTEXT_SAMPLES:]
        feed = {"input": np.concatenate([tails, frames], axis=1), "h": self._hidden, "c": self._cell}
        probs, self._hidden, self._cell = self._session.run(["speech_probs", "hn", "cn"], feed)
        answer: np.ndarray = probs.reshape(-1)
        return answer


class SpeechDetector:
    """Finds the speech in one waveform, block by block.

    Args:
        options: Thresholds and durations.

    Raises:
        UnavailableError: The model of the silero-vad package is missing or cannot be read.
    """

    def __init__(self, options: VadOptions) -> None:
        self._options = options
        self._frames = FrameProbabilities(_BLOCK_FRAMES)
        self._probs = [np.zeros(0, dtype=np.float32)]
        self._n_samples = 0

    def feed(self, samples: np.ndarray) -> None:
        """Add `int16[n_samples]`, the next block."""
        self._n_samples += len(samples)
        self._probs.append(self._frames.feed(samples))

    def finish(self) -> SpeechMap:
        """Return the speech of all blocks."""
        probs = np.concatenate([*self._probs, self._frames.finish()])
        duration_ms = samples_to_ms(self._n_samples)
        return SpeechMap(find_spans(probs, duration_ms, self._options), probs, duration_ms)


@functools.cache
def _session() -> Any:
    """Return the model, shared by all threads: running it is thread-safe and releases Python's lock."""
    # From 1.32 on onnxruntime sends telemetry as soon as it is imported; qasr sends nothing.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    package = find_spec("silero_vad")  # finds it without importing it, which would import torch (1.9 s)
    path = Path(package.origin).parent / _MODEL_FILE if package and package.origin else None
    if path is None or not os.path.isfile(path):
        raise UnavailableError("silero-vad's model is not installed", "run: pip install silero-vad")
    try:
        shipped = path.read_bytes()
    except OSError as error:  # which would be taken for one of the media
        reason = f"silero-vad's model cannot be read: {error.strerror}"
        raise UnavailableError(reason, "check its permissions and its disk", path=path) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    model = vad_graph.rebuild(shipped) or shipped
    return onnxruntime.InferenceSession(model, sess_options=options, providers=["CPUExecutionProvider"])


def find_spans(probs: np.ndarray, duration_ms: int, options: VadOptions) -> tuple[Span, ...]:
    """Return speech spans by hysteresis, padded; `probs` is `float32[n_frames]`, a frame 32 ms."""
    raw = [
        (start_ms, min(end_ms, duration_ms))
        for start_ms, end_ms in _hysteresis(probs, options)
        if end_ms - start_ms >= options.min_speech_ms
    ]
    padded: list[Span] = []
    for start_ms, end_ms in raw:
        span = Span(max(0, start_ms - options.pad_ms), min(duration_ms, end_ms + options.pad_ms))
        if padded and span.start_ms <= padded[-1].end_ms:
            span = Span(padded.pop().start_ms, span.end_ms)
        padded.append(span)
    return tuple(padded)


def _hysteresis(probs: np.ndarray, options: VadOptions) -> list[tuple[int, int]]:
    """Return `[start_ms, end_ms)` of runs that rise above onset and last until a long enough fall.

    A fall is an unbroken stretch below offset of at least `min_silence_ms`; a shorter one changes nothing.
    Frames between the two thresholds keep the previous state: after a rise they are speech, even behind a
    short dip, and after a fall they are not. silero-vad's own code counts such frames behind a dip as silence
    if another dip follows, which loses seconds of soft speech because of two frames of 32 ms.
    """
    edges = np.flatnonzero(np.diff(np.pad(probs < options.offset, 1)))
    fall_starts, fall_ends = edges[::2], edges[1::2]
    # The length of a fall at the end of the media is unknown.
    is_end = ((fall_ends - fall_starts) * FRAME_MS >= options.min_silence_ms) | (fall_ends == len(probs))
    begins = np.concatenate([[0], fall_ends[is_end]])  # of the stretches between the falls
    ends = np.concatenate([fall_starts[is_end], [len(probs)]])
    rises = np.append(np.flatnonzero(probs >= options.onset), len(probs))
    starts = rises[np.searchsorted(rises, begins)]
    is_run = starts < ends
    runs = np.stack([starts, ends], axis=1)[is_run] * FRAME_MS
    return [(start_ms, end_ms) for start_ms, end_ms in runs.tolist()]
