"""The errors of qasr, each with its exit code and the user's next step.

    QasrError                70
    ├── UsageError            2   flags that contradict each other
    ├── QualityError          4   a result that exists and cannot be trusted
    ├── UndecodableError     65   not media, no audio in it, not a transcript
    ├── NoInputError         66   no such file, nothing to transcribe in a folder
    ├── UnavailableError     69   ffmpeg, weights, an engine, a device or a server is missing
    │   ├── DeviceLostError  69   a device fails in the middle of the work
    │   └── RemoteError      69   no server can do the work, so the run ends
    │       └── ServersLostError   none answers; they may come back
    ├── CannotCreateError    73   the output exists, two sources want one path, no permission
    ├── InputOutputError     74   disk full, a read that fails half way
    │   └── UnreachableError 74   the disk or mount of an input is gone
    ├── OutOfMemoryError     75   even a batch of one does not fit
    ├── LockedError          75   another run holds the folder
    ├── UntimedError         70   an aligner fails on a chunk, whose times are interpolated: a warning
    └── ConfigError          78   unknown key or wrong type in qasr.toml

An error's message is one line: which file or flag, what is wrong. Its hint is one line: what to do next.
File, flag and exit code are attributes for programs; nothing in qasr searches a message. The codes are those
of sysexits.h, except 2, 3 (some of several failed) and 4 (a doubtful result); they are part of the stable
interface, the texts are not.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator, Mapping
from enum import IntEnum
from pathlib import Path
from types import MappingProxyType
from typing import Self

from qasr_cli import escapes


class ExitCode(IntEnum):
    """The exit codes of `qasr`; 1 is never used on purpose, so it always means a crash.

    `EXIT_CODE_MEANINGS` describes each of them.
    """

    OK = 0
    USAGE = 2
    PARTIAL = 3  # some of several sources failed
    QUALITY = 4
    DATA = 65
    NO_INPUT = 66
    UNAVAILABLE = 69
    INTERNAL = 70
    CANNOT_CREATE = 73
    IO = 74
    TRY_AGAIN = 75
    CONFIG = 78
    HUNG_UP = 129  # 128 + SIGHUP
    INTERRUPTED = 130  # 128 + SIGINT
    BROKEN_PIPE = 141  # 128 + SIGPIPE
    TERMINATED = 143  # 128 + SIGTERM


# The one table: the manual page and the documentation are rendered from it.
EXIT_CODE_MEANINGS: Mapping[ExitCode, str] = MappingProxyType(
    {
        ExitCode.OK: "All done, or nothing to do.",
        ExitCode.USAGE: "Wrong usage.",
        ExitCode.PARTIAL: "Some of several sources failed.",
        ExitCode.QUALITY: "Done, but doubtful or against a hard rule (--strict); errors in subtitles "
        "(check); or script and recording do not belong together (align).",
        ExitCode.DATA: "Not decodable media, no audio in it, not a transcript, or not subtitles.",
        ExitCode.NO_INPUT: "No such input.",
        ExitCode.UNAVAILABLE: "ffmpeg, weights, an engine, a device or a server is missing.",
        ExitCode.INTERNAL: "A bug in qasr or an engine.",
        ExitCode.CANNOT_CREATE: "The output exists or cannot be created.",
        ExitCode.IO: "A disk is full or fails.",
        ExitCode.TRY_AGAIN: "Locked by another qasr process, or out of memory for a single chunk.",
        ExitCode.CONFIG: "A mistake in qasr.toml.",
        ExitCode.HUNG_UP: "The terminal is closed (SIGHUP); finished files are kept.",
        ExitCode.INTERRUPTED: "Interrupted by Ctrl-C; finished files are kept.",
        ExitCode.BROKEN_PIPE: "The reader of stdout has closed it.",
        ExitCode.TERMINATED: "Ended by SIGTERM; finished files are kept.",
    }
)


printable = escapes.printable  # for everything that makes a line about an error


class QasrError(Exception):
    """Base of every error that qasr raises on purpose.

    Args:
        message: One line that names the file or flag and what is wrong.
        hint: One line with the next step, or "" to keep the class's own.
        path: The file in the message, if there is one.
        flag: The flag in the message (`--max-cps`), if there is one.

    Attributes:
        reason: What is wrong, without the file, for texts that have the file elsewhere; for errors that are
            not made by `about` it is the message.
    """

    exit_code: ExitCode = ExitCode.INTERNAL
    hint: str = "please report this with the output of -vv"

    def __init__(
        self, message: str, hint: str = "", *, path: Path | None = None, flag: str | None = None
    ) -> None:
        super().__init__(message, hint)  # both in args, so that the error survives pickling
        self.path = path
        self.flag = flag
        self.message = self.reason = printable(message)
        self.hint = printable(hint or type(self).hint)

    @classmethod
    def about(cls, path: Path | str, reason: str, hint: str = "", *, flag: str | None = None) -> Self:
        """Return an error whose message is `path: reason`."""
        error = cls(f"{path}: {reason}", hint, path=Path(path), flag=flag)
        error.reason = printable(reason)
        return error

    def __str__(self) -> str:
        return self.message


class UsageError(QasrError):
    """Flags that contradict each other, or a value that a flag cannot take."""

    exit_code = ExitCode.USAGE
    hint = "see qasr --help"


class QualityError(QasrError):
    """A result exists and cannot be trusted."""

    exit_code = ExitCode.QUALITY
    hint = "check that the inputs belong together"


class UndecodableError(QasrError):
    """The input cannot be decoded: not media, no audio, not a transcript."""

    exit_code = ExitCode.DATA
    hint = "check the file with a media player"


class NoInputError(QasrError):
    """There is no such input."""

    exit_code = ExitCode.NO_INPUT
    hint = "check the path"


class UnavailableError(QasrError):
    """A program, model or device that is needed is not on this machine."""

    exit_code = ExitCode.UNAVAILABLE
    hint = "run qasr doctor to see what is missing"


class DeviceLostError(UnavailableError):
    """A device failed during the work; this process cannot compute anything more on it."""

    hint = "run the same command again; qasr doctor lists the devices; --device cpu needs none"


class RemoteError(UnavailableError):
    """The servers cannot do the work, so the run ends; no source is entered as failed for it."""

    hint = "check --server, --server-key and --server-model; qasr doctor tries the servers of the settings"


class ServersLostError(RemoteError):
    """No server answers any more; they may come back."""

    hint = "check that the servers run, then run the same command again to go on"


class CannotCreateError(QasrError):
    """An output cannot be created, or exists and must not be overwritten."""

    exit_code = ExitCode.CANNOT_CREATE
    hint = "use --overwrite to replace it, or -o DIR to write elsewhere"


class InputOutputError(QasrError):
    """The operating system failed to read or write."""

    exit_code = ExitCode.IO
    hint = "check the disk or network mount, then run the same command again"


class UnreachableError(InputOutputError):
    """The disk or mount of an input is gone; it may come back."""


class OutOfMemoryError(QasrError):
    """A batch did not fit into memory; only a batch of one is reported to the user."""

    exit_code = ExitCode.TRY_AGAIN
    hint = "close other programs, use a smaller --model, or shorten chunks with --chunk-seconds"


class LockedError(QasrError):
    """Another run holds the folder."""

    exit_code = ExitCode.TRY_AGAIN
    hint = "wait for it with --wait, or look later"


class UntimedError(QasrError):
    """The aligner failed on a chunk, so its words have interpolated times."""


class ConfigError(QasrError):
    """A configuration file has an unknown key or a wrong value."""

    exit_code = ExitCode.CONFIG
    hint = "see qasr transcribe --help for the names; a key is a long flag without its dashes"


def without_frames(error: QasrError) -> QasrError:
    """Return an error without the frames of its traceback, so that it can be stored.

    The frames keep the objects of each function alive: audio, and tensors on the device.
    """
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


_NO_PLACE = {
    *(errno.EACCES, errno.EPERM, errno.EROFS),
    *(errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENOENT),
}
_PLACE_HINT = "check the folder and its permissions, or use -o DIR"
# Names that Windows, its file systems and its shares do not take, wherever they are mounted.
_WINDOWS_CHARS = frozenset('<>:"|?*\\') | frozenset(map(chr, range(32)))
NAME_HINT = 'use a name without < > : " | ? * or a blank at its end (--name), or -o DIR on another disk'
_AGAIN = "then run the same command again"
# The next step of an error that is not of the place; anything else is the class's own.
_STEPS: Mapping[int, str] = MappingProxyType(
    {
        errno.ENOSPC: f"free some space, {_AGAIN}",
        errno.EDQUOT: f"free some space or raise the quota, {_AGAIN}",
        errno.EFBIG: "the file system (FAT: 4 GB) or ulimit -f allows no larger file; use another disk",
        errno.EIO: f"check the disk or network mount, {_AGAIN}",
        errno.EMFILE: f"raise the limit of open files (ulimit -n), {_AGAIN}",
        errno.ENFILE: f"close other programs, {_AGAIN}",
        errno.ENOMEM: f"close other programs, {_AGAIN}",
        errno.EBUSY: f"close the program that uses the file, {_AGAIN}",
        errno.ETXTBSY: f"close the program that uses the file, {_AGAIN}",
        errno.ENXIO: "give a regular file; a named pipe needs what reads it first",
        errno.ENOLCK: "the file system has no locks; use --state DIR on another disk",
        errno.EINVAL: "the file system does not support this; use a folder on another disk",
        errno.EOPNOTSUPP: "the file system does not support this; use a folder on another disk",
        errno.ENOSYS: "the file system does not support this; use a folder on another disk",
        errno.ELOOP: f"remove the link, {_AGAIN}",
        errno.EXDEV: "the file system does not support this; use a folder on another disk",
    }
    | dict.fromkeys(
        (
            *(errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.ECONNREFUSED, errno.ECONNRESET),
            *(errno.ECONNABORTED, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH),
            errno.ENODEV,
        ),
        f"check that the folder is still mounted, {_AGAIN}",
    )
)


def windows_chars(name: str) -> str:
    """Return the characters of a name that Windows, its file systems and its shares refuse."""
    return "".join(sorted(_WINDOWS_CHARS & set(name)))


def _is_for_windows(name: str) -> bool:
    return not windows_chars(name) and not name.endswith((" ", "."))


@contextlib.contextmanager
def naming(path: Path | str) -> Iterator[None]:
    """Add the name of a file to every error without a file."""
    try:
        yield
    except QasrError as error:
        if error.path is not None:
            raise
        raise type(error).about(path, error.message, error.hint, flag=error.flag) from error


def from_os_error(
    error: OSError, doing: str = "", *, path: Path | None = None, flag: str | None = None
) -> QasrError:
    """Return the qasr error for an `OSError` during writing.

    Args:
        error: The system's error.
        doing: Activity and file, as the begin of the message; "" begins with the file alone.
        path: The file, if there is one.
        flag: The flag in `doing`, if there is one.
    """
    kind, hint = _kind_and_hint(error.errno, "" if path is None else path.name)
    if flag is not None and kind is CannotCreateError:  # -o and --name concern other files
        hint = "check the folder and its permissions, or give another name"
    reason = error.strerror or type(error).__name__
    if path is not None and not doing:
        return kind.about(path, reason, hint, flag=flag)
    return kind(f"{doing}: {reason}", hint, path=path, flag=flag)


def from_read_error(error: OSError, path: Path, name: str = "") -> QasrError:
    """Return the qasr error for an `OSError` when an input is opened: of its path, permissions or disk.

    Args:
        error: The system's error.
        path: The input.
        name: Its name for people, if that is another.
    """
    shown, reason = name or path, error.strerror or "it cannot be read"
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        found: QasrError = NoInputError.about(shown, "no such file")
    elif error.errno in {errno.ELOOP, errno.ENAMETOOLONG}:
        found = NoInputError.about(shown, reason)
    elif isinstance(error, PermissionError):
        found = InputOutputError.about(shown, reason, "check its permissions")
    else:
        found = UnreachableError.about(shown, reason, _STEPS.get(error.errno or 0, ""))
    found.path = path
    return found


def _kind_and_hint(number: int | None, name: str) -> tuple[type[QasrError], str]:
    if number == errno.ENAMETOOLONG:
        return CannotCreateError, "use a shorter name (--name), or -o DIR with a shorter path"
    if number == errno.EILSEQ:
        return (
            CannotCreateError,
            "the file system refuses such characters; use --name, or -o DIR elsewhere",
        )
    if number == errno.EINVAL and not _is_for_windows(name):
        return CannotCreateError, NAME_HINT
    if number in _NO_PLACE:
        is_name = number in {errno.ENOENT, errno.EPERM, errno.EACCES} and not _is_for_windows(name)
        return CannotCreateError, f"{_PLACE_HINT}; or {NAME_HINT}" if is_name else _PLACE_HINT
    return InputOutputError, _STEPS.get(number or 0, "")
