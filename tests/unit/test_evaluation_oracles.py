"""Figures of speakers and subtitles equal what other packages recorded: tests/oracles/make_goldens.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qasr_cli.evaluation.normalization import normalizers
from qasr_cli.evaluation.scoring import diarization, speaker_words, subtitle_figures
from qasr_cli.evaluation.scoring.speaker_words import SpokenUnits
from qasr_cli.evaluation.utterances import Turn
from qasr_cli.records import Caption

FOLDER = Path(__file__).parent.parent / "golden/oracles"
CONDITIONS = ((0, True), (250, True), (250, False))


def cases(name: str, n: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))["cases"]
    assert len(found) == n
    return found


def turns(rows: list[list[Any]]) -> list[Turn]:
    return [Turn(*row) for row in rows]


def spoken(side: list[Turn]) -> dict[str, list[SpokenUnits]]:
    speakers: dict[str, list[SpokenUnits]] = {}
    for turn in side:
        own = speakers.setdefault(turn.speaker, [])
        own.append(SpokenUnits(turn.text.split(), turn.start_ms, turn.end_ms))
    return speakers


def test_diarization_error_rates_are_those_of_pyannote() -> None:
    for case in cases("speakers", 60):
        reference, system = turns(case["reference"]), turns(case["system"])
        for (collar_ms, is_overlap_scored), told in zip(CONDITIONS, case["errors_ms"], strict=True):
            own = diarization.score(reference, system, collar_ms, is_overlap_scored=is_overlap_scored)
            found = [own.speech, own.missed, own.false_alarm, own.confusion]
            assert found == pytest.approx(told, abs=2)  # ms; seconds there
        whole = diarization.score(reference, system, 0)
        assert whole.jaccard / whole.n_speakers == pytest.approx(case["jer"], abs=1e-4)


def test_errors_of_words_with_speakers_are_those_of_meeteval() -> None:
    for case in cases("speakers", 60):
        sides = spoken(turns(case["reference"])), spoken(turns(case["system"]))
        counts, in_time = speaker_words.count(*sides), speaker_words.count_in_time(*sides)
        assert in_time is not None
        assert [counts.n_errors, in_time[0], counts.n_units] == case["cp_tcp_words"]


def test_subtitle_edit_rates_are_those_of_suber() -> None:
    for case in cases("subtitles", 30):
        sides = [
            [Caption(start, end, tuple(lines)) for start, end, lines in case[name]]
            for name in ("system", "reference")
        ]
        own = subtitle_figures.compare(sides[0], sides[1], "en").comparison.edit_rate
        assert own == pytest.approx(case["edit_rate"], abs=6e-4)  # percent, rounded there


def test_whispers_normalizers_are_as_published() -> None:
    english, basic = normalizers.get("whisper-en"), normalizers.get("whisper-basic")
    for case in cases("whisper", 10):
        told = [english.normalize(case["text"], "en"), basic.normalize(case["text"], "hi")]
        assert told == case["english_basic"]


def test_a_system_without_turns_has_missed_all_speech() -> None:
    own = diarization.score([Turn("A", 0, 1_000), Turn("B", 500, 2_000)], [], 0)
    assert (own.speech, own.missed, own.false_alarm, own.confusion) == (2_500, 2_500, 0, 0)
    assert own.jaccard == own.n_speakers == 2


def test_words_of_a_long_recording_are_not_compared_in_time() -> None:
    long = {"A": [SpokenUnits(["a"] * 20_001, 0, 1_000)]}
    assert speaker_words.count_in_time(long, long) is None
