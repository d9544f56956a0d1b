"""The edits between two lists of units: a cheapest alignment by Levenshtein's distance.

rapidfuzz computes it, as it does for jiwer: figures are those of jiwer to the last digit.
"""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from qasr_cli.evaluation.figures import Counts, Edit, Operation


def count(reference: Sequence[str], hypothesis: Sequence[str]) -> Counts:
    """Return the errors of a hypothesis."""
    n = {"replace": 0, "delete": 0, "insert": 0}
    for operation in Levenshtein.editops(reference, hypothesis):
        n[operation.tag] += 1
    return Counts(len(reference), n["replace"], n["delete"], n["insert"])


def align(reference: Sequence[str], hypothesis: Sequence[str]) -> list[Edit]:
    """Return the steps from a reference to a hypothesis, equal units included."""
    steps: list[Edit] = []
    for code in Levenshtein.opcodes(reference, hypothesis):
        if code.tag == "delete":
            left = reference[code.src_start : code.src_end]
            steps += [Edit(Operation.DELETION, unit, "") for unit in left]
        elif code.tag == "insert":
            right = hypothesis[code.dest_start : code.dest_end]
            steps += [Edit(Operation.INSERTION, "", unit) for unit in right]
        else:
            kind = Operation.EQUAL if code.tag == "equal" else Operation.SUBSTITUTION
            pairs = zip(
                reference[code.src_start : code.src_end],
                hypothesis[code.dest_start : code.dest_end],
                strict=True,
            )
            steps += [Edit(kind, left, right) for left, right in pairs]
    return steps


def matches(reference: Sequence[str], hypothesis: Sequence[str]) -> list[tuple[int, int]]:
    """Return the places of equal units, in order."""
    return [
        (code.src_start + offset, code.dest_start + offset)
        for code in Levenshtein.opcodes(reference, hypothesis)
        if code.tag == "equal"
        for offset in range(code.src_end - code.src_start)
    ]
