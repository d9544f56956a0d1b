"""What a map of confidences is fitted to: the posteriors of words, and whether the words are right.

In go words of transcripts by qasr; out comes a `ConfidenceMap`, and figures without and with it. Words of
other programs have no such posteriors: they do not count.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from qasr_cli.evaluation.calibration import isotonic, reliability
from qasr_cli.evaluation.figures import CalibrationFigures
from qasr_cli.records import Word
from qasr_cli.speech.inference.confidence_map import ConfidenceMap, Evidence, Knot
from qasr_cli.speech.recognition import confidence

_MIN_WORDS = 200  # of a curve
_MIN_OF_A_KIND = 20  # of right words and of wrong ones
_N_FOLDS = 5
_STRETCH = 50  # words in a row in one fold: neighbours are alike, and there may be one recording only


@dataclass(slots=True)
class _Column:
    raw: array[float] = field(default_factory=lambda: array("d"))
    rights: bytearray = field(default_factory=bytearray)
    folds: bytearray = field(default_factory=bytearray)

    @property
    def is_enough(self) -> bool:
        n_right = sum(self.rights)
        rarer = min(n_right, len(self.rights) - n_right)
        return len(self.rights) >= _MIN_WORDS and rarer >= _MIN_OF_A_KIND


@dataclass(frozen=True, slots=True)
class FittedMap:
    """A map, and what it does to words that it was not fitted to.

    Attributes:
        n_words: Words that it was fitted to.
        before: Figures of the raw confidences.
        after: Figures with maps that were fitted to four fifths of the words, on the other fifth.
    """

    map: ConfidenceMap
    n_words: int
    before: CalibrationFigures
    after: CalibrationFigures


@dataclass(slots=True)
class ConfidenceEvidence:
    """Words of one system, utterance by utterance; 10 bytes a word."""

    _columns: dict[Evidence, _Column] = field(default_factory=dict)
    _n_words: int = 0

    def add(self, words: Sequence[Word], rights: Sequence[bool]) -> None:
        """Add the words of an utterance.

        Args:
            words: Words of its transcript.
            rights: Whether each is right; of another length if that is not known.
        """
        if len(words) != len(rights):
            return
        for word, is_right in zip(words, rights, strict=True):
            fold = self._n_words // _STRETCH % _N_FOLDS
            self._n_words += 1
            raw = confidence.combined(word.token_posterior, word.time_posterior)
            if raw is None:
                continue
            column = self._columns.setdefault(raw[1], _Column())
            column.raw.append(raw[0])
            column.rights.append(is_right)
            column.folds.append(fold)

    def fit(self) -> FittedMap | None:
        """Return the map; None if no kind of words has 200, of which 20 are right and 20 are wrong."""
        curves: dict[Evidence, tuple[Knot, ...]] = {}
        before, after, rights = [], [], []
        for evidence, column in self._columns.items():
            if not column.is_enough:
                continue
            raw, right = np.array(column.raw), np.array(column.rights, dtype=bool)
            curves[evidence] = isotonic.knots(raw, right)
            before.append(raw)
            after.append(_held_out(raw, right, np.array(column.folds)))
            rights.append(right)
        if not curves:
            return None
        every = np.concatenate(rights)
        figures = [
            reliability.figures(np.concatenate(part).tolist(), every.tolist()) for part in (before, after)
        ]
        assert figures[0] is not None  # noqa: S101 - there are words
        assert figures[1] is not None  # noqa: S101 - there are words
        return FittedMap(_map(curves), len(every), figures[0], figures[1])


def _map(curves: dict[Evidence, tuple[Knot, ...]]) -> ConfidenceMap:
    return ConfidenceMap(
        curves.get(Evidence.BOTH, ()), curves.get(Evidence.TOKENS, ()), curves.get(Evidence.TIMES, ())
    )


def _held_out(raw: np.ndarray, right: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Return `float64[n]`: each word's probability by a curve that was fitted to the other folds."""
    found = np.zeros(len(raw))
    for fold in range(_N_FOLDS):
        is_held = folds == fold
        if not is_held.any() or is_held.all():
            found[is_held] = raw[is_held]
            continue
        places = isotonic.knots(raw[~is_held], right[~is_held])
        found[is_held] = np.interp(raw[is_held], [x for x, _ in places], [y for _, y in places])
    return found
