"""Where results go.

In go sources; out come plans: what is to be written for each, and why nothing is. Looks at what is there and
writes nothing; how a file gets there whole is in `writing`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qasr_cli.errors import CannotCreateError, QasrError
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
