"""How good the detectors of hallucinations are: precision, recall, and the values of good and bad chunks.

In go the segments of transcripts by qasr and the alignment of the texts; out come figures. A chunk is really
bad if it has more than half as many errors as units. A reference with words and a transcript without any are
one bad chunk.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from qasr_cli.evaluation.figures import DetectorFigures, DetectorValues, Edit, Operation
from qasr_cli.evaluation.scoring.word_times import folded
from qasr_cli.evaluation.utterances import Answer
from qasr_cli.records import Segment
from qasr_cli.speech.recognition.hallucination import Flag

BAD_RATE = 0.5  # errors by units of a chunk: half of the words of the worst real speech are still right
ANY = "any"
_QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_MAX_VALUES = 200_000  # of a kind: the first ones


@dataclass(slots=True)
class DetectorTally:
    """Chunks of one system on one set."""

    n: int = 0
    n_bad: int = 0
    _fired: Counter[str] = field(default_factory=Counter)
    _hits: Counter[str] = field(default_factory=Counter)
    _values: dict[tuple[str, bool], array[float]] = field(default_factory=dict)

    def add(self, answer: Answer, hypothesis: str, edits: Sequence[Edit]) -> None:
        """Add the chunks of an utterance.

        Args:
            answer: One by qasr; those of other programs have no chunks.
            hypothesis: Its normalized text.
            edits: Alignment with the reference, in any unit.
        """
        if not answer.segments:
            if edits and not answer.text:
                self._add_chunk(answer.flags, is_bad=True)
            return
        are_bad = _are_bad(answer.segments, hypothesis, edits)
        for segment, is_bad in zip(answer.segments, are_bad, strict=False):
            self._add_chunk(segment.flags, is_bad=is_bad)
            for name, value in segment.detectors.items():
                values = self._values.setdefault((name, is_bad), array("d"))
                if len(values) < _MAX_VALUES:
                    values.append(value)

    def _add_chunk(self, flags: Sequence[str], *, is_bad: bool) -> None:
        self.n += 1
        self.n_bad += is_bad
        names = [*dict.fromkeys(flags), *([ANY] if flags else [])]
        self._fired.update(names)
        if is_bad:
            self._hits.update(names)

    def figures(self) -> tuple[DetectorFigures, ...]:
        """Return the figures of every detector, and of all together; empty without chunks."""
        if not self.n:
            return ()
        names = [*(flag.value for flag in Flag), ANY]
        return tuple(
            DetectorFigures(name, self.n, self._fired[name], self.n_bad, self._hits[name]) for name in names
        )

    def values(self) -> tuple[DetectorValues, ...]:
        """Return the distribution of every value, among good and bad chunks."""
        names = dict.fromkeys(name for name, _ in self._values)
        return tuple(
            DetectorValues(
                name,
                *(_quantiles(self._values.get((name, is_bad), array("d"))) for is_bad in (False, True)),
            )
            for name in names
        )


def _quantiles(values: Sequence[float]) -> dict[float, float]:
    """Return values by quantile, by linear interpolation; empty without values."""
    if not len(values):
        return {}
    found = np.quantile(np.asarray(values), _QUANTILES)
    return {share: float(value) for share, value in zip(_QUANTILES, found, strict=True)}


def _are_bad(segments: Sequence[Segment], hypothesis: str, edits: Sequence[Edit]) -> list[bool]:
    """Return whether each chunk is bad; empty if the chunks' letters are not those of the text.

    An edit belongs to the chunk of its letters; a deletion to that of the letters before it.
    """
    letters = [len(folded(segment.text)) for segment in segments]
    if len(segments) > 1 and sum(letters) != len(folded(hypothesis)):
        return []
    n_units, n_errors = [0] * len(segments), [0] * len(segments)
    index, n_left = 0, letters[0]
    for step in edits:
        if len(segments) > 1 and step.operation is not Operation.DELETION:
            while n_left <= 0 and index + 1 < len(segments):
                index += 1
                n_left += letters[index]
            n_left -= len(folded(step.hypothesis))
        n_units[index] += step.operation is not Operation.INSERTION
        n_errors[index] += step.operation is not Operation.EQUAL
    return [errors > BAD_RATE * max(1, units) for errors, units in zip(n_errors, n_units, strict=True)]
