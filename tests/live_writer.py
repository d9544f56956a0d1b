"""A process that sends the events of a made-up session to outputs: `python -m tests.live_writer OPTIONS`.

OPTIONS is JSON: fields of `LiveOptions`, and

    pace_ms       a pause after each event
    is_real_time  each event comes at its time
    n_talks       how many times the talk is given
    note          a text that is logged after each partial
    is_held       the session does not end
    file_limit    bytes, beyond which no file grows

Ends with the exit code of what is raised.
"""

from __future__ import annotations

import json
import logging
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from qasr_cli.errors import QasrError
from qasr_cli.live import outputs
from qasr_cli.options import CueOptions, LiveOptions
from qasr_cli.speech.streaming.events import LiveEvent
from qasr_cli.terminal import logs, stdio
from qasr_cli.terminal.stdio import ReaderGone
from tests.live_events import TALK, session

_PATHS = {"hls", "caption_file"}
_TALK_MS = 20_000


def main(arguments: dict[str, Any]) -> int:
    stdio.begin()
    logs.configure(1)
    pace_s = arguments.pop("pace_ms", 0) / 1_000
    events = long_session(arguments.pop("n_talks", 1))
    note = arguments.pop("note", "")
    is_held = arguments.pop("is_held", False)
    is_real_time, began_s = arguments.pop("is_real_time", False), time.monotonic()
    if limit := arguments.pop("file_limit", 0):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    arguments = {key: Path(value) if key in _PATHS else value for key, value in arguments.items()}
    arguments["write"] = tuple(map(Path, arguments.get("write", ())))
    is_terminal, stdout = sys.stdout.isatty(), stdio.guard()
    try:
        with outputs.opened(LiveOptions(**arguments), CueOptions(), stdout, is_terminal=is_terminal) as emit:
            for event in events:
                if is_held and type(event).__name__ == "Ended":
                    time.sleep(600)
                if is_real_time:
                    time.sleep(max(0.0, began_s + time_ms(event) / 1_000 - time.monotonic()))
                emit(event)
                time.sleep(pace_s)
                if note and type(event).__name__ == "Partial":
                    logging.getLogger("qasr_cli").info("%s", note)
    except ReaderGone:
        return 141
    except QasrError as error:
        logs.report_error(error)
        return error.exit_code
    return 0


def time_ms(event: LiveEvent) -> int:
    """Return when an event comes, in session time."""
    times = (getattr(event, name, 0) for name in ("now_ms", "end_ms", "duration_ms", "start_ms"))
    return max(times)


def long_session(n_talks: int) -> Iterator[LiveEvent]:
    """Yield a session in which the talk is given several times."""
    talk = [
        replace(said, start_ms=said.start_ms + number * _TALK_MS)
        for number in range(n_talks)
        for said in TALK
    ]
    yield from session(talk, n_talks * _TALK_MS)


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
