"""The loop of `qasr watch`: a pass over the folders at the start, after changes, and at intervals.

In go a function that makes a pass and a source of file events. The loop ends only with a signal, or with an
error that a restart of the process may fix.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from qasr_cli.errors import CannotCreateError, DeviceLostError, InputOutputError, ServersLostError
from qasr_cli.options import WatchOptions
from qasr_cli.pipeline.engine_cache import EngineCache
from qasr_cli.records import Status
from qasr_cli.runs.inputs.discovery import Discovered
from qasr_cli.runs.planning.queue import Queue
from qasr_cli.runs.reports.status_file import StatusFile, WatchState
from qasr_cli.runs.reports.summary import RunReport
from qasr_cli.runs.watch.attempted import Attempted
from qasr_cli.runs.watch.file_events import FileEvents

logger = logging.getLogger(__name__)

Sift = Callable[[Discovered, Queue], Queue | None]
MakePass = Callable[[Sequence[Path], Sift], RunReport]

_S_PER_MIN = 60.0
_AGAIN_S = 60.0  # after a pass that failed
_SHORTEST_GAP_S = 1.0  # between two passes, while a file grows
_GAP_SHARE = 5  # times the duration of a scan: a large tree on a slow mount is not scanned all the time


class Watch:
    """A watch over folders.

    Args:
        options: How to watch.
        make_pass: Makes a pass over existing folders; the function given to it selects the new work.
        changes: Signals when a pass is due.
        engines: Reused from pass to pass.
        status: Records each change of state.
    """

    def __init__(
        self,
        options: WatchOptions,
        make_pass: MakePass,
        changes: FileEvents,
        engines: EngineCache,
        status: StatusFile,
    ) -> None:
        self._options = options
        self._make_pass = make_pass
        self._changes = changes
        self._engines = engines
        self._status = status
        self._attempted = Attempted()
        self._scanned_s = 0.0  # when the folders had been scanned
        self._next_s = self._earliest_s = 0.0
        self._trouble = self._passed_over = ""

    def run(self) -> NoReturn:
        """Watch until a signal.

        Raises:
            DeviceLostError: This process cannot compute anything more.
            QasrError: No work can begin: ffmpeg, the model or its memory is missing.
        """
        try:
            while True:
                self._pass()
                self._wait()
        except Exception as error:
            self._status.trouble(error)
            raise
        finally:
            self._status.stop(self._changes.missing)  # at once: hooks may take a minute more

    def _pass(self) -> None:
        begun_s = self._scanned_s = time.monotonic()
        self._attempted.begin()
        report = self._report()
        now_s = time.monotonic()
        if report is None:
            self._next_s, self._earliest_s = now_s + _AGAIN_S, now_s + _SHORTEST_GAP_S
            return
        self._attempted.remember(report.outcomes)
        lost = next(
            (outcome.error for outcome in report.outcomes if isinstance(outcome.error, DeviceLostError)), None
        )
        if lost is not None:
            raise lost
        if report.outcomes:
            self._engines.rest()
        self._report_pass(report, now_s - begun_s)
        self._next_s = now_s + self._options.rescan_min * _S_PER_MIN
        if self._attempted.n_unsettled:
            self._next_s = min(self._next_s, now_s + max(self._options.settle_s, _SHORTEST_GAP_S))
        scan_s = self._scanned_s - begun_s
        self._earliest_s = now_s + max(_SHORTEST_GAP_S, _GAP_SHARE * scan_s)

    def _report(self) -> RunReport | None:
        """Return the report of a pass; None if it failed and may work later."""
        folders = self._changes.present
        if not folders:
            return RunReport()
        try:
            report = self._make_pass(folders, self._sift)
        except (InputOutputError, CannotCreateError, ServersLostError) as error:
            self._status.trouble(error)
            if str(error) != self._trouble:
                logger.warning("%s; %s; trying again every minute", error, error.hint)
            self._trouble = str(error)
            return None
        self._trouble = ""
        return report

    def _sift(self, discovered: Discovered, chosen: Queue) -> Queue | None:
        self._scanned_s = time.monotonic()
        self._report_passed_over(discovered)
        work = self._attempted.sift(discovered, chosen)
        if work is not None:
            self._status.enter(WatchState.WORKING, self._changes.missing)
        return work

    def _report_passed_over(self, discovered: Discovered) -> None:
        """Log what the search passes over, once and whenever it changes."""
        words = discovered.passed_over.words()
        if words and words != self._passed_over:
            logger.warning("passed over: %s", words)
        self._passed_over = words

    def _report_pass(self, report: RunReport, wall_s: float) -> None:
        attempted = self._attempted
        self._status.passed(
            wall_s=round(wall_s, 3),
            found=attempted.n_found,
            done=report.count(Status.DONE),
            failed=report.count(Status.FAILED),
            skipped=attempted.n_skipped + report.count(Status.SKIPPED),
            unsettled=attempted.n_unsettled,
        )
        self._enter_waiting()

    def _enter_waiting(self) -> None:
        is_unloaded = self._engines.is_released
        self._status.enter(WatchState.UNLOADED if is_unloaded else WatchState.WAITING, self._changes.missing)

    def _wait(self) -> None:
        """Wait until a pass is due; release the engines meanwhile when their idle time is over."""
        while not self._changes.wait(min(self._next_s, self._engines.due_s)):
            if time.monotonic() >= self._engines.due_s:
                self._engines.release()
                self._enter_waiting()
            if time.monotonic() >= self._next_s:
                return
        self._rest()

    def _rest(self) -> None:
        """Wait for the shortest gap; changes in the meantime are covered by the next pass."""
        time.sleep(max(0.0, self._earliest_s - time.monotonic()))
