"""`--caption-file`: the newest lines in a file, for OBS and others that show a text file.

In go events; out comes a small file that is replaced with each change. It is empty when nobody speaks, and
after the session.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from qasr_cli.errors import CannotCreateError, from_os_error
from qasr_cli.live.outputs import replaced_file
from qasr_cli.live.outputs.recent_text import RecentText
from qasr_cli.options import CueOptions
from qasr_cli.speech.streaming.events import LiveEvent

_FLAG = "--caption-file"


class CaptionFile:
    """The newest lines of a session in a file.

    An empty file is one that a session before has left, so it needs no permission to be replaced.

    Args:
        path: The file.
        options: Style of cues.
        is_overwrite: A file with text in it may be replaced.

    Raises:
        CannotCreateError: The file has text in it, is none, or cannot be created.
    """

    def __init__(self, path: Path, options: CueOptions, *, is_overwrite: bool) -> None:
        self._path = Path(os.path.realpath(path))  # behind a link, which stays
        self._recent = RecentText(options)
        self._has_begun = False
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._is_new = not os.path.lexists(self._path)
            found = None if self._is_new else self._path.stat()
        except OSError as error:
            raise from_os_error(error, f"writing {path}", path=path, flag=_FLAG) from error
        if found is not None and not stat.S_ISREG(found.st_mode):  # a device would be replaced by a file
            hint = "give a name for a new file"
            raise CannotCreateError.about(path, "not a regular file", hint, flag=_FLAG)
        if found is not None and found.st_size and not is_overwrite:
            hint = "use --overwrite to replace it, or another name"
            raise CannotCreateError(f"{path} already exists", hint, path=path, flag=_FLAG)
        if self._is_new:
            self._write()

    def handle(self, event: LiveEvent) -> None:
        """Write the lines if the event has changed them."""
        has_changed = self._recent.handle(event)
        if has_changed or not self._has_begun:
            self._write()
        self._has_begun = True

    def close(self) -> None:
        """Empty the file; if the session never began, it is as before."""
        if self._has_begun:
            replaced_file.replace(self._path, "", _FLAG)
        elif self._is_new:
            self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        text = "".join(f"{line}\n" for line in self._recent.lines())
        replaced_file.replace(self._path, text, _FLAG)
