"""The errors of one system's speakers on one set: who speaks when, and what.

In go pairs whose reference says who speaks; what stays are sums over recordings. Recordings of which a system
tells no speakers are left out: their texts alone are scored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from qasr_cli.evaluation.figures import Counts, SpeakerFigures
from qasr_cli.evaluation.normalization.normalizers import Normalizer
from qasr_cli.evaluation.scoring import diarization, speaker_words, units
from qasr_cli.evaluation.scoring.diarization import Confusions
from qasr_cli.evaluation.scoring.speaker_words import SpokenUnits
from qasr_cli.evaluation.utterances import Pair, Turn

# Collar on each side, and whether overlap is scored: all of it, with NIST's collar, and as NIST once did
_CONDITIONS = ((0, True), (250, True), (250, False))
MAX_SPEAKERS = 200  # of one recording; a file with more is of no recording, and would take gigabytes


@dataclass(slots=True)
class SpeakerTally:
    """Sums over recordings.

    Attributes:
        turns: Milliseconds by (collar, is overlap scored).
        n_crowded: Recordings with too many speakers, which are left out.
        words: Errors of cpWER.
        in_time: Errors and units of tcpWER; None if a recording was too long for it.
    """

    turns: dict[tuple[int, bool], Confusions] = field(default_factory=dict)
    n_recordings: int = 0
    n_right_count: int = 0
    n_crowded: int = 0
    words: Counts = field(default_factory=Counts)
    in_time: tuple[int, int] | None = (0, 0)

    def add(self, pair: Pair, normalizer: Normalizer, language: str | None) -> None:
        """Add a recording, where the reference says who speaks, and the system tells speakers apart."""
        utterance, answer = pair.utterance, pair.answer
        if not utterance.turns or answer is None or not answer.turns:
            return
        named = [{turn.speaker for turn in turns} for turns in (utterance.turns, answer.turns)]
        if max(map(len, named)) > MAX_SPEAKERS:
            self.n_crowded += 1
            return
        self.n_recordings += 1
        self.n_right_count += len(named[0]) == len(named[1])
        for condition in _CONDITIONS:
            collar_ms, is_overlap_scored = condition
            errors = diarization.score(
                utterance.turns, answer.turns, collar_ms, is_overlap_scored=is_overlap_scored
            )
            self.turns[condition] = self.turns.get(condition, Confusions()) + errors
        if all(turn.text for turn in utterance.turns) and any(turn.text for turn in answer.turns):
            sides = [_spoken(side, normalizer, language) for side in (utterance.turns, answer.turns)]
            self._add_words(sides[0], sides[1])

    def _add_words(self, reference: speaker_words.Speakers, system: speaker_words.Speakers) -> None:
        self.words += speaker_words.count(reference, system)
        found = speaker_words.count_in_time(reference, system) if self.in_time is not None else None
        if found is None or self.in_time is None:
            self.in_time = None
        else:
            self.in_time = (self.in_time[0] + found[0], self.in_time[1] + found[1])

    @property
    def figures(self) -> Iterator[SpeakerFigures]:
        """The figures, by collar; those without overlap only where there is some."""
        for (collar_ms, is_overlap_scored), sums in self.turns.items():
            is_same = not is_overlap_scored and sums == self.turns[collar_ms, True]
            if not sums.speech or is_same:
                continue
            shares = [part / sums.speech for part in (sums.missed, sums.false_alarm, sums.confusion)]
            is_whole = not collar_ms and is_overlap_scored
            yield SpeakerFigures(
                n_recordings=self.n_recordings,
                collar_ms=collar_ms,
                der=sum(shares),
                missed=shares[0],
                false_alarm=shares[1],
                confusion=shares[2],
                jer=sums.jaccard / sums.n_speakers if is_whole and sums.n_speakers else None,
                cp_wer=self.words.rate,
                tcp_wer=self.in_time[0] / self.in_time[1] if self.in_time and self.in_time[1] else None,
                n_right_count=self.n_right_count,
                is_overlap_scored=is_overlap_scored,
            )


def _spoken(
    turns: Sequence[Turn], normalizer: Normalizer, language: str | None
) -> dict[str, list[SpokenUnits]]:
    """Return each speaker's turns in order of time, cut into units."""
    unit = units.of_language(language)[0]
    spoken: dict[str, list[SpokenUnits]] = {}
    for turn in sorted(turns, key=lambda turn: turn.start_ms):
        cut = units.split(normalizer.normalize(turn.text, language), unit)
        spoken.setdefault(turn.speaker, []).append(SpokenUnits(cut, turn.start_ms, turn.end_ms))
    return spoken
