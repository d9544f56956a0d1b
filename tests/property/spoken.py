"""Words for properties: hostile ones, clean ones, and what cues are asked to keep."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from qasr_cli.languages import LANGUAGES
from qasr_cli.options import CueOptions
from qasr_cli.records import Video, Word
from qasr_cli.subtitles.rules.profiles import PROFILES

CODES = [None, *(language.code for language in LANGUAGES)]
HOSTILE = (
    *("", " ", "\n\n", "\u200f", "\u2028", "\u3000", "\ufeff", "\ud800", "a\u00a0b", "x\x00y", "\x1b[31m"),
    *("-->", "<b>", "{x}", "&amp;", "12", "1.5", "U.S.", "Dr.", "?", "！", "」", "(", "「", "…", "。"),
    *("e\u0301e\u0301", "\u0301", "👩‍👩‍👧", "🇰🇷", "🇰", "ᄒ", "ᅡᆫ", "\u0e33", "\u200d", "ๆ"),
    *("שלום", "مرحبا", "नमस्ते", "สวัสดี", "한국어", "東京", "コーヒー", "っと", "one two  three"),
    "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen",
    "https://example.org/" + "a" * 120,
    "字" * 70,
    "w" * 300,
    "เมื่อเราไปถึงสถานีเจ้าหน้าที่บอกว่ารถไฟขบวนสุดท้ายไปเชียงใหม่ออกไปแล้ว",
    "新しい図書館は来年の春に完成する予定なので、子どもたちはとても楽しみにしています。",
)
TEXTS = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(min_size=1, max_size=12),
    st.sampled_from(
        ["the", "of", "and", "house.", "yes,", "Why?", "I", "was", "market", "字", "は", "です。"]
    ),
)
LEADS = st.sampled_from(["", " ", " ", " ", "\u00a0", "\u3000", "\n", "  "])
FRAME_RATES = (
    *(
        Fraction(24_000, 1_001),
        Fraction(24),
        Fraction(25),
        Fraction(30_000, 1_001),
        Fraction(50),
        Fraction(60),
    ),
    Fraction(120),
)


@st.composite
def hostile_words(draw: st.DrawFn) -> list[Word]:
    """Anything at all: times out of order, outside the media, empty; texts that are no words."""
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
    profile=st.sampled_from(sorted(PROFILES)),
    max_line_width=st.one_of(st.none(), st.integers(8, 60)),
    max_lines=st.one_of(st.none(), st.integers(1, 4)),
    max_words=st.one_of(st.none(), st.none(), st.integers(1, 6)),
    max_cps=st.one_of(st.none(), st.floats(0.5, 100)),
    min_duration_ms=st.sampled_from([None, 1, 500, 833]),
    max_duration_ms=st.sampled_from([None, 1_000, 3_000, 7_000]),
    min_gap_ms=st.sampled_from([None, 0, 1, 83, 400, 700]),
)
VIDEOS = st.builds(
    Video,
    frame_rate=st.one_of(st.none(), st.sampled_from([*FRAME_RATES, Fraction(1), Fraction(1_000)])),
    shots_ms=st.lists(st.integers(0, 30_000), max_size=12).map(sorted).map(tuple),
)
# What a user would ask for; and pictures that change at a lively pace.
PROFILED = st.builds(CueOptions, profile=st.sampled_from(sorted(PROFILES)))
FILMS = st.builds(
    Video,
    frame_rate=st.sampled_from([None, *FRAME_RATES]),
    shots_ms=st.lists(st.integers(300, 4_000), max_size=12).map(
        lambda gaps: tuple(sum(gaps[: k + 1]) for k in range(len(gaps)))
    ),
)
