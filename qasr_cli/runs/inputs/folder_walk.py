"""The walk through a folder: which of its files may be media, and what else lies there.

In goes a folder; out come candidates, files and folders that are left out with the reason, and counts of what
is not worth a line each. Media is recognised by its name, or by its first bytes where the name does not
decide. Links out of the folder and links to folders are followed only if asked for; each folder is walked
once, so a loop of links ends.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qasr_cli.errors import InputOutputError, QasrError, from_os_error
from qasr_cli.media import signatures
from qasr_cli.media.suffixes import AMBIGUOUS_SUFFIXES, MEDIA_SUFFIXES
from qasr_cli.operating_system import files
from qasr_cli.options import FindOptions
from qasr_cli.runs.inputs import selection
from qasr_cli.runs.inputs.selection import Candidate, LeftOut, LeftOutKind

FLAG = "--follow-links"


@dataclass(frozen=True, slots=True)
class UnreadablePath:
    """A path that could not be read; the others go on."""

    path: Path
    error: QasrError


Finding = Candidate | LeftOut | UnreadablePath


@dataclass(slots=True)
class Tally:
    """Counts of what a walk passes over without a line each.

    Attributes:
        unknown: Files that are neither media nor another known kind, by suffix ("" for none).
        n_hidden: Hidden files with the suffix of media.
    """

    unknown: Counter[str] = field(default_factory=Counter)
    n_hidden: int = 0


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder on the way: its path, the path below the root with a slash, and the path without links."""

    path: str
    prefix: str
    real: str
    is_linked: bool = False


class FolderWalk:
    """A walk through one folder of the user.

    Args:
        root: The folder.
        options: Whether to include subfolders and what links lead to.
        tally: Counts are added here.
    """

    def __init__(self, root: Path, options: FindOptions, tally: Tally) -> None:
        self._options = options
        self._tally = tally
        self._root = os.path.realpath(root)
        self._folders = [_Folder(os.fspath(root), "", self._root)]
        self._linked: deque[_Folder] = deque()
        self._scanned: dict[str, str] = {}  # path without links: path below the root

    def findings(self) -> list[Finding]:
        """Return what is found, folder by folder in the order of their names.

        Real folders are walked before linked ones, so that a file is found under its real name if it has one
        below the root.
        """
        by_folder: list[tuple[list[str], list[Finding]]] = []
        while self._folders or self._linked:
            folder = self._folders.pop() if self._folders else self._linked.popleft()
            if folder.real not in self._scanned:
                self._scanned[folder.real] = folder.prefix
                by_folder.append((folder.prefix.split("/"), self._inspect(folder)))
            elif folder.is_linked:
                by_folder.append((folder.prefix.split("/"), [self._again(folder)]))
        if self._options.follow_links:
            by_folder.sort(key=lambda pair: pair[0][:-1])
        return [finding for _, found in by_folder for finding in found]

    def _again(self, folder: _Folder) -> LeftOut:
        first = self._scanned[folder.real].rstrip("/")
        why = f"a link to {first}, which is searched" if first else "a link to the folder that is searched"
        return LeftOut(Path(folder.prefix), why, LeftOutKind.DUPLICATE)

    def _inspect(self, folder: _Folder) -> list[Finding]:
        try:
            with os.scandir(folder.path) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            where, doing = Path(folder.path), f"reading folder {folder.path}"
            complaint = from_os_error(error, doing, path=where)  # of the disk, unless the place is to blame
            if not isinstance(complaint, InputOutputError):
                hint = "check the folder and its permissions"
                complaint = InputOutputError(f"{doing}: {error.strerror}", hint, path=where)
            return [UnreadablePath(where, complaint)]
        names = {entry.name for entry in entries}
        found: list[Finding] = []
        below: list[_Folder] = []
        for entry in entries:
            if selection.is_ignored(entry.name):
                self._tally.n_hidden += _is_hidden_media(entry.name)
            elif _is_folder(entry):
                real = f"{folder.real.rstrip(os.sep)}{os.sep}{entry.name}"
                below.append(_Folder(entry.path, f"{folder.prefix}{entry.name}/", real, folder.is_linked))
            elif _is_linked_folder(entry):
                found += self._linked_folder(entry, folder)
            elif finding := self._file(entry, folder, names):
                found.append(finding)
        if self._options.recursive:
            self._folders += reversed(below)
        return found

    def _linked_folder(self, entry: os.DirEntry[str], folder: _Folder) -> Sequence[Finding]:
        prefix, real = f"{folder.prefix}{entry.name}/", os.path.realpath(entry.path)
        if self._options.follow_links and self._options.recursive:
            self._linked.append(_Folder(entry.path, prefix, real, is_linked=True))
            return ()
        if self._is_searched(real):
            return ()
        flags = FLAG if self._options.recursive else f"-r {FLAG}"
        why = f"a linked folder ({flags} searches it)"
        return (LeftOut(Path(prefix), why, LeftOutKind.LINKED_FOLDER),)

    def _file(self, entry: os.DirEntry[str], folder: _Folder, neighbours: set[str]) -> Finding | None:
        """Return a candidate for media, why a likely media file is left out, and None for the rest."""
        relative = Path(folder.prefix + entry.name)
        if selection.is_partial(entry.name, neighbours):
            return LeftOut(relative, "a partial download or a working copy", LeftOutKind.UNSUITABLE)
        suffix = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122 - half the time of a Path's
        if suffix in selection.OTHER_SUFFIXES:
            return None
        try:
            status = entry.stat()
        except OSError as error:
            return _unreachable(entry, relative, suffix, error)
        return self._reached(entry, folder, relative, status)

    def _reached(
        self, entry: os.DirEntry[str], folder: _Folder, relative: Path, status: os.stat_result
    ) -> Finding | None:
        if not stat.S_ISREG(status.st_mode):
            return LeftOut(relative, f"{_kind(status.st_mode)}, not a file", LeftOutKind.SPECIAL)
        suffix = relative.suffix.lower()
        if not self._is_media(entry, suffix, status.st_size):
            is_named = suffix in MEDIA_SUFFIXES
            why = "a text file despite its name"
            return LeftOut(relative, why, LeftOutKind.UNSUITABLE) if is_named else None
        is_link = entry.is_symlink()
        if is_link and not self._options.follow_links and not self._is_below_root(entry.path):
            why = f"a link that leads out of the folder ({FLAG} includes it)"
            return LeftOut(relative, why, LeftOutKind.LINK)
        return Candidate(Path(entry.path), relative, True, status, is_link or folder.is_linked)

    def _is_media(self, entry: os.DirEntry[str], suffix: str, n_bytes: int) -> bool:
        """Whether a file may be media; it is opened only if its name does not decide."""
        if suffix in MEDIA_SUFFIXES:
            return suffix not in AMBIGUOUS_SUFFIXES or not signatures.is_text(_head(entry.path) or b"")
        head = _head(entry.path) if n_bytes else b""
        if head and signatures.is_media(head):
            return True
        if head is None or not signatures.is_known_other(head):
            self._tally.unknown[suffix] += 1
        return False

    def _is_searched(self, real: str) -> bool:
        """Whether a folder is found under its own name."""
        if real == self._root:
            return True
        above = self._root.rstrip(os.sep) + os.sep
        inner = Path(real.removeprefix(above)).parts if real.startswith(above) else ()
        return self._options.recursive and bool(inner) and not any(map(selection.is_ignored, inner))

    def _is_below_root(self, path: str) -> bool:
        return os.path.realpath(path).startswith(self._root.rstrip(os.sep) + os.sep)


def _is_hidden_media(name: str) -> bool:
    """Whether a file is hidden media; `._film.mp4` holds metadata that macOS keeps of `film.mp4`."""
    return not name.startswith("._") and os.path.splitext(name)[1].lower() in MEDIA_SUFFIXES  # noqa: PTH122


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:  # some file systems need a call for an entry's type, which may fail
        return False


def _is_linked_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_symlink() and entry.is_dir()
    except OSError:  # a loop of links
        return False


def _unreachable(entry: os.DirEntry[str], relative: Path, suffix: str, error: OSError) -> LeftOut | None:
    """Return why a file that has no status is left out; None if it is gone by now, and was hardly media."""
    if entry.is_symlink():
        is_loop = error.errno == errno.ELOOP
        is_nothing = error.errno in {errno.ENOENT, errno.ENOTDIR}
        why = "a loop of links" if is_loop else "a broken link" if is_nothing else "a link that leads nowhere"
        return LeftOut(relative, f"{why} ({error.strerror})", LeftOutKind.BROKEN_LINK)
    if suffix not in MEDIA_SUFFIXES:
        return None
    return LeftOut(relative, f"cannot be read ({error.strerror})", LeftOutKind.UNSUITABLE)


def _kind(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a FIFO"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"


def _head(path: str) -> bytes | None:
    """Return a file's first bytes; None if it cannot be read."""
    try:
        descriptor = files.open_regular(Path(path))
    except OSError:
        return None
    try:
        return os.read(descriptor, signatures.HEAD_BYTES)
    except OSError:
        return None
    finally:
        os.close(descriptor)
