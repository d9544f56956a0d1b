"""Errors with compounds merged: "white paper" for "whitepaper" costs nothing, in either direction.

kaldialign counts them; it is the scorer of the Open ASR Leaderboard, and belongs to the extra eval.
"""

from __future__ import annotations

from collections.abc import Sequence

from qasr_cli.evaluation.figures import Counts


def count(reference: Sequence[str], hypothesis: Sequence[str]) -> Counts:
    """Return the errors of a hypothesis, by words."""
    import kaldialign

    found = kaldialign.edit_distance(list(reference), list(hypothesis), merge_compounds=True)
    return Counts(len(reference), int(found["sub"]), int(found["del"]), int(found["ins"]))
