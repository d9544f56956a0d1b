"""`qasr runs show`: what the ledger says, for people and for programs.

In go a folder and a choice; out come lines on stdout. Reads ledgers and writes nothing.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qasr_cli.errors import NoInputError, printable
from qasr_cli.timebase import MS_PER_S, format_clock

if TYPE_CHECKING:
    from qasr_cli.runs.state.ledger import LedgerEntry

# As `records.Status` has them; that module brings numpy along, which --help does without.
_DONE, _SKIPPED, _FAILED = "done", "skipped", "failed"

_N_SHOWN = 30

app = typer.Typer(
    help="Show what earlier runs did.",
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)


@app.callback()
def overview() -> None:
    """Show what earlier runs did."""


@app.command("show")
def show(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="The folder that was searched, that of -o, or that of --state."),
    ] = Path(),
    *,
    failed: Annotated[bool, typer.Option("--failed", help="Only what failed.")] = False,
    last: Annotated[
        int, typer.Option("--last", metavar="N", min=0, help="The newest N files; 0 for all.")
    ] = _N_SHOWN,
    as_json: Annotated[
        bool, typer.Option("--json", help="The ledger's own lines, one JSON object each.")
    ] = False,
) -> None:
    """List the files that runs in a folder finished, skipped for their content, or failed on: newest last.

    The ledger is text, .qasr/ledger.jsonl. It may be deleted: finished files are known by their outputs, too.
    """
    from qasr_cli.runs.state import ledger
    from qasr_cli.terminal import stdio

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
    """Return the state folder that is meant by a folder: itself, the one in it, or the one above it.

    Raises:
        NoInputError: There is none.
    """
    from qasr_cli.runs.state.roots import FOLDER_NAME

    if not folder.is_dir():
        raise NoInputError(f"{folder}: no such folder")
    here = folder.absolute()
    for place in (here, *(above / FOLDER_NAME for above in (here, *here.parents))):
        if any(place.glob("ledger*.jsonl")):
            return place
    raise NoInputError(
        f"{folder}: no run has left a ledger here",
        "name the folder of -o or --state, or else the one that was searched",
    )


def _line(entry: LedgerEntry) -> str:
    at = datetime.fromtimestamp(entry.at_s, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    return f"{at}  {entry.status.value:7}  {printable(entry.file)}: {printable(_what(entry))}"


def _what(entry: LedgerEntry) -> str:
    if entry.status == _DONE:
        clock = format_clock(round(entry.audio_s * MS_PER_S))[:-4]
        outputs = ", ".join(dict.fromkeys(one.path for one in entry.outputs))
        return "; ".join((f"{clock} of {entry.language or 'no speech'} -> {outputs}", *entry.warnings))
    times = f" ({entry.n_failures} times)" if entry.n_failures > 1 else ""
    step = f"; {entry.next_step}" if entry.next_step else ""
    return f"{entry.reason.removeprefix(f'{entry.file}: ')}{times}{step}"


def _summary(entries: list[LedgerEntry], n_chosen: int, n_shown: int) -> str:
    counts = Counter(entry.status.value for entry in entries)
    told = ", ".join(
        f"{counts[status]:,} {status}" for status in (_DONE, _SKIPPED, _FAILED) if counts[status]
    )
    more = f"; the newest {n_shown:,} are shown" if n_shown < n_chosen else ""
    return f"{len(entries):,} file{'' if len(entries) == 1 else 's'}: {told}{more}"
