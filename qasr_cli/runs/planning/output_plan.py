"""Output plans: the files to be written for each source.

In go sources; out come plans: the outputs of each source, or the reason to write nothing. Reads folders and
writes nothing; `files.atomic_write` writes the files.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from qasr_cli.errors import CannotCreateError, QasrError
from qasr_cli.operating_system import files
from qasr_cli.options import OutputOptions
from qasr_cli.records import Source
from qasr_cli.runs.files import spellings
from qasr_cli.runs.files.file_identity import Identity
from qasr_cli.runs.files.name_keys import name_key, path_key
from qasr_cli.runs.planning.output_names import OutputLayout, Target

_USUAL_NAME_BYTES = 255
DONE = "its outputs exist (--overwrite replaces them)"


@dataclass(frozen=True, slots=True)
class Plan:
    """The files to be written for one source.

    Attributes:
        targets: Target of each format that is still to be written.
        existing: Path of each format that a discovered source already has.
        places: Target of each format, whether it exists or not.
        skip: Why the source is skipped, in a few words; "" if it is not.
        note: Why the source is transcribed again, in a few words.
        replacing: Files that may be replaced if they still have this identity.
        error: Why the source cannot be read, or its results cannot be written.
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
        """Whether there is a file to write and no error."""
        return self.error is None and not self.skip

    def paths(self, language: str | None) -> dict[str, Path]:
        """Return the path of each format that is still to be written, for the recognised language."""
        return {name: target.path(language) for name, target in self.targets.items()}

    def may_replace(self, path: Path) -> bool:
        """Whether the file at a path, in any Unicode spelling, is unchanged since qasr wrote it."""
        old = path
        if path not in self.replacing and not str(path).isascii():
            key = path_key(path)
            old = next((one for one in self.replacing if path_key(one) == key), path)
        written = self.replacing.get(old)
        return written is not None and written.is_of(old)

    def outdated(self, name: str, path: Path) -> Path | None:
        """Return the file of another name that a format's new file, at `path`, replaces."""
        old = self.existing.get(name)
        return old if old is not None and old != path and self.may_replace(old) else None


# Returns the language of a source, for its results' names; None if it is not known yet.
LanguageOf = Callable[[Source], str | None]


def plan(
    sources: Sequence[Source], layout: OutputLayout, language_of: LanguageOf = lambda _: None
) -> list[Plan]:
    """Decide every output path before any work is done, so that a clash costs nothing.

    A source from a folder is done if all of its outputs exist; if some exist, only the missing ones are
    written (a killed run leaves this state). A source that the user named is refused instead, since the user
    meant it. If names hold the language and it is not known yet, a file in any language counts.

    Args:
        sources: All sources of the run.
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
            folder = source.path.parent
            if options.folder is not None:
                folder = folders.spelt(options.folder / source.relative.parent)
            language = language_of(source) if template.has_language else None
            targets = {
                name: template.target(folder, source.relative.stem, layout.suffixes[name], language)
                for name in options.formats
            }
        places = [replace(target.key, folder=folders.resolved(target.folder)) for target in targets.values()]
        error = _clash(source, media, places, taken)
        taken |= dict.fromkeys(places, source) if error is None else {}
        plans.append(
            Plan(source, {}, error=error) if error else _respect_existing(source, targets, options, folders)
        )
    return plans


def refuse_unwritable(plans: Sequence[Plan]) -> list[Plan]:
    """Return the plans, with an error where the results cannot be written, before hours are spent on them."""
    folders: dict[Path, _OutputFolder] = {}

    def check(plan: Plan) -> Plan:
        for target in plan.targets.values() if plan.is_work else ():
            if target.folder not in folders:
                folders[target.folder] = _OutputFolder.of(target.folder)
            objection = folders[target.folder].objection_to(target)
            if objection:
                subject, hint = objection
                error = CannotCreateError.about(plan.source.relative, subject, hint)
                return replace(plan, targets={}, error=error)
        return plan

    return [check(plan) for plan in plans]


@dataclass(frozen=True, slots=True)
class _OutputFolder:
    """Whether files can be created in a folder.

    Attributes:
        complaint: Why files cannot be created; "" if they can.
        longest_bytes: Longest name that its file system can hold.
    """

    complaint: str
    longest_bytes: int

    @classmethod
    def of(cls, folder: Path) -> _OutputFolder:
        """Inspect a folder, or the first one above that exists."""
        while not os.path.lexists(folder) and folder != folder.parent:
            folder = folder.parent
        if not os.path.isdir(folder):
            return cls(f"{folder} is not a folder", 0)
        is_open = os.access(folder, os.W_OK | os.X_OK)
        complaint = "" if is_open else f"folder {folder} is not writable"
        return cls(complaint, files.longest_name_bytes(folder) or _USUAL_NAME_BYTES)

    def objection_to(self, target: Target) -> tuple[str, str] | None:
        """Return why a file cannot be created here, and a hint; None if it can."""
        if self.complaint:
            return self.complaint, "check the folder and its permissions, or use -o DIR"
        # The shown name is longer than with any language in it: nearly always one check is enough.
        if len(os.fsencode(target.shown.name)) <= self.longest_bytes:
            return None
        n_bytes = min(len(os.fsencode(name)) for name in target.names())
        if n_bytes <= self.longest_bytes:
            return None
        subject = f"its result's name would have {n_bytes} bytes, and {self.longest_bytes} fit"
        return subject, "make it shorter with --name, or rename the file"


class SourcePlaces:
    """The places of a run's sources, which no result may take."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._names: dict[Path, dict[str, str]] = {}
        for path in paths:
            self._names.setdefault(path.parent, {})[name_key(path.name)] = path.name

    def at(self, place: Target) -> Path | None:
        """Return the source that a file at this place would replace; the place's name is a key."""
        names = self._names.get(place.folder, {})
        if not place.is_open:
            name = names.get(name_key(place.path().name))
            return None if name is None else place.folder / name
        return next(
            (place.folder / names[name] for name in map(name_key, place.names()) if name in names), None
        )


@dataclass(slots=True)
class FolderCache:
    """A cache of folder listings: much faster for ten thousand files."""

    _resolved: dict[Path, Path] = field(default_factory=dict)
    _names: dict[Path, dict[str, str]] = field(default_factory=dict)
    _spelt: dict[Path, Path] = field(default_factory=dict)

    def resolved(self, folder: Path) -> Path:
        """Return a folder so that every spelling of one place is the same.

        Folders that exist are told apart as the disk does; two names of a new one may become one there.
        """
        if folder not in self._resolved:
            real = files.real_path(folder)
            self._resolved[folder] = real if os.path.exists(real) else path_key(real)
        return self._resolved[folder]

    def spelt(self, folder: Path) -> Path:
        """Return a folder as it is spelt on the disk, if it exists there."""
        if folder not in self._spelt:
            self._spelt[folder] = spellings.spelt(folder)
        return self._spelt[folder]

    def resolved_file(self, path: Path) -> Path:
        """Return a file so that every spelling of one place is the same."""
        return files.real_path(path) if os.path.islink(path) else self.resolved(path.parent) / path.name

    def existing(self, target: Target) -> Path | None:
        """Return the file that is at a target, in any spelling, and in any language where that is open."""
        if not target.is_open:
            path = target.path()
            if path.name.isascii() or os.path.lexists(path):
                return path if os.path.lexists(path) else None
        names = self._listed(target.folder)
        found = next((names[name] for name in map(name_key, target.names()) if name in names), None)
        return None if found is None else target.folder / found

    def _listed(self, folder: Path) -> dict[str, str]:
        """Return a folder's names by their keys."""
        if folder not in self._names:
            try:
                self._names[folder] = {name_key(name): name for name in os.listdir(folder)}  # noqa: PTH208 - names only
            except OSError:  # the folder does not exist yet, or writing reports what is wrong
                self._names[folder] = {}
        return self._names[folder]


def _clash(
    source: Source, media: SourcePlaces, places: Sequence[Target], taken: Mapping[Target, Source]
) -> CannotCreateError | None:
    """Return why a source's results may not be written here, even with `--overwrite`; else None."""
    replaced = next(filter(None, map(media.at, places)), None)
    if replaced is not None:
        is_itself = name_key(replaced.name) == name_key(source.path.name)
        whose = "the input itself" if is_itself else f"the input {replaced.name}"
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
        return Plan(source, {}, error=CannotCreateError(f"{first} already exists", path=first))
    missing = {name: target for name, target in targets.items() if name not in existing}
    return Plan(source, missing, existing, targets, skip="" if missing else DONE)
