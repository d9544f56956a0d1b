"""Where the text of a session goes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from qasr_cli.live.protocols import Emit
from qasr_cli.options import CueOptions, LiveOptions
from qasr_cli.speech.streaming.events import Final, LiveEvent
from qasr_cli.terminal.stdio import DataStream


@contextlib.contextmanager
def opened(options: LiveOptions, cue: CueOptions, stdout: DataStream, *, is_terminal: bool) -> Iterator[Emit]:
    """Open all outputs of the options for the time of a block, and finish them at its end.

    Yields a function that takes events from any thread, never blocks for long and never raises: what ends an
    output is logged, and what ends the session is raised by the block's end.

    Args:
        options: Which outputs.
        cue: Style of subtitles.
        stdout: The real stdout.
        is_terminal: Whether that is a terminal.

    Raises:
        QasrError: An output cannot be created.
    """

    def emit(event: LiveEvent) -> None:
        if isinstance(event, Final):
            for segment in event.segments:
                stdout.write(segment.text + "\n")

    yield emit
