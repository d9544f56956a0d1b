"""`--status`: the state of a watch, in a file that is always whole.

In go events and states; out comes JSON, replaced atomically at each change of state and at most once a second
for single files. A later write that fails is reported once and does not stop the watch.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from qasr_cli import bounded_json
from qasr_cli.errors import CannotCreateError, QasrError, printable
from qasr_cli.operating_system.files import read_regular
from qasr_cli.records import Outcome, Status
from qasr_cli.runs.files import atomic_write
from qasr_cli.runs.reports.report_file import error_fields
from qasr_cli.terminal import events
from qasr_cli.terminal.events import Event, Reporter, SourceFinished, SourcePrepared
from qasr_cli.timebase import MS_PER_S
from qasr_cli.version import __version__

logger = logging.getLogger(__name__)

SCHEMA = "qasr.status.v1"
_MAX_BYTES = 1_000_000  # of which watched folders, at 4,096 bytes a path, are nearly all
_PACE_S = 1.0  # between two writes for single files: each is synced to the disk


class WatchState(StrEnum):
    """State of a watch."""

    STARTING = "starting"
    WAITING = "waiting"
    WORKING = "working"
    UNLOADED = "unloaded"  # waiting, with the engines released from memory
    STOPPED = "stopped"


class StatusFile(Reporter):
    """Counts outcomes as a reporter; the watch's thread and those of its runs call it, under one lock.

    Args:
        path: The file; None writes nothing.
        folders: The watched folders.
    """

    def __init__(self, path: Path | None, folders: Sequence[Path]) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._current: dict[int, str] = {}
        self._written_s = 0.0
        self._has_failed = False
        self._is_open = False
        self._has_stopped = False
        self._payload: dict[str, Any] = {
            "schema": SCHEMA,
            "state": WatchState.STARTING.value,
            "pid": os.getpid(),
            "qasr": __version__,
            "started": events.now(),
            "updated": events.now(),
            "folders": [printable(folder) for folder in folders],
            "missing": [],
            "current": None,
            "last_pass": None,
            "totals": {"passes": 0, "done": 0, "failed": 0, "skipped": 0, "audio_s": 0.0},
            "last_error": None,
        }

    def open(self) -> None:
        """Write the file for the first time.

        Raises:
            QasrError: It cannot be written, or a file that is not a status file has its name.
        """
        if self._path is None:
            return
        if os.path.lexists(self._path) and not _is_ours(self._path):
            raise CannotCreateError(
                f"--status {self._path} exists and is not a status file of qasr",
                "give it another name",
                path=self._path,
                flag="--status",
            )
        self._is_open = True
        self._write()

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Write the file for the first time, and at the end of the block that the watch has stopped.

        Raises:
            QasrError: See `open`.
        """
        try:
            try:
                self.open()
                yield
            except Exception as error:
                self.trouble(error)
                raise
            finally:
                self.stop()
        finally:
            self.stop()  # a signal may have cut the first one off; it raises only once

    def stop(self, missing: Sequence[Path] = ()) -> None:
        """Write that the watch has stopped; whoever calls it again makes up for a write that was cut off."""
        with self._lock:
            if not self._is_open or self._has_stopped:
                return
            self._payload |= {"state": WatchState.STOPPED.value, "missing": [*map(printable, missing)]}
            self._current.clear()
            self._has_stopped = self._try_to_write()

    def enter(self, state: WatchState, missing: Sequence[Path] = ()) -> None:
        """Write a new state."""
        with self._lock:
            gone = [printable(folder) for folder in missing]
            if (self._payload["state"], self._payload["missing"]) != (state.value, gone):
                self._payload |= {"state": state.value, "missing": gone}
                self._try_to_write()

    def passed(self, **counts: float) -> None:
        """Write the counts of a pass over the folders."""
        with self._lock:
            self._payload["last_pass"] = {"time": events.now(), **counts}
            self._payload["totals"]["passes"] += 1
            self._current.clear()
            self._try_to_write()

    def trouble(self, error: Exception, media: str | None = None) -> None:
        """Record the latest error; the next write includes it."""
        with self._lock:
            self._payload["last_error"] = {"time": events.now(), "media": media, **error_fields(error)}

    def handle(self, event: Event) -> None:
        """Record the source in progress, and count finished ones."""
        match event:
            case SourcePrepared(source, _, _):
                with self._lock:
                    self._current[source.id] = printable(source.path)
                    self._write_at_a_pace()
            case SourceFinished(outcome):
                self._count(outcome)
            case _:
                pass

    def _count(self, outcome: Outcome) -> None:
        with self._lock:
            self._current.pop(outcome.source.id, None)
            totals = self._payload["totals"]
            totals[outcome.status.value] += 1
            if outcome.status is Status.DONE:
                totals["audio_s"] = round(totals["audio_s"] + outcome.audio_ms / MS_PER_S, 3)
            if outcome.error is not None:
                self.trouble(outcome.error, printable(outcome.source.path))
            self._write_at_a_pace()

    def _write_at_a_pace(self) -> None:
        if time.monotonic() - self._written_s >= _PACE_S:
            self._try_to_write()

    def _try_to_write(self) -> bool:
        try:
            self._write()
        except QasrError as error:
            if not self._has_failed:
                logger.warning("--status: %s; %s", error, error.hint)
            self._has_failed = True
            return False
        return True

    def _write(self) -> None:
        with self._lock:
            # Sources finish in order: the one that began first is the one in progress.
            current = next(iter(self._current.values()), None)
            self._payload |= {"updated": events.now(), "current": current}
            text = json.dumps(self._payload, ensure_ascii=False, indent=1) + "\n"
            self._written_s = time.monotonic()
            if self._path is not None:
                atomic_write.write(self._path, text, is_overwrite=True)


def _is_ours(path: Path) -> bool:
    """Whether a file is the status file of an earlier watch: a mistyped path must not replace a film."""
    try:
        return bool(bounded_json.loads(read_regular(path, _MAX_BYTES))["schema"] == SCHEMA)
    except (OSError, ValueError, LookupError, TypeError):
        return False
