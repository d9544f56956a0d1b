"""Pairs of utterances and answers of any kind, for properties: every field is drawn, and left empty."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from hypothesis import strategies as st

from qasr_cli.evaluation.utterances import (
    Answer,
    AudioPart,
    Encoding,
    Pair,
    TimedWord,
    Turn,
    Utterance,
)
from qasr_cli.records import Caption, Segment, Span, Timing, Word

_Value = TypeVar("_Value")
# A lone surrogate is a byte of a name that is not UTF-8; U+0085 and U+2028 end lines for some readers.
_SAMPLES = (
    "",
    "the white paper",
    "The White  Paper, 21!",
    "三月二十一",
    "\u2028\u0085\n",
    "a\udcffb",
    "مرحبا بك",
)
_texts = st.text(max_size=12) | st.sampled_from(_SAMPLES)
_times = st.integers(-1_000, 10**9)
_spans = st.builds(lambda start, ms: Span(start, start + ms), st.integers(0, 10**9), st.integers(1, 10**6))
_shares = st.none() | st.floats(0, 1)
_codes = st.none() | st.sampled_from(["en", "zh", "ko", "th"])


def _few(values: st.SearchStrategy[_Value]) -> st.SearchStrategy[tuple[_Value, ...]]:
    return st.lists(values, max_size=2).map(tuple)


_timed_words = st.builds(TimedWord, _texts, _times, _times, _shares, _texts)
_turns = st.builds(Turn, _texts, _times, _times, _texts)
_captions = st.builds(
    Caption,
    _times,
    _times,
    _few(_texts),
    number=_texts,
    line=st.integers(0, 99),
    marked=_few(_texts),
    place=_texts,
    word_range=st.none() | st.tuples(st.integers(0, 9), st.integers(0, 9)),
)
_words = st.builds(Word, _texts, _texts, _times, _times, st.sampled_from(Timing), _shares, _shares, _shares)


def _segment(words: tuple[Word, ...], language: str | None, flags: tuple[str, ...], value: float) -> Segment:
    text = "".join(word.lead + word.text for word in words)
    return Segment(0, 1_000, language, text, words, flags, {"compression": value} if flags else {})


_segments = st.builds(_segment, _few(_words), _codes, _few(_texts), st.floats(-1e9, 1e9))
_audio = st.builds(
    AudioPart,
    _texts.map(Path),
    st.none() | _spans,
    st.none() | st.integers(0, 7),
    encoding=st.sampled_from(Encoding),
)
utterances = st.builds(
    Utterance,
    id=_texts,
    set_name=st.sampled_from(["test-clean", "测试"]),
    audio=st.none() | _audio,
    text=_texts,
    language=_codes,
    speaker=_texts,
    recording=_texts,
    duration_ms=st.none() | st.integers(0, 10**7),
    words=_few(_timed_words),
    captions=_few(_captions),
    turns=_few(_turns),
    labels=st.dictionaries(_texts, _texts, max_size=2),
)
answers = st.builds(
    Answer,
    text=_texts,
    language=_codes,
    words=_few(_timed_words),
    captions=_few(_captions),
    turns=_few(_turns),
    segments=_few(_segments),
    flags=_few(_texts),
    wall_s=st.none() | st.floats(0, 1e9),
    error=_texts,
)
pairs = st.builds(Pair, st.sampled_from(["a", "b"]), utterances, st.none() | answers)
# Without captions and turns, which have rules of their own: what every corpus has.
plain_pairs = st.builds(
    Pair,
    st.sampled_from(["a", "b"]),
    st.builds(
        Utterance,
        id=_texts,
        set_name=st.sampled_from(["test-clean", "测试"]),
        audio=st.none() | _audio,
        text=_texts,
        language=_codes,
        speaker=_texts,
        duration_ms=st.none() | st.integers(0, 10**7),
        labels=st.dictionaries(st.sampled_from(["gender", "snr_db"]), _texts, max_size=2),
    ),
    st.none() | st.builds(Answer, text=_texts, language=_codes, error=st.sampled_from(["", "", "bad"])),
)
