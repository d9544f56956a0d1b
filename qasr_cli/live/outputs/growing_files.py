"""`--write`: files that grow with the session and can be read at any moment.

In go events; out comes a file under its own name from the begin on, to which each utterance is appended and
synced. What stands in it is never rewritten: players and `tail -f` may follow it, and a killed session leaves
a whole file.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from qasr_cli.errors import CannotCreateError, UsageError, from_os_error
from qasr_cli.formats import FORMATS, Format
from qasr_cli.live.outputs import event_lines
from qasr_cli.live.outputs.final_text import text_of
from qasr_cli.live.outputs.live_cues import LiveCues, SettledCue
from qasr_cli.live.protocols import Output
from qasr_cli.operating_system import files, refusals
from qasr_cli.options import CueOptions, OutputOptions
from qasr_cli.speech.streaming.events import Final, LiveEvent, Partial, Silence, SpeechStarted, SpeechStopped

_GROWING = {form.extension: form for form in FORMATS.values() if form.appender}
SUFFIXES = (*_GROWING, ".txt", ".jsonl")
_MOMENTARY = (Partial, Silence, SpeechStarted, SpeechStopped)  # of no use afterwards


class GrowingFile:
    """A file that is only appended to, whole texts at a time.

    Until the session begins nothing is lost or left: an existing file keeps its text, and a new one goes away
    if there is no session.

    Args:
        path: The file.
        header: The text that it begins with.
        is_overwrite: An existing file may be replaced.

    Raises:
        CannotCreateError: It exists or cannot be created.
    """

    def __init__(self, path: Path, header: str = "", *, is_overwrite: bool) -> None:
        self._path, self._header = path, header
        self._size_bytes = 0
        self._has_begun = False
        self._is_new = not os.path.lexists(path)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | (0 if is_overwrite else os.O_EXCL)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = files.open_at_once(path, flags)
            if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
                os.close(self._descriptor)
                raise files.NotRegularError(path)
        except FileExistsError as error:
            raise _taken(path) from error
        except OSError as error:
            raise from_os_error(error, f"writing {path}", path=path, flag="--write") from error

    def begin(self) -> None:
        """Empty the file, and write its header; the second time nothing.

        Raises:
            InputOutputError: The disk is full or fails.
        """
        if not self._has_begun:
            self._has_begun = True
            try:
                os.ftruncate(self._descriptor, 0)
            except OSError as error:
                raise from_os_error(error, f"writing {self._path}", path=self._path) from error
            self.append(self._header)

    def append(self, text: str) -> None:
        """Append a text and sync the file; what fits only in part is taken back.

        Raises:
            InputOutputError: The disk is full or fails.
        """
        self.begin()
        content = text.encode("utf-8", "surrogateescape")
        try:
            n_written = 0
            while n_written < len(content):
                n_written += os.write(self._descriptor, content[n_written:])
            refusals.sync(self._descriptor, self._path.parent)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self._size_bytes)
            raise from_os_error(error, f"writing {self._path}", path=self._path) from error
        self._size_bytes += len(content)

    def close(self) -> None:
        """Close the file; one that is new goes away if the session never began."""
        os.close(self._descriptor)
        if self._is_new and not self._has_begun:
            self._path.unlink(missing_ok=True)


class SubtitleFile:
    """Cues, appended when they are settled."""

    def __init__(self, file: GrowingFile, form: Format, options: CueOptions) -> None:
        self._file, self._form = file, form
        self._cues = LiveCues(options)
        self._output = OutputOptions()
        self._n_written = 0

    def handle(self, event: LiveEvent) -> None:
        """Append the cues that the event settles."""
        self._file.begin()
        self._append(self._cues.handle(event))

    def close(self) -> None:
        """Append the cue that is open, where a session ends without its last event, and close the file."""
        self._append(self._cues.end())
        self._file.close()

    def _append(self, cues: Sequence[SettledCue]) -> None:
        added = ""
        for settled in cues:
            added += self._form.append(settled.transcript, (settled.cue,), self._output, self._n_written)
            self._n_written += 1
        if added:
            self._file.append(added)


class TextFile:
    """A line for each utterance."""

    def __init__(self, file: GrowingFile) -> None:
        self._file = file

    def handle(self, event: LiveEvent) -> None:
        """Append the text of a final."""
        self._file.begin()
        text = text_of(event) if isinstance(event, Final) else ""
        if text:
            self._file.append(f"{text}\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class EventFile:
    """A line of JSON for each event that matters afterwards."""

    def __init__(self, file: GrowingFile) -> None:
        self._file = file

    def handle(self, event: LiveEvent) -> None:
        """Append the event."""
        if not isinstance(event, _MOMENTARY):
            self._file.append(event_lines.line(event))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def check(path: Path, *, is_overwrite: bool) -> None:
    """Check that a file's suffix names a format, and that it may be written.

    Raises:
        UsageError: The suffix names none.
        CannotCreateError: The file exists.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"--write {path}: no format {path.suffix or 'without suffix'!r}",
            f"end the name in {', '.join(SUFFIXES)}",
            flag="--write",
        )
    if not is_overwrite and os.path.lexists(path):
        raise _taken(path)


def _taken(path: Path) -> CannotCreateError:
    hint = "use --overwrite to replace it, or another name"
    return CannotCreateError(f"{path} already exists", hint, path=path, flag="--write")


def output_to(path: Path, options: CueOptions, *, is_overwrite: bool) -> Output:
    """Create a file that grows, of the format of its suffix.

    Raises:
        UsageError: The suffix is unknown.
        CannotCreateError: It exists or cannot be created.
    """
    check(path, is_overwrite=is_overwrite)
    suffix = path.suffix.lower()
    form = _GROWING.get(suffix)
    file = GrowingFile(path, form.header if form else "", is_overwrite=is_overwrite)
    if form is not None:
        return SubtitleFile(file, form, options)
    return TextFile(file) if suffix == ".txt" else EventFile(file)
