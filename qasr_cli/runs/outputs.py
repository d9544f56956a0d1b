"""Where results go, and how they get there whole.

In go sources and rendered texts; out come files. A file appears under its name complete or not at all
(temporary file in the same folder, fsync, then a link or rename), and an existing one is never touched
unless the user said `--overwrite`.
"""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qasr_cli.errors import CannotCreateError, QasrError, from_os_error
from qasr_cli.options import OutputOptions
from qasr_cli.records import Source
from qasr_cli.runs.state.identity import Identity

DONE = "its outputs exist (--overwrite makes them anew)"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written for one source.

    Attributes:
        targets: Path of each format still to be written.
        existing: Path of each format that a found source has already.
        skip: Why nothing is to be done, in a few words; "" when there is.
        note: Why something is done that one would not expect, in a few words.
        replacing: Files that may be replaced if they are still so.
        error: Why the source cannot be read, or its results be written, at all.
    """

    source: Source
    targets: Mapping[str, Path]
    existing: Mapping[str, Path] = field(default_factory=dict)
    skip: str = ""
    note: str = ""
    replacing: Mapping[Path, Identity] = field(default_factory=dict)
    error: QasrError | None = None

    def may_replace(self, path: Path) -> bool:
        """Whether what is at a path now is qasr's own, as it was written."""
        known = self.replacing.get(path)
        return known is not None and known.is_of(path)


def plan(sources: Sequence[Source], options: OutputOptions, suffixes: Mapping[str, str]) -> list[Plan]:
    """Decide every output path before any work is done, so that a clash costs nothing.

    A source found in a folder whose outputs all exist is done; of one with some of them, only the rest
    is written (that is what a killed run leaves). A source that the user named is refused instead: they
    meant it.

    Args:
        sources: All of the run.
        options: Formats, folder, overwriting.
        suffixes: File name suffix of each format.
    """
    taken: dict[Path, Source] = {}
    folders: dict[Path, Path] = {}  # resolving one takes a system call for each of its parts
    plans = []
    for source in sources:
        targets = {} if options.is_stdout else _targets(source, options, suffixes)
        places = [_place(path, folders) for path in targets.values()]
        is_link = source.path.is_symlink()
        own = source.path.resolve() if is_link else _place(source.path, folders)
        error = _clash(source, own, places, taken)
        taken |= dict.fromkeys(places, source) if error is None else {}
        plans.append(Plan(source, {}, error=error) if error else _respect_existing(source, targets, options))
    return plans


def _place(path: Path, folders: dict[Path, Path]) -> Path:
    """Return a path with its folder resolved, so that every spelling of one place is the same."""
    parent = path.parent
    if parent not in folders:
        folders[parent] = parent.resolve()
    return folders[parent] / path.name


def _clash(
    source: Source, own: Path, places: Sequence[Path], taken: Mapping[Path, Source]
) -> CannotCreateError | None:
    """Return why a source may not be written to these places, if it may not even with `--overwrite`.

    `own` is the source's own place, of which it must keep off.
    """
    if own in places:
        return CannotCreateError(f"{source.path}: its result would replace the input itself", "use -o DIR")
    clash = next((place for place in places if place in taken), None)
    if clash is None:
        return None
    return CannotCreateError(
        f"{source.relative}: {taken[clash].relative} is transcribed to the same {clash.name}",
        "rename one of the two, or run them with different -o DIR",
    )


def _targets(source: Source, options: OutputOptions, suffixes: Mapping[str, str]) -> dict[str, Path]:
    folder = source.path.parent if options.folder is None else options.folder / source.relative.parent
    return {name: folder / (source.relative.stem + suffixes[name]) for name in options.formats}


def _respect_existing(source: Source, targets: dict[str, Path], options: OutputOptions) -> Plan:
    existing = {name: path for name, path in targets.items() if os.path.lexists(path)}
    if not existing or options.is_overwrite:
        return Plan(source, targets)
    if not source.is_found:
        first = next(iter(existing.values()))
        return Plan(source, {}, error=CannotCreateError(f"{first} exists already"))
    missing = {name: path for name, path in targets.items() if name not in existing}
    return Plan(source, missing, existing, skip="" if missing else DONE)


def write(path: Path, text: str, *, is_overwrite: bool) -> None:
    """Write `text` to `path` as UTF-8, all of it or nothing.

    Raises:
        CannotCreateError: It exists (and may have come into being only just now), or may not be created.
        InputOutputError: The disk is full or fails.
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=".qasr-", suffix=".tmp", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode("utf-8", "surrogateescape"))
            file.flush()
            os.fchmod(descriptor, 0o666 & ~_umask())  # mkstemp's 600 would hide a result from a media server
            os.fsync(descriptor)
        if is_overwrite:
            Path(temporary).replace(path)
            temporary = None
        else:
            _link(Path(temporary), path)
        _sync_folder(path.parent)
    except FileExistsError as error:
        raise CannotCreateError(f"{path} exists already") from error
    except OSError as error:
        raise from_os_error(error, f"writing {path}") from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def _link(temporary: Path, path: Path) -> None:
    """Give the file its name only if nobody has it: unlike a rename, a link never replaces."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links (FAT, some network mounts)
        if os.path.lexists(path):
            raise FileExistsError(path) from None
        temporary.rename(path)


@functools.cache  # reading it means setting it for a moment, which other threads would notice
def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current


def _sync_folder(folder: Path) -> None:
    # The name itself must survive a power cut too; some network file systems cannot and say so.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
