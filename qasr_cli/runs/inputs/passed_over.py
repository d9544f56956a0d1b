"""Possible media that a search of folders passed over: counts, and a line about them.

In go the files that were left out and the counts of the walk; out come a line for people and fields for
programs. What the user's own options leave out (patterns, times, shards, limits) does not count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from qasr_cli.errors import printable
from qasr_cli.runs.inputs.folder_walk import FLAG, Tally
from qasr_cli.runs.inputs.selection import LeftOut, LeftOutKind

_MAX_NAMED = 5  # suffixes in the line; the report has all


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Counts of what a search of folders passed over.

    Attributes:
        n_links: Links to files outside the folder.
        n_linked_folders: Links to folders.
        n_broken_links: Broken links, and loops of links.
        n_special: FIFOs, sockets and devices.
        n_hidden: Hidden files with the suffix of media.
        unknown: Files that are neither media nor another known kind, by suffix ("" for none).
    """

    n_links: int = 0
    n_linked_folders: int = 0
    n_broken_links: int = 0
    n_special: int = 0
    n_hidden: int = 0
    unknown: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, left_out: Iterable[LeftOut], tally: Tally) -> PassedOver:
        """Count what was left out, in addition to what the walk counted."""
        kinds = Counter(file.kind for file in left_out)
        return cls(
            kinds[LeftOutKind.LINK],
            kinds[LeftOutKind.LINKED_FOLDER],
            kinds[LeftOutKind.BROKEN_LINK],
            kinds[LeftOutKind.SPECIAL],
            tally.n_hidden,
            dict(tally.unknown),
        )

    @property
    def n_unknown(self) -> int:
        """Number of files of unknown kind."""
        return sum(self.unknown.values())

    def fields(self) -> dict[str, object]:
        """Return the counts for a program, each by its name."""
        return {
            "links": self.n_links,
            "linked_folders": self.n_linked_folders,
            "broken_links": self.n_broken_links,
            "special_files": self.n_special,
            "hidden": self.n_hidden,
            "unknown": {printable(suffix): n for suffix, n in self._suffixes()},
        }

    def words(self) -> str:
        """Return the counts in one line, with what includes the files; "" if nothing was passed over."""
        links = _listed(_counted(self.n_links, "link"), _counted(self.n_linked_folders, "linked folder"))
        parts = (
            links and f"{links} ({FLAG})",
            self.unlisted_words(),
            _counted(self.n_broken_links, "broken link"),
            self.n_special and f"{_counted(self.n_special, 'special file')} (FIFO, socket or device)",
        )
        return "; ".join(part for part in parts if part)

    def unlisted_words(self) -> str:
        """Return the same for those that have no line of their own in `--dry-run`."""
        suffixes = [printable(suffix) or "no suffix" for suffix, _ in self._suffixes()]
        more = ", ..." if len(suffixes) > _MAX_NAMED else ""
        kinds = ", ".join(suffixes[:_MAX_NAMED]) + more
        unknown = _counted(self.n_unknown, "file") + f" of unknown kind ({kinds})" if suffixes else ""
        files = _listed(unknown, _counted(self.n_hidden, "hidden file"))
        it = "it" if self.n_unknown + self.n_hidden == 1 else "them"
        return f"{files} (name {it} to transcribe {it})" if files else ""

    def _suffixes(self) -> list[tuple[str, int]]:
        """Return the suffixes of unknown kinds, the most frequent first."""
        return sorted(self.unknown.items(), key=lambda pair: (-pair[1], pair[0]))


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}" if number else ""


def _listed(*parts: str) -> str:
    return ", ".join(filter(None, parts))
