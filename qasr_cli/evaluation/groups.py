"""The parts of a set: ranges of length and noise, speakers, and the labels of the corpus.

In go utterances, and later the errors of all of them; out come the parts that an utterance belongs to, and
the figures of each part with their intervals.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from qasr_cli.evaluation.figures import Counts, Group
from qasr_cli.evaluation.scoring import bootstrap
from qasr_cli.evaluation.utterances import Utterance

LENGTH, LONGEST = "length", "30 s and more"
_NOISE, _SPEAKER = "noise", "speaker"
_SNR_LABEL = "snr_db"
_LENGTHS_S = ((0, 5), (5, 10), (10, 20), (20, 30), (30, None))
_NOISES_DB = ((None, 0), (0, 5), (5, 10), (10, 15), (15, 20), (20, None))
_MAX_SHOWN = 40  # of a kind
_KINDS_IN_ORDER = (LENGTH, _NOISE, _SPEAKER)


def of_utterance(utterance: Utterance) -> list[tuple[str, str]]:
    """Return kind and name of each part of the set that an utterance belongs to."""
    found = []
    if utterance.duration_ms:
        found.append((LENGTH, _range_of(utterance.duration_ms / 1_000, _LENGTHS_S, "s")))
    if utterance.speaker:
        found.append((_SPEAKER, utterance.speaker))
    for kind, name in utterance.labels.items():
        if kind != _SNR_LABEL:
            found.append((kind, name))
        elif (snr_db := _number(name)) is not None:
            found.append((_NOISE, _range_of(snr_db, _NOISES_DB, "dB")))
    return found


def _number(text: str) -> float | None:
    """Return a number, which may be infinite; None if it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return None if math.isnan(value) else value


def _range_of(value: float, ranges: Sequence[tuple[int | None, int | None]], unit: str) -> str:
    for low, high in ranges:
        if high is None or value < high:
            if low is None:
                return f"below {high} {unit}"
            return f"{low} {unit} and more" if high is None else f"{low}-{high} {unit}"
    return ""


def figures(
    places: Mapping[tuple[str, str], array[int]], rows: np.ndarray, blocks: np.ndarray, name: str, seed: int
) -> Iterator[Group]:
    """Yield the parts of a set; of a kind with many the largest.

    Args:
        places: Utterances of each part, by kind and name.
        rows: `int64[4, n_utterances]`: units, substitutions, deletions, insertions.
        blocks: `int64[n_utterances]`, number of each one's block.
        name: What the blocks are.
        seed: Seed of the intervals.
    """
    kinds = dict.fromkeys(kind for kind, _ in places)  # labels stay in this order
    for kind in sorted(kinds, key=lambda kind: (*_KINDS_IN_ORDER, kind).index(kind)):
        members = [
            (part, np.asarray(own), counts_at(rows, own)) for (of, part), own in places.items() if of == kind
        ]
        if kind in {LENGTH, _NOISE}:
            members.sort(key=lambda one: _first_number(one[0]))
        else:
            members.sort(key=lambda one: (-one[2].n_units, one[0]))
        for part, own, counts in members[:_MAX_SHOWN]:
            chosen = rows[:, own]
            errors = chosen[1:].sum(axis=0)
            interval = bootstrap.rate(errors, chosen[0], blocks[own], seed, name)
            yield Group(kind, part, len(own), counts, interval)


def counts_at(rows: np.ndarray, places: array[int]) -> Counts:
    """Return the sum of some columns of `int64[4, n_utterances]`, see `figures`."""
    return Counts(*map(int, rows[:, np.asarray(places)].sum(axis=1)))


def _first_number(name: str) -> float:
    if name.startswith("below"):
        return -1.0
    return float(name.split("-", maxsplit=1)[0].split(" ", maxsplit=1)[0])
