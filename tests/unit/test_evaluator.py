"""Figures of an evaluation, from pairs: sums, blocks, comparisons, groups, missing answers, warnings."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace

import kaldialign
import numpy as np
import pytest

from qasr_cli.evaluation import groups
from qasr_cli.evaluation.evaluate import Evaluator
from qasr_cli.evaluation.figures import Counts, Evaluation, Interval, SetFigures, Unit
from qasr_cli.evaluation.normalization import normalizers
from qasr_cli.evaluation.scoring import bootstrap, language_id, word_times
from qasr_cli.evaluation.utterances import Answer, Pair, TimedWord, Turn, Utterance
from tests import evaluation_cases


def utterance(name: str, text: str, **more: object) -> Utterance:
    plain = Utterance(name, "set", None, text, "en", duration_ms=2_000)
    return replace(plain, **more)  # type: ignore[arg-type] # the tests' own field names


def evaluated(pairs: list[Pair], *names: str) -> Evaluation:
    evaluator = Evaluator([normalizers.get(name) for name in names or ("qasr",)])
    for pair in pairs:
        evaluator.add(pair)
    return evaluator.finish({})


def figures(pairs: list[Pair], *names: str) -> SetFigures:
    (only,) = evaluated(pairs, *names).sets
    return only


def random_pairs(n: int, system: str, n_speakers: int) -> Iterator[Pair]:
    for seed in range(1, 3 * n, 3):
        reference, hypothesis = evaluation_cases.texts(seed)
        speaker = f"speaker-{seed % n_speakers}" if n_speakers else ""
        yield Pair(system, utterance(f"u{seed}", reference, speaker=speaker), Answer(hypothesis))


def ends(interval: Interval | None) -> tuple[float, float]:
    assert interval is not None
    assert interval.low is not None
    assert interval.high is not None
    return interval.low, interval.high


def test_a_rate_is_that_of_sums_and_never_the_mean_of_rates() -> None:
    pairs = [
        Pair("s", utterance("a", "one"), Answer("two")),  # 1 of 1
        Pair("s", utterance("b", "a b c d e f g h i"), Answer("a b c d e f g h i")),  # 0 of 9
    ]
    main = figures(pairs).rates[0]
    assert (main.unit, main.counts, main.counts.rate) == (Unit.WORD, Counts(10, 1, 0, 0), 0.1)


def test_missing_failed_and_empty_answers_are_deletions() -> None:
    pairs = [
        Pair("s", utterance("a", "one two"), None),
        Pair("s", utterance("b", "one two three"), Answer("ignored", error="damaged")),
        Pair("s", utterance("c", "one"), Answer(" ")),
        Pair("s", utterance("d", "..."), Answer("more")),
    ]
    found = figures(pairs)
    assert found.rates[0].counts == Counts(6, 0, 6, 1)
    assert (found.n_missing, found.missing_ids, found.n_empty_references) == (1, ("a",), 1)
    assert found.n_empty == 2
    text = " ".join(found.warnings)
    assert "1 of 4 utterances have no answer (first: a)" in text
    assert "1 of 4 utterances failed" in text
    assert "1 references are empty" in text


def test_all_empty_references_have_no_rate() -> None:
    main = figures([Pair("s", utterance("a", ""), Answer("b"))]).rates[0]
    assert (main.counts.rate, main.interval) == (None, None)


def test_rates_of_every_normalizer_and_unit() -> None:
    found = figures([Pair("s", utterance("a", "Twenty-one"), Answer("21"))], "none", "qasr", "qasr+numbers")
    rates = {(rate.normalizer, rate.unit): rate.counts.n_errors for rate in found.rates}
    assert [rates[name, Unit.WORD] for name in ("none", "qasr", "qasr+numbers")] == [1, 2, 0]


def test_the_reference_decides_the_language_of_a_set_without_one() -> None:
    plain = utterance("a", "今天天气很好", language=None)
    for answer in (Answer("今天天气好", language="en"), Answer("今天天气好", language="ja")):
        found = figures([Pair("s", plain, answer)])
        assert (found.language, found.rates[0].unit) == ("zh", Unit.CHARACTER)
        assert found.rates[0].counts == Counts(6, 0, 1, 0)


def test_languages_have_figures_of_their_own() -> None:
    pairs = [
        Pair("s", utterance("a", "one two"), Answer("one two")),
        Pair("s", utterance("b", "今天", language="cmn_hans_cn"), Answer("明天")),
    ]
    assert [(one.set_name, one.language, one.rates[0].counts.rate) for one in evaluated(pairs).sets] == [
        ("set (en)", "en", 0.0),
        ("set (zh)", "zh", 0.5),
    ]


@pytest.mark.parametrize(("n_speakers", "blocks"), [(0, "utterance"), (40, "speaker")])
def test_an_interval_is_about_that_of_kaldialign_where_blocks_are_utterances(
    n_speakers: int, blocks: str
) -> None:
    pairs = list(random_pairs(300, "s", n_speakers))
    interval = figures(pairs, "none").rates[0].interval
    low, high = ends(interval)
    assert interval is not None
    assert interval.blocks == blocks
    assert interval.n_blocks == (n_speakers or 300)
    assert low < interval.value < high
    texts = [
        (pair.utterance.text.split(), pair.answer.text.split()) for pair in pairs if pair.answer is not None
    ]
    told = kaldialign.bootstrap_wer_ci([a for a, _ in texts], [b for _, b in texts])
    if blocks == "utterance":
        assert interval.value == pytest.approx(told["wer"], abs=0.005)  # the mean of its draws
        assert high - low == pytest.approx(told["ci95max"] - told["ci95min"], rel=0.15)


def test_few_blocks_have_no_interval() -> None:
    interval = figures(list(random_pairs(100, "s", 29))).rates[0].interval
    assert interval is not None
    assert (interval.n_blocks, interval.low, interval.high) == (29, None, None)


def test_the_interval_of_independent_utterances_is_that_of_the_normal_distribution() -> None:
    draw = np.random.default_rng(0)
    n = 60_000  # more than are drawn one by one
    errors, units = draw.binomial(10, 0.1, n), np.full(n, 10)
    interval = bootstrap.rate(errors, units, np.arange(n), 1, "utterance")
    low, high = ends(interval)
    assert interval is not None
    assert interval.n_blocks == n
    half = 1.96 * np.sqrt(0.1 * 0.9 / (10 * n))  # of a mean of 600,000 Bernoulli draws
    assert high - low == pytest.approx(2 * half, rel=0.08)


def test_the_same_seed_gives_the_same_interval() -> None:
    pairs = list(random_pairs(100, "s", 0))
    first, second = figures(pairs).rates[0].interval, figures(pairs).rates[0].interval
    assert first == second


def test_two_systems_are_compared_utterance_by_utterance() -> None:
    draw, pairs = random.Random(0), []
    for number in range(100):
        one = utterance(f"u{number}", "a b c d")
        better = "a b c d" if draw.random() < 0.9 else "a b c x"
        pairs += [Pair("good", one, Answer(better)), Pair("bad", one, Answer("a b x d"))]
    (found,) = evaluated(pairs).comparisons
    assert (found.a, found.b, found.unit, found.normalizer) == ("good", "bad", Unit.WORD, "qasr")
    n_right = sum(pair.answer == Answer("a b c d") for pair in pairs)
    assert (found.n_won, found.n_lost, found.n_tied) == (n_right, 0, 100 - n_right)
    assert found.difference.value == pytest.approx(-n_right / 400)
    assert ends(found.difference)[1] < 0
    assert found.p_better == 1.0


def test_equal_systems_are_at_one_half() -> None:
    pairs = [*random_pairs(50, "a", 0), *random_pairs(50, "b", 0)]
    (found,) = evaluated(pairs).comparisons
    assert (found.p_better, found.difference.value, found.n_tied) == (0.5, 0.0, 50)


def test_systems_in_another_order_are_paired_by_id() -> None:
    right = list(random_pairs(50, "a", 0))
    other = [Pair("b", pair.utterance, pair.answer) for pair in reversed(right)]
    (found,) = evaluated([*right, *other]).comparisons
    assert (found.n_tied, found.difference.value) == (50, 0.0)


def test_systems_that_share_no_utterance_are_not_better_or_worse() -> None:
    pairs = [Pair("a", utterance("x", "one"), Answer("one")), Pair("b", utterance("y", "one"), Answer("two"))]
    assert [one.n_tied for one in evaluated(pairs).comparisons] in ([], [0])


def test_groups_by_length_speaker_noise_and_label() -> None:
    labels: Mapping[str, str] = {"snr_db": "7.5", "accent": "scottish"}
    pairs = [
        Pair("s", utterance("a", "one two", duration_ms=4_999, speaker="x", labels=labels), Answer("one")),
        Pair("s", utterance("b", "three", duration_ms=5_000, speaker="y"), Answer("three")),
        Pair("s", utterance("c", "four", duration_ms=31_000, speaker="y"), Answer("for")),
    ]
    groups = {(one.kind, one.name): (one.n_utterances, one.counts) for one in figures(pairs).groups}
    assert groups == {
        ("length", "0-5 s"): (1, Counts(2, 0, 1, 0)),
        ("length", "5-10 s"): (1, Counts(1, 0, 0, 0)),
        ("length", "30 s and more"): (1, Counts(1, 1, 0, 0)),
        ("noise", "5-10 dB"): (1, Counts(2, 0, 1, 0)),
        ("speaker", "x"): (1, Counts(2, 0, 1, 0)),
        ("speaker", "y"): (2, Counts(2, 1, 0, 0)),
        ("accent", "scottish"): (1, Counts(2, 0, 1, 0)),
    }


@pytest.mark.parametrize(
    ("snr_db", "name"), [("-3", "below 0 dB"), ("inf", "20 dB and more"), ("nan", None), ("loud", None)]
)
def test_a_noise_that_is_no_number_is_in_no_group(snr_db: str, name: str | None) -> None:
    one = utterance("a", "one", duration_ms=None, labels={"snr_db": snr_db})
    assert groups.of_utterance(one) == ([("noise", name)] if name else [])


def test_a_group_has_the_interval_of_its_own_utterances() -> None:
    labels = [{"gender": "f"}, {"gender": "m"}]
    pairs = [
        replace(pair, utterance=replace(pair.utterance, labels=labels[number % 3 == 0]))
        for number, pair in enumerate(random_pairs(240, "s", 61))
    ]
    found = {one.name: one for one in figures(pairs).groups if one.kind == "gender"}
    alone = [pair for pair in pairs if pair.utterance.labels == labels[0]]
    # Speakers have other numbers there, so that others are drawn
    assert ends(found["f"].interval) == pytest.approx(ends(figures(alone).rates[0].interval), abs=0.01)
    assert found["f"].counts == figures(alone).rates[0].counts
    assert {
        one.interval.n_blocks for one in figures(pairs).groups if one.kind == "speaker" and one.interval
    } == {1}


def test_the_worst_utterances_come_first_with_their_edits() -> None:
    pairs = [Pair("s", utterance(f"u{n}", " ".join(map(str, range(n)))), Answer("")) for n in range(1, 80)]
    found = figures(pairs)
    assert [one.counts.deletions for one in found.worst] == list(range(79, 29, -1))
    assert [step.reference for step in found.worst[-1].edits] == [str(n) for n in range(30)]


def test_common_edits_are_counted() -> None:
    pairs = [Pair("s", utterance(f"u{n}", "a b c"), Answer("a x c d")) for n in range(3)]
    found = figures(pairs)
    assert (found.substitutions, found.insertions, found.deletions) == ((("b", "x", 3),), (("d", 3),), ())


def test_speakers_have_figures_under_three_conditions() -> None:
    reference = (Turn("A", 0, 3_000, "one two"), Turn("B", 1_500, 4_000, "three four"))
    system = (Turn("S1", 0, 3_000, "one two"), Turn("S2", 3_000, 4_000, "three for"))
    found = figures([Pair("s", utterance("a", "x", turns=reference), Answer("x", turns=system))]).speakers
    assert [(one.collar_ms, one.is_overlap_scored) for one in found] == [(0, True), (250, True), (250, False)]
    whole = found[0]
    assert whole.der == whole.missed == pytest.approx(1_500 / 5_500)
    assert whole.jer == pytest.approx((0 + 1_500 / 2_500) / 2)
    assert (whole.cp_wer, whole.tcp_wer) == (0.25, 0.25)
    assert (whole.n_recordings, whole.n_right_count) == (1, 1)
    # 1 s of each, 1 s of both, 0.5 s of B alone are left between collars
    assert [one.der for one in found[1:]] == [pytest.approx(1_000 / 3_500), 0.0]


def test_without_overlap_there_is_no_figure_of_its_own() -> None:
    turns = (Turn("A", 0, 1_000), Turn("B", 1_000, 2_000))
    found = figures([Pair("s", utterance("a", "x", turns=turns), Answer("x", turns=turns))]).speakers
    assert [(one.collar_ms, one.der, one.cp_wer, one.tcp_wer) for one in found] == [
        (0, 0.0, None, None),
        (250, 0.0, None, None),
    ]


def test_a_crowd_of_speakers_has_no_figures_and_a_warning() -> None:
    turns = tuple(Turn(f"S{n}", n, n + 1) for n in range(201))
    found = figures([Pair("s", utterance("a", "x", turns=turns), Answer("x", turns=turns))])
    assert found.speakers == ()
    assert any("more than 200 speakers" in text for text in found.warnings)


def test_errors_of_word_times() -> None:
    words = (TimedWord("One", 0, 500), TimedWord("two,", 600, 900), TimedWord("three", 1_000, 1_400))
    told = (TimedWord("one", 20, 480), TimedWord("tooth", 600, 900), TimedWord("Three!", 1_100, 1_380))
    found = figures([Pair("s", utterance("a", "one two three", words=words), Answer("x", words=told))]).times
    assert found is not None  # errors: 20, -20, 100, -20
    assert (found.n_words, found.n_matched) == (3, 2)
    assert (found.aas_ms, found.median_ms, found.bias_ms) == (40.0, 20.0, 20.0)
    assert (found.start_bias_ms, found.end_bias_ms) == (60.0, -20.0)
    assert found.within == {80: 0.75, 100: 1.0, 200: 1.0}
    assert {low: n for low, n in found.histogram.items() if n} == {-20: 2, 20: 1, 100: 1}


def test_no_matched_word_has_no_times() -> None:
    assert word_times.figures([], 5) is None


def test_accuracy_of_languages_by_hand() -> None:
    found = language_id.figures({("en", "en"): 3, ("en", "de"): 1, ("zh", ""): 1, ("zh", "zh"): 1})
    assert found is not None
    assert (found.n, found.n_right, found.n_none, found.macro) == (6, 4, 1, (0.75 + 0.5) / 2)


@pytest.mark.parametrize(
    ("spelling", "code"),
    [
        ("cmn_hans_cn", "zh"),
        ("zh-TW", "zh"),
        ("wuu", "zh"),
        ("yue_hant_hk", "yue"),
        ("tl", "fil"),
        (None, ""),
    ],
)
def test_dialects_count_as_their_language_and_cantonese_apart(spelling: str | None, code: str) -> None:
    assert language_id.code(spelling) == code


LONG = "one two three four five six seven eight nine ten"


@pytest.mark.parametrize(
    ("reference", "answer", "names", "warning"),
    [
        (LONG, "one two three four", ("qasr",), "truncated?"),
        (LONG, f"{LONG} {LONG}", ("qasr",), "loops"),
        (LONG, "it was all a very different sort of sentence there", ("qasr",), "another split"),
        (LONG.upper(), LONG, ("none",), "One side has capital letters"),
        ("One, two. " * 5, "one two " * 5, ("none",), "One side has punctuation"),
        ("1 2 3 4 5 6 7 8 9 10", LONG, ("qasr",), "Only the references have digits"),
        ("कितने की हिन्दी है " * 3, "कितने की हिन्दी है " * 3, ("whisper-basic",), "damaged words"),
        ("One Two Three " * 5, "one Two three " * 5, ("none",), "differ in capital letters only"),
    ],
)
def test_warnings_of_somebody_with_experience(
    reference: str, answer: str, names: tuple[str, ...], warning: str
) -> None:
    language = "hi" if "whisper-basic" in names else "en"
    pairs = [
        Pair("s", utterance(f"u{n}", reference, language=language), Answer(answer, language=language))
        for n in range(10)
    ]
    assert any(warning in text for text in figures(pairs, *names).warnings)


def test_the_normalizer_of_english_is_not_that_of_other_languages() -> None:
    german = [Pair("s", utterance("u", "für die Straße", language="de"), Answer("für die Straße"))]
    english = [Pair("s", utterance("u", "for the road", language="en"), Answer("for the road"))]
    assert any("is a normalizer of English" in text for text in figures(german, "whisper-en").warnings)
    assert not figures(english, "whisper-en").warnings


def test_a_good_system_has_no_warning() -> None:
    pairs = [Pair("s", utterance(f"u{n}", LONG), Answer(LONG, language="en")) for n in range(40)]
    assert figures(pairs, "qasr", "qasr+numbers").warnings == ()


def test_clips_of_more_than_30_s_that_lose_words_are_told() -> None:
    pairs = [Pair("s", utterance(f"u{n}", LONG), Answer(LONG)) for n in range(10)]
    long = [utterance(f"l{n}", LONG, duration_ms=40_000) for n in range(10)]
    pairs += [Pair("s", one, Answer("one two three four five six")) for one in long]
    assert any("only 30 s" in text for text in figures(pairs).warnings)


def test_ids_that_do_not_fit_are_told_in_one_sentence() -> None:
    pairs = [Pair("s", utterance(f"u{n}", LONG), None) for n in range(10)]
    assert figures(pairs).warnings == (
        "No answer fits an utterance: are ids or file names different? Is it another split?",
    )


def test_another_language_than_the_references_say() -> None:
    pairs = [Pair("s", utterance(f"u{n}", LONG), Answer(LONG, language="de")) for n in range(10)]
    assert any("another language" in text for text in figures(pairs).warnings)


def test_references_in_another_script_than_the_set_is_said_to_be_in() -> None:
    pairs = [Pair("s", utterance(f"u{n}", "Съешь же ещё", language="en"), Answer("x")) for n in range(10)]
    assert any("another script than en" in text for text in figures(pairs).warnings)


def test_raw_transcriptions_of_fleurs_are_told() -> None:
    pairs = [
        Pair("s", replace(utterance("u", "It was 5 p.m."), set_name="FLEURS en_us test"), Answer("it was"))
    ]
    assert any("FLEURS's raw" in text for text in figures(pairs).warnings)
