"""Where the picture of a film changes from one shot to the next.

In goes a path; out come times on the clock that the sound has, too. The picture is decoded in the same cage
as the sound, by a process of its own beside it, and is made small at once. What goes wrong with it is a
warning: nobody loses a transcript for want of shots.

ffmpeg's `scdet` says how much each frame differs from the one before: `mafd`, the mean absolute difference of
its samples in percent. A cut is taken to be a frame that differs more than all around it: where something
moves many frames differ, in a flash two. On 192 cuts that were generated between shots dark and bright, still
and moving, and on pans, zooms, dissolves and flashes (tests/e2e/test_media_shots.py makes the like), this
found 143 and 4 more; missed were 19 that two frames share, 15 between shots of a quarter of a second and 15
between nearly black ones. scdet's own threshold of 10 found 100, none between dark shots, and 9 more.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from qasr_cli.errors import UnavailableError, printable
from qasr_cli.media import command, probe
from qasr_cli.media.failure_reason import failure_reason
from qasr_cli.media.probe import Probe
from qasr_cli.media.process import Child, running

_AROUND_MS = 250  # a quarter of a second to both sides; shots shorter than that matter to no subtitle
# Percent that a cut differs more than what is around it; the jumps that key frames of strongly compressed
# pictures make without any cut stayed below 1.4.
_MIN_EXCESS = 2.0
_MIN_RATIO = 2.0  # and how many times as much
_MAX_FRAMES_AROUND = 256  # as many as a thousand frames a second have
_BLOCK_BYTES = 2048  # of some 50 a frame: small, so that a slow decoder is not taken for a stuck one
_FRAME = re.compile(rb"pts:(-?\d+)\s[^\n]*\nlavfi\.scd\.mafd=(\d+(?:\.\d+)?)\n")


class CutFinder:
    """Finds cuts in a row of frames, a quarter of a second after each."""

    def __init__(self) -> None:
        self.cuts_ms: list[int] = []
        self._before: deque[tuple[int, float]] = deque(maxlen=_MAX_FRAMES_AROUND)
        self._candidate: tuple[int, float] | None = None

    def feed(self, time_ms: int, change: float) -> None:
        """Take the next frame; `change` is its difference from the one before in percent."""
        if self._candidate is not None:
            at_ms, peak = self._candidate
            if not _stands_out(peak, change):
                self._candidate = None
            elif time_ms - at_ms >= _AROUND_MS:
                self.cuts_ms.append(at_ms)
                self._candidate = None
        while len(self._before) > 1 and time_ms - self._before[0][0] > _AROUND_MS:
            self._before.popleft()
        if self._before and _stands_out(change, max(other for _, other in self._before)):
            self._candidate = (time_ms, change)
        self._before.append((time_ms, change))

    def finish(self) -> tuple[int, ...]:
        """Return all cuts: of the last one the time around it may be cut short."""
        if self._candidate is not None and self._before[-1][0] > self._candidate[0]:
            self.cuts_ms.append(self._candidate[0])
        return tuple(time_ms for time_ms in self.cuts_ms if time_ms > 0)


def _stands_out(peak: float, other: float) -> bool:
    return peak - other >= _MIN_EXCESS and peak >= _MIN_RATIO * other


class ShotSearch:
    """A search that is under way in a thread of its own.

    That thread calls `follow` and writes the attributes, each in one assignment. Others read them once it
    `is_over`, and `reached_ms` at any time.

    Attributes:
        shots_ms: Where the picture changes; complete when the search is over.
        warnings: What was wrong with the picture; complete then, too.
        reached_ms: How far the search has come.
    """

    def __init__(self) -> None:
        self.shots_ms: tuple[int, ...] = ()
        self.warnings: tuple[str, ...] = ()
        self.reached_ms = 0
        self._over = threading.Event()

    def is_over(self, wait_s: float) -> bool:
        """Tell whether the search has ended, after waiting for that no longer than `wait_s`."""
        return self._over.wait(wait_s)

    def give_up(self, warning: str) -> None:
        """End it without any shot."""
        self.warnings = (printable(warning),)
        self._over.set()

    def follow(self, path: Path, child: Child) -> None:
        """Read what ffmpeg finds until it ends."""
        try:
            self._read(path, child)
        finally:
            self._over.set()

    def _read(self, path: Path, child: Child) -> None:
        finder = CutFinder()
        n_frames, rest = 0, b""
        while block := child.read(_BLOCK_BYTES):
            rest += block
            end = 0
            for match in _FRAME.finditer(rest):
                n_frames, end = n_frames + 1, match.end()
                self.reached_ms = int(match[1])
                finder.feed(self.reached_ms, float(match[2]))
            rest = rest[end:][-_BLOCK_BYTES:]
        self.shots_ms = finder.finish()
        reason = failure_reason(path, child, is_of_picture=True)
        if not n_frames:
            self.warnings = (printable(f"no shots: its picture cannot be decoded ({reason or 'no frame'})"),)
        elif reason:
            self.warnings = (printable(f"shots may be missing, its picture is damaged: {reason}"),)


@contextlib.contextmanager
def searching(path: Path, probed: Probe, max_hours: float) -> Iterator[ShotSearch]:
    """Look for the shots of a file for as long as the context lasts.

    Raises:
        UnavailableError: There is no ffmpeg.
    """
    search = ShotSearch()
    if not probed.has_video:
        search.give_up("no shots: there is no picture in it")
        yield search
        return
    arguments = command.find_shots(path, max_hours, is_jumping=probed.is_jumping)
    with contextlib.ExitStack() as stack:
        try:
            child = stack.enter_context(running(arguments, probe.STDERR_FILTER))
        except OSError as error:
            raise UnavailableError(
                f"ffmpeg {arguments[0]} does not start: {error.strerror}", path=Path(arguments[0])
            ) from error
        thread = threading.Thread(target=search.follow, args=(path, child), name="shots", daemon=True)
        thread.start()
        try:
            yield search
        finally:
            child.stop()  # which ends what the thread reads
            thread.join()
