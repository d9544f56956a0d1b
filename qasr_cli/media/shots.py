"""Shot changes of a film's picture.

In goes a path; out come times on the audio's clock. The picture is decoded with the same restrictions as the
audio, by a process of its own, and is scaled down at once. A failure is a warning and never costs the
transcript.

ffmpeg's `scdet` prints how much each frame differs from the one before: `mafd`, the mean absolute difference
of its samples in percent. A cut is a frame that differs more than all frames around it: in a movement many
frames differ, in a flash two. On 192 cuts that were generated between shots dark and bright, still and
moving, and on pans, zooms, dissolves and flashes (similar to tests/e2e/test_media_shots.py), this found 143
cuts and 4 false ones; missed were 19 that two frames share, 15 between shots of a quarter of a second and 15
between nearly black ones. scdet's own threshold of 10 found 100, none between dark shots, and 9 false ones.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from qasr_cli.errors import UnavailableError, printable
from qasr_cli.media import ffmpeg_arguments, probe
from qasr_cli.media.byte_window import Extent
from qasr_cli.media.failure_reason import failure_reason
from qasr_cli.media.probe import Probe
from qasr_cli.media.process import Child, running

_AROUND_MS = 250  # a quarter of a second to both sides; shorter shots do not matter for subtitles
# Percent by which a cut must exceed the frames around it; jumps at key frames of strongly compressed pictures
# stayed below 1.4.
_MIN_EXCESS = 2.0
_MIN_RATIO = 2.0  # and the factor
_MAX_FRAMES_AROUND = 256  # enough for a thousand frames a second
_BLOCK_BYTES = 2048  # of some 50 a frame: small, so that a slow decoder is not taken for a stuck one
_FRAME = re.compile(rb"pts:(-?\d+)\s[^\n]*\nlavfi\.scd\.mafd=(\d+(?:\.\d+)?)\n")


class CutFinder:
    """Finds cuts in a row of frames, a quarter of a second after each."""

    def __init__(self) -> None:
        self.cuts_ms: list[int] = []
        self._before: deque[tuple[int, float]] = deque(maxlen=_MAX_FRAMES_AROUND)
        self._candidate: tuple[int, float] | None = None

    def feed(self, time_ms: int, change: float) -> None:
        """Add the next frame; `change` is its difference from the one before in percent."""
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
        """Return all cuts; the window around the last one may be shorter."""
        if self._candidate is not None and self._before[-1][0] > self._candidate[0]:
            self.cuts_ms.append(self._candidate[0])
        return tuple(time_ms for time_ms in self.cuts_ms if time_ms > 0)


def _stands_out(peak: float, other: float) -> bool:
    return peak - other >= _MIN_EXCESS and peak >= _MIN_RATIO * other


class ShotSearch:
    """A search for shots in a thread of its own.

    That thread calls `follow` and writes the attributes, each in one assignment. Others read them once it
    `is_over`, and `reached_ms` at any time.

    Attributes:
        shots_ms: Times of the shot changes; complete when the search is over.
        warnings: Defects of the picture; complete when the search is over.
        reached_ms: Time of the latest frame.
    """

    def __init__(self) -> None:
        self.shots_ms: tuple[int, ...] = ()
        self.warnings: tuple[str, ...] = ()
        self.reached_ms = 0
        self._over = threading.Event()

    def is_over(self, wait_s: float) -> bool:
        """Whether the search has ended, after waiting for its end for at most `wait_s`."""
        return self._over.wait(wait_s)

    def give_up(self, warning: str) -> None:
        """End the search without any shot."""
        self.warnings = (printable(warning),)
        self._over.set()

    def follow(self, path: Path, child: Child) -> None:
        """Read ffmpeg's output to its end."""
        try:
            self._read(path, child)
        finally:
            self._over.set()

    def _read(self, path: Path, child: Child) -> None:
        finder = CutFinder()
        n_frames, buffered = 0, b""
        while block := child.read(_BLOCK_BYTES):
            buffered += block
            end = 0
            for match in _FRAME.finditer(buffered):
                n_frames, end = n_frames + 1, match.end()
                self.reached_ms = int(match[1])
                finder.feed(self.reached_ms, float(match[2]))
            buffered = buffered[end:][-_BLOCK_BYTES:]
        self.shots_ms = finder.finish()
        reason = failure_reason(path, child, is_of_picture=True)
        if not n_frames:
            self.warnings = (printable(f"no shots: its picture cannot be decoded ({reason or 'no frame'})"),)
        elif reason:
            self.warnings = (printable(f"shots may be missing, its picture is damaged: {reason}"),)


@contextlib.contextmanager
def searching(
    path: Path, probed: Probe, max_hours: float, extent: Extent | None = None
) -> Iterator[ShotSearch]:
    """Search for the shots of a file for as long as the context lasts.

    With an extent only that part of the file is searched.

    Raises:
        UnavailableError: There is no ffmpeg.
    """
    search = ShotSearch()
    if not probed.has_video:
        search.give_up("no shots: there is no picture in it")
        yield search
        return
    arguments = ffmpeg_arguments.find_shots(
        path, max_hours, has_discontinuities=probed.has_discontinuities, extent=extent
    )
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
            child.stop()  # this ends the thread's reading
            thread.join()
