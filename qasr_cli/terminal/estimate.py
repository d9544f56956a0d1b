"""How far a run is, how fast it goes and how long it will still take.

In go the run's events and the time; out come figures. Draws nothing and reads no clock. What nobody has
decoded yet counts too: its speech is estimated from its size, by what files of its kind held so far, so that
the first minute of a thousand files does not promise the end of the first ten.
"""

from __future__ import annotations

import contextlib
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qasr_cli.records import Source
from qasr_cli.timebase import MS_PER_S

_FIRST_WORD_S = 2.0  # before that a pace is mostly the first batch's overhead


@dataclass(slots=True)
class _Kind:
    """Files of one suffix: of the decoded ones how many, their bytes, their speech; what is still to come.

    A size of 0 says nothing, so files without one are counted and not weighed.
    """

    n_files: int = 0
    n_bytes: int = 0
    speech_ms: int = 0
    n_pending: int = 0
    n_pending_unsized: int = 0
    pending_bytes: int = 0


def sizes(sources: Sequence[Source]) -> dict[int, int]:
    """Return each source's bytes by its id; 0 for one that cannot be looked at, which fails later anyway."""
    n_bytes = dict.fromkeys((source.id for source in sources), 0)
    for source in sources:
        with contextlib.suppress(OSError):
            n_bytes[source.id] = source.path.stat().st_size
    return n_bytes


class Estimate:
    """A run's work and pace.

    Args:
        sources: All of the run.
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
        """The model is loaded: from here on the pace counts."""
        self._ready_s = now_s

    def prepared(self, source: Source, audio_ms: int, speech_ms: int) -> None:
        """A source is decoded."""
        self.finished(source)
        self._audio_ms += audio_ms
        for kind in (self._kind(source), self._all):
            kind.n_files += 1
            kind.n_bytes += self._n_bytes.get(source.id, 0)
            kind.speech_ms += speech_ms

    def recognized(self, speech_ms: int, now_s: float) -> None:
        """The model is done with this much speech."""
        self.done_ms += speech_ms
        self._n_results += 1
        self._last_s = now_s

    def finished(self, source: Source) -> None:
        """A source is over; one that was skipped or not decodable holds no more work."""
        if source.id in self._pending:
            self._pending.remove(source.id)
            self._await(source, -1)

    @property
    def total_ms(self) -> int:
        """Speech of the whole run, as far as one can tell.

        Asked for with every event, so it must not go through the files: only through their kinds.
        """
        return self._all.speech_ms + round(sum(self._expected_ms(kind) for kind in self._kinds.values()))

    @property
    def is_total_known(self) -> bool:
        """Whether everything is decoded."""
        return not self._pending

    def rtfx(self, now_s: float) -> float | None:
        """Return seconds of media done a second, silence included; None before there is a pace."""
        if self._ready_s is None or not self.done_ms or now_s <= self._ready_s:
            return None
        media_ms = self.done_ms * self._audio_ms / self._all.speech_ms
        return media_ms / MS_PER_S / (now_s - self._ready_s)

    def left_s(self, now_s: float) -> float | None:
        """Return how long it will still take; None before there is a pace to judge by.

        Between two results it counts down, and from when a result is overdue it rises as the pace falls, so
        that it neither jumps with every result nor stands still in front of a hanging one.
        """
        if self._ready_s is None or not self.done_ms or now_s - self._ready_s < _FIRST_WORD_S:
            return None
        elapsed_s = self._last_s - self._ready_s
        rest = max(0.0, self.total_ms / self.done_ms - 1)  # in units of what is done
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
        """Return the speech that a kind's files still to come hold, by what its own, else all, files held."""
        sample = kind if kind.n_files else self._all
        if not sample.n_files:
            return 0.0
        by_number = sample.speech_ms / sample.n_files
        if not sample.n_bytes:
            return kind.n_pending * by_number
        by_size = sample.speech_ms / sample.n_bytes
        return kind.pending_bytes * by_size + kind.n_pending_unsized * by_number


def in_words(left_s: float) -> str:
    """Return a time still to go, no more exactly than anybody can know it."""
    if left_s < 10:
        return "a few seconds left"
    if left_s < 60:
        return f"about {math.ceil(left_s / 10) * 10} s left"
    minutes = math.ceil(left_s / 60)
    if minutes <= 90:
        return f"about {minutes} min left"
    hours, minutes = divmod(math.ceil(minutes / 10) * 10, 60)
    return f"about {hours} h {minutes} min left" if minutes else f"about {hours} h left"
