"""Changes in watched folders, and which of the folders exist.

In go folders; out comes a signal that a new pass is due. A folder that vanishes, as a network mount does, is
waited for. Never decides what is work: a pass does, and there is a pass at intervals in any case.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

import watchfiles

from qasr_cli.operating_system.files import real_path
from qasr_cli.options import WatchOptions
from qasr_cli.runs.inputs import selection

logger = logging.getLogger(__name__)

_POLL_S = 2.0  # between two checks whether the folders exist
_AGAIN_S = 60.0  # until watching is tried again where the system refused it
_PAUSE_S = 5.0  # until listening begins again after trouble
_TIMEOUT_MS = 5_000
_STEP_MS = 200  # a change is reported when no other has come for so long
_MS_PER_S = 1000


class FileEvents:
    """A context manager that listens in a thread of its own.

    A signal that arrives inside watchfiles' call would be swallowed there, so the calling thread never is.

    Args:
        folders: Folders to watch, with all below them.
        options: Whether by file system events or by polling.
        state_folder: Folder of `--state`, which may lie among the watched ones.
        own_files: Files that the watch itself writes, such as its status.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        options: WatchOptions,
        state_folder: Path | None = None,
        own_files: Sequence[Path] = (),
    ) -> None:
        self._folders = folders
        self._options = options
        self._state_folder = state_folder
        self._own_files = own_files
        self._has_changed = threading.Event()
        self._identities: dict[Path, tuple[int, int] | None] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._refused_s: float | None = None
        self._is_refusal_logged = False

    def __enter__(self) -> FileEvents:
        """Begin to listen."""
        self._identities = {folder: _identity(folder) for folder in self._folders}
        self._listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        self._stop_listening()

    @property
    def present(self) -> list[Path]:
        """The folders that exist."""
        return [folder for folder, identity in self._identities.items() if identity is not None]

    @property
    def missing(self) -> list[Path]:
        """The folders that do not exist."""
        return [folder for folder, identity in self._identities.items() if identity is None]

    def wait(self, until_s: float) -> bool:
        """Return True as soon as a pass is due, False at the given time (monotonic)."""
        while not self._has_changed.is_set():
            self._check_folders()
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                return False
            self._has_changed.wait(min(left_s, _POLL_S))
        self._has_changed.clear()
        return True

    def _check_folders(self) -> None:
        """Detect folders that are gone, back, or on another file system, and restart listening."""
        before = self._identities
        self._identities = {folder: _identity(folder) for folder in self._folders}
        for folder in self._folders:
            if before[folder] is not None and self._identities[folder] is None:
                logger.warning("%s is gone; waiting until it is mounted again", folder)
            elif before[folder] is None and self._identities[folder] is not None:
                logger.warning("%s is back", folder)
            elif _device(before[folder]) != _device(self._identities[folder]):
                logger.warning("%s is on another file system than before; watching the new one", folder)
        is_due = self._refused_s is not None and time.monotonic() - self._refused_s > _AGAIN_S
        if before != self._identities or is_due:
            self._stop_listening()
            self._listen()
            self._has_changed.set()

    def _listen(self) -> None:
        self._refused_s, self._stop = None, threading.Event()
        if self.present:
            self._thread = threading.Thread(
                target=self._listen_until, args=(self.present, self._stop), name="changes", daemon=True
            )
            self._thread.start()

    def _stop_listening(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _listen_until(self, folders: Sequence[Path], stop: threading.Event) -> None:
        is_lenient = False
        while not stop.is_set():
            try:
                self._report_changes(folders, stop, is_lenient=is_lenient)
            except PermissionError:  # a folder without read permission; the others are watched
                is_lenient = True
            except (RuntimeError, FileNotFoundError) as error:
                # A name that is not UTF-8, or a file that was gone before it could be read.
                logger.debug("%s", error)
                self._has_changed.set()
                stop.wait(_PAUSE_S)
            except OSError as error:
                self._refuse(error)
                return

    def _report_changes(self, folders: Sequence[Path], stop: threading.Event, *, is_lenient: bool) -> None:
        """Report changes until `stop` is set.

        In lenient mode the library ignores all folders that it cannot watch, even when the system's limit of
        watches is reached; so the mode is strict as long as possible.
        """
        roots = [real_path(folder) for folder in folders]
        is_new = True
        for changes in watchfiles.watch(
            *roots,
            watch_filter=_news(roots, self._state_folder, self._own_files),
            stop_event=stop,
            step=_STEP_MS,
            rust_timeout=_TIMEOUT_MS,
            yield_on_timeout=True,
            raise_interrupt=False,
            force_polling=True if self._options.poll else None,
            poll_delay_ms=int(self._options.poll_interval_s * _MS_PER_S),
            ignore_permission_denied=is_lenient,
        ):
            if changes or is_new:  # changes during the set-up of a large tree need one more pass
                self._has_changed.set()
            is_new = False

    def _refuse(self, error: OSError) -> None:
        self._refused_s = time.monotonic()
        if not self._is_refusal_logged:
            logger.warning(
                "the system reports no changes (%s); scanning the folders every minute; "
                "use --poll, or raise fs.inotify.max_user_watches",
                error,
            )
        self._is_refusal_logged = True


def _news(
    roots: Sequence[Path], state_folder: Path | None, own_files: Sequence[Path] = ()
) -> Callable[[watchfiles.Change, str], bool]:
    """Return a test whether a change may mean work; qasr's own files and ignored names do not."""
    state_prefix = None if state_folder is None else f"{real_path(state_folder)}{os.sep}"
    own_paths = {str(real_path(path)) for path in own_files}
    prefixes = [f"{str(root).rstrip(os.sep)}{os.sep}" for root in roots]

    def is_news(change: watchfiles.Change, path: str) -> bool:
        if path in own_paths or (state_prefix is not None and path.startswith(state_prefix)):
            return False
        below = next((path[len(prefix) :] for prefix in prefixes if path.startswith(prefix)), path)
        *folders, name = below.split(os.sep)  # noqa: PTH206 - called for each of thousands of events
        if any(map(selection.is_ignored, folders)) or selection.is_ignored(name):
            return False
        if selection.is_partial(name):  # it grows; the media is complete once it is deleted
            return change is watchfiles.Change.deleted
        return os.path.splitext(name)[1].lower() not in selection.OTHER_SUFFIXES  # noqa: PTH122 - fast

    return is_news


def _device(identity: tuple[int, int] | None) -> int | None:
    return None if identity is None else identity[0]


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
