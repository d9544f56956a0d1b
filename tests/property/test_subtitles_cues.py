"""What is always true of cues, whatever an engine has heard."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from qasr_cli.languages import LANGUAGES
from qasr_cli.options import CueOptions
from qasr_cli.records import Cue, Word
from qasr_cli.subtitles import cues
from qasr_cli.subtitles.limits import Limits, resolve
from qasr_cli.subtitles.width import clusters, half_cells

CODES = [None, *(language.code for language in LANGUAGES)]
HOSTILE = (
    *("", " ", "\n\n", "\u200f", "\u2028", "\u3000", "\ufeff", "\ud800", "a\u00a0b", "x\x00y", "\x1b[31m"),
    *("-->", "<b>", "{x}", "&amp;", "12", "1.5", "U.S.", "Dr.", "?", "！", "」", "(", "「", "…", "。"),
    *("e\u0301e\u0301", "\u0301", "👩‍👩‍👧", "🇰🇷", "🇰", "ᄒ", "ᅡᆫ", "\u0e33", "\u200d"),
    *("שלום", "مرحبا", "नमस्ते", "สวัสดี", "한국어", "東京", "コーヒー", "っと", "one two  three"),
    "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen",
    "https://example.org/" + "a" * 120,
    "字" * 70,
)
TEXTS = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(min_size=1, max_size=12),
    st.sampled_from(
        ["the", "of", "and", "house.", "yes,", "Why?", "I", "was", "market", "字", "は", "です。"]
    ),
)
LEADS = st.sampled_from(["", " ", " ", " ", "\u00a0", "\u3000", "\n", "  "])


@st.composite
def hostile_words(draw: st.DrawFn) -> list[Word]:
    times = st.integers(-500, 20_000) if draw(st.booleans()) else st.integers(0, 40)
    return [
        Word(draw(LEADS), draw(TEXTS), draw(times), draw(times))
        for _ in range(draw(st.integers(0, 24)))
    ]  # fmt: skip


@st.composite
def clean_words(draw: st.DrawFn) -> list[Word]:
    """Words as a good engine gives them: in order, apart, each as long as it takes to say."""
    now_ms, words = 1_000, []
    for number in range(draw(st.integers(1, 40))):
        text = draw(
            st.sampled_from(["the", "of", "and", "house.", "yes,", "Why?", "was", "beautiful", "market"])
        )
        length_ms = draw(st.integers(60, 900))
        words.append(Word(" " if number else "", text, now_ms, now_ms + length_ms))
        now_ms += length_ms + draw(st.sampled_from([0, 0, 0, 30, 200, 600, 1_400, 2_500]))
    return words


OPTIONS = st.builds(
    CueOptions,
    max_line_cells=st.one_of(st.none(), st.integers(8, 60)),
    max_lines=st.integers(1, 4),
    max_cps=st.one_of(st.none(), st.floats(0.5, 100)),
    min_duration_ms=st.sampled_from([1, 500, 833]),
    max_duration_ms=st.sampled_from([833, 3_000, 7_000]),
    min_gap_ms=st.sampled_from([0, 1, 83, 400, 700]),
)


def _has_ink(text: str) -> bool:
    return any(unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in text)


def _ink(texts: list[str]) -> str:
    """Return what must survive: all but white space and controls, decomposed."""
    kept = "".join(char for char in "".join(texts) if unicodedata.category(char) != "Cc")
    return unicodedata.normalize("NFD", "".join(kept.split()))


def _check_times(built: tuple[Cue, ...], duration_ms: int, limits: Limits) -> None:
    for cue in built:
        assert isinstance(cue.start_ms, int)
        assert isinstance(cue.end_ms, int)
        assert 0 <= cue.start_ms < cue.end_ms <= duration_ms
        assert cue.end_ms - cue.start_ms <= limits.max_duration_ms
        is_short = cue.end_ms - cue.start_ms < limits.min_duration_ms
        assert is_short == ("dur_min" in cue.flags)
    for cue, following in pairwise(built):
        assert cue.start_ms < following.start_ms
        gap_ms = following.start_ms - cue.end_ms
        assert gap_ms >= 0
        is_held = gap_ms == limits.min_gap_ms or gap_ms >= max(limits.chain_ms, limits.min_gap_ms)
        assert is_held != ("gap" in cue.flags)


def _check_lines(built: tuple[Cue, ...], limits: Limits) -> None:
    for cue in built:
        assert cue.lines
        assert len(cue.lines) <= limits.max_lines or "lines" in cue.flags
        for line in cue.lines:
            assert line
            assert line == line.strip()
            assert "\n" not in line
            assert half_cells(line, limits.counting) <= limits.max_half_cells


@given(hostile_words(), st.sampled_from(CODES), st.sampled_from([0, 1, 3, 25, 5_000, 30_000]), OPTIONS)
@example([Word("", "a", 5, 5), Word("", "b" * 300, 5, 5)], "en", 3, CueOptions())
@example([Word("", "00000\xa0000", 0, 0)], None, 0, CueOptions(max_line_cells=8, max_lines=1))
@example([Word(" ", text, 9, 9) for text in HOSTILE], "ja", 10, CueOptions())
def test_hostile_transcripts_still_make_legal_cues(words, language, duration_ms, options):
    built = cues.build(words, language, duration_ms, options)
    end_ms = duration_ms or max([1, *(word.end_ms for word in words)])
    limits = resolve(options, language, (word.text for word in words))
    _check_times(built, end_ms, limits)
    _check_lines(built, limits)
    if built:
        assert _ink([line for cue in built for line in cue.lines]) == _ink([word.text for word in words])
        edges = [0, *(cue.word_range[1] for cue in built)]
        assert [cue.word_range for cue in built] == list(pairwise(edges))
        assert edges[-1] == len(words)
    else:
        assert not any(_has_ink("".join(word.text.split())) for word in words)
    assert built == cues.build(words, language, duration_ms, options)


@given(st.text(alphabet="ae\u0301\u0300👩‍👧🇰🇷ᄒ한สำ\u200dक्षि字！「", min_size=1, max_size=60), st.data())
def test_no_grapheme_is_ever_cut(text, data):
    places = sorted(data.draw(st.sets(st.integers(1, max(1, len(text) - 1)), max_size=8)))
    parts = [text[a:b] for a, b in pairwise([0, *places, len(text)])]
    words = [Word("", part, 100 * k, 100 * k + 90) for k, part in enumerate(parts)]
    built = cues.build(words, "zh", 60_000, CueOptions(max_line_cells=8))
    shown = [cluster for cue in built for line in cue.lines for cluster in clusters(line)]
    whole = clusters(unicodedata.normalize("NFC", text))
    if built:
        assert shown == whole


@given(clean_words(), st.sampled_from(["en", "ko", None]), st.integers(1, 10**7))
def test_a_shift_of_all_words_shifts_all_cues(words, language, shift_ms):
    duration_ms = words[-1].end_ms + 3_000
    moved = [
        replace(word, start_ms=word.start_ms + shift_ms, end_ms=word.end_ms + shift_ms) for word in words
    ]
    before = cues.build(words, language, duration_ms, CueOptions())
    after = cues.build(moved, language, duration_ms + shift_ms, CueOptions())
    back = tuple(
        replace(cue, start_ms=cue.start_ms - shift_ms, end_ms=cue.end_ms - shift_ms) for cue in after
    )  # fmt: skip
    assert back == before


@given(clean_words(), st.integers(0, 10**6))
def test_silence_at_the_end_changes_nothing(words, silence_ms):
    duration_ms = words[-1].end_ms + 3_000
    before = cues.build(words, "en", duration_ms, CueOptions())
    assert cues.build(words, "en", duration_ms + silence_ms, CueOptions()) == before


@given(clean_words(), clean_words())
def test_what_is_said_after_a_long_pause_changes_nothing_before_it(words, later):
    words = [*words, Word(" ", "End.", words[-1].end_ms, words[-1].end_ms + 400)]
    offset_ms = words[-1].end_ms + 4_000
    later = [
        replace(word, start_ms=word.start_ms + offset_ms, end_ms=word.end_ms + offset_ms) for word in later
    ]  # fmt: skip
    later[0] = replace(later[0], lead=" ", text="Then")
    before = cues.build(words, "en", offset_ms, CueOptions())
    after = cues.build([*words, *later], "en", later[-1].end_ms + 3_000, CueOptions())
    assert after[: len(before)] == before


@given(clean_words(), st.sampled_from(["en", "de", None]))
def test_clean_speech_is_in_time(words, language):
    for cue in cues.build(words, language, words[-1].end_ms + 3_000, CueOptions()):
        first, last = cue.word_range
        spoken = words[first:last]
        assert all(b.start_ms - a.end_ms < cues.HARD_PAUSE_MS for a, b in pairwise(spoken))
        assert cue.start_ms >= spoken[0].start_ms - 40
        assert cue.start_ms <= spoken[0].start_ms + 83 or "late" in cue.flags
        # A cue may end two frames before its last word does, for the gap, and linger for a reader.
        assert cue.end_ms >= min(spoken[-1].end_ms - 83 - 40, cue.start_ms + 7_000) or "dur_min" in cue.flags
        assert cue.end_ms <= max(spoken[-1].end_ms + 1_500 + 500, cue.start_ms + 833)
