"""Where the text of a session goes.

standard_output  events as JSON, captions on a terminal, lines of finals
growing_files    SRT, WebVTT, text and events that grow with the session
hls              WebVTT segments and their playlist
caption_file     the newest lines in a file
obs              the newest lines in OBS, or captions of its stream
overlay          a page with the newest lines
session_notes    what has gone wrong, as lines of the log
live_cues        cues of a session that goes on
recent_text      the newest lines
delivery         the way of events to one output

In go the events of a session; nothing comes out but what outputs write. Each output has a queue and a thread,
so that one that is slow or lost concerns no other.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator

from qasr_cli.errors import QasrError, UsageError
from qasr_cli.live.outputs import caption_file, growing_files, hls, obs, overlay
from qasr_cli.live.outputs.delivery import Delivery
from qasr_cli.live.outputs.session_notes import SessionNotes
from qasr_cli.live.outputs.standard_output import FinalLines, JsonLines, TerminalCaptions
from qasr_cli.live.protocols import Output
from qasr_cli.options import CueOptions, LiveOptions
from qasr_cli.speech.streaming.events import Emit, LiveEvent
from qasr_cli.terminal.stdio import DataStream, ReaderGone

logger = logging.getLogger(__name__)

_STDOUT = "stdout"
_N_PARTIALS = 256  # that may wait for a reader of events: minutes of them
_NEWEST = 1  # for what shows the newest text only
_HURRY_S = 2.0  # for outputs to finish after an error
_CONNECTION_S = 5.0  # the same for connections, always: nobody waits for OBS


class _Outputs:
    """The outputs of one session."""

    def __init__(self, on_lost: Callable[[], None]) -> None:
        self._on_lost = on_lost
        self._files: list[Delivery] = []  # stdout too: what they lack is lost
        self._views: list[Delivery] = []
        self._notes: list[Delivery] = []

    def add_file(self, name: str, output: Output, n_partials: int) -> None:
        """Add an output whose loss is an error of the session."""
        self._files.append(Delivery(name, output, n_partials, lambda failure: self._lose(name, failure)))

    def add_view(self, name: str, output: Output) -> None:
        """Add an output that shows what goes by."""
        self._views.append(Delivery(name, output, _NEWEST, lambda failure: self._lose(name, failure)))

    def add_notes(self, output: Output) -> None:
        """Add what people are told; without another output nobody needs it."""
        self._notes.append(Delivery("notes", output, _NEWEST))

    def emit(self, event: LiveEvent) -> None:
        """Give an event to all outputs."""
        for delivery in (*self._all, *self._notes):
            delivery.put(event)

    def finish(self, limit_s: float | None) -> None:
        """Let all outputs finish; those of a file without limit if there is none."""
        for delivery in (*self._all, *self._notes):
            delivery.close()
        for delivery in self._files:
            delivery.join(limit_s)
        for delivery in (*self._views, *self._notes):
            delivery.join(_CONNECTION_S)

    def raise_loss(self) -> None:
        """Raise what has ended an output of the session's results.

        Raises:
            ReaderGone: stdout's reader is gone.
            QasrError: A file could not be written.
        """
        failures = [delivery.failure for delivery in self._files if delivery.failure is not None]
        for failure in sorted(failures, key=lambda one: isinstance(one, QasrError)):
            raise failure

    @property
    def _all(self) -> list[Delivery]:
        return [*self._files, *self._views]

    def _lose(self, name: str, failure: QasrError | ReaderGone) -> None:
        is_alone = all(delivery.failure is not None for delivery in self._all)
        if isinstance(failure, QasrError) and not is_alone:  # the error of the last one ends the session
            logger.warning("%s; the other outputs go on", failure)
        if is_alone or (name == _STDOUT and isinstance(failure, ReaderGone)):
            self._on_lost()


@contextlib.contextmanager
def opened(
    options: LiveOptions,
    cue: CueOptions,
    stdout: DataStream,
    *,
    is_terminal: bool,
    on_lost: Callable[[], None] = lambda: None,
) -> Iterator[Emit]:
    """Open all outputs of the options for the time of a block, and finish them at its end.

    Yields a function that takes events from any thread, never blocks for long and never raises: what ends an
    output is logged, and what ends the session is raised by the block's end.

    Args:
        options: Which outputs.
        cue: Style of subtitles.
        stdout: The real stdout.
        is_terminal: Whether that is a terminal.
        on_lost: Called from another thread when the session may end, as nobody gets its text any more:
            stdout's reader is gone, or all outputs have failed.

    Raises:
        QasrError: An output cannot be created, or a file could not be written to its end.
        ReaderGone: stdout's reader is gone.
    """
    _check(options)
    outputs = _Outputs(on_lost)
    try:
        _open(outputs, options, cue)
        if options.json_lines:
            outputs.add_file(_STDOUT, JsonLines(stdout), _N_PARTIALS)
        else:
            can_move = is_terminal and os.environ.get("TERM") != "dumb"
            shown = TerminalCaptions(stdout) if can_move else FinalLines(stdout)
            outputs.add_file(_STDOUT, shown, _NEWEST)
        outputs.add_notes(SessionNotes())
        yield outputs.emit
    except BaseException:
        outputs.finish(_HURRY_S)
        raise
    outputs.finish(None)
    outputs.raise_loss()


def _check(options: LiveOptions) -> None:
    """Refuse what cannot be, before anything is created."""
    for path in options.write:
        growing_files.check(path, is_overwrite=options.overwrite)
    paths = [*options.write, *filter(None, (options.caption_file, options.save))]
    places = [os.path.realpath(path) for path in paths]
    for number, place in enumerate(places):
        if place in places[:number]:
            raise UsageError(f"{paths[number]} is written twice", "give each output its own", flag="--write")
    if options.obs:
        obs.parse_address(options.obs)
    if options.obs_source and not options.obs:
        raise UsageError("--obs-source needs --obs", "give --obs localhost:4455", flag="--obs-source")


def _open(outputs: _Outputs, options: LiveOptions, cue: CueOptions) -> None:
    if options.obs:
        address = obs.parse_address(options.obs)
        captions = obs.ObsCaptions(address, options.obs_source, options.obs_password, cue)
        captions.connect()
        outputs.add_view("OBS", captions)
    if options.overlay is not None:
        page = overlay.Overlay(options.overlay, cue)
        logger.info("the overlay is at %s", page.url)
        outputs.add_view("overlay", page)
    for path in options.write:
        file = growing_files.output_to(path, cue, is_overwrite=options.overwrite)
        outputs.add_file(str(path), file, _NEWEST)
    if options.hls is not None:
        folder = hls.HlsFolder(options.hls, options.hls_segment_ms, options.hls_mpegts)
        folder.prepare(is_overwrite=options.overwrite)
        outputs.add_file(f"--hls {options.hls}", hls.HlsSubtitles(folder, cue), _NEWEST)
    if options.caption_file is not None:
        captions_in_file = caption_file.CaptionFile(options.caption_file, cue, is_overwrite=options.overwrite)
        outputs.add_file(str(options.caption_file), captions_in_file, _NEWEST)
