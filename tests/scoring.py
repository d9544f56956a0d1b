"""Word error rate and word-time error against a reference: how tests and benchmarks measure quality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from qasr_cli.records import Word


@dataclass(frozen=True, slots=True)
class TruthWord:
    """A word as the synthesiser spoke it, in container milliseconds."""

    text: str
    start_ms: int
    end_ms: int


def normalise(text: str) -> str:
    """Return the letters and digits of a word in lower case: what WER compares."""
    return "".join(char for char in text.lower() if char.isalnum() or char == "'")


@dataclass(frozen=True, slots=True)
class Score:
    """How a transcript compares with the truth.

    Attributes:
        wer: Word error rate, (substitutions + deletions + insertions) / reference words.
        boundary_ms: Mean absolute error of starts and ends over the words that were heard right.
        n_matched: How many words that mean is over.
    """

    wer: float
    boundary_ms: float
    n_matched: int


def score(heard: Sequence[Word], truth: Sequence[TruthWord]) -> Score:
    """Return the errors of `heard` against `truth`, by the cheapest way of editing one into the other."""
    ours = [normalise(word.text) for word in heard]
    theirs = [normalise(word.text) for word in truth]
    n_errors, matches = align(ours, theirs)
    errors_ms = [
        abs(difference)
        for i, j in matches
        for difference in (heard[i].start_ms - truth[j].start_ms, heard[i].end_ms - truth[j].end_ms)
    ]
    return Score(n_errors / max(len(theirs), 1), fmean(errors_ms) if errors_ms else 0.0, len(matches))


def align(ours: Sequence[str], theirs: Sequence[str]) -> tuple[int, list[tuple[int, int]]]:
    """Return the edit distance and the pairs of equal words on one cheapest path (Levenshtein)."""
    cost = [[0] * (len(theirs) + 1) for _ in range(len(ours) + 1)]
    for i in range(len(ours) + 1):
        for j in range(len(theirs) + 1):
            if i == 0 or j == 0:
                cost[i][j] = i + j
            else:
                same = cost[i - 1][j - 1] + (ours[i - 1] != theirs[j - 1])
                cost[i][j] = min(same, cost[i - 1][j] + 1, cost[i][j - 1] + 1)
    matches = []
    i, j = len(ours), len(theirs)
    while i and j:
        if cost[i][j] == cost[i - 1][j - 1] + (ours[i - 1] != theirs[j - 1]):
            i, j = i - 1, j - 1
            if ours[i] == theirs[j]:
                matches.append((i, j))
        elif cost[i][j] == cost[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
    return cost[-1][-1], matches[::-1]
