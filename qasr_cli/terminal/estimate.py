"""Progress, speed and remaining time of a run.

In go the run's events and the time; out come figures. Draws nothing and reads no clock. Files that are not
decoded yet count too: their speech is estimated from their size, by the speech in files of their kind so far,
so that the time left covers all files and not only those that are decoded.
"""

from __future__ import annotations

import contextlib
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qasr_cli.records import Source
from qasr_cli.timebase import MS_PER_S

_FIRST_WORD_S = 2.0  # before that the measured speed is mostly the first batch's overhead


@dataclass(slots=True)
class _Kind:
    """Files of one suffix: number, bytes and speech of the decoded ones; number and bytes of the others.

    Files with a size of 0 are counted and not weighed, since their size predicts nothing.
    """

    n_files: int = 0
    n_bytes: int = 0
    speech_ms: int = 0
    n_pending: int = 0
    n_pending_unsized: int = 0
    pending_bytes: int = 0


def sizes(sources: Sequence[Source]) -> dict[int, int]:
    """Return each source's bytes by its id; 0 for an unreadable one, which fails later anyway."""
    n_bytes = dict.fromkeys((source.id for source in sources), 0)
    for source in sources:
        with contextlib.suppress(OSError):
            n_bytes[source.id] = source.path.stat().st_size
    return n_bytes


class Estimate:
    """A run's amount of work and speed.

    Args:
        sources: All sources of the run.
        n_bytes: Their sizes, by id.
    """

    def __init__(self, sources: Sequence[Source], n_bytes: Mapping[int, int]) -> None:
        self._pending = {source.id for source in sources}
        self._n_bytes = n_bytes
        self._kinds: defaultdict[str, _Kind] = defaultdict(_Kind)
        self._all = _Kind()
        for source in sources:
            self._await(source, 1)
        self._audio_ms = 0
        self._ready_s: float | None = None
        self._last_s = 0.0
        self._n_results = 0
        self.done_ms = 0

    def ready(self, now_s: float) -> None:
        """Start measuring the speed: the model is loaded."""
        self._ready_s = now_s

    def prepared(self, source: Source, audio_ms: int, speech_ms: int) -> None:
        """Count a decoded source."""
        self.finished(source)
        self._audio_ms += audio_ms
        for kind in (self._kind(source), self._all):
            kind.n_files += 1
            kind.n_bytes += self._n_bytes.get(source.id, 0)
            kind.speech_ms += speech_ms

    def recognized(self, speech_ms: int, now_s: float) -> None:
        """Count recognised speech."""
        self.done_ms += speech_ms
        self._n_results += 1
        self._last_s = now_s

    def finished(self, source: Source) -> None:
        """Count a finished source; a skipped or undecodable one has no work left."""
        if source.id in self._pending:
            self._pending.remove(source.id)
            self._await(source, -1)

    @property
    def total_ms(self) -> int:
        """Estimated speech of the whole run.

        Called with every event, so it loops over the kinds of files and not over the files.
        """
        return self._all.speech_ms + round(sum(self._expected_ms(kind) for kind in self._kinds.values()))

    @property
    def is_total_known(self) -> bool:
        """Whether everything is decoded."""
        return not self._pending

    def rtfx(self, now_s: float) -> float | None:
        """Return seconds of media per second, silence included; None before there is a speed."""
        if self._ready_s is None or not self.done_ms or now_s <= self._ready_s:
            return None
        media_ms = self.done_ms * self._audio_ms / self._all.speech_ms
        return media_ms / MS_PER_S / (now_s - self._ready_s)

    def left_s(self, now_s: float) -> float | None:
        """Return the seconds left; None before there is a speed.

        Between two results the value counts down; when a result is overdue it rises as the speed falls, so
        that it neither jumps with every result nor stands still when a result hangs.
        """
        if self._ready_s is None or not self.done_ms or now_s - self._ready_s < _FIRST_WORD_S:
            return None
        elapsed_s = self._last_s - self._ready_s
        rest = max(0.0, self.total_ms / self.done_ms - 1)  # in multiples of the work that is done
        usual_s = elapsed_s / self._n_results
        since_s = now_s - self._last_s
        overdue_s = max(0.0, since_s - usual_s)
        return max(0.0, rest * (elapsed_s + overdue_s) - min(since_s, usual_s))

    def _kind(self, source: Source) -> _Kind:
        return self._kinds[source.path.suffix.lower()]

    def _await(self, source: Source, n: int) -> None:
        """Count a source as still to come (1) or no longer (-1)."""
        kind, n_bytes = self._kind(source), self._n_bytes.get(source.id, 0)
        kind.n_pending += n
        kind.n_pending_unsized += 0 if n_bytes else n
        kind.pending_bytes += n * n_bytes

    def _expected_ms(self, kind: _Kind) -> float:
        """Return the expected speech in a kind's remaining files, from its own decoded files or from all."""
        sample = kind if kind.n_files else self._all
        if not sample.n_files:
            return 0.0
        by_number = sample.speech_ms / sample.n_files
        if not sample.n_bytes:
            return kind.n_pending * by_number
        by_size = sample.speech_ms / sample.n_bytes
        return kind.pending_bytes * by_size + kind.n_pending_unsized * by_number


def in_words(left_s: float) -> str:
    """Return the time left in words, rounded to the precision of the estimate."""
    if left_s < 10:
        return "a few seconds left"
    if left_s < 60:
        return f"about {math.ceil(left_s / 10) * 10} s left"
    minutes = math.ceil(left_s / 60)
    if minutes <= 90:
        return f"about {minutes} min left"
    hours, minutes = divmod(math.ceil(minutes / 10) * 10, 60)
    return f"about {hours} h {minutes} min left" if minutes else f"about {hours} h left"
