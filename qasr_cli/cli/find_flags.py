"""The flags of `qasr transcribe` that say which files it is about, and what their words mean.

In go words of the command line; out come paths, times and parts. Defaults are read from `qasr_cli.options`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from qasr_cli.cli.flag import UNSET, flag
from qasr_cli.cli.flags import DEFAULTS
from qasr_cli.errors import UsageError
from qasr_cli.options import FindOptions, InputOptions

_WHICH = "Which files"
Recursive = Annotated[bool, flag(_WHICH, "Look into subfolders too.", *("--recursive", "-r"))]
FilesFrom = Annotated[
    str,
    flag(
        _WHICH,
        "Take paths from a list, one a line; [bold]-[/] reads it from stdin. Finished files are skipped, and "
        "a name that is not there does not stop the others.",
        "--files-from",
        metavar="FILE|-",
        **UNSET,
    ),
]
Null = Annotated[
    bool, flag(_WHICH, "Paths in the list end with a zero byte (find -print0).", *("--null", "-0"))
]
Include = Annotated[
    list[str] | None,
    flag(
        _WHICH,
        "Only files that match, such as '*.mkv', monday or 'talks/*/part-1*': without a slash the name of "
        "the file or of a folder above it, with one the whole path below INPUT. Repeatable.",
        "--include",
        metavar="GLOB",
        **UNSET,
    ),
]
Exclude = Annotated[
    list[str] | None,
    flag(
        _WHICH,
        "Not the files that match, in spite of --include. Repeatable.",
        "--exclude",
        metavar="GLOB",
        **UNSET,
    ),
]
NewerThan = Annotated[
    str,
    flag(
        _WHICH,
        "Only files that changed since a date (2026-03-31, 2026-03-31T18:00), within a time (45m, 12h, 7d, "
        "2w), or after another file did.",
        "--newer-than",
        metavar="DATE|7d|FILE",
        **UNSET,
    ),
]
Settle = Annotated[
    float | None,
    flag(
        _WHICH,
        "Leave a file that changed less than S seconds ago to a later run. Without it: named files are taken "
        "as they are; in folders and lists one that changed in the last 2 seconds is looked at again 2 "
        "seconds later, and left out if it still changes.",
        "--settle",
        metavar="S",
        **UNSET,
    ),
]
Order = Annotated[
    str,
    flag(
        _WHICH,
        "name (as given, folders by name), newest, oldest, largest or smallest first.",
        "--order",
        metavar="ORDER",
    ),
]
Shard = Annotated[
    str,
    flag(
        _WHICH,
        "Only part K of N, such as 2/8. Machines with the same folder agree on the parts.",
        "--shard",
        metavar="K/N",
        **UNSET,
    ),
]
Limit = Annotated[
    int | None,
    flag(_WHICH, "Work on N files at most; finished ones do not count.", "--limit", metavar="N", **UNSET),
]
EvenSubtitled = Annotated[
    bool,
    flag(
        _WHICH,
        "Also what has subtitles in its language already, beside it or inside. Without it, such a file of a "
        "folder or list is passed over where subtitles are all that is asked for.",
        "--even-subtitled",
    ),
]
DryRun = Annotated[
    bool, flag(_WHICH, "Only say what would happen to each file and why, on stdout.", "--dry-run", "-n")
]


@dataclass(frozen=True, slots=True)
class FindFlags:
    """Which files a run is about."""

    recursive: Recursive = DEFAULTS.find.recursive
    files_from: FilesFrom = ""
    null: Null = False
    include: Include = None
    exclude: Exclude = None
    newer_than: NewerThan = ""
    settle: Settle = DEFAULTS.find.settle_s
    order: Order = DEFAULTS.find.order
    shard: Shard = ""
    limit: Limit = DEFAULTS.find.limit
    even_subtitled: EvenSubtitled = DEFAULTS.find.even_subtitled
    dry_run: DryRun = False

    def request(self, inputs: Sequence[Path] | None) -> InputOptions:
        """Return where to look.

        Raises:
            UsageError: Nowhere.
        """
        if not inputs and not self.files_from:
            raise UsageError("Missing argument 'INPUT...'", "see qasr transcribe --help")
        if self.null and not self.files_from:
            raise UsageError("-0 is about the list of --files-from", "name the list, or leave -0 out")
        return InputOptions(inputs or [], self.files_from, self.null)

    def options(self) -> FindOptions:
        """Return which of what is found there is taken.

        Raises:
            UsageError: A flag says nothing that can be.
        """
        return FindOptions(
            recursive=self.recursive,
            include=tuple(self.include or ()),
            exclude=tuple(self.exclude or ()),
            newer_than_s=newer_than_s(self.newer_than),
            settle_s=self.settle,
            order=self.order,
            shard=shard_parts(self.shard),
            limit=self.limit,
            even_subtitled=self.even_subtitled,
        )


_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def newer_than_s(text: str) -> float | None:
    """Return the moment that `--newer-than` names, in seconds since 1970; None without the flag.

    Raises:
        UsageError: It names none.
    """
    if not text:
        return None
    span = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text)
    if span:
        return time.time() - float(span[1]) * _UNITS_S[span[2]]
    try:
        return datetime.fromisoformat(text).timestamp()  # without a zone: the machine's
    except (ValueError, OverflowError, OSError):
        pass
    try:
        return Path(text).stat().st_mtime
    except (OSError, ValueError):
        hint = "say a date such as 2026-03-31, a time such as 7d, or a file"
        raise UsageError(f"--newer-than {text}: no date, no time and no file", hint) from None


def shard_parts(text: str) -> tuple[int, int]:
    """Return k and n of `k/n`; one part of one without the flag.

    Raises:
        UsageError: It says something else.
    """
    if not text:
        return 1, 1
    parts = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text, re.ASCII)
    if not parts:
        raise UsageError(f"--shard {text}: say K/N with K from 1 to N, such as 2/8")
    return int(parts[1]), int(parts[2])
