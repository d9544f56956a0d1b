"""Discovery: paths on the command line become sources in a stable order.

In go files, folders, patterns and lists; out come `Source` records, the files that were left out and why, and
the paths that could not be read. Whether a file really is media shows when it is decoded.
"""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qasr_cli.errors import NoInputError, QasrError, from_read_error
from qasr_cli.media.suffixes import MEDIA_SUFFIXES
from qasr_cli.options import FindOptions
from qasr_cli.records import Source
from qasr_cli.runs.files.name_keys import name_spellings
from qasr_cli.runs.inputs import selection
from qasr_cli.runs.inputs.folder_walk import Finding, FolderWalk, Tally, UnreadablePath
from qasr_cli.runs.inputs.passed_over import PassedOver
from qasr_cli.runs.inputs.selection import Candidate, LeftOut, LeftOutKind


@dataclass(frozen=True, slots=True)
class Discovered:
    """The sources of a run, and what was left out.

    Attributes:
        sources: In the order of the run.
        left_out: Files that this run does not transcribe, and why.
        failures: Paths of a list, and folders, that could not be read.
        passed_over: Counts of what may be media and was passed over in folders.
    """

    sources: list[Source]
    left_out: list[LeftOut]
    failures: list[UnreadablePath]
    passed_over: PassedOver = field(default_factory=PassedOver)


def discover(paths: Sequence[Path], options: FindOptions, listed: Sequence[Path] = ()) -> Discovered:
    """Return the sources that `paths` name, in the order given, a folder's in the order of their names.

    A file that has several names, or is named both by itself and by its folder, comes once.

    Args:
        paths: Of the command line: files, folders, and patterns that no shell has expanded.
        options: Filters and order.
        listed: Paths from a list; a missing one becomes a failure and does not end the run.

    Raises:
        NoInputError: One of `paths` does not exist, or there is no media in the folders at all.
        UnreachableError: The mount of one of them is gone.
    """
    tally = Tally()
    findings = [
        finding for path in paths for root in _expand(path) for finding in _inspect_root(root, options, tally)
    ]
    findings += [finding for path in listed for finding in _inspect_listed(path, options, tally)]
    failures = [finding for finding in findings if isinstance(finding, UnreadablePath)]
    left_out = [finding for finding in findings if isinstance(finding, LeftOut)]
    candidates = [finding for finding in findings if isinstance(finding, Candidate)]
    passed_over = PassedOver.of(left_out, tally)
    if paths and not (candidates or failures or any(_may_be_media(file, options) for file in left_out)):
        raise _no_media(paths, passed_over, options)
    chosen, unwanted = selection.select(candidates, options)
    sources = [Source(number, one.path, one.relative, one.is_found) for number, one in enumerate(chosen)]
    return Discovered(sources, [*left_out, *unwanted], failures, passed_over)


def _may_be_media(file: LeftOut, options: FindOptions) -> bool:
    match file.kind:
        case LeftOutKind.LINKED_FOLDER:
            return options.recursive
        case LeftOutKind.BROKEN_LINK | LeftOutKind.SPECIAL:
            return file.relative.suffix.lower() in MEDIA_SUFFIXES
        case _:
            return True


def _no_media(paths: Iterable[Path], passed_over: PassedOver, options: FindOptions) -> NoInputError:
    what = passed_over.words()
    hint = "check the folder" if options.recursive else "use -r to search its subfolders too"
    return NoInputError(
        f"no media files in {', '.join(map(str, paths))}{what and f'; passed over: {what}'}", hint
    )


def _expand(path: Path) -> list[Path]:
    """Return the path itself or, if it does not exist, its matches as a pattern (`*`, `?`, `[ab]`, `**`).

    Raises:
        NoInputError: There is no such path and no match.
    """
    if os.path.lexists(path) or not glob.has_magic(str(path)):
        return [path]
    matches: set[str] = set()
    for pattern in name_spellings(str(path)):
        matches.update(glob.glob(pattern, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    if not matches:
        raise NoInputError.about(path, "no file matches", "check the pattern")
    return [Path(match) for match in sorted(matches)]


def _inspect_root(root: Path, options: FindOptions, tally: Tally) -> Iterator[Finding]:
    try:
        status = root.stat()
    except OSError as error:
        raise _missing(root, error) from error
    if stat.S_ISDIR(status.st_mode):
        yield from FolderWalk(root, options, tally).findings()
    else:
        yield Candidate(root, Path(root.name), is_found=False, status=status)


def _inspect_listed(path: Path, options: FindOptions, tally: Tally) -> Iterator[Finding]:
    """Yield what a listed path stands for; a relative path keeps its folders, as in a tree that is walked."""
    try:
        status = path.stat()
    except OSError as error:
        yield UnreadablePath(path, _missing(path, error))
        return
    if stat.S_ISDIR(status.st_mode):
        yield from FolderWalk(path, options, tally).findings()
        return
    is_below = not path.is_absolute() and ".." not in path.parts
    yield Candidate(path, path if is_below else Path(path.name), is_found=True, status=status)


def _missing(path: Path, error: OSError) -> QasrError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return NoInputError.about(path, "no such file or folder")
    if isinstance(error, PermissionError):  # of a folder on the way to it
        return NoInputError.about(path, error.strerror or "may not be read")
    return from_read_error(error, path)
