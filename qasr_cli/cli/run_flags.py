"""The flags that say how a run behaves among other runs.

In go words of the command line; out comes a group of `qasr_cli.options`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from qasr_cli.cli import flags
from qasr_cli.cli.flag import UNSET, flag
from qasr_cli.cli.flags import DEFAULTS
from qasr_cli.options import RunOptions

_RUN = "How it runs"
Retries = Annotated[
    int,
    flag(
        _RUN,
        "Try what failed in a folder or list again in the next N runs; after that in about a day, two, "
        "four, up to a month, or as soon as it changes. A file that is named is always tried.",
        "--retries",
        metavar="N",
        min=0,
    ),
]
Wait = Annotated[
    bool, flag(_RUN, "Wait for another run in the same folder; without it, exit 75.", "--wait", **UNSET)
]
State = Annotated[
    Path | None,
    flag(
        _RUN,
        "Keep the ledger, checkpoints and lock here; without it in .qasr in the folder that is searched, or "
        "in that of -o.",
        "--state",
        metavar="DIR",
        **UNSET,
    ),
]


@dataclass(frozen=True, slots=True)
class RunFlags:
    """How a run behaves."""

    strict: flags.Strict = DEFAULTS.run.strict
    workers: flags.Workers = DEFAULTS.run.workers
    retries: Retries = DEFAULTS.run.retries
    wait: Wait = DEFAULTS.run.wait
    state: State = DEFAULTS.run.state

    def options(self) -> RunOptions:
        """Return how the run behaves."""
        folder = None if self.state is None else self.state.absolute()
        return RunOptions(self.strict, self.workers, self.retries, self.wait, folder)
