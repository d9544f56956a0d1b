"""cpWER: the error rate of words with their speakers.

In go the texts of each speaker of one recording, reference and system; out come the errors under the mapping
of speakers that has the fewest (concatenated minimum-permutation WER: Watanabe et al., "CHiME-6 Challenge",
2020). A speaker without a partner is all deletions or all insertions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from qasr_cli.evaluation.figures import Counts
from qasr_cli.evaluation.scoring import edits
from qasr_cli.evaluation.scoring.assignment import assign


def count(reference: Mapping[str, Sequence[str]], system: Mapping[str, Sequence[str]]) -> Counts:
    """Return the errors of one recording; units of each speaker, in order of time."""
    truth, told = list(reference.values()), list(system.values())
    n = max(len(truth), len(told))
    left = [*truth, *([()] * (n - len(truth)))]
    right = [*told, *([()] * (n - len(told)))]
    cells = [[edits.count(a, b) for b in right] for a in left]
    if not n:
        return Counts()
    pairs = assign(-np.array([[cell.n_errors for cell in row] for row in cells]))
    return sum((cells[row][column] for row, column in pairs), Counts())
