"""Diarization error rate and Jaccard error rate.

In go turns of a reference and of a system for one recording; out come milliseconds of missed speech, false
alarm and confusion, which are summed over recordings. The region from the reference's first to its last turn
is scored, less the collar on each side of its edges, and, if wanted, less what several speakers of the
reference share. The mapping of speakers is the best one (Hungarian method), over a whole recording.

NIST: "The 2009 (RT-09) Rich Transcription Meeting Recognition Evaluation Plan"; JER: Ryant et al., "The
Second DIHARD Diarization Challenge", 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qasr_cli.evaluation.scoring.assignment import assign
from qasr_cli.evaluation.utterances import Turn


@dataclass(frozen=True, slots=True)
class Confusions:
    """Milliseconds of one recording, or of several.

    Attributes:
        speech: Of the reference; overlapping speakers count each.
        jaccard: Sum of the speakers' Jaccard error rates; `n_speakers` of the reference.
    """

    speech: int = 0
    missed: int = 0
    false_alarm: int = 0
    confusion: int = 0
    jaccard: float = 0.0
    n_speakers: int = 0

    def __add__(self, other: Confusions) -> Confusions:
        """Return the sum."""
        return Confusions(
            self.speech + other.speech,
            self.missed + other.missed,
            self.false_alarm + other.false_alarm,
            self.confusion + other.confusion,
            self.jaccard + other.jaccard,
            self.n_speakers + other.n_speakers,
        )


def score(
    reference: Sequence[Turn], system: Sequence[Turn], collar_ms: int, *, is_overlap_scored: bool = True
) -> Confusions:
    """Return the errors of a system's turns.

    Args:
        reference: Turns of the reference; those of one speaker are joined where they overlap.
        system: Turns of the system.
        collar_ms: Milliseconds on each side of the reference's edges that are not scored.
        is_overlap_scored: Speech of several speakers at once counts.
    """
    truth, told = _by_speaker(reference), _by_speaker(system)
    if not truth:
        return Confusions()
    edges, is_scored = _segments(truth, told, collar_ms)
    left = np.stack([_active(spans, edges) for spans in truth.values()])
    if not is_overlap_scored:
        is_scored[left.sum(axis=0) > 1] = 0
    lengths = np.diff(edges) * is_scored
    right = (
        np.stack([_active(spans, edges) for spans in told.values()])
        if told
        else np.zeros((0, len(lengths)), bool)
    )
    pairs = assign((left * lengths).astype(np.float64) @ right.T.astype(np.float64))  # ms are exact to 2^53
    n_left, n_right = left.sum(axis=0), right.sum(axis=0)
    correct = np.zeros(len(lengths), np.int64)
    for row, column in pairs:
        correct += left[row] & right[column]
    both = np.minimum(n_left, n_right)
    return Confusions(
        speech=int(n_left @ lengths),
        missed=int(np.maximum(n_left - n_right, 0) @ lengths),
        false_alarm=int(np.maximum(n_right - n_left, 0) @ lengths),
        confusion=int((both - correct) @ lengths),
        jaccard=_jaccard(left, right, pairs, lengths),
        n_speakers=len(truth),
    )


def _jaccard(
    left: np.ndarray, right: np.ndarray, pairs: Sequence[tuple[int, int]], lengths: np.ndarray
) -> float:
    """Return the sum over the reference's speakers of one minus intersection by union."""
    of_row = dict(pairs)
    total = 0.0
    for row in range(len(left)):
        column = of_row.get(row)
        if column is None:
            total += 1.0
            continue
        union = int((left[row] | right[column]) @ lengths)
        total += 1.0 - (int((left[row] & right[column]) @ lengths) / union if union else 0.0)
    return total


def _by_speaker(turns: Sequence[Turn]) -> dict[str, list[tuple[int, int]]]:
    """Return each speaker's time as disjoint spans in order."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for turn in sorted(turns, key=lambda turn: (turn.start_ms, turn.end_ms)):
        if turn.end_ms <= turn.start_ms:
            continue
        own = spans.setdefault(turn.speaker, [])
        if own and turn.start_ms <= own[-1][1]:
            own[-1] = (own[-1][0], max(own[-1][1], turn.end_ms))
        else:
            own.append((turn.start_ms, turn.end_ms))
    return spans


def _segments(
    truth: dict[str, list[tuple[int, int]]], told: dict[str, list[tuple[int, int]]], collar_ms: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the times at which anything changes, and whether what follows each is scored."""
    marks = sorted({edge for spans in truth.values() for span in spans for edge in span})
    first, last = marks[0], marks[-1]
    around = {edge + shift for edge in marks for shift in (-collar_ms, collar_ms)}
    others = {edge for spans in told.values() for span in spans for edge in span}
    edges = np.array(
        sorted(edge for edge in {*marks, *around, *others} if first <= edge <= last), dtype=np.int64
    )
    middles = (edges[:-1] + edges[1:]) / 2
    is_scored = np.ones(len(middles), dtype=np.int64)
    if collar_ms:
        distances = np.abs(middles[:, None] - _nearest(np.array(marks), middles)).min(axis=1)
        is_scored[distances < collar_ms] = 0
    return edges, is_scored


def _nearest(marks: np.ndarray, middles: np.ndarray) -> np.ndarray:
    """Return `int64[n, 2]`: the marks before and after each time."""
    after = np.searchsorted(marks, middles)
    return np.stack([marks[np.maximum(after - 1, 0)], marks[np.minimum(after, len(marks) - 1)]], axis=1)


def _active(spans: Sequence[tuple[int, int]], edges: np.ndarray) -> np.ndarray:
    """Return `bool[n_segments]`: whether a speaker speaks between two edges."""
    middles = (edges[:-1] + edges[1:]) / 2
    starts, ends = np.array(spans, dtype=np.int64).T
    place = np.searchsorted(starts, middles, side="right") - 1
    is_inside: np.ndarray = (place >= 0) & (middles < ends[np.maximum(place, 0)])
    return is_inside
