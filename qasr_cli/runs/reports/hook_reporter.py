"""The user's hooks as a reporter of a run: they receive outcomes and decide nothing.

In go a run's events; out go commands and requests, each kind in a thread of its own.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from qasr_cli.errors import printable
from qasr_cli.hooks import address, command
from qasr_cli.hooks.command import Facts
from qasr_cli.hooks.line import Line
from qasr_cli.options import HookOptions
from qasr_cli.records import Outcome, Status
from qasr_cli.runs.reports import report_file
from qasr_cli.runs.reports.summary import RunReport
from qasr_cli.terminal import events
from qasr_cli.terminal.events import Event, Reporter, SourceFinished
from qasr_cli.timebase import MS_PER_S
from qasr_cli.version import __version__


class HookReporter(Reporter):
    """Passes the outcome of each source to the hooks, run after run.

    The thread that finishes sources calls `handle`; the queues that it fills are each one thread's.
    """

    def __init__(self, options: HookOptions, *, is_strict: bool) -> None:
        self._commands: Line[Facts] | None = None
        self._requests: Line[Mapping[str, object]] | None = None
        if options.exec_after is not None:
            runner = command.Runner(command.parse(options.exec_after), options.timeout_s)
            self._commands = Line(command.FLAG, runner.run, runner.stop)
        if options.webhook is not None:
            from qasr_cli.hooks.webhook import Sender  # imports TLS, which other runs do not need

            sender = Sender(address.parse(options.webhook), options.timeout_s)
            self._requests = Line(address.FLAG, sender.send, sender.stop)
        self._timeout_s = options.timeout_s
        self._is_strict = is_strict
        self._report = RunReport(is_strict=is_strict)

    def handle(self, event: Event) -> None:
        """Pass on sources that are done or failed; skipped ones are only in the run's counts."""
        match event:
            case SourceFinished(outcome):
                self._pass_on(outcome)
            case _:
                pass

    def _pass_on(self, outcome: Outcome) -> None:
        self._report.add(outcome)
        if self._commands is not None and outcome.status is Status.DONE:
            outputs = tuple(map(_absolute, outcome.outputs))
            media = _absolute(outcome.source.path)
            self._commands.put(Facts(media, outputs, outcome.language, outcome.status.value))
        if self._requests is not None and outcome.status is not Status.SKIPPED:
            self._requests.put(file_event(outcome))

    @contextlib.contextmanager
    def run(self) -> Iterator[None]:
        """Pass on how a run ended, unless it had no work; its outcomes arrive within the block."""
        self._report = RunReport(is_strict=self._is_strict)
        try:
            yield
        except BaseException as error:
            self._send_end(error)
            raise
        if self._report.outcomes:
            self._send_end(None)

    def close(self, *, is_hurried: bool) -> None:
        """Wait for the hooks that are left; in a hurry none is started after one time limit."""
        limit_s = self._timeout_s if is_hurried else None
        lines = [line for line in (self._commands, self._requests) if line is not None]
        for line in lines:
            line.close(limit_s)
        for line in lines:
            line.join()

    def _send_end(self, error: BaseException | None) -> None:
        if self._requests is not None:
            counts = {status.value: self._report.count(status) for status in Status}
            ended = report_file.ending(error, self._report)
            self._requests.put({**_head("run"), "counts": counts, **ended})


@contextlib.contextmanager
def hooked(options: HookOptions, *, is_strict: bool) -> Iterator[HookReporter]:
    """Yield the reporter, and wait at the end for hooks that still run."""
    hooking = HookReporter(options, is_strict=is_strict)
    try:
        yield hooking
    except BaseException:
        hooking.close(is_hurried=True)
        raise
    hooking.close(is_hurried=False)


def file_event(outcome: Outcome) -> dict[str, Any]:
    """Return the event that is sent for one source."""
    quality, error = outcome.quality, outcome.error
    return {
        **_head("file"),
        "status": outcome.status.value,
        "media": printable(_absolute(outcome.source.path)),
        "outputs": [printable(_absolute(path)) for path in outcome.outputs],
        "language": outcome.language,
        "audio_s": outcome.audio_ms / MS_PER_S,
        "wall_s": round(outcome.wall_s, 3),
        "warnings": [printable(text) for text in outcome.warnings],
        "error": None if error is None else report_file.error_fields(error),
        "quality": asdict(quality) if quality else None,
    }


def _head(event: str) -> dict[str, Any]:
    return {"event": event, "time": events.now(), "qasr": __version__}


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - links are not resolved
