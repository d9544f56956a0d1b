"""What the user sees while a run works: a bar on a terminal, plain lines under cron, JSON for machines.

In go the run's events; out come characters on stderr, never on stdout. Without a terminal no escape code is
written and there is one line a source. Reporters are told from several threads and lock for themselves.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any, Protocol

from qasr_cli.errors import QasrError, UsageError, printable
from qasr_cli.records import Outcome, Source, Status
from qasr_cli.terminal.logs import error_line
from qasr_cli.timebase import MS_PER_S, format_clock

STYLES = ("auto", "bar", "plain", "json", "none")


class Reporter(Protocol):
    """Is told what happens in a run, in the order in which it happens to each source."""

    def begin(self, n_sources: int) -> None:
        """A run over `n_sources` starts."""

    def stage(self, text: str) -> None:
        """Something that takes a while has begun, such as loading a model."""

    def prepared(self, source: Source, speech_ms: int) -> None:
        """A source is decoded; `speech_ms` of it will go through the model."""

    def recognized(self, speech_ms: int) -> None:
        """The model is done with this much speech."""

    def finished(self, outcome: Outcome) -> None:
        """A source is done, skipped or failed."""

    def end(self, summary: str, quality: str = "") -> None:
        """The run is over, however it ended; `quality` is a line on its cues, or nothing."""


def make_reporter(style: str, *, is_quiet: bool = False) -> Reporter:
    """Return the reporter for a `--progress` style; `auto` is a bar on a terminal, else plain lines.

    Raises:
        UsageError: No such style.
    """
    if style not in STYLES:
        raise UsageError(f"--progress {style!r} is unknown", f"known: {', '.join(STYLES)}")
    if style == "json":
        return JsonReporter()
    if is_quiet or style == "none":
        return QuietReporter()
    if style == "bar" or (style == "auto" and sys.stderr.isatty()):
        return BarReporter()
    return PlainReporter()


def outcome_line(outcome: Outcome) -> str:
    """Return one line about a source: what became of it, how fast, and where the result is."""
    name = printable(outcome.source.relative)
    if outcome.status is Status.SKIPPED:
        return f"skipped {name}: its outputs exist (--overwrite makes them anew)"
    warnings = "".join(f"\n        {name}: warning: {printable(text)}" for text in outcome.warnings)
    if outcome.status is Status.FAILED:
        error = outcome.error
        line = error_line(error).removeprefix("qasr: ") if isinstance(error, QasrError) else f"error: {error}"
        return f"failed  {name}: {line.removeprefix('error: ')}{warnings}"
    clock = format_clock(outcome.audio_ms)[:-4]
    where = ", ".join(printable(path) for path in outcome.outputs) or "stdout"
    return f"done    {name}: {clock} in {outcome.wall_s:.1f} s -> {where}{warnings}"


class QuietReporter:
    """Says nothing but why a source failed."""

    def begin(self, n_sources: int) -> None:
        """Say nothing."""

    def stage(self, text: str) -> None:
        """Say nothing."""

    def prepared(self, source: Source, speech_ms: int) -> None:
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

    def finished(self, outcome: Outcome) -> None:
        """Say what became of the source."""
        _write_line(outcome_line(outcome))

    def end(self, summary: str, quality: str = "") -> None:
        """Say how it all went."""
        for line in filter(None, (summary, quality)):
            _write_line(line)


class JsonReporter(QuietReporter):
    """One JSON object a line on stderr, for programs that watch a run."""

    def begin(self, n_sources: int) -> None:
        """Say how many sources there are."""
        self._say("begin", sources=n_sources)

    def stage(self, text: str) -> None:
        """Say what has begun."""
        self._say("stage", text=text)

    def prepared(self, source: Source, speech_ms: int) -> None:
        """Say how much speech the source holds."""
        self._say("prepared", source=printable(source.relative), speech_ms=speech_ms)

    def recognized(self, speech_ms: int) -> None:
        """Say how much more speech is done."""
        self._say("recognized", speech_ms=speech_ms)

    def finished(self, outcome: Outcome) -> None:
        """Say what became of the source."""
        self._say(
            "finished",
            source=printable(outcome.source.relative),
            status=outcome.status.value,
            audio_ms=outcome.audio_ms,
            wall_s=round(outcome.wall_s, 3),
            outputs=[printable(path) for path in outcome.outputs],
            error=None if outcome.error is None else printable(outcome.error),
            warnings=list(outcome.warnings),
        )

    def end(self, summary: str, quality: str = "") -> None:
        """Say how it all went."""
        self._say("end", summary=summary, quality=quality)

    def _say(self, event: str, **fields: object) -> None:
        _write_line(json.dumps({"event": event, **fields}, ensure_ascii=False))


class BarReporter:
    """A bar over the speech of all sources, with finished sources scrolling by above it."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._lock = threading.Lock()
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[clock]}"),
            console=self._console,
            transient=True,
            expand=True,
        )
        self._task: Any = None
        self._n_sources = self._n_finished = 0
        self._total_ms = self._done_ms = 0
        self._first_s = 0.0  # when the model gave its first result: what came before says nothing of its pace

    def begin(self, n_sources: int) -> None:
        """Show the bar."""
        self._n_sources = n_sources
        self._task = self._bar.add_task("reading media", total=None, clock="")
        self._bar.start()

    def stage(self, text: str) -> None:
        """Name what is going on in front of the bar."""
        with self._lock:
            self._bar.update(self._task, description=text)

    def prepared(self, source: Source, speech_ms: int) -> None:
        """Make the bar longer by the source's speech."""
        with self._lock:
            self._total_ms += speech_ms
            self._draw()

    def recognized(self, speech_ms: int) -> None:
        """Fill the bar further."""
        with self._lock:
            self._first_s = self._first_s or time.monotonic()
            self._done_ms += speech_ms
            self._draw()

    def finished(self, outcome: Outcome) -> None:
        """Let the source's line scroll by."""
        from rich.text import Text

        colour = {Status.DONE: "green", Status.SKIPPED: "dim", Status.FAILED: "red"}[outcome.status]
        head, _, rest = outcome_line(outcome).partition(" ")
        with self._lock:
            self._n_finished += 1
            self._console.print(Text.assemble((head, colour), " ", rest))
            self._draw()

    def end(self, summary: str, quality: str = "") -> None:
        """Take the bar away and leave the summary."""
        with self._lock:
            self._bar.stop()
            for line in filter(None, (summary, quality)):
                self._console.print(line, markup=False)

    def _draw(self) -> None:
        if not self._total_ms:
            return
        done, total = (format_clock(value)[:-4] for value in (self._done_ms, self._total_ms))
        of_sources = f"  {self._n_finished}/{self._n_sources} files" if self._n_sources > 1 else ""
        self._bar.update(
            self._task,
            description="transcribing",
            total=self._total_ms,
            completed=self._done_ms,
            clock=f"{done} / {total} of speech{of_sources}{self._remaining()}",
        )

    def _remaining(self) -> str:
        elapsed_s = time.monotonic() - self._first_s
        if not self._first_s or elapsed_s < 2 or not self._done_ms:
            return ""
        left_s = elapsed_s * (self._total_ms - self._done_ms) / self._done_ms
        return f"  about {format_clock(int(left_s) * MS_PER_S)[:-4]} left"


def _write_line(line: str) -> None:
    # One write a line: lines of several threads, and of several runs in one log, do not mix.
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
