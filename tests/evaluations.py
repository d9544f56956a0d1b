"""Evaluations for tests of reports: a big one, an empty one, a hostile one, and one of a few figures.

The figures are made up by a seed; what reports do with them does not depend on where they come from.
"""

from __future__ import annotations

import random
from pathlib import Path

from qasr_cli.evaluation.figures import (
    CalibrationFigures,
    Comparison,
    Counts,
    DetectorFigures,
    DetectorValues,
    Edit,
    Evaluation,
    Group,
    Interval,
    LanguageFigures,
    Operation,
    Published,
    Rate,
    ReliabilityBin,
    SetFigures,
    SpeakerFigures,
    SpeedFigures,
    SubtitleFigures,
    TimeFigures,
    Unit,
    Worst,
)
from qasr_cli.evaluation.utterances import Answer, AudioPart, Pair, Utterance
from qasr_cli.records import Span

HOSTILE = '<script>alert("x")</script>=1+1|`*_[a](http://b.example)_*`\x1b[31m\u202eabc'
SYSTEMS = ("qasr 0.6b", "qasr 1.7b", "other tool")
SETS = (
    ("librispeech test-clean", "en", Unit.WORD, 0.03),
    ("fleurs cmn_hans_cn test", "zh", Unit.CHARACTER, 0.06),
    ("own recordings", "ar", Unit.WORD, 0.18),
)
TEXTS = {
    "en": "the quick brown fox jumps over the lazy dog and then it sleeps under a tall green tree",
    "zh": "我们昨天在北京的公园里看到了很多漂亮的花朵和高大的树木",
    "ar": "ذهب الولد إلى المدرسة في الصباح ثم عاد إلى البيت مع أصدقائه",
}


def edits_of(text: str, unit: Unit, rng: random.Random, share: float) -> tuple[Edit, ...]:
    """Return an alignment of a text with made-up errors."""
    units = text.split() if unit is Unit.WORD else list(text)
    steps = []
    for one in units:
        draw = rng.random()
        if draw < share / 2:
            steps.append(Edit(Operation.SUBSTITUTION, one, one[::-1] + "o"))
        elif draw < share * 0.8:
            steps.append(Edit(Operation.DELETION, one, ""))
        elif draw < share:
            steps += [Edit(Operation.EQUAL, one, one), Edit(Operation.INSERTION, "", one[:1] + "x")]
        else:
            steps.append(Edit(Operation.EQUAL, one, one))
    return tuple(steps)


def counts_of(edits: tuple[Edit, ...]) -> Counts:
    n = {kind: sum(edit.operation is kind for edit in edits) for kind in Operation}
    n_insertions = n[Operation.INSERTION]
    return Counts(len(edits) - n_insertions, n[Operation.SUBSTITUTION], n[Operation.DELETION], n_insertions)


def worst_of(system: str, name: str, language: str, unit: Unit, rng: random.Random) -> tuple[Worst, ...]:
    found = []
    for number in range(50):
        edits = edits_of(TEXTS[language], unit, rng, 0.4)
        reference = " ".join(edit.reference for edit in edits if edit.reference)
        hypothesis = " ".join(edit.hypothesis for edit in edits if edit.hypothesis)
        utterance = Utterance(
            id=f"{name[:4]}-{number:04d}",
            set_name=name,
            audio=AudioPart(Path(f"/corpora/{name}/talk {number % 7}.flac"), Span(1_500, 6_250)),
            text=reference,
            language=language,
            speaker=f"speaker {number % 9}",
            duration_ms=4_750,
            labels={"gender": ("female", "male")[number % 2]},
        )
        pair = Pair(system, utterance, Answer(hypothesis, language))
        found.append(Worst(pair, counts_of(edits), edits))
    return tuple(sorted(found, key=lambda one: -one.counts.n_errors))


def interval_of(value: float, n_blocks: int) -> Interval:
    if n_blocks < 30:
        return Interval(value, None, None, n_blocks, "speaker")
    return Interval(value, value * 0.9, value * 1.12, n_blocks, "speaker")


def groups_of(rng: random.Random) -> tuple[Group, ...]:
    groups = [
        Group("length", part, 200, Counts(1_000, rng.randint(10, 90)))
        for part in ("0-5 s", "5-10 s", "10-20 s", "20-30 s", "30 s and more")
    ]
    groups += [
        Group("noise", part, 90, Counts(900, rng.randint(10, 200)))
        for part in ("below 0 dB", "0-5 dB", "20 dB and more")
    ]
    groups += [Group("speaker", f"speaker {one}", 30, Counts(400, rng.randint(2, 60))) for one in range(20)]
    return tuple(groups)


def rates_of(unit: Unit, level: float, n_blocks: int) -> tuple[Rate, ...]:
    n_units = 50_000
    counts = Counts(
        n_units, round(n_units * level * 0.6), round(n_units * level * 0.25), round(n_units * level * 0.15)
    )
    interval = interval_of(counts.rate or 0.0, n_blocks)
    strict = Counts(n_units, counts.substitutions + 900, counts.deletions, counts.insertions)
    return (
        Rate(unit, "qasr", counts, interval),
        Rate(unit, "qasr+numbers", counts, interval),
        Rate(unit, "none", strict, interval_of(strict.rate or 0.0, n_blocks)),
        *([Rate(Unit.MIXED, "qasr", counts, interval)] if unit is Unit.CHARACTER else []),
    )


def times_of(rng: random.Random) -> TimeFigures:
    return TimeFigures(
        n_words=52_000,
        n_matched=50_100,
        aas_ms=38.2,
        median_ms=22.0,
        p95_ms=121.5,
        bias_ms=-12.4,
        start_bias_ms=-20.1,
        end_bias_ms=-4.7,
        within={80: 0.912, 100: 0.944, 200: 0.989},
        histogram={
            low: round(4_000 * 0.96 ** abs(low + 20)) + rng.randint(0, 9) for low in range(-500, 500, 20)
        },
    )


def calibration() -> CalibrationFigures:
    return CalibrationFigures(
        50_100,
        48_300,
        0.021,
        tuple(ReliabilityBin(5_010, 0.5 + one / 20, min(1.0, 0.42 + one / 17)) for one in range(10)),
        tuple((one / 1_000, 0.036 * (one / 1_000) ** 2) for one in range(1, 1_001)),
        0.87,
    )


def set_of(system: str, number: int, rng: random.Random) -> SetFigures:
    """Return all figures that there are, of one system on one set."""
    name, language, unit, level = SETS[number]
    level *= rng.uniform(0.8, 1.3)
    return SetFigures(
        set_name=name,
        system=system,
        language=language,
        n_utterances=2_620,
        audio_ms=19_452_481,
        rates=rates_of(unit, level, 40 if number < 2 else 12),
        n_missing=3 if number == 2 else 0,
        missing_ids=("a-1", "a-2", "a-3") if number == 2 else (),
        n_empty=1,
        substitutions=tuple(
            (word, word.upper(), 40 - place) for place, word in enumerate(TEXTS["en"].split())
        ),
        deletions=(("the", 51), ("a", 20)),
        insertions=(("um", 12), ("里", 4)),
        lid=LanguageFigures(
            2_600,
            2_400,
            15,
            0.91,
            {(language, language): 2_400, (language, "ms"): 150, (language, ""): 15, ("id", "ms"): 35},
        ),
        times=times_of(rng),
        subtitles=SubtitleFigures(812, 22.4, 0.713, -41.0, 0.962, 2) if number == 2 else None,
        speakers=(
            SpeakerFigures(12, 0, 0.046, 0.02, 0.011, 0.015, 0.081, 0.124, None, 11),
            SpeakerFigures(12, 250, 0.016, 0.004, 0.003, 0.009, None, 0.124, None, 11),
        ),
        speed=SpeedFigures(19_452_481, 812.4, 23.9, 3_221_225_472, "cpu int8, 8 threads"),
        calibration=calibration(),
        detectors=(
            DetectorFigures("loop", 2_700, 12, 40, 11),
            DetectorFigures("rate", 2_700, 0, 40, 0),
        ),
        detector_values=(
            DetectorValues("compression", {0.05: 0.9, 0.5: 1.2, 0.95: 1.6, 0.99: 1.9}, {0.05: 1.4, 0.5: 2.9}),
        ),
        groups=groups_of(rng),
        worst=worst_of(system, name, language, unit, rng),
        warnings=("deletions are 60 % of the errors: is the output truncated?",) if number == 2 else (),
    )


def big(n_systems: int = 3) -> Evaluation:
    """Return an evaluation of three sets with everything in it."""
    rng = random.Random(23)
    sets = tuple(set_of(system, number, rng) for number in range(3) for system in SYSTEMS[:n_systems])
    return Evaluation(
        facts={
            "qasr": "1.0.0",
            "command": "qasr eval corpora/ -m 0.6b -m 1.7b --hyp 'other tool=out/'",
            "normalizers": "qasr, qasr+numbers, none",
            "seed": "1",
        },
        sets=sets,
        comparisons=tuple(
            Comparison(
                name,
                SYSTEMS[0],
                SYSTEMS[1],
                unit,
                "qasr",
                Interval(0.0042, -0.0011, 0.0094, 40, "speaker")
                if number
                else Interval(0.0061, 0.0031, 0.0092, 40, "speaker"),
                0.06 if number else 0.001,
                120,
                310,
                2_190,
            )
            for number, (name, _, unit, _) in enumerate(SETS)
        ),
        published=(
            Published(
                "release, English",
                "test-clean",
                "WER, qasr",
                "0.6B",
                2.11,
                Interval(3.31, 2.98, 3.7, 40, "speaker"),
                "their normalizer is not published.",
            ),
            Published("release, English", "test-other", "WER, qasr", "0.6B", 4.55, None, "not on disk"),
        ),
        normalizers={"qasr": "1: NFKC; lower case; punctuation out", "none": "1: nothing"},
        warnings=("one side may be normalized: it has no capitals and no punctuation",),
    )


def empty() -> Evaluation:
    """Return an evaluation with one system that gave nothing, on a set that has nothing."""
    nothing = SetFigures("empty set", "silent", None, 0, 0, (Rate(Unit.WORD, "qasr", Counts(), None),))
    return Evaluation({}, (nothing, SetFigures("no rates", "silent", None, 0, 0, ())))


def hostile() -> Evaluation:
    """Return an evaluation in which every name and text is dangerous somewhere, and numbers are huge."""
    utterance = Utterance(
        HOSTILE,
        HOSTILE,
        AudioPart(Path(f'javascript:"{HOSTILE[:20]}\udcff.wav'), Span(0, 10**12)),
        HOSTILE,
        HOSTILE,
        HOSTILE,
        labels={HOSTILE: HOSTILE},
    )
    edits = (
        Edit(Operation.SUBSTITUTION, HOSTILE, "=cmd|' /C calc'!A0"),
        Edit(Operation.EQUAL, "שלום עולם", "שלום עולם"),
        Edit(Operation.INSERTION, "", "x" * 10_000),
    )
    counts = Counts(2, 1, 0, 1)
    one = SetFigures(
        HOSTILE,
        HOSTILE,
        HOSTILE,
        10**15,
        10**15,
        (Rate(Unit.WORD, HOSTILE, Counts(1, 10**12, 0, 0), Interval(1e12, 0.0, 1e13, 10**9, HOSTILE)),),
        n_missing=10**9,
        missing_ids=(HOSTILE, "=1+1"),
        substitutions=((HOSTILE, "+1", 10**12),),
        deletions=(("@SUM(A1)", 1),),
        insertions=(("-2", 1),),
        lid=LanguageFigures(1, 0, 1, 0.0, {(HOSTILE, ""): 1, (HOSTILE, "de"): 2}),
        groups=(
            Group("speaker", HOSTILE, 1, counts),
            Group(HOSTILE, "a", 1, counts),
            Group(HOSTILE, "b", 1, Counts()),
        ),
        worst=(Worst(Pair(HOSTILE, utterance, Answer(HOSTILE, error=HOSTILE)), counts, edits),),
        warnings=(HOSTILE,),
    )
    comparison = Comparison(HOSTILE, HOSTILE, "b", Unit.WORD, "qasr", Interval(0.0), 0.5, 0, 0, 1)
    table = Published(HOSTILE, HOSTILE, HOSTILE, HOSTILE, 1e9, None, HOSTILE)
    return Evaluation({HOSTILE: HOSTILE}, (one,), (comparison,), (table,), {HOSTILE: HOSTILE}, (HOSTILE,))


def small() -> Evaluation:
    """Return an evaluation of a few figures, for goldens that people can read."""
    counts = Counts(1_000, 21, 8, 3)
    interval = Interval(0.032, 0.0287, 0.0361, 40, "speaker")
    first = SetFigures(
        "test-clean",
        "qasr",
        "en",
        120,
        612_500,
        (
            Rate(Unit.WORD, "qasr", counts, interval),
            Rate(Unit.WORD, "none", Counts(1_000, 300, 8, 3), Interval(0.311, 0.29, 0.33, 40, "speaker")),
        ),
        n_empty=1,
        substitutions=(("colour", "color", 4),),
        deletions=(("the", 3),),
        lid=LanguageFigures(120, 118, 1, 0.9833, {("en", "en"): 118, ("en", "de"): 1, ("en", ""): 1}),
    )
    second = SetFigures(
        "测试集",
        "other",
        "zh",
        9,
        3_600_000,
        (Rate(Unit.CHARACTER, "qasr", Counts(90, 9, 0, 0), Interval(0.1, None, None, 9, "utterance")),),
        n_missing=1,
        missing_ids=("BAC-1",),
        times=TimeFigures(50, 44, 38.25, 22.0, 121.5, -12.4, -20.0, -4.8, {80: 0.912, 100: 0.944}, {}),
        warnings=("every utterance of the set is short",),
    )
    comparison = Comparison(
        "test-clean",
        "qasr",
        "other",
        Unit.WORD,
        "qasr",
        Interval(-0.0031, -0.006, -0.0002, 40, "speaker"),
        0.991,
        20,
        9,
        91,
    )
    return Evaluation({"seed": "1"}, (first, second), (comparison,), normalizers={"qasr": "1: lower case"})
