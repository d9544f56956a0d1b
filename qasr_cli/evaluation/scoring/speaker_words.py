"""cpWER and tcpWER: the error rate of words with their speakers.

In go what each speaker says in one recording, reference and system; out come the errors under the mapping of
speakers that has the fewest. A speaker without a partner is all deletions or all insertions.

cpWER (concatenated minimum permutation): Watanabe et al., "CHiME-6 Challenge", 2020. tcpWER adds times: two
words may only stand for each other if their times are at most a collar apart (von Neumann et al., "MeetEval",
2023). Words get times by their share of the characters of their turn, as there: an interval in the reference,
its middle in the system.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from qasr_cli.evaluation.figures import Counts
from qasr_cli.evaluation.scoring import edits
from qasr_cli.evaluation.scoring.assignment import assign

COLLAR_MS = 5_000  # MeetEval's, and of the CHiME challenges
_MAX_CELLS = 400_000_000  # of one pair of speakers: two hours of both, some seconds


@dataclass(frozen=True, slots=True)
class SpokenUnits:
    """Words or characters of one turn, and its times in ms."""

    units: Sequence[str]
    start_ms: int
    end_ms: int


Speakers = Mapping[str, Sequence[SpokenUnits]]  # of each speaker the turns in order of time


def count(reference: Speakers, system: Speakers) -> Counts:
    """Return the errors of one recording without regard to times: cpWER."""
    cells = [
        [edits.count(_units(truth), _units(told)) for told in _padded(system, len(reference))]
        for truth in _padded(reference, len(system))
    ]
    if not cells:
        return Counts()
    pairs = assign(-np.array([[cell.n_errors for cell in row] for row in cells]))
    return sum((cells[row][column] for row, column in pairs), Counts())


def count_in_time(
    reference: Speakers, system: Speakers, collar_ms: int = COLLAR_MS
) -> tuple[int, int] | None:
    """Return errors and units of one recording where words match in time only: tcpWER.

    Returns:
        None if one speaker's words are too many: more than 20,000 on both sides.
    """
    left = [_timed(turns, is_middle=False) for turns in _padded(reference, len(system))]
    right = [_timed(turns, is_middle=True) for turns in _padded(system, len(reference))]
    if any(len(truth[0]) * len(told[0]) > _MAX_CELLS for truth in left for told in right):
        return None
    n_units = sum(len(units) for units, _ in left)
    if not left:
        return 0, 0
    costs = np.array([[_distance(truth, told, collar_ms) for told in right] for truth in left])
    return int(sum(costs[row, column] for row, column in assign(-costs))), n_units


def _padded(speakers: Speakers, n: int) -> list[Sequence[SpokenUnits]]:
    """Return the speakers' turns, filled up with silent speakers to at least n."""
    return [*speakers.values(), *([()] * (n - len(speakers)))]


def _units(turns: Sequence[SpokenUnits]) -> list[str]:
    return [unit for turn in turns for unit in turn.units]


def _timed(turns: Sequence[SpokenUnits], *, is_middle: bool) -> tuple[list[str], np.ndarray]:
    """Return units, and `float64[n, 2]`: start and end of each by its share of the turn's characters."""
    times: list[tuple[float, float]] = []
    for turn in turns:
        ends = list(accumulate(map(len, turn.units)))
        for start, end in zip([0, *ends], ends, strict=False):
            whole = turn.end_ms - turn.start_ms
            span = (turn.start_ms + whole * start / ends[-1], turn.start_ms + whole * end / ends[-1])
            times.append((sum(span) / 2, sum(span) / 2) if is_middle else span)
    return _units(turns), np.array(times, dtype=np.float64).reshape(-1, 2)


def _distance(
    reference: tuple[list[str], np.ndarray], system: tuple[list[str], np.ndarray], collar_ms: int
) -> int:
    """Return Levenshtein's distance, where units that lie too far apart never stand for each other.

    A row at a time: deletions and substitutions come from the row before, and insertions are a running
    minimum, since each costs 1.
    """
    numbers: dict[str, int] = {}
    truth, told = (
        np.array([numbers.setdefault(unit, len(numbers)) for unit in units], dtype=np.int64)
        for units in (reference[0], system[0])
    )
    steps = np.arange(len(told) + 1, dtype=np.int64)
    row = steps.copy()
    starts, ends = system[1][:, 0] - collar_ms, system[1][:, 1] + collar_ms
    for unit, (start, end) in zip(truth, reference[1], strict=True):
        is_near = (start < ends) & (end > starts)
        # 2: a deletion and an insertion, which are always allowed
        through = row[:-1] + np.where(is_near, told != unit, 2)
        best = np.concatenate((row[:1] + 1, np.minimum(row[1:] + 1, through)))
        row = np.minimum.accumulate(best - steps) + steps
    return int(row[-1])
