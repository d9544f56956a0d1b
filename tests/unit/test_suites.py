from __future__ import annotations

import statistics
from itertools import pairwise
from pathlib import Path

import pytest

from qasr_cli.errors import QasrError
from qasr_cli.evaluation.figures import Counts, Interval, LanguageFigures, Rate, SetFigures, TimeFigures, Unit
from qasr_cli.evaluation.suites import joins, published, suite
from qasr_cli.evaluation.suites.published import Measured, SetKey
from qasr_cli.evaluation.utterances import TimedWord, Utterance

SMALL = """
schema = "qasr.suite.v1"
[[tables]]
name = "Mine"
layout = "librispeech"
metric = "WER"
character_metric = ["zh"]
models = ["0.6b", "1.7b"]
paths = ["corpora/{folder}", "{folder}-v*"]
average = [3.0, 2.0]
lid = [97.0, 98.0]
[tables.sets]
en = { folder = "en", language = "en", published = [2.0, 1.0] }
zh = { folder = "zh", language = "zh", published = [4.0, 3.0], note = "Short." }
"""


def figures(
    system: str, errors: int, unit: Unit = Unit.WORD, lid: LanguageFigures | None = None
) -> SetFigures:
    counts = Counts(100, errors)
    rates = tuple(
        Rate(unit, name, counts, Interval(errors / 100, errors / 200, errors / 50, 40, "speaker"))
        for name in ("qasr", "qasr+numbers")
    )
    return SetFigures("set", system, "en", 10, 1_000, rates, lid=lid)


def test_the_means_of_the_shipped_suite_are_those_of_its_sets() -> None:
    # The report gives both the rows and their unweighted means; a typing error here would part them.
    seed = suite.load("seed-tables")
    for table in seed.tables:
        # Its own means differ a little from those of its rounded rows.
        for number, mean in enumerate(table.average):
            assert statistics.fmean(one.published[number] for one in table.sets) == pytest.approx(
                mean, abs=0.05
            )
    aas = [table for table in seed.tables if table.models == ("aligner",)]
    means = [statistics.fmean(one.published[0] for one in table.sets) for table in aas]
    assert means == [pytest.approx(42.9, abs=0.1), pytest.approx(52.9, abs=0.1)]
    assert {table.name for table in seed.tables} >= {"LibriSpeech", "GigaSpeech", "WenetSpeech", "FLEURS"}
    assert len(next(table for table in seed.tables if table.name == "FLEURS").sets) == 30


def test_a_set_is_found_by_the_first_pattern_that_exists(tmp_path: Path) -> None:
    (table,) = suite.parse(SMALL, "here").tables
    english, chinese = table.sets
    assert (english.metric, chinese.metric) == ("WER", "CER")
    for name in ("en-v1", "en-v9.0", "en-v17.0", "corpora/zh"):
        (tmp_path / name).mkdir(parents=True)
    assert table.locate(english, tmp_path) == [tmp_path / "en-v17.0"]
    assert table.locate(chinese, tmp_path) == [tmp_path / "corpora/zh"]
    assert table.locate(english, tmp_path / "corpora") == []


def test_rows_have_ours_where_there_is_one_and_a_reason_where_not() -> None:
    small = suite.parse(SMALL, "here")
    lid = LanguageFigures(10, 9, 1, 0.9, {})
    measured = Measured(
        {SetKey("Mine", "en"): [figures("small", 5, lid=lid), figures("other", 50)]},
        {SetKey("Mine", "zh"): "not found: corpora/zh"},
        {"small": "0.6b"},
        ("qasr", "qasr+numbers"),
    )
    rows = published.rows(small, measured)
    of_06b = [row for row in rows if row.model == "0.6b"]
    assert [(row.set_name, row.metric, row.published) for row in of_06b] == [
        ("en", "WER, qasr", 2.0),
        ("en", "WER, qasr+numbers", 2.0),
        ("zh", "CER", 4.0),
        ("average", "mean rate, qasr", 3.0),
        ("average", "mean rate, qasr+numbers", 3.0),
        ("language detection", "accuracy", 97.0),
    ]
    assert of_06b[0].ours == Interval(5.0, 2.5, 10.0, 40, "speaker")
    assert (of_06b[2].ours, of_06b[2].reason) == (None, "not found: corpora/zh")
    assert [row.ours for row in of_06b[3:]] == [None] * 3  # a mean of some sets is none of the table's
    assert of_06b[3].reason == "1 of its 2 sets are missing"
    assert [row.ours for row in rows if row.model == "1.7b"] == [None] * 5
    assert next(row for row in rows if row.model == "1.7b").reason == "no system is 1.7b"


def test_means_and_detection_over_all_sets() -> None:
    lids = [LanguageFigures(10, 9, 1, 0.9, {}), LanguageFigures(30, 30, 0, 1.0, {})]
    measured = Measured(
        {
            SetKey("Mine", "en"): [figures("small", 5, lid=lids[0])],
            SetKey("Mine", "zh"): [figures("small", 9, Unit.CHARACTER, lids[1])],
        },
        {},
        {"small": "0.6b"},
        ("qasr",),
    )
    by_set = {
        row.set_name: row for row in published.rows(suite.parse(SMALL, "x"), measured) if row.model == "0.6b"
    }
    assert by_set["average"].ours == Interval(7.0)
    assert by_set["language detection"].ours == Interval(97.5)
    assert by_set["zh"].reason == "Short."


def test_word_times_come_with_the_share_that_matched() -> None:
    text = SMALL.replace('"WER"', '"AAS"').replace('"zh"]', "]").replace("[]", '[""]')
    times = TimeFigures(40, 38, 31.5, 20, 80, -12, -10, -14, {}, {})
    measured = Measured(
        {SetKey("Mine", "en"): [SetFigures("set", "a", "en", 1, 1, (), times=times)]},
        {},
        {"a": "0.6b"},
        ("qasr",),
    )
    row = published.rows(
        suite.parse(text.replace('character_metric = ["zh', 'character_metric = ["'), "x"), measured
    )[0]
    assert (row.ours, row.reason) == (Interval(31.5), "38 of 40 words matched, bias -12 ms.")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('schema = "qasr.suite.v1"', 'schema = "other"', "its schema is not 'qasr.suite.v1'"),
        ("[[tables]]", "[[tables", "not TOML"),
        ('metric = "WER"', 'metric = "BLEU"', "metric 'BLEU' is none of"),
        ("published = [2.0, 1.0]", "published = [2.0]", "a list of 2 numbers"),
        ('language = "en"', 'language = "xx"', "no language 'xx'"),
        ("average = [3.0, 2.0]", 'average = ["a", "b"]', "a list of 2 numbers"),
        ("[tables.sets]\nen", "[tables.other]\nen", "no sets"),
        ('paths = ["corpora/{folder}", "{folder}-v*"]', "paths = 3", "paths must be a list of texts"),
        ('layout = "librispeech"', "layout = 3", "layout must be a text"),
    ],
)
def test_a_wrong_suite_is_one_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in SMALL
    file = tmp_path / "own.toml"
    file.write_text(SMALL.replace(old, new))
    with pytest.raises(QasrError) as caught:
        suite.load(str(file))
    assert says in caught.value.message
    assert "\n" not in caught.value.message
    assert str(file) in caught.value.message


def test_an_unknown_suite_names_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(QasrError) as caught:
        suite.load("sead-tables")
    assert "seed-tables" in caught.value.hint
    with pytest.raises(QasrError, match="no such file"):
        suite.load(str(tmp_path / "gone.toml"))


def clip(number: int, duration_ms: int | None, language: str = "en") -> Utterance:
    words = (TimedWord("a", 100, 200),)
    return Utterance(
        f"c{number}", "s", None, f"text {number}", language, duration_ms=duration_ms, words=words
    )


def test_joins_hold_every_clip_once_and_are_never_too_long() -> None:
    clips = [clip(number, 1_000 * (number % 7 + 1)) for number in range(50)]
    made = list(joins.joined(iter([*clips, clip(99, None)]), 20_000, seed=3))
    ids = [part.id for one in made for part, _ in one.parts]
    assert sorted(ids) == sorted(one.id for one in clips)
    assert ids != [one.id for one in clips]
    assert all(one.duration_ms <= 20_000 for one in made)
    # The next clip would not have fitted.
    for one, following in pairwise(made):
        assert one.duration_ms + (following.parts[0][0].duration_ms or 0) > 20_000
    assert made == list(joins.joined(reversed(clips), 20_000, seed=3))
    assert made != list(joins.joined(clips, 20_000, seed=4))


def test_a_join_is_one_utterance_with_shifted_words() -> None:
    (one,) = joins.joined([clip(1, 1_500, "en"), clip(2, 2_000, "fr")], 60_000, seed=1)
    whole = one.utterance("joined")
    (first, _), (second, offset_ms) = one.parts
    assert [word.start_ms for word in whole.words] == [100, 100 + offset_ms]
    assert whole.text == f"{first.text} {second.text}"
    assert (whole.language, whole.duration_ms) == (None, 3_500)
    assert one.listing() == f"{first.id}@0 {second.id}@{first.duration_ms}"
    (long,) = joins.joined([clip(1, 90_000)], 60_000, seed=1)
    assert long.duration_ms == 90_000
