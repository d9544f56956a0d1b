"""`--fix` on anything: words stay, what it mends is mended, and a second time changes nothing."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.formats.readers import captions as formats
from qasr_cli.formats.readers.caption_file import CaptionFile
from qasr_cli.options import CueOptions
from qasr_cli.records import Caption
from qasr_cli.subtitles.qc import check, fix
from qasr_cli.subtitles.rules.limits import resolve


def _one_of(words: str) -> st.SearchStrategy[str]:
    return st.sampled_from(words.split())


MENDED_ALWAYS = {"bad_times", "overlap", "order", "empty"}
LATIN = _one_of("a of the house, because mountain. we went- -Yes! U.S. 42 extraordinarily")
KOREAN = _one_of("우리는 어제 새로운 집을, 보았다. 그리고 몇 명이 음성인식")
JAPANESE = _one_of("今日は 天気が、 良い。 散歩 しました カタカナ ABC 「はい」")
MARKS = ("", "", "", "<i>", "</i>", "{\\an8}", "<b>")


def lines(word: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    marked = st.tuples(st.sampled_from(MARKS), word, st.sampled_from(MARKS)).map("".join)
    return st.lists(st.lists(marked, min_size=1, max_size=9).map(" ".join), max_size=4).map(tuple)


@st.composite
def files(draw: st.DrawFn) -> tuple[str, str]:
    """Return an SRT's text and its language."""
    language, word = draw(st.sampled_from([("en", LATIN), ("ko", KOREAN), ("ja", JAPANESE)]))
    now_ms, blocks = 0, []
    for number in range(draw(st.integers(1, 8))):
        start_ms = max(0, now_ms + draw(st.integers(-1_500, 1_500)))
        end_ms = max(0, start_ms + draw(st.integers(-500, 9_000)))
        now_ms = draw(st.sampled_from([start_ms, end_ms]))
        times = " --> ".join(_clock(time_ms) for time_ms in (start_ms, end_ms))
        blocks.append("\n".join([str(number + 1), times, *draw(lines(word)), "", ""]))
    return "".join(blocks), language


def _clock(time_ms: int) -> str:
    return f"00:{time_ms // 60_000:02d}:{time_ms // 1_000 % 60:02d},{time_ms % 1_000:03d}"


def words(captions: tuple[Caption, ...]) -> Counter[str]:
    """Return what each caption says, whatever its breaks, with its styling."""
    return Counter("".join("".join(one.marked).split()) for one in captions if one.lines)


def fixed(file: CaptionFile, language: str) -> str:
    limits = resolve(CueOptions(), language)
    return formats.write(file, fix.fix_captions(file.captions, limits, language, formats.grid_ms(file)))


@given(files())
def test_words_stay_and_a_second_time_changes_nothing(case: tuple[str, str]) -> None:
    text, language = case
    before = formats.parse(text)
    once = fixed(before, language)
    if not any(one.lines for one in before.captions):
        return
    after = formats.parse(once)
    assert words(after.captions) == words(before.captions)
    assert fixed(after, language) == once


@given(files())
def test_what_fix_mends_is_mended(case: tuple[str, str]) -> None:
    text, language = case
    before = formats.parse(text)
    if not any(one.lines for one in before.captions):
        return
    limits = resolve(CueOptions(), language)
    after = formats.parse(fixed(before, language))
    left = Counter(one.rule for one in check.check(after.captions, limits, language).errors)
    assert not MENDED_ALWAYS & set(left)
    # Lines are only ever made better.
    found = Counter(one.rule for one in check.check(before.captions, limits, language).errors)
    assert left["cpl"] + left["lines"] <= found["cpl"] + found["lines"]


@given(files())
def test_a_coarser_grid_of_times_is_kept_to(case: tuple[str, str]) -> None:
    text, language = case
    limits = resolve(CueOptions(min_duration_ms=830, min_gap_ms=80), language)
    once = fix.fix_captions(formats.parse(text).captions, limits, language, 10)
    assert fix.fix_captions(once, limits, language, 10) == once
    assert all(one.start_ms % 10 == 0 == one.end_ms % 10 and one.start_ms < one.end_ms for one in once)
