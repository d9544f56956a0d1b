"""The progress bars of a run on a terminal: media read, speech recognized, speed, time left.

In go the run's events; out come characters on stderr. Finished sources scroll by above the bars.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from qasr_cli.errors import printable
from qasr_cli.records import Outcome, Source, Status
from qasr_cli.terminal import estimate
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
)
from qasr_cli.timebase import format_clock, format_speed

_WIDE = 80  # columns; a narrower terminal shows only the most important figures
_REDRAW_S = 0.5  # the time left counts down between two results


class BarReporter(Reporter):
    """A progress bar for each lane of the run.

    A thread of its own redraws the bars; one lock guards them and the estimate.

    Args:
        line_of: Returns the line about a source, given the number of sources, or "".
    """

    def __init__(self, line_of: Callable[[Outcome, int], str]) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

        self._line_of = line_of
        self._console = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
        self._lock = threading.Lock()
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[figures]}", markup=False),
            console=self._console,
            transient=True,
            expand=True,
        )
        self._reading: Any = None
        self._recognizing: Any = None
        self._n_sources = self._n_read = self._n_finished = 0
        self._estimate = Estimate((), {})
        self._over = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="bars", daemon=True)

    def handle(self, event: Event) -> None:
        """Update the bars, and print a finished source's line above them."""
        match event:
            case RunBegun(sources):
                self._begin(sources)
            case RunEnded(summary, quality):
                self._end(summary, quality)
            case _:
                with self._lock:
                    self._update(event)

    def _begin(self, sources: Sequence[Source]) -> None:
        self._n_sources = len(sources)
        self._estimate = Estimate(sources, estimate.sizes(sources))
        self._recognizing = self._bars.add_task("reading media", total=None, figures="")
        if self._n_sources > 1:  # one file is read in a moment, and its bar would only flicker
            self._reading = self._bars.add_task("reading", total=self._n_sources, figures="")
        self._bars.start()
        self._ticker.start()

    def _update(self, event: Event) -> None:
        """Handle the events between begin and end; the caller holds the lock."""
        match event:
            case StageBegun(text):
                self._bars.update(self._recognizing, description=printable(text))
            case ModelReady():
                self._estimate.ready(time.monotonic())
            case SourcePrepared(source, audio_ms, speech_ms):
                self._n_read += 1
                self._estimate.prepared(source, audio_ms, speech_ms)
                self._draw()
            case SpeechRecognized(speech_ms):
                self._estimate.recognized(speech_ms, time.monotonic())
                self._draw()
            case SourceFinished(outcome):
                self._finish(outcome)
            case _:
                pass

    def _finish(self, outcome: Outcome) -> None:
        from rich.text import Text

        colour = {Status.DONE: "green", Status.SKIPPED: "dim", Status.FAILED: "red"}[outcome.status]
        head, _, rest = self._line_of(outcome, self._n_sources).partition(" ")
        self._n_finished += 1
        self._estimate.finished(outcome.source)
        if head:
            self._console.print(Text.assemble((head, colour), " ", rest))
        self._draw()

    def _end(self, summary: str, quality: str) -> None:
        """Remove the bars and print the summary."""
        self._over.set()
        with self._lock:
            self._bars.stop()
            for line in filter(None, (summary, quality)):
                self._console.print(line, markup=False)

    def _tick(self) -> None:
        while not self._over.wait(_REDRAW_S):
            with self._lock:
                self._draw()

    def _draw(self) -> None:
        total_ms, now_s = self._estimate.total_ms, time.monotonic()
        if self._reading is not None:
            n_read = max(self._n_read, self._n_finished)
            self._bars.update(self._reading, completed=n_read, figures=f"{n_read}/{self._n_sources} files")
        if not total_ms:
            return
        rtfx, left_s = self._estimate.rtfx(now_s), self._estimate.left_s(now_s)
        is_wide = self._console.width >= _WIDE
        done, total = (format_clock(value)[:-4] for value in (self._estimate.done_ms, total_ms))
        figures = [
            f"{done} / {'' if self._estimate.is_total_known else '~'}{total}" if is_wide else "",
            f"{self._n_finished}/{self._n_sources} files" if self._n_sources > 1 else "",
            f"RTFx {format_speed(rtfx)}" if rtfx else "",
            estimate.in_words(left_s) if left_s is not None else "",
        ]
        self._bars.update(
            self._recognizing,
            description="transcribing",
            total=total_ms,
            completed=self._estimate.done_ms,
            figures="  ".join(filter(None, figures)),
        )
