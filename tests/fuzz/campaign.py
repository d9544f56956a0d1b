"""Runs a target over many inputs and keeps the smallest input of each fault.

In go a target and a number of inputs or seconds; out come faults. A fault is known by its error and the line
of qasr that it comes from, so one mistake is one finding.
"""

from __future__ import annotations

import hashlib
import os
import re
import signal
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import HypothesisWarning

from qasr_cli import escapes
from qasr_cli.errors import ExitCode, QasrError
from qasr_cli.terminal import logs
from tests.fuzz.mutations import Mutant, mutants
from tests.fuzz.target import Target

CORPUS = Path(__file__).parent / "corpus"
MAX_CPU_S = 8.0  # an input is at most 60 kB: the slowest checks take 50 µs for a byte
_MAX_WALL_S = 90.0  # a reader that waits, for a FIFO say; a stuck ffmpeg is stopped after 60 s


class TooSlowError(BaseException):
    """A reader takes too long; not an `Exception`, so that no reader handles it."""


class EndOfTimeError(BaseException):
    """The chosen time is over."""


class FoundError(Exception):
    """A new fault is in `Faults`."""


@dataclass
class Faults:
    """The faults of a target: the smallest input of each, by its error and place."""

    inputs: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    n_inputs: int = 0

    def add(self, error: BaseException, name: str, content: bytes) -> None:
        """Keep an input, unless a smaller one has the same fault."""
        place = place_of(error)
        if place not in self.inputs or len(content) < len(self.inputs[place][1]):
            self.inputs[place] = (name, content)


def place_of(error: BaseException) -> str:
    """Return an error's type, its innermost line in qasr, and its message; a slow reader has no line."""
    if isinstance(error, TooSlowError):
        return "takes too long"
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if f"{os.sep}qasr_cli{os.sep}" in frame.filename]
    where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "?"
    what = re.sub(r"'[^']*'|[0-9]+", "*", str(error))  # where in the input, and what is there
    return f"{type(error).__name__} in {where}: {what[:80]!r}"


@contextmanager
def _limits() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise TooSlowError

    timers = (
        (signal.ITIMER_PROF, signal.SIGPROF, MAX_CPU_S),
        (signal.ITIMER_REAL, signal.SIGALRM, _MAX_WALL_S),
    )
    before = [(number, signal.signal(number, stop)) for _, number, _ in timers]
    for timer, _, limit_s in timers:
        signal.setitimer(timer, limit_s)
    try:
        yield
    finally:
        for timer, _, _ in timers:
            signal.setitimer(timer, 0)
        for number, handler in before:
            signal.signal(number, handler)


def try_one(target: Target, name: str, content: bytes, folder: Path) -> BaseException | None:
    """Return the fault of one input, None if the reader reads or refuses it."""
    path = folder / name
    path.write_bytes(content)
    try:
        with _limits():
            target.read(path)
    except QasrError as error:
        if error.exit_code is ExitCode.INTERNAL:
            return error
        return None if escapes.for_terminal(logs.error_line(error)) == logs.error_line(error) else error
    except (Exception, TooSlowError) as error:  # noqa: BLE001 - any of them is what is looked for
        return error
    finally:
        path.unlink(missing_ok=True)
    return None


def fuzz(target: Target, n_inputs: int, seed: int, until_s: float | None = None) -> Faults:
    """Read mutated files with one target, `n_inputs` of them or until a moment of `time.monotonic`.

    hypothesis ends with the first fault. It is called again for the rest, and passes over what it knows.
    """
    faults = Faults()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seeds = [*target.seeds(folder), *(content for _, content in corpus(target))]
        while faults.n_inputs < n_inputs and (until_s is None or time.monotonic() < until_s):
            n_before = faults.n_inputs
            _search(target, seeds, folder, faults, (n_inputs - n_before, seed + n_before, until_s))
    return faults


def _search(
    target: Target,
    seeds: Sequence[bytes],
    folder: Path,
    faults: Faults,
    limits: tuple[int, int, float | None],
) -> None:
    """Search for one more fault."""
    n_inputs, seed, until_s = limits
    known = set(faults.inputs)

    @hypothesis.seed(seed)
    @settings(
        max_examples=n_inputs, deadline=None, database=None, report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(mutants(seeds), hypothesis.strategies.sampled_from(target.file_names))
    def read(mutant: Mutant, file_name: str) -> None:
        if until_s is not None and time.monotonic() > until_s:
            raise EndOfTimeError
        faults.n_inputs += 1
        error = try_one(target, file_name, mutant.content, folder)
        if error is not None and place_of(error) not in known:
            faults.add(error, file_name, mutant.content)
            if not isinstance(error, TooSlowError):  # whose inputs would take hours to shrink
                raise FoundError

    with suppress(FoundError, EndOfTimeError), warnings.catch_warnings():
        warnings.simplefilter("ignore", HypothesisWarning)  # about how long an input would be in a message
        read()


def corpus(target: Target) -> list[tuple[str, bytes]]:
    """Return the inputs that were once faults of a target, each with the name it is read under."""
    return [
        (path.name.partition("-")[2], path.read_bytes())
        for path in sorted((CORPUS / target.name).glob("*-*"))
    ]


def keep(target: Target, faults: Faults) -> Sequence[Path]:
    """Write the inputs of faults into the corpus; return their paths."""
    paths = []
    for name, content in faults.inputs.values():
        folder = CORPUS / target.name
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{hashlib.sha256(content).hexdigest()[:8]}-{name}"
        path.write_bytes(content)
        paths.append(path)
    return paths
