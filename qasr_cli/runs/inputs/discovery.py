"""Discovery: paths on the command line become sources in a stable order.

In go files, folders, patterns and lists; out come `Source` records, the files that were left out and why, and
the paths that could not be read. Media in folders is recognised by its name, or by its first bytes where the
name does not decide; whether a file really is media shows when it is decoded.
"""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from qasr_cli.errors import InputOutputError, NoInputError, QasrError
from qasr_cli.media import signatures
from qasr_cli.options import FindOptions
from qasr_cli.records import Source
from qasr_cli.runs.inputs import selection
from qasr_cli.runs.inputs.selection import Candidate, LeftOut, LeftOutKind


@dataclass(frozen=True, slots=True)
class UnreadablePath:
    """A path that could not be read; the others go on."""

    path: Path
    error: QasrError


@dataclass(frozen=True, slots=True)
class Discovered:
    """The sources of a run, and what was left out.

    Attributes:
        sources: In the order of the run.
        left_out: Files that this run does not transcribe, and why.
        failures: Paths of a list, and folders, that could not be read.
    """

    sources: list[Source]
    left_out: list[LeftOut]
    failures: list[UnreadablePath]


_Finding = Candidate | LeftOut | UnreadablePath


def discover(paths: Sequence[Path], options: FindOptions, listed: Sequence[Path] = ()) -> Discovered:
    """Return the sources that `paths` name, in the order given, a folder's in the order of their names.

    A file that has several names, or is named both by itself and by its folder, comes once.

    Args:
        paths: Of the command line: files, folders, and patterns that no shell has expanded.
        options: Filters and order.
        listed: Paths from a list; a missing one becomes a failure and does not end the run.

    Raises:
        NoInputError: One of `paths` does not exist, or there is no media in the folders at all.
    """
    findings = [
        finding for path in paths for root in _expand(path) for finding in _inspect_root(root, options)
    ]
    findings += [finding for path in listed for finding in _inspect_listed(path, options)]
    failures = [finding for finding in findings if isinstance(finding, UnreadablePath)]
    left_out = [finding for finding in findings if isinstance(finding, LeftOut)]
    candidates = [finding for finding in findings if isinstance(finding, Candidate)]
    if paths and not (candidates or left_out or failures):
        hint = "check the folder" if options.recursive else "use -r to search its subfolders too"
        raise NoInputError(f"no media files in {', '.join(map(str, paths))}", hint)
    chosen, unwanted = selection.select(candidates, options)
    sources = [
        Source(number, candidate.path, candidate.relative, candidate.is_found)
        for number, candidate in enumerate(chosen)
    ]
    return Discovered(sources, [*left_out, *unwanted], failures)


def _expand(path: Path) -> list[Path]:
    """Return the path itself or, if it does not exist, its matches as a pattern (`*`, `?`, `[ab]`, `**`).

    Raises:
        NoInputError: There is no such path and no match.
    """
    if os.path.lexists(path) or not glob.has_magic(str(path)):
        return [path]
    matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    if not matches:
        raise NoInputError.about(path, "no file matches", "check the pattern")
    return [Path(match) for match in matches]


def _inspect_root(root: Path, options: FindOptions) -> Iterator[_Finding]:
    try:
        status = root.stat()
    except OSError as error:
        raise _missing(root, error) from error
    if stat.S_ISDIR(status.st_mode):
        yield from _walk(root, options.recursive)
    else:
        yield _candidate(root, Path(root.name), status, is_found=False)


def _inspect_listed(path: Path, options: FindOptions) -> Iterator[_Finding]:
    """Yield what a listed path stands for; a relative path keeps its folders, as in a tree that is walked."""
    try:
        status = path.stat()
    except OSError as error:
        yield UnreadablePath(path, _missing(path, error))
        return
    if stat.S_ISDIR(status.st_mode):
        yield from _walk(path, options.recursive)
        return
    is_below = not path.is_absolute() and ".." not in path.parts
    yield _candidate(path, path if is_below else Path(path.name), status, is_found=True)


def _missing(path: Path, error: OSError) -> NoInputError:
    is_gone = isinstance(error, FileNotFoundError | NotADirectoryError)
    return NoInputError.about(path, f"{'no such file or folder' if is_gone else error.strerror}")


def _candidate(
    path: Path, relative: Path, status: os.stat_result, *, is_found: bool, is_link: bool = False
) -> Candidate:
    identity = (status.st_dev, status.st_ino)
    return Candidate(path, relative, is_found, identity, status.st_mtime, status.st_size, is_link)


def _walk(root: Path, is_recursive: bool) -> Iterator[_Finding]:
    """Yield a folder's entries by name; links to folders are not followed, so there are no loops."""
    real_root = os.path.realpath(root)
    folders = [(os.fspath(root), "")]
    while folders:
        folder, prefix = folders.pop()
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            message = f"reading folder {folder}: {error.strerror}"
            yield UnreadablePath(
                Path(folder),
                InputOutputError(message, "check the folder and its permissions", path=Path(folder)),
            )
            continue
        names = {entry.name for entry in entries}
        below = []
        for entry in entries:
            if selection.is_ignored(entry.name):
                continue
            if _is_folder(entry):
                below.append((entry.path, f"{prefix}{entry.name}/"))
            elif finding := _inspect_entry(entry, prefix, names, real_root):
                yield finding
        if is_recursive:
            folders += reversed(below)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:  # some file systems need a call for an entry's type, which may fail
        return False


def _inspect_entry(
    entry: os.DirEntry[str], prefix: str, neighbours: set[str], real_root: str
) -> Candidate | LeftOut | None:
    """Return a candidate for media, the reason if a likely media file is left out, and None for the rest."""
    relative = Path(prefix + entry.name)
    if selection.is_partial(entry.name, neighbours):
        return LeftOut(relative, "a partial download or a working copy", LeftOutKind.UNSUITABLE)
    suffix = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122 - half the time of a Path's
    if suffix in selection.OTHER_SUFFIXES:
        return None
    try:
        status = entry.stat()
    except OSError:  # a link to nothing, a ring of links, or gone by now
        status = None
    why = "cannot be read" if status is None else _objection(entry, status, suffix, real_root)
    if status is not None and not why:
        return _candidate(Path(entry.path), relative, status, is_found=True, is_link=entry.is_symlink())
    return LeftOut(relative, why, LeftOutKind.UNSUITABLE) if suffix in selection.MEDIA_SUFFIXES else None


def _objection(entry: os.DirEntry[str], status: os.stat_result, suffix: str, real_root: str) -> str:
    """Return why a file is not media, or ""; the file is opened only if its name does not decide."""
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file"
    if entry.is_symlink() and not os.path.realpath(entry.path).startswith(real_root.rstrip(os.sep) + os.sep):
        return "a link that leads out of the folder"
    if suffix not in selection.MEDIA_SUFFIXES:
        return "" if signatures.is_media(_head(entry.path)) else "not media"
    if suffix in selection.AMBIGUOUS_SUFFIXES and signatures.is_text(_head(entry.path)):
        return "a text file despite its name"
    return ""


def _head(path: str) -> bytes:
    """Return a file's first bytes; b"" if it cannot be read, since decoding reports the reason."""
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - as above
            return file.read(signatures.HEAD_BYTES)
    except OSError:
        return b""
