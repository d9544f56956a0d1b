"""What the user sees while a run works: a bar on a terminal, plain lines under cron, JSON for machines.

In go the run's events; out come characters on stderr, never on stdout. Without a terminal no escape code is
written and there is one line a source. Reporters are told from several threads and lock for themselves.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from qasr_cli.errors import QasrError, UsageError, printable
from qasr_cli.options import PROGRESS_STYLES
from qasr_cli.records import Outcome, Source, Status
from qasr_cli.terminal import estimate, logs
from qasr_cli.terminal.estimate import Estimate
from qasr_cli.terminal.events import json_line
from qasr_cli.timebase import format_clock

_MANY = 20  # sources of a run, from which on skipped ones are only counted

LineOf = Callable[[Outcome, int], str]  # what is said of a source in a run over so many; "" is nothing


class Reporter(Protocol):
    """Is told what happens in a run, in the order in which it happens to each source."""

    def begin(self, sources: Sequence[Source]) -> None:
        """A run over these sources starts."""

    def stage(self, text: str) -> None:
        """Something that takes a while has begun, such as loading a model."""

    def ready(self) -> None:
        """The model is loaded, so that work of its begins."""

    def prepared(self, source: Source, audio_ms: int, speech_ms: int) -> None:
        """A source is decoded; `speech_ms` of its `audio_ms` will go through the model."""

    def recognized(self, speech_ms: int) -> None:
        """The model is done with this much speech."""

    def finished(self, outcome: Outcome) -> None:
        """A source is done, skipped or failed."""

    def end(self, summary: str, quality: str = "") -> None:
        """The run is over, however it ended; `quality` is a line on its cues, or nothing."""


def make_reporter(style: str, verbosity: int = 0) -> Reporter:
    """Return the reporter for a `--progress` style; `auto` is a bar on a terminal, else plain lines.

    `verbosity` is -1 for a quiet one; from 1 on each skipped source gets its line, however many there are.

    Raises:
        UsageError: No such style.
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
    """Return a line; none for what is skipped of an archive, which a cron job would mail every night."""
    is_dull = outcome.status is Status.SKIPPED and n_sources > _MANY
    return "" if is_dull else outcome_line(outcome)


def outcome_line(outcome: Outcome) -> str:
    """Return one line about a source: what became of it, how fast, and where the result is."""
    name = printable(outcome.source.relative)
    if outcome.status is Status.SKIPPED:
        return f"skipped {name}: {printable(outcome.reason)}"
    warnings = "".join(f"\n        {name}: warning: {printable(text)}" for text in outcome.warnings)
    if outcome.status is Status.FAILED:
        return f"failed  {name}: {_failure(outcome)}{warnings}"
    clock = format_clock(outcome.audio_ms)[:-4]
    where = ", ".join(printable(path) for path in outcome.outputs) or "stdout"
    return f"done    {name}: {clock} in {outcome.wall_s:.1f} s -> {where}{warnings}"


def _failure(outcome: Outcome) -> str:
    """Return why a source failed; its name stands before that already."""
    error, source = outcome.error, outcome.source
    if not isinstance(error, QasrError):
        return printable(error)
    text = error.reason if error.path in {source.relative, source.path} else error.message
    return f"{text}; {error.hint}"


class QuietReporter:
    """Says nothing but why a source failed."""

    def begin(self, sources: Sequence[Source]) -> None:
        """Say nothing."""

    def stage(self, text: str) -> None:
        """Say nothing."""

    def ready(self) -> None:
        """Say nothing."""

    def prepared(self, source: Source, audio_ms: int, speech_ms: int) -> None:
        """Say nothing."""

    def recognized(self, speech_ms: int) -> None:
        """Say nothing."""

    def finished(self, outcome: Outcome) -> None:
        """Say why, if it failed."""
        if outcome.status is Status.FAILED:
            _write_line(outcome_line(outcome))

    def end(self, summary: str, quality: str = "") -> None:
        """Say nothing."""


class PlainReporter(QuietReporter):
    """One line a source and a summary: what cron mails and what a log keeps."""

    def __init__(self, line_of: LineOf) -> None:
        self._line_of = line_of
        self._n_sources = 0

    def begin(self, sources: Sequence[Source]) -> None:
        """Count the sources."""
        self._n_sources = len(sources)

    def finished(self, outcome: Outcome) -> None:
        """Say what became of the source."""
        if line := self._line_of(outcome, self._n_sources):
            _write_line(line)

    def end(self, summary: str, quality: str = "") -> None:
        """Say how it all went."""
        for line in filter(None, (summary, quality)):
            _write_line(line)


class LogReporter(QuietReporter):
    """What happens in a run, for the log file; its pace is left out of what is read after it."""

    def begin(self, sources: Sequence[Source]) -> None:
        """Say how many sources there are."""
        self._say("begin", sources=len(sources))

    def stage(self, text: str) -> None:
        """Say what has begun."""
        self._say("stage", text=printable(text))

    def prepared(self, source: Source, audio_ms: int, speech_ms: int) -> None:
        """Say how much speech the source holds."""
        self._say("prepared", source=printable(source.relative), audio_ms=audio_ms, speech_ms=speech_ms)

    def finished(self, outcome: Outcome) -> None:
        """Say what became of the source."""
        error = outcome.error
        has_failed, is_warned = outcome.status is Status.FAILED, bool(outcome.warnings)
        self._say(
            "finished",
            "error" if has_failed else "warning" if is_warned else "info",
            source=printable(outcome.source.relative),
            status=outcome.status.value,
            reason=printable(outcome.reason),
            audio_ms=outcome.audio_ms,
            wall_s=round(outcome.wall_s, 3),
            outputs=[printable(path) for path in outcome.outputs],
            error=None if error is None else printable(error),
            next_step=error.hint if isinstance(error, QasrError) else None,
            warnings=list(outcome.warnings),
        )

    def end(self, summary: str, quality: str = "") -> None:
        """Say how it all went; a run that was ended has no summary."""
        self._say("end", "info" if summary else "error", summary=summary, quality=quality)

    def _say(self, event: str, level: str = "info", **fields: object) -> None:
        logs.record(event, level, fields)


class JsonReporter(LogReporter):
    """One JSON object a line on stderr, for programs that watch a run: the log's events, and the pace."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._estimate = Estimate((), {})

    def begin(self, sources: Sequence[Source]) -> None:
        """Say how many sources there are."""
        self._estimate = Estimate(sources, estimate.sizes(sources))
        super().begin(sources)

    def ready(self) -> None:
        """Count the pace from here."""
        with self._lock:
            self._estimate.ready(time.monotonic())

    def prepared(self, source: Source, audio_ms: int, speech_ms: int) -> None:
        """Say how much speech the source holds."""
        with self._lock:
            self._estimate.prepared(source, audio_ms, speech_ms)
        super().prepared(source, audio_ms, speech_ms)

    def recognized(self, speech_ms: int) -> None:
        """Say how much more speech is done, of how much, how fast, and how long the rest will take."""
        now_s = time.monotonic()
        with self._lock:
            self._estimate.recognized(speech_ms, now_s)
            rtfx, left_s = self._estimate.rtfx(now_s), self._estimate.left_s(now_s)
            done_ms, total_ms = self._estimate.done_ms, self._estimate.total_ms
        self._say(
            "recognized",
            speech_ms=speech_ms,
            done_ms=done_ms,
            total_ms=total_ms,
            rtfx=None if rtfx is None else round(rtfx, 1),
            left_s=None if left_s is None else round(left_s),
        )

    def finished(self, outcome: Outcome) -> None:
        """Say what became of the source."""
        with self._lock:
            self._estimate.finished(outcome.source)
        super().finished(outcome)

    def _say(self, event: str, level: str = "info", **fields: object) -> None:
        _write_line(json_line(event, level, fields))


class Both:
    """Tells two reporters: whoever looks on, and the log."""

    def __init__(self, *reporters: Reporter) -> None:
        self._reporters = reporters

    def begin(self, sources: Sequence[Source]) -> None:
        """Pass it on."""
        for one in self._reporters:
            one.begin(sources)

    def stage(self, text: str) -> None:
        """Pass it on."""
        for one in self._reporters:
            one.stage(text)

    def ready(self) -> None:
        """Pass it on."""
        for one in self._reporters:
            one.ready()

    def prepared(self, source: Source, audio_ms: int, speech_ms: int) -> None:
        """Pass it on."""
        for one in self._reporters:
            one.prepared(source, audio_ms, speech_ms)

    def recognized(self, speech_ms: int) -> None:
        """Pass it on."""
        for one in self._reporters:
            one.recognized(speech_ms)

    def finished(self, outcome: Outcome) -> None:
        """Pass it on."""
        for one in self._reporters:
            one.finished(outcome)

    def end(self, summary: str, quality: str = "") -> None:
        """Pass it on."""
        for one in self._reporters:
            one.end(summary, quality)


def _write_line(line: str) -> None:
    # One write a line: lines of several threads, and of several runs in one log, do not mix.
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
