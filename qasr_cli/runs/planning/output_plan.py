"""Where results go.

In go sources; out come plans: what is to be written for each, and why nothing is. Looks at what is there and
writes nothing; how a file gets there whole is in `files.atomic_write`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from qasr_cli.errors import CannotCreateError, QasrError
from qasr_cli.options import OutputOptions
from qasr_cli.records import Source
from qasr_cli.runs.files.file_identity import Identity
from qasr_cli.runs.planning.output_names import OutputLayout, Target

_USUAL_NAME_BYTES = 255
DONE = "its outputs exist (--overwrite makes them anew)"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written for one source.

    Attributes:
        targets: Where each format goes that is still to be written.
        existing: Path of each format that a found source has already.
        places: Where each format goes, whether it is there or not.
        skip: Why nothing is to be done, in a few words; "" when there is.
        note: Why something is done that one would not expect, in a few words.
        replacing: Files that may be replaced if they are still so.
        error: Why the source cannot be read, or its results be written, at all.
    """

    source: Source
    targets: Mapping[str, Target]
    existing: Mapping[str, Path] = field(default_factory=dict)
    places: Mapping[str, Target] = field(default_factory=dict)
    skip: str = ""
    note: str = ""
    replacing: Mapping[Path, Identity] = field(default_factory=dict)
    error: QasrError | None = None

    @property
    def is_work(self) -> bool:
        """Whether there is something to be done, and nothing against it."""
        return self.error is None and not self.skip

    def paths(self, language: str | None) -> dict[str, Path]:
        """Return where each format goes that is still to be written, now that the language is known."""
        return {name: target.path(language) for name, target in self.targets.items()}

    def may_replace(self, path: Path) -> bool:
        """Whether what is at a path now is qasr's own, as it was written."""
        written = self.replacing.get(path)
        return written is not None and written.is_of(path)

    def outdated(self, name: str, path: Path) -> Path | None:
        """Return the file that a format's new one, at `path`, takes the place of under another name."""
        old = self.existing.get(name)
        return old if old is not None and old != path and self.may_replace(old) else None


# Returns the language of a source, for its results' names; None where it is not known yet.
LanguageOf = Callable[[Source], str | None]


def plan(
    sources: Sequence[Source], layout: OutputLayout, language_of: LanguageOf = lambda _: None
) -> list[Plan]:
    """Decide every output path before any work is done, so that a clash costs nothing.

    A source found in a folder whose outputs all exist is done; of one with some of them, only the rest
    is written (that is what a killed run leaves). A source that the user named is refused instead: they
    meant it. Where names hold the language and it is not known yet, a file in any language will do.

    Args:
        sources: All of the run.
        layout: Formats, folder, names, overwriting.
        language_of: Returns a source's language; called only where names hold it.
    """
    options, template = layout.options, layout.template
    taken: dict[Target, Source] = {}
    folders = FolderCache()
    media = SourcePlaces(folders.resolved_file(source.path) for source in sources)
    plans = []
    for source in sources:
        targets = {}
        if not options.is_stdout:
            folder = source.path.parent if options.folder is None else options.folder / source.relative.parent
            language = language_of(source) if template.has_language else None
            targets = {
                name: template.target(folder, source.relative.stem, layout.suffixes[name], language)
                for name in options.formats
            }
        places = [replace(target, folder=folders.resolved(target.folder)) for target in targets.values()]
        error = _clash(source, media, places, taken)
        taken |= dict.fromkeys(places, source) if error is None else {}
        plans.append(
            Plan(source, {}, error=error) if error else _respect_existing(source, targets, options, folders)
        )
    return plans


def refuse_unwritable(plans: Sequence[Plan]) -> list[Plan]:
    """Return the plans; those whose results could not be written have failed before hours are spent on it."""
    grounds: dict[Path, _OutputFolder] = {}

    def check(plan: Plan) -> Plan:
        for target in plan.targets.values() if plan.is_work else ():
            if target.folder not in grounds:
                grounds[target.folder] = _OutputFolder.of(target.folder)
            objection = grounds[target.folder].objection_to(target)
            if objection:
                what, hint = objection
                error = CannotCreateError.about(plan.source.relative, what, hint)
                return replace(plan, targets={}, error=error)
        return plan

    return [check(plan) for plan in plans]


@dataclass(frozen=True, slots=True)
class _OutputFolder:
    """What a folder is for files that are to be made in it.

    Attributes:
        complaint: Why none can be made; "" if they can.
        longest_bytes: The longest name that its file system can hold.
    """

    complaint: str
    longest_bytes: int

    @classmethod
    def of(cls, folder: Path) -> _OutputFolder:
        """Look at a folder, or at the first one above that exists."""
        while not os.path.lexists(folder) and folder != folder.parent:
            folder = folder.parent
        if not folder.is_dir():
            return cls(f"{folder} is not a folder", 0)
        is_open = os.access(folder, os.W_OK | os.X_OK)
        complaint = "" if is_open else f"folder {folder} cannot be written to"
        try:
            return cls(complaint, os.pathconf(folder, "PC_NAME_MAX"))
        except OSError:  # not every file system knows
            return cls(complaint, _USUAL_NAME_BYTES)

    def objection_to(self, target: Target) -> tuple[str, str] | None:
        """Return why a file cannot be made here, and what to do about it; None if it can."""
        if self.complaint:
            return self.complaint, "check the folder and its permissions, or use -o DIR"
        # As it is shown a name is longer than with any language in it: nearly always one look is enough.
        if len(os.fsencode(target.shown.name)) <= self.longest_bytes:
            return None
        n_bytes = min(len(os.fsencode(name)) for name in target.names())
        if n_bytes <= self.longest_bytes:
            return None
        what = f"its result's name would have {n_bytes} bytes, and {self.longest_bytes} fit"
        return what, "make it shorter with --name, or rename the file"


class SourcePlaces:
    """The places of a run's sources, which no result may take."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._names: dict[Path, set[str]] = {}
        for path in paths:
            self._names.setdefault(path.parent, set()).add(path.name)

    def at(self, place: Target) -> Path | None:
        """Return the source that a file at this place would replace."""
        there = self._names.get(place.folder, set())
        if not place.is_open:
            return place.path() if place.path().name in there else None
        return next((place.folder / name for name in place.names() if name in there), None)


@dataclass(slots=True)
class FolderCache:
    """Folders that were looked at, each once: of ten thousand files that is much faster."""

    _resolved: dict[Path, Path] = field(default_factory=dict)
    _names: dict[Path, frozenset[str]] = field(default_factory=dict)

    def resolved(self, folder: Path) -> Path:
        """Return a folder so that every spelling of one place is the same."""
        if folder not in self._resolved:
            self._resolved[folder] = folder.resolve()
        return self._resolved[folder]

    def resolved_file(self, path: Path) -> Path:
        """Return a file so that every spelling of one place is the same."""
        return path.resolve() if path.is_symlink() else self.resolved(path.parent) / path.name

    def existing(self, target: Target) -> Path | None:
        """Return the file that is at a target, in any language where that is open."""
        if not target.is_open:
            path = target.path()
            return path if os.path.lexists(path) else None
        if target.folder not in self._names:
            try:
                self._names[target.folder] = frozenset(os.listdir(target.folder))  # noqa: PTH208 - names only
            except OSError:  # nothing is there yet; or writing will say what is wrong
                self._names[target.folder] = frozenset()
        there = self._names[target.folder]
        return next((target.folder / name for name in target.names() if name in there), None)


def _clash(
    source: Source, media: SourcePlaces, places: Sequence[Target], taken: Mapping[Target, Source]
) -> CannotCreateError | None:
    """Return why a source may not be written to these places, if it may not even with `--overwrite`."""
    replaced = next(filter(None, map(media.at, places)), None)
    if replaced is not None:
        whose = "the input itself" if replaced.name == source.path.name else f"the input {replaced.name}"
        return CannotCreateError.about(source.path, f"its result would replace {whose}", "use -o DIR")
    clash = next((place for place in places if place in taken), None)
    if clash is None:
        return None
    return CannotCreateError.about(
        source.relative,
        f"{taken[clash].relative} is transcribed to the same {clash.shown.name}",
        "rename one of the two, or run them with different -o DIR",
    )


def _respect_existing(
    source: Source, targets: dict[str, Target], options: OutputOptions, folders: FolderCache
) -> Plan:
    if options.overwrite:
        return Plan(source, targets, places=targets)
    existing = {name: path for name, target in targets.items() if (path := folders.existing(target))}
    if not existing:
        return Plan(source, targets, places=targets)
    if not source.is_found:
        first = next(iter(existing.values()))
        return Plan(source, {}, error=CannotCreateError(f"{first} exists already", path=first))
    missing = {name: target for name, target in targets.items() if name not in existing}
    return Plan(source, missing, existing, targets, skip="" if missing else DONE)
