"""Output roots of sources, and where the state of their runs lies: in `.qasr`, or in `--state`.

With `-o DIR` the root is DIR; otherwise the folder that was searched, or the folder of a file that was named.
If a folder above already has a state, that folder is the root: a run over a part of an archive and the run
over all of it share their state. State that does not count (see `trusted_files`) is as if it were not there.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qasr_cli.operating_system.files import real_path
from qasr_cli.options import Options
from qasr_cli.records import Source
from qasr_cli.runs.files import ownership, spellings
from qasr_cli.runs.files.name_keys import name_key
from qasr_cli.runs.state import trusted_files
from qasr_cli.runs.state.ledger import Ledger, LedgerEntry
from qasr_cli.runs.state.trusted_files import FOLDER_NAME

logger = logging.getLogger(__name__)


class OutputRoots:
    """The output roots of a run.

    Args:
        sources: All sources of the run.
        output_folder: Folder of `-o`; None writes beside the media.
    """

    def __init__(self, sources: Sequence[Source], output_folder: Path | None) -> None:
        self._output_folder = None if output_folder is None else real_path(output_folder)
        self._resolved: dict[str, Path] = {}
        start_folder = set() if self._output_folder else {self._start_folder(source) for source in sources}
        self._outer = {root: _outermost(root, start_folder) for root in start_folder}

    def of(self, source: Source) -> Path:
        """Return a source's output root, absolute."""
        start_folder = self._start_folder(source)
        return self._output_folder or self._outer.get(start_folder, start_folder)

    def _start_folder(self, source: Source) -> Path:
        """Return the folder that the source's relative path starts in."""
        path, relative = os.fspath(source.path), os.fspath(source.relative)
        text = path[: -len(relative)] if path.endswith(relative) else os.path.dirname(path)  # noqa: PTH120 - fast
        if text not in self._resolved:
            self._resolved[text] = real_path(Path(text or "."))
        return self._resolved[text]


def _outermost(root: Path, others: set[Path]) -> Path:
    """Return the highest folder from here up that is a root of this run or has a writable state."""
    above = [folder for folder in root.parents if folder in others or _has_state(folder)]
    return above[-1] if above else root


def _has_state(folder: Path) -> bool:
    state = folder / FOLDER_NAME
    # Links are dirs here too, so that the one that is not followed is named.
    return os.path.isdir(state) and os.access(state, os.W_OK) and trusted_files.counts(state)


@dataclass(frozen=True, slots=True)
class StateFolder:
    """An output root and its state. Without a ledger, only checkpoints are kept there.

    Attributes:
        root: Files below it are named by their path from here, so that an archive may move with its state.
            With `--state` it is the state folder itself: several roots may share it, so names are absolute.
    """

    root: Path
    folder: Path
    ledger: Ledger | None
    _folders: dict[Path, str] = field(default_factory=dict)

    def name(self, path: Path) -> str:
        """Return a file's name in the ledger, however its folder is spelt."""
        parent = path.parent
        if parent not in self._folders:
            real = real_path(parent)
            is_below = real.is_relative_to(self.root)
            self._folders[parent] = os.fspath(real.relative_to(self.root) if is_below else real)
        folder = self._folders[parent]
        return path.name if folder == "." else f"{folder.rstrip(os.sep)}{os.sep}{path.name}"

    def key(self, path: Path) -> str:
        """Return what a file's name in the ledger is compared by: one key for all its Unicode spellings."""
        return name_key(self.name(path))

    def path(self, name: str) -> Path:
        """Return the path of a name in the ledger, as it is spelt on this disk."""
        return spellings.spelt(self.root / name)

    def has_beside(self, source: Source, name: str) -> bool:
        """Whether a file of the ledger exists in the source's folder or below; others are not looked for."""
        folder = os.path.dirname(self.name(source.path))  # noqa: PTH120 - a name, not a path
        is_near = (
            name.startswith(f"{folder.rstrip(os.sep)}{os.sep}") if folder else not name.startswith(os.sep)
        )
        return is_near and spellings.exists(self.root / name)

    def entry(self, source: Source) -> LedgerEntry | None:
        """Return a source's entry in the ledger."""
        return None if self.ledger is None else self.ledger.entries.get(self.key(source.path))


def root_and_state(root: Path, options: Options) -> tuple[Path, Path]:
    """Return the folder that an output root's names are relative to, and its state folder."""
    start_folder = options.run.state
    return (start_folder, start_folder) if start_folder is not None else (root, root / FOLDER_NAME)


def shard_part(options: Options) -> str:
    """Return the name of a run's shard in its state files; "" for a run without shards."""
    part, n_parts = options.find.shard
    return f".{part}-of-{n_parts}" if n_parts > 1 else ""


def can_keep_state(folder: Path) -> bool:
    """Create a state folder, and return whether state can be kept there; if not, the reason is logged."""
    if not trusted_files.counts(folder):
        return False
    try:
        ownership.make_folder(folder)
    except OSError as error:
        logger.warning(
            "%s: %s; without it failures are not remembered; --state DIR keeps it elsewhere",
            folder,
            error.strerror,
        )
        return False
    return os.access(folder, os.R_OK | os.W_OK)


def inner_state_folders(sources: Sequence[Source], options: Options) -> set[Path]:
    """Return the state folders below the searched ones, in which another run may be in progress."""
    if options.output.folder is not None or options.run.state is not None:
        return set()
    # Of ten thousand files few folders are left to look into.
    searched = {(source.path.parent, len(source.relative.parts) - 1) for source in sources if source.is_found}
    below = {folder for parent, depth in searched for folder in (parent, *parent.parents)[:depth]}
    locks = [folder / FOLDER_NAME / "lock" for folder in below]
    return {lock.parent for lock in locks if os.access(lock, os.W_OK) and trusted_files.counts(lock.parent)}
