"""What is always true of cues, whatever an engine has heard.

Twelve things hold; the numbers stand beside the checks. (8) a cue has one speaker needs no check: transcripts
have none. (10) that no other cues would be read more easily is in `test_subtitles_cue_search`; (9) and (12),
time, are in `test_subtitles_cue_timing`; (11) the round trip through every format is in
`test_formats_roundtrip`.
"""

from __future__ import annotations

import unicodedata
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from qasr_cli.options import CueOptions
from qasr_cli.records import Cue, Video, Word
from qasr_cli.subtitles.rules.limits import Limits, resolve
from qasr_cli.subtitles.rules.width import clusters, half_cells
from tests.cue_building import build_cues
from tests.property.spoken import CODES, HOSTILE, OPTIONS, VIDEOS, hostile_words


def _has_ink(text: str) -> bool:
    return any(unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in text)


def _ink(texts: list[str]) -> str:
    """Return what must survive: all but white space and controls, decomposed."""
    kept = "".join(char for char in "".join(texts) if unicodedata.category(char) != "Cc")
    return unicodedata.normalize("NFD", "".join(kept.split()))


def _check_times(built: tuple[Cue, ...], duration_ms: int, limits: Limits) -> None:
    for cue in built:
        # (3) whole milliseconds inside the media
        assert type(cue.start_ms) is int
        assert type(cue.end_ms) is int
        assert 0 <= cue.start_ms < cue.end_ms <= duration_ms
        # (6) neither longer than the maximum nor, without a flag, shorter than the minimum
        length_ms = cue.end_ms - cue.start_ms
        assert length_ms <= limits.max_duration_ms
        assert (length_ms < limits.min_duration_ms) == ("dur_min" in cue.flags)
    tick_ms = 0 if limits.frame_rate is None else 1_000 / limits.frame_rate
    for cue, next_ms in zip(
        built, [*(cue.start_ms - limits.min_gap_ms for cue in built[1:]), duration_ms], strict=False
    ):
        # (6) shorter only where the next one, or the end of the media, leaves no room
        assert "dur_min" not in cue.flags or next_ms - cue.start_ms < limits.min_duration_ms + tick_ms
    for cue, following in pairwise(built):
        # (4) in order, never two at once
        assert cue.start_ms < following.start_ms
        gap_ms = following.start_ms - cue.end_ms
        assert gap_ms >= 0
        if limits.frame_rate is None:
            # (5) the least gap, or one that is wide enough to be seen as a gap; otherwise a flag
            is_held = gap_ms == limits.min_gap_ms or gap_ms >= max(limits.chain_ms, limits.min_gap_ms)
            assert is_held != ("gap" in cue.flags)
        elif "gap" not in cue.flags:
            assert gap_ms >= limits.min_gap_ms
        if "gap" in cue.flags and gap_ms > limits.min_gap_ms + tick_ms:
            # (5) and if it could not be closed, then because the cue would last too long
            closed_ms = following.start_ms - limits.min_gap_ms - cue.start_ms
            assert closed_ms > limits.max_duration_ms - tick_ms


def _check_lines(built: tuple[Cue, ...], limits: Limits) -> None:
    for cue in built:
        # (7) few enough lines, none of them empty, with space at an edge or too wide
        assert cue.lines
        assert len(cue.lines) <= limits.max_lines or "lines" in cue.flags
        for line in cue.lines:
            assert line
            assert line == line.strip()
            assert "\n" not in line
            assert half_cells(line, limits.counting) <= limits.max_half_cells
        # (10) readable, or flagged
        n_half_cells = sum(half_cells(line, limits.counting) for line in cue.lines)
        if n_half_cells * 1_000 > limits.hard_rate * (cue.end_ms - cue.start_ms):
            assert "cps" in cue.flags


@given(
    hostile_words(), st.sampled_from(CODES), st.sampled_from([0, 1, 3, 25, 5_000, 30_000]), OPTIONS, VIDEOS
)
@example([Word("", "a", 5, 5), Word("", "b" * 300, 5, 5)], "en", 3, CueOptions(), Video())
@example([Word("", "00000\xa0000", 0, 0)], None, 0, CueOptions(max_line_width=8, max_lines=1), Video())
@example([Word(" ", text, 9, 9) for text in HOSTILE], "ja", 10, CueOptions(), Video())
@example([Word(" ", text, 9, 9) for text in HOSTILE], "th", 90_000, CueOptions(), Video())
def test_hostile_transcripts_still_make_legal_cues(
    words: list[Word], language: str | None, duration_ms: int, options: CueOptions, video: Video
) -> None:
    built = build_cues(words, language, duration_ms, options, video)
    end_ms = duration_ms or max([1, *(word.end_ms for word in words)])
    limits = resolve(options, language, (word.text for word in words), video.frame_rate, video.shots_ms)
    _check_times(built, end_ms, limits)
    _check_lines(built, limits)
    if built:
        # (1) no character lost, doubled or moved
        assert _ink([line for cue in built for line in cue.lines]) == _ink([word.text for word in words])
        # (2) every word in exactly one cue
        edges = [0, *(cue.word_range[1] for cue in built)]
        assert [cue.word_range for cue in built] == list(pairwise(edges))
        assert edges[-1] == len(words)
    else:
        assert not any(_has_ink("".join(word.text.split())) for word in words)
    # (12) the same every time
    assert built == build_cues(words, language, duration_ms, options, video)


@given(
    st.text(alphabet="ae\u0301\u0300👩‍👧🇰🇷ᄒ한สำรถไฟ\u200dक्षि字东京へ行くの！「", min_size=1, max_size=60),
    st.sampled_from(["zh", "ja", "th", "ko", "hi", "en"]),
    st.data(),
)
def test_no_grapheme_is_ever_cut(text: str, language: str | None, data: st.DataObject) -> None:
    # (1) a reader's characters stay whole, wherever an engine has cut them
    places = sorted(data.draw(st.sets(st.integers(1, max(1, len(text) - 1)), max_size=8)))
    parts = [text[a:b] for a, b in pairwise([0, *places, len(text)])]
    words = [Word("", part, 100 * k, 100 * k + 90) for k, part in enumerate(parts)]
    built = build_cues(words, language, 60_000, CueOptions(max_line_width=8))
    shown = "".join(line for cue in built for line in cue.lines)
    if language in {"zh", "ja", "th"} and built:
        cut = [cluster for cue in built for line in cue.lines for cluster in clusters(line)]
        assert cut == clusters(unicodedata.normalize("NFC", text))
    assert "".join(shown.split()) == unicodedata.normalize("NFC", text) or not built


@given(hostile_words(), st.integers(1, 5))
def test_no_cue_has_more_words_than_it_may(words: list[Word], max_words: int) -> None:
    for cue in build_cues(words, "en", 30_000, CueOptions(max_words=max_words)):
        # What cannot be seen, or is a mark on its neighbour, is no word of its own.
        seen = [word for word in words[slice(*cue.word_range)] if _has_ink("".join(word.text.split()))]
        marks = [word for word in seen if unicodedata.category(word.text.strip()[:1] or " ")[0] in "MC"]
        assert len(cue.lines) > 0
        assert len(seen) - len(marks) <= max_words or len(cue.lines) == 1
