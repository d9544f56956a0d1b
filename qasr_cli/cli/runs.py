"""`qasr runs show`: prints the ledger, for people and for programs.

In go a folder and a selection; out come lines on stdout. Reads ledgers and writes nothing.
"""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from qasr_cli.cli import typer_adapter
from qasr_cli.cli.typer_adapter import Operand
from qasr_cli.errors import NoInputError, printable
from qasr_cli.options import FlagSpec
from qasr_cli.timebase import MS_PER_S, format_clock

if TYPE_CHECKING:
    from qasr_cli.runs.state.ledger import LedgerEntry

# The values of `records.Status`; that module imports numpy, which --help does not need.
_DONE, _SKIPPED, _FAILED = "done", "skipped", "failed"

_N_SHOWN = 30

app = typer_adapter.App("runs", "Show the results of earlier runs.", no_args_is_help=True)


@app.callback()
def overview() -> None:
    """Show the results of earlier runs."""


_Folder = Operand(
    "DIR", "The folder that was searched, that of -o, or that of --state. Default: this folder."
)
_Failed = FlagSpec("", "List failed files only.", ("--failed",), kind=bool, is_setting=False)
_Last = FlagSpec(
    "", "List the newest N files; 0 for all.", ("--last",), metavar="N", kind=int, is_setting=False
)
_Json = FlagSpec(
    "", "Print the ledger's own lines, one JSON object each.", ("--json",), kind=bool, is_setting=False
)


@app.subcommand("show")
def show(
    folder: Annotated[Path, typer_adapter.argument(_Folder)] = Path(),
    *,
    failed: Annotated[bool, typer_adapter.option(_Failed)] = False,
    last: Annotated[int, typer_adapter.option(_Last, min=0)] = _N_SHOWN,
    as_json: Annotated[bool, typer_adapter.option(_Json)] = False,
) -> None:
    """List the finished, skipped and failed files of earlier runs in a folder, newest last.

    The ledger is a text file, .qasr/ledger.jsonl. It may be deleted: qasr also knows finished files by their
    outputs.
    """
    from qasr_cli.runs.state import ledger
    from qasr_cli.terminal import logs, stdio

    logs.configure(0)  # what is passed over is a warning
    stdout = stdio.guard()
    entries = sorted(ledger.load(_state(folder)).entries.values(), key=lambda entry: entry.at_s)
    chosen = [entry for entry in entries if entry.status == _FAILED or not failed]
    shown = chosen[-last:] if last else chosen
    if as_json:
        stdout.write("".join(ledger.to_line(entry).decode("utf-8", "replace") + "\n" for entry in shown))
        return
    stdout.write(
        "".join(f"{line}\n" for line in (*map(_line, shown), _summary(entries, len(chosen), len(shown))))
    )


def _state(folder: Path) -> Path:
    """Return the state folder for a folder: itself, one in it, or one above it.

    Raises:
        NoInputError: There is no state folder.
    """
    from qasr_cli.runs.state import ledger, trusted_files
    from qasr_cli.runs.state.trusted_files import FOLDER_NAME

    if not os.path.isdir(folder):
        raise NoInputError(f"{folder}: no such folder")
    candidate = folder.absolute()
    for place in (candidate, *(above / FOLDER_NAME for above in (candidate, *candidate.parents))):
        if os.path.isdir(place) and trusted_files.counts(place) and ledger.names(place):
            return place
    raise NoInputError(
        f"{folder}: no run has left a ledger here",
        "name the folder of -o or --state, or else the one that was searched",
    )


def _line(entry: LedgerEntry) -> str:
    at = datetime.fromtimestamp(entry.at_s, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    return f"{at}  {entry.status.value:7}  {printable(entry.file)}: {printable(_outcome(entry))}"


def _outcome(entry: LedgerEntry) -> str:
    if entry.status == _DONE:
        clock = format_clock(round(entry.audio_s * MS_PER_S))[:-4]
        outputs = ", ".join(dict.fromkeys(output.path for output in entry.outputs))
        return "; ".join((f"{clock} of {entry.language or 'no speech'} -> {outputs}", *entry.warnings))
    times = f" ({entry.n_failures} times)" if entry.n_failures > 1 else ""
    step = f"; {entry.next_step}" if entry.next_step else ""
    return f"{entry.reason.removeprefix(f'{entry.file}: ')}{times}{step}"


def _summary(entries: list[LedgerEntry], n_chosen: int, n_shown: int) -> str:
    counts = Counter(entry.status.value for entry in entries)
    totals = ", ".join(
        f"{counts[status]:,} {status}" for status in (_DONE, _SKIPPED, _FAILED) if counts[status]
    )
    more = f"; the newest {n_shown:,} are shown" if n_shown < n_chosen else ""
    return f"{len(entries):,} file{'' if len(entries) == 1 else 's'}: {totals}{more}"
