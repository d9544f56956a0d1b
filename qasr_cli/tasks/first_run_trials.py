"""Which number format and batch size are fastest on this machine, and whether they change the text.

In go options and a time limit; out comes a trial for each number format. The clips are 12 sentences that ship
with qasr (`engines.qwen3.calibration`), so that a report tells nothing about the user's recordings.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from qasr_cli import engines
from qasr_cli.errors import OutOfMemoryError, QasrError
from qasr_cli.options import DecodeOptions, Options
from qasr_cli.records import INT16_SCALE, Chunk, Span
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition import recognize
from qasr_cli.timebase import SAMPLE_RATE_HZ, SAMPLES_PER_MS

AUTO = "auto"
_FORMATS = {
    "cpu": (AUTO, "fp32", "bf16", "int8"),
    "cuda": (AUTO, "bf16", "fp16"),
    "mps": (AUTO, "fp16", "fp32"),
}
_NEAR = 0.95  # of the best speed: a smaller batch, and `auto`, are worth so much
_EXACT = "fp32"  # whose text the others' is compared with; bf16 is the training's, but fp32 rounds least

Speeds = tuple[tuple[int, float], ...]  # batch size, audio seconds by wall second


@dataclass(frozen=True, slots=True)
class Trial:
    """One number format.

    Attributes:
        dtype: As in `--dtype`.
        device: What it came to: device and number format.
        rtfx: Audio seconds by wall second, by batch size.
        texts: What was recognised in the clips, at batch size 1; for comparison only.
        error: Why it cannot be used; "" if it can.
    """

    dtype: str
    device: str = ""
    rtfx: Speeds = ()
    texts: tuple[str, ...] = ()
    error: str = ""

    @property
    def batch_size(self) -> int:
        """The smallest batch that is nearly as fast as the fastest."""
        fastest = max(rtfx for _, rtfx in self.rtfx)
        return next(n for n, rtfx in self.rtfx if rtfx >= _NEAR * fastest)

    @property
    def best_rtfx(self) -> float:
        """The speed at that batch size; 0 if it cannot be used."""
        return dict(self.rtfx)[self.batch_size] if self.rtfx else 0.0

    def n_other_texts(self, other: Trial) -> int:
        """Return how many clips have another text than in another trial."""
        return sum(one != two for one, two in zip(self.texts, other.texts, strict=True))


def measure(options: Options, limit_s: float) -> list[Trial]:
    """Return a trial for each number format of the device, as far as the time allows; at least one.

    Raises:
        QasrError: The model cannot be loaded in the format of the options.
    """
    end_s = time.monotonic() + limit_s
    kind = options.engine.device.partition(":")[0]
    asked = options.engine.dtype
    trials = [_trial(options, asked, limit_s / 3)]
    if trials[0].error:
        raise QasrError(trials[0].error, "name another --dtype")
    if asked != AUTO:
        return trials
    kind = trials[0].device.partition(" ")[0].partition(":")[0] if kind == AUTO else kind
    for dtype in _FORMATS.get(kind, (AUTO,)):
        left_s = end_s - time.monotonic()
        if dtype != AUTO and left_s > 0:
            trials.append(_trial(options, dtype, left_s / 2))
    chosen_by_auto = [one for one in trials[1:] if one.device == trials[0].device and not one.error]
    for same in chosen_by_auto:  # measured twice: the difference is the machine's other work
        trials.remove(same)
        trials[0] = replace(trials[0], rtfx=_faster(trials[0].rtfx, same.rtfx))
    return trials


def _faster(one: Speeds, other: Speeds) -> Speeds:
    """Return the higher speed by batch size."""
    found = dict(one)
    for n, rtfx in other:
        found[n] = max(rtfx, found.get(n, 0.0))
    return tuple(sorted(found.items()))


def best(trials: Sequence[Trial]) -> Trial:
    """Return the fastest trial that changes no text; `auto`, the first, if it is nearly as fast."""
    usable = [trial for trial in trials if not trial.error]
    exact = next((trial for trial in usable if trial.dtype == _EXACT), usable[0])
    same = [trial for trial in usable if not trial.n_other_texts(exact)] or [usable[0]]
    fastest = max(same, key=lambda trial: trial.best_rtfx)
    first = usable[0]
    return first if first in same and first.best_rtfx >= _NEAR * fastest.best_rtfx else fastest


def _trial(options: Options, dtype: str, limit_s: float) -> Trial:
    try:
        session = engines.load(replace(options.engine, dtype=dtype, offline=True))
        return _timed(session, dtype, limit_s)
    except QasrError as error:
        return Trial(dtype, error=error.message)


def _timed(session: Session, dtype: str, limit_s: float) -> Trial:
    from qasr_cli.engines.qwen3 import calibration

    clips = [samples * np.float32(INT16_SCALE) for samples in calibration.clips()]
    texts_of(clips[:1], session)  # kernels are loaded
    end_s = time.monotonic() + limit_s
    speeds: list[tuple[int, float]] = []
    texts: tuple[str, ...] = ()
    n = 1
    while n <= max(1, session.capacity.max_batch_size):
        begun_s = time.monotonic()
        try:
            found = [text for batch in _batches(clips, n) for text in texts_of(batch, session)]
        except OutOfMemoryError:
            break
        wall_s = max(time.monotonic() - begun_s, 1e-6)
        audio_s = sum(len(clip) for batch in _batches(clips, n) for clip in batch) / SAMPLE_RATE_HZ
        speeds.append((n, audio_s / wall_s))
        texts = texts or tuple(found)
        if time.monotonic() + 2 * wall_s > end_s:  # twice the clips take twice the time at worst
            break
        n *= 2
    return Trial(dtype, session.device, tuple(speeds), texts)


def _batches(clips: Sequence[np.ndarray], n: int) -> Iterator[list[np.ndarray]]:
    """Yield all clips in batches of `n`; more than there are in one batch, some of them twice."""
    for begin in range(0, len(clips), n):
        yield [clips[place % len(clips)] for place in range(begin, begin + n)]


def texts_of(clips: Sequence[np.ndarray], session: Session) -> list[str]:
    """Return what is recognised in clips, `float32[n_samples]` each, in one batch."""
    durations = [len(clip) // SAMPLES_PER_MS for clip in clips]
    chunks = [Chunk(0, i, 0, n, (Span(0, n),), n) for i, n in enumerate(durations)]
    results = recognize.recognize_batch(clips, chunks, session, DecodeOptions())
    return [result.hypothesis.text for result in results]
