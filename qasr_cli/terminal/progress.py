"""Progress reporters: a bar on a terminal, plain lines under cron, JSON for machines.

In go the run's events; out come characters on stderr, never on stdout. Without a terminal no escape code is
written, and there is one line a source. Several threads call a reporter; each reporter has its own lock.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

from qasr_cli.errors import QasrError, UsageError, printable
from qasr_cli.options import PROGRESS_STYLES
from qasr_cli.records import Outcome, Status
from qasr_cli.terminal import estimate, logs
from qasr_cli.terminal.estimate import Estimate
from qasr_cli.terminal.events import (
    Event,
    ModelReady,
    Reporter,
    RunBegun,
    RunEnded,
    SourceFinished,
    SourcePrepared,
    SpeechRecognized,
    StageBegun,
    json_line,
)
from qasr_cli.timebase import format_clock

_MANY = 20  # number of sources from which on skipped ones are only counted

LineOf = Callable[[Outcome, int], str]  # a source's line in a run over so many sources; "" for no line


def make_reporter(style: str, verbosity: int = 0) -> Reporter:
    """Return the reporter for a `--progress` style; `auto` is a bar on a terminal, else plain lines.

    A `verbosity` of -1 is quiet; from 1 on each skipped source has its own line, however many there are.

    Raises:
        UsageError: The style is unknown.
    """
    if style not in PROGRESS_STYLES:
        raise UsageError(
            f"--progress {style!r} is unknown", f"known: {', '.join(PROGRESS_STYLES)}", flag="--progress"
        )
    if style == "json":
        return JsonReporter()
    if verbosity < 0 or style == "none":
        return QuietReporter()
    line_of: LineOf = _short_line if verbosity <= 0 else lambda outcome, _: outcome_line(outcome)
    if style == "bar" or (style == "auto" and sys.stderr.isatty()):
        from qasr_cli.terminal.bar import BarReporter

        return BarReporter(line_of)
    return PlainReporter(line_of)


def _short_line(outcome: Outcome, n_sources: int) -> str:
    """Return a source's line; "" for a skipped source of an archive, or cron would mail it every night."""
    is_dull = outcome.status is Status.SKIPPED and n_sources > _MANY
    return "" if is_dull else outcome_line(outcome)


def outcome_line(outcome: Outcome) -> str:
    """Return one line about a source: its outcome, its speed, and the paths of its results if it has some."""
    name = printable(outcome.source.relative)
    if outcome.status is Status.SKIPPED:
        return f"skipped {name}: {printable(outcome.reason)}"
    warnings = "".join(f"\n        {name}: warning: {printable(text)}" for text in outcome.warnings)
    if outcome.status is Status.FAILED:
        return f"failed  {name}: {_failure(outcome)}{warnings}"
    clock = format_clock(outcome.audio_ms)[:-4]
    where = ", ".join(printable(path) for path in outcome.outputs)  # none on stdout and in an evaluation
    arrow = f" -> {where}" if where else ""
    return f"done    {name}: {clock} in {outcome.wall_s:.1f} s{arrow}{warnings}"


def _failure(outcome: Outcome) -> str:
    """Return why a source failed, without its name."""
    error, source = outcome.error, outcome.source
    if not isinstance(error, QasrError):
        return printable(error)
    text = error.reason if error.path in {source.relative, source.path} else error.message
    return f"{text}; {error.hint}"


class QuietReporter(Reporter):
    """One line on stderr for each source that failed, and nothing else."""

    def handle(self, event: Event) -> None:
        """Write why a source failed."""
        match event:
            case SourceFinished(outcome) if outcome.status is Status.FAILED:
                _write_line(outcome_line(outcome))
            case _:
                pass


class PlainReporter(Reporter):
    """One line a source and a summary, for cron's mails and for logs."""

    def __init__(self, line_of: LineOf) -> None:
        self._line_of = line_of
        self._n_sources = 0  # set before the run's threads start

    def handle(self, event: Event) -> None:
        """Write a source's line, and at the end the summary."""
        match event:
            case RunBegun(sources):
                self._n_sources = len(sources)
            case SourceFinished(outcome):
                _write_lines(self._line_of(outcome, self._n_sources))
            case RunEnded(summary, quality):
                _write_lines(summary, quality)
            case _:
                pass


class LogReporter(Reporter):
    """A run's events for the log file, without progress figures, which are of no use afterwards."""

    def handle(self, event: Event) -> None:
        """Record the event."""
        match event:
            case RunBegun(sources):
                self._record("begin", sources=len(sources))
            case StageBegun(text):
                self._record("stage", text=printable(text))
            case SourcePrepared(source, audio_ms, speech_ms):
                name = printable(source.relative)
                self._record("prepared", source=name, audio_ms=audio_ms, speech_ms=speech_ms)
            case SourceFinished(outcome):
                self._record("finished", _level(outcome), **_outcome_fields(outcome))
            case RunEnded(summary, quality, passed_over):
                more = {"passed_over": passed_over} if passed_over else {}
                self._record("end", "info" if summary else "error", summary=summary, quality=quality, **more)
            case _:
                pass

    def _record(self, event: str, level: str = "info", **fields: object) -> None:
        logs.record(event, level, fields)


def _level(outcome: Outcome) -> str:
    has_failed, is_warned = outcome.status is Status.FAILED, bool(outcome.warnings)
    return "error" if has_failed else "warning" if is_warned else "info"


def _outcome_fields(outcome: Outcome) -> dict[str, object]:
    error = outcome.error
    return {
        "source": printable(outcome.source.relative),
        "status": outcome.status.value,
        "reason": printable(outcome.reason),
        "audio_ms": outcome.audio_ms,
        "wall_s": round(outcome.wall_s, 3),
        "outputs": [printable(path) for path in outcome.outputs],
        "error": None if error is None else printable(error),
        "next_step": error.hint if isinstance(error, QasrError) else None,
        "warnings": list(outcome.warnings),
    }


class JsonReporter(LogReporter):
    """One JSON object a line on stderr, for programs that watch a run: the log's events, and progress."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the estimate
        self._estimate = Estimate((), {})

    def handle(self, event: Event) -> None:
        """Write the event; for recognized speech add the speed and the time left."""
        match event:
            case SpeechRecognized(speech_ms):
                self._record("recognized", "info", **self._pace(speech_ms, time.monotonic()))
                return
            case RunBegun(sources):
                self._estimate = Estimate(sources, estimate.sizes(sources))
            case ModelReady():
                with self._lock:
                    self._estimate.ready(time.monotonic())
            case SourcePrepared(source, audio_ms, speech_ms):
                with self._lock:
                    self._estimate.prepared(source, audio_ms, speech_ms)
            case SourceFinished(outcome):
                with self._lock:
                    self._estimate.finished(outcome.source)
            case _:
                pass
        super().handle(event)

    def _pace(self, speech_ms: int, now_s: float) -> dict[str, object]:
        """Return the speech done, the speech in all, the speed and the seconds left."""
        with self._lock:
            self._estimate.recognized(speech_ms, now_s)
            rtfx, left_s = self._estimate.rtfx(now_s), self._estimate.left_s(now_s)
            done_ms, total_ms = self._estimate.done_ms, self._estimate.total_ms
        return {
            "speech_ms": speech_ms,
            "done_ms": done_ms,
            "total_ms": total_ms,
            "rtfx": None if rtfx is None else round(rtfx, 1),
            "left_s": None if left_s is None else round(left_s),
        }

    def _record(self, event: str, level: str = "info", **fields: object) -> None:
        _write_line(json_line(event, level, fields))


class Both(Reporter):
    """Passes events on to several reporters: the user's, the log's, the hooks'."""

    def __init__(self, *reporters: Reporter) -> None:
        self._reporters = reporters

    def handle(self, event: Event) -> None:
        """Pass it on."""
        for reporter in self._reporters:
            reporter.handle(event)


def _write_lines(*lines: str) -> None:
    for line in filter(None, lines):
        _write_line(line)


def _write_line(line: str) -> None:
    # One write a line, so that lines of several threads, and of several runs in one log, do not mix.
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
