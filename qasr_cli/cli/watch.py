"""`qasr watch`: flags become options; the work itself is in `tasks.watch`, loaded when there is some."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from qasr_cli.cli import find_flags, flags, run_flags, telling
from qasr_cli.cli.find_flags import FindFlags
from qasr_cli.cli.flag import UNSET, flag, grouped
from qasr_cli.cli.flags import DEFAULTS
from qasr_cli.cli.groups import (
    CueFlags,
    EngineFlags,
    FormatFlags,
    PlaceFlags,
    SpeechFlags,
    transcript_options,
)
from qasr_cli.cli.hook_flags import HookFlags
from qasr_cli.cli.run_flags import RunFlags
from qasr_cli.errors import UsageError
from qasr_cli.options import FindOptions, RunOptions, WatchOptions

EPILOG = (
    "Runs until SIGTERM (exit code 143) or Ctrl-C (130). Says nothing while there is nothing to do. "
    "A unit for systemd and examples for the hooks: docs/how-to/services.md."
)

_WATCH_DEFAULTS = WatchOptions()
_WATCHING = "How it watches"

Folders = Annotated[
    list[Path], typer.Argument(metavar="FOLDER...", help="Folders, with all below them.", **UNSET)
]
Poll = Annotated[
    bool,
    flag(
        _WATCHING,
        "Look for changes again and again, for network mounts, whose changes the system does not tell.",
        "--poll",
    ),
]
PollInterval = Annotated[
    float, flag(_WATCHING, "Seconds between two of these looks.", "--poll-interval", metavar="S")
]
Rescan = Annotated[
    float,
    flag(_WATCHING, "Look through the folders every MIN minutes in any case.", "--rescan", metavar="MIN"),
]
Settle = Annotated[
    float,
    flag(
        _WATCHING,
        "Take a file when it has not changed for S seconds.",
        "--settle",
        metavar="S",
    ),
]
IdleUnload = Annotated[
    float,
    flag(
        _WATCHING,
        "Free the model's memory after MIN minutes without work; 0: never. It is loaded again when needed.",
        "--idle-unload",
        metavar="MIN",
    ),
]
StatusTo = Annotated[
    Path | None,
    flag(
        _WATCHING,
        "Keep a JSON file that says what it does, what it has done, and what went wrong last.",
        "--status",
        metavar="FILE",
        **UNSET,
    ),
]

Strict = Annotated[
    bool, flag("How it runs", "Count a file as failed when its cues break a hard rule.", "--strict")
]


@dataclass(frozen=True, slots=True)
class WatchFlags:
    """How folders are watched."""

    poll: Poll = _WATCH_DEFAULTS.poll
    poll_interval: PollInterval = _WATCH_DEFAULTS.poll_interval_s
    rescan: Rescan = _WATCH_DEFAULTS.rescan_min
    settle: Settle = _WATCH_DEFAULTS.settle_s
    idle_unload: IdleUnload = _WATCH_DEFAULTS.idle_unload_min
    status: StatusTo = _WATCH_DEFAULTS.status

    def options(self) -> WatchOptions:
        """Return how to watch."""
        return WatchOptions(
            self.poll, self.poll_interval, self.rescan, self.settle, self.idle_unload, self.status
        )


@dataclass(frozen=True, slots=True)
class WatchedFlags:
    """Which files of the folders are meant."""

    include: find_flags.Include = None
    exclude: find_flags.Exclude = None
    newer_than: find_flags.NewerThan = ""
    order: find_flags.Order = DEFAULTS.find.order
    shard: find_flags.Shard = ""
    even_subtitled: find_flags.EvenSubtitled = DEFAULTS.find.even_subtitled

    def options(self, settle_s: float) -> FindOptions:
        """Return which files are taken.

        Raises:
            UsageError: A flag says nothing that can be.
        """
        return FindFlags(
            recursive=True,
            include=self.include,
            exclude=self.exclude,
            newer_than=self.newer_than,
            settle=settle_s,
            order=self.order,
            shard=self.shard,
            even_subtitled=self.even_subtitled,
        ).options()


@dataclass(frozen=True, slots=True)
class PassFlags:
    """How each pass behaves; one that finds another run at work waits for it."""

    strict: Strict = DEFAULTS.run.strict
    workers: flags.Workers = DEFAULTS.run.workers
    state: run_flags.State = DEFAULTS.run.state

    def options(self) -> RunOptions:
        """Return how a pass behaves."""
        return RunFlags(self.strict, self.workers, wait=True, state=self.state).options()


@grouped
def command(
    parsed: typer.Context,
    folders: Folders,
    *,
    formats: FormatFlags,
    highlight_words: flags.HighlightWords = DEFAULTS.output.highlight_words,
    place: PlaceFlags,
    engine: EngineFlags,
    rescue_model: flags.RescueModel = DEFAULTS.guard.fallback_model,
    speech: SpeechFlags,
    cue: CueFlags,
    shots: flags.Shots = DEFAULTS.picture.shots,
    which: WatchedFlags,
    watching: WatchFlags,
    running: PassFlags,
    after: HookFlags,
    told: telling.Telling,
) -> None:
    """Watch folders and transcribe what appears in them.

    What is there already comes first. The model stays loaded between files, and goes when there is no work.
    """
    output = place.options(formats.chosen(parsed).names)
    if output.is_stdout:
        raise UsageError(
            "qasr watch writes files and nothing to stdout", "name a folder with -o, or leave it out"
        )
    how = watching.options()
    options = replace(
        transcript_options(engine, rescue_model, speech, cue, is_finding_shots=shots),
        output=replace(output, highlight_words=highlight_words),
        find=which.options(how.settle_s),
        run=running.options(),
        hooks=after.options(),
    )
    from qasr_cli.tasks import watch

    watch.watch(folders, options, how, told.options())
