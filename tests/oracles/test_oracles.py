"""Figures equal the oracles', on hundreds of random cases; and recorded ones are what the oracles give."""

from __future__ import annotations

import pytest

from qasr_cli.evaluation.scoring import diarization, speaker_words
from qasr_cli.evaluation.scoring.speaker_words import SpokenUnits
from qasr_cli.evaluation.utterances import Turn
from qasr_cli.subtitles.qc.suber import subtitle_edit_rate
from tests import evaluation_cases
from tests.oracles import make_goldens, packages

# Ends are in seconds there, and a collar's edge may fall on either side of one: of each of some 100 edges
TOLERANCE_MS = 2


def spoken(turns: list[Turn]) -> dict[str, list[SpokenUnits]]:
    speakers: dict[str, list[SpokenUnits]] = {}
    for turn in turns:
        speakers.setdefault(turn.speaker, []).append(
            SpokenUnits(turn.text.split(), turn.start_ms, turn.end_ms)
        )
    return speakers


@pytest.mark.parametrize("collar_ms", [0, 250])
@pytest.mark.parametrize("is_overlap_scored", [True, False])
def test_diarization_error_rates_are_those_of_pyannote(collar_ms: int, is_overlap_scored: bool) -> None:
    for seed in range(300):
        reference, system = evaluation_cases.turns(seed)
        own = diarization.score(reference, system, collar_ms, is_overlap_scored=is_overlap_scored)
        told = packages.diarization(reference, system, collar_ms, is_overlap_scored=is_overlap_scored)
        assert [own.speech, own.missed, own.false_alarm, own.confusion] == pytest.approx(
            told, abs=TOLERANCE_MS
        ), seed


def test_jaccard_error_rates_are_those_of_pyannote() -> None:
    for seed in range(300):
        reference, system = evaluation_cases.turns(seed)
        own = diarization.score(reference, system, 0)
        assert own.jaccard / own.n_speakers == pytest.approx(packages.jaccard(reference, system), abs=1e-4), (
            seed
        )


def test_errors_of_words_with_speakers_are_those_of_meeteval() -> None:
    for seed in range(300):
        reference, system = evaluation_cases.turns(seed)
        sides = spoken(reference), spoken(system)
        counts, in_time = speaker_words.count(*sides), speaker_words.count_in_time(*sides)
        assert in_time is not None
        assert [counts.n_errors, in_time[0], counts.n_units] == packages.speaker_words(reference, system), (
            seed
        )


def test_subtitle_edit_rates_are_those_of_suber() -> None:
    for seed in range(100):
        reference, system = evaluation_cases.captions(seed)
        own = subtitle_edit_rate(system, reference, is_spaced=True)
        assert own == pytest.approx(packages.subtitle_edit_rate(system, reference), abs=6e-4), seed


def test_the_recorded_values_are_those_of_the_packages() -> None:
    for name, text in make_goldens.made().items():
        assert (make_goldens.FOLDER / name).read_text("utf-8") == text, f"make oracle-goldens: {name}"
