"""What stdout gets: events as JSON, captions on a terminal, or a line for each utterance.

In go events; out goes text, each piece at once, so that a pipe's reader has it when it is final.
"""

from __future__ import annotations

import contextlib
import threading

from qasr_cli.errors import QasrError
from qasr_cli.live.outputs import event_lines
from qasr_cli.live.outputs.final_text import text_of
from qasr_cli.speech.streaming.events import Final, LiveEvent, Partial
from qasr_cli.terminal import logs
from qasr_cli.terminal.captions import CaptionPainter
from qasr_cli.terminal.stdio import DataStream, ReaderGone


class JsonLines:
    """Every event as a line of JSON (`--json-lines`)."""

    def __init__(self, stdout: DataStream) -> None:
        self._stdout = stdout

    def handle(self, event: LiveEvent) -> None:
        """Write the event."""
        self._stdout.write(event_lines.line(event))

    def close(self) -> None:
        """Nothing is open."""


class FinalLines:
    """The text of each utterance as a line."""

    def __init__(self, stdout: DataStream) -> None:
        self._stdout = stdout

    def handle(self, event: LiveEvent) -> None:
        """Write the text of a final that has words."""
        text = text_of(event) if isinstance(event, Final) else ""
        if text:
            self._stdout.write(f"{text}\n")

    def close(self) -> None:
        """Nothing is open."""


class TerminalCaptions:
    """Finals that scroll by, and below them the utterance that is being spoken."""

    def __init__(self, stdout: DataStream) -> None:
        self._stdout = stdout
        self._painter = CaptionPainter(stdout.size)
        self._painting = threading.Lock()  # a line of the log, from another thread, removes the partial
        self._room = contextlib.ExitStack()
        self._room.enter_context(logs.making_room(self._make_room))

    def handle(self, event: LiveEvent) -> None:
        """Paint a partial or a final."""
        with self._painting:
            match event:
                case Partial():
                    self._stdout.write_page(self._painter.partial(event.stable, event.unstable))
                case Final():
                    self._stdout.write_page(self._painter.final(text_of(event)))
                case _:
                    pass

    def close(self) -> None:
        """Remove a partial that no final has replaced."""
        self._room.close()
        with self._painting:
            self._stdout.write_page(self._painter.final(""))

    def _make_room(self) -> None:
        with self._painting, contextlib.suppress(QasrError, ReaderGone):
            self._stdout.write_page(self._painter.final(""))
