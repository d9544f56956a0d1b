"""Options of runs: file selection, run control, hooks, watching. None changes a result."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from qasr_cli.errors import UsageError
from qasr_cli.options.flag import HOOKS, RUN, SELECTION, WATCHING, option, require
from qasr_cli.options.harmless import is_time

ORDERS = ("name", "newest", "oldest", "largest", "smallest")
_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_MAX_TIMEOUT_S = 86_400.0  # a day; sockets and waits overflow from about 300 years on


@dataclass(frozen=True, slots=True)
class InputOptions:
    """The inputs: paths, folders and patterns, and the name of a list of further paths.

    Attributes:
        inputs: Paths as typed; `-` is stdin.
        files_from: File with one path a line, `-` for stdin, "" for none.
        null: Paths in that list end with a zero byte.
    """

    inputs: Sequence[Path] = ()
    files_from: str = option(
        "",
        SELECTION,
        "Read input paths from a file, or - for stdin, one per line. Finished files are skipped; a missing "
        "file does not stop the others.",
        "--files-from",
        metavar="FILE|-",
        is_path=True,
    )
    null: bool = option(
        False,
        SELECTION,
        "Paths in the --files-from list end with a zero byte (find -print0).",
        "--null",
        "-0",
    )


def newer_than_s(text: str) -> float | None:
    """Return the time of `--newer-than`, in seconds since 1970; None without the flag.

    Raises:
        UsageError: It is not a date, an age or a file.
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
        hint = "give a date such as 2026-03-31, an age such as 7d, or a file"
        message = f"--newer-than {text}: not a date, an age or a file"
        raise UsageError(message, hint, flag="--newer-than") from None


def shard_parts(text: str) -> tuple[int, int]:
    """Return k and n of `k/n`; (1, 1) without the flag.

    Raises:
        UsageError: The text is not of this form.
    """
    if not text:
        return 1, 1
    parts = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text, re.ASCII)
    if not parts:
        raise UsageError(f"--shard {text}: give K/N with K from 1 to N, such as 2/8", flag="--shard")
    return int(parts[1]), int(parts[2])


def _patterns(globs: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(globs or ())


@dataclass(frozen=True, slots=True)
class FindOptions:
    """Selection and order of the files of a run.

    Attributes:
        include: Patterns; if there are any, only matching files are taken.
        exclude: Patterns; matching files are left out.
        newer_than_s: Seconds since 1970; only files that changed after it.
        settle_s: A file that changed within so many seconds is left to a later run. None: named files are
            taken as they are, discovered ones are checked twice (`runs.planning.queue`).
        shard: (k, n): the k-th of n shards, counted from 1.
        limit: Maximum number of files to work on; finished ones do not count.
        even_subtitled: Discovered files with subtitles from other programs are taken, too.
    """

    recursive: bool = option(False, SELECTION, "Search subfolders too.", "--recursive", "-r", harmless=True)
    follow_links: bool = option(
        False,
        SELECTION,
        "In folders, follow symbolic links to files outside the folder and, with subfolders, to folders. "
        "Each folder is searched once.",
        "--follow-links",
    )
    include: tuple[str, ...] = option(
        (),
        SELECTION,
        "Only files that match GLOB, such as '*.mkv', monday or 'talks/*/part-1*'. Without a slash, GLOB is "
        "compared with the names of the file and of the folders above it; with one, with the path below "
        "INPUT. Repeatable.",
        "--include",
        metavar="GLOB",
        kind=str,
        default=None,
        convert=_patterns,
        is_repeatable=True,
        harmless=True,
    )
    exclude: tuple[str, ...] = option(
        (),
        SELECTION,
        "Leave out files that match GLOB, even if --include matches. Repeatable.",
        "--exclude",
        metavar="GLOB",
        kind=str,
        default=None,
        convert=_patterns,
        is_repeatable=True,
        harmless=True,
    )
    newer_than_s: float | None = option(
        None,
        SELECTION,
        "Only files changed since a date (2026-03-31, 2026-03-31T18:00), within an age (45m, 12h, 7d, 2w), "
        "or after another file.",
        "--newer-than",
        metavar="DATE|AGE|FILE",
        is_path=True,
        kind=str,
        default="",
        convert=newer_than_s,
        harmless=is_time,
    )
    settle_s: float | None = option(
        None,
        SELECTION,
        "Leave files that changed less than this many seconds ago to a later run. Default: named files are "
        "taken as they are; a found file that changed in the last 2 s is looked at again after 2 s, and left "
        "out if it still changes.",
        "--settle",
        metavar="SECONDS",
        harmless=True,
    )
    order: str = option(
        "name",
        SELECTION,
        "Order of the files: name (as given, folders by name), newest, oldest, largest or smallest first.",
        "--order",
        metavar="ORDER",
        harmless=True,
    )
    shard: tuple[int, int] = option(
        (1, 1),
        SELECTION,
        "Only part K of N, such as 2/8. Machines with the same folder agree on the parts.",
        "--shard",
        metavar="K/N",
        kind=str,
        default="",
        convert=shard_parts,
        harmless=True,
    )
    limit: int | None = option(
        None,
        SELECTION,
        "Process at most this many files. Finished files do not count.",
        "--limit",
        metavar="N",
        harmless=True,
    )
    even_subtitled: bool = option(
        False,
        SELECTION,
        "Also process files that already have subtitles in the target language, beside them or embedded. "
        "Without it, such a file of a folder or list is skipped if only subtitles are asked for.",
        "--even-subtitled",
        harmless=True,
    )

    def __post_init__(self) -> None:
        is_time = self.settle_s is None or 0 <= self.settle_s < math.inf
        require(is_time, "--settle must not be negative", "--settle")
        require(self.order in ORDERS, f"--order {self.order}: give {', '.join(ORDERS)}", "--order")
        part, n_parts = self.shard
        require(
            1 <= part <= n_parts,
            f"--shard {part}/{n_parts}: give K/N with K from 1 to N, such as 2/8",
            "--shard",
        )
        require(self.limit is None or self.limit >= 1, "--limit must be at least 1", "--limit")


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Run control; no option changes text or times."""

    strict: bool = option(
        False,
        RUN,
        "Exit with 4 if a result is doubtful or its cues break a hard rule.",
        "--strict",
        harmless=True,
    )
    workers: int = option(  # ffmpeg uses further threads of its own
        2, RUN, "Media files decoded at the same time.", "--workers", metavar="N"
    )
    retries: int = option(
        2,
        RUN,
        "Retry a failed file of a folder or list in the next N runs, then after about 1, 2, 4, ... days (at "
        "most 30), or as soon as it changes. A named file is always tried.",
        "--retries",
        metavar="N",
        harmless=True,
    )
    wait: bool = option(
        False,
        RUN,
        "Wait for another qasr process that has locked the folder. Without it, exit with 75.",
        "--wait",
        harmless=True,
    )
    state: Path | None = option(
        None,
        RUN,
        "Folder for the ledger, checkpoints and lock. Default: .qasr in the -o folder, or in the folder that "
        "is searched.",
        "--state",
        metavar="DIR",
        convert=lambda folder: None if folder is None else folder.absolute(),
    )

    def __post_init__(self) -> None:
        require(self.retries >= 0, "--retries must not be negative", "--retries")
        require(self.workers >= 1, "--workers must be at least 1", "--workers")


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """A run on many machines; no option changes text or times.

    Attributes:
        address: `HOST:PORT` of a Ray cluster's head, `auto`, or "" for this machine alone.
        n_cpus: Cores of an actor on machines without GPUs; None chooses.
    """

    address: str = option(
        "",
        RUN,
        "Transcribe on a Ray cluster: the address of its head node, or auto for the one that this machine "
        "belongs to, or else one on this machine alone. All machines must see the media at the same path. "
        "Whoever reaches a Ray cluster can run programs on it: use it in a network of your own only "
        "(docs/how-to/clusters.md).",
        "--cluster",
        metavar="auto|HOST:PORT",
    )
    n_cpus: int | None = option(
        None,
        RUN,
        "With --cluster on machines without GPUs: cores for each copy of the model. Default: 4, or as many "
        "as a machine has.",
        "--cluster-cpus",
        metavar="N",
    )

    def __post_init__(self) -> None:
        require(
            self.n_cpus is None or self.n_cpus >= 1, "--cluster-cpus must be at least 1", "--cluster-cpus"
        )


@dataclass(frozen=True, slots=True)
class HookOptions:
    """Hooks for finished sources; no option changes a result.

    Attributes:
        exec_after: A command with placeholders.
        webhook: An address. All of it except its host may be a secret.
        timeout_s: Time limit for each command and each request, in seconds.
    """

    exec_after: str | None = option(
        None,
        HOOKS,
        "Run a command, without a shell, after each finished file: 'notify {media} {outputs}'. Placeholders: "
        "{media}, {outputs}, {language}, {status}. A failing command is only a warning.",
        "--exec-after",
        metavar="COMMAND",
    )
    webhook: str | None = option(
        None,
        HOOKS,
        "POST JSON to a URL after each finished or failed file, and at the end of the run.",
        "--webhook",
        metavar="URL",
    )
    timeout_s: float = option(
        60.0,
        HOOKS,
        "Time limit for each command and each request, in seconds.",
        "--hook-timeout",
        metavar="SECONDS",
    )

    def __post_init__(self) -> None:
        require(0 < self.timeout_s < math.inf, "--hook-timeout must be above 0", "--hook-timeout")
        require(
            self.timeout_s <= _MAX_TIMEOUT_S,
            f"--hook-timeout must be at most {_MAX_TIMEOUT_S:.0f} (a day)",
            "--hook-timeout",
        )


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """Options of a watch, in addition to those of its runs.

    Attributes:
        status: File with the state of the watch.
        idle_unload_min: Minutes without work after which engines are released; 0 never releases them.
    """

    poll: bool = option(
        False,
        WATCHING,
        "Search the folders for changes repeatedly. For network mounts, which report no changes.",
        "--poll",
        harmless=True,
    )
    poll_interval_s: float = option(  # a walk over a network's tree of thousands takes a second or so
        5.0,
        WATCHING,
        "Seconds between two searches with --poll.",
        "--poll-interval",
        metavar="SECONDS",
        harmless=True,
    )
    rescan_min: float = option(
        10.0,
        WATCHING,
        "Search the folders at least once in this many minutes.",
        "--rescan",
        metavar="MINUTES",
        harmless=True,
    )
    settle_s: float = option(  # a copy over a network may pause for seconds
        10.0,
        WATCHING,
        "Process a file once it has not changed for this many seconds.",
        "--settle",
        metavar="SECONDS",
        harmless=True,
    )
    idle_unload_min: float = option(
        10.0,
        WATCHING,
        "Unload the model after this many minutes without work; it is loaded again on demand. 0: never.",
        "--idle-unload",
        metavar="MINUTES",
        harmless=True,
    )
    status: Path | None = option(
        None,
        WATCHING,
        "Keep a JSON file with the state of the watch: current work, counts, last error.",
        "--status",
        metavar="FILE",
    )

    def __post_init__(self) -> None:
        require(
            0.1 <= self.poll_interval_s <= 3600,
            "--poll-interval must be 0.1 to 3600 seconds",
            "--poll-interval",
        )
        require(0 < self.rescan_min < math.inf, "--rescan must be above 0", "--rescan")
        require(0 <= self.idle_unload_min < math.inf, "--idle-unload must not be negative", "--idle-unload")
        require(0 <= self.settle_s < math.inf, "--settle must not be negative", "--settle")
