"""`--fix` on any markup: words stay visible or hidden as they were, a line's end stays one or is a space."""

from __future__ import annotations

import re
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.errors import UndecodableError
from qasr_cli.formats.readers import captions as formats
from qasr_cli.formats.readers import markup
from qasr_cli.formats.readers.caption_file import CaptionFile
from qasr_cli.options import CueOptions
from qasr_cli.subtitles.qc import fix
from qasr_cli.subtitles.rules.limits import resolve

HEADS = {
    "srt": ("", "{0}\n00:00:{1:02d},000 --> 00:00:{2:02d},000\n{3}\n\n", "\n"),
    "vtt": ("WEBVTT\n\n", "00:{1:02d}.000 --> 00:{2:02d}.000\n{3}\n\n", "\n"),
    "ass": (
        "[Script Info]\n[Events]\n",
        "Dialogue: 0,0:00:{1:02d}.00,0:00:{2:02d}.00,D,,0,0,0,,{3}\n",
        "\\N",
    ),
}
MARKS = [
    "<i>", "</i>", "<b", "<b>", "</", ">", "<", "{\\an8}", "{\\i1}", "{", "}", "{\\", "\\N", "\\h", "<v Bob>",
    "<c.x>",
    "<00:00:01.500>", "<00:00:59.000>", "<00:", "&amp;", "&amp", "&am", "p;", "&lt", "&#60;", "-->", "--",
    "-", "->", "<font color=red>", "</font>", "<3",
]  # fmt: skip
WORDS = {
    "en": ["the house of", "because,", "it was", "mountain.", "a", "well-", "(sound)", "Bob:"],
    "ja": ["今日は", "天気が、", "良い。", "散歩しました", "カタカナ", "「はい」", "ABC"],
    "zh": ["我们今天", "去公园，", "吧。", "朋友", "2024年"],
}


@st.composite
def files(draw: st.DrawFn) -> tuple[str, str, str]:
    """Return the text of a file, its format and its language."""
    kind, language = draw(st.sampled_from(sorted(HEADS))), draw(st.sampled_from(sorted(WORDS)))
    head, form, end = HEADS[kind]
    piece = st.one_of(
        st.sampled_from(WORDS[language]), st.sampled_from(WORDS[language]), st.sampled_from(MARKS)
    )
    line = st.lists(piece, min_size=1, max_size=8).map((" " if draw(st.booleans()) else "").join)
    text = st.lists(line, min_size=1, max_size=4).map(end.join)
    starts = draw(st.lists(st.integers(0, 50), min_size=1, max_size=4))
    cues = (
        form.format(n, start, start + draw(st.integers(0, 8)), f"q{n} {draw(text)}")
        for n, start in enumerate(starts, 1)
    )
    return head + "".join(cues), kind, language


def parsed(text: str, kind: str) -> CaptionFile | None:
    try:
        file = formats.parse(text, f"a.{kind}")
    except UndecodableError:
        return None
    return file if all(fault.is_fixable for fault in file.faults) else None


@given(files())
def test_words_are_kept_and_lines_never_joined(case: tuple[str, str, str]) -> None:
    text, kind, language = case
    before = parsed(text, kind)
    if before is None or not any(one.lines for one in before.captions):
        return
    limits = resolve(CueOptions(), language)
    fixed = fix.fix_captions(before.captions, limits, language, formats.grid_ms(before))
    written = formats.write(before, fixed)
    after = parsed(written, kind)
    assert after is not None
    assert after.faults == ()

    # Each caption shows the same characters, and where a line ended or a space was there is one of both.
    old, new = (dict(shown(one.lines) for one in file.captions if one.lines) for file in (before, after))
    assert sorted(old) == sorted(new)
    assert all(old[text] <= new[text] for text in old)
    # What is hidden is kept, too, but for times of words that lie outside the caption.
    hidden = sorted(hidden_text(one.marked, kind) for one in before.captions if one.lines)
    assert sorted(hidden_text(one.marked, kind) for one in after.captions if one.lines) == hidden
    again = fix.fix_captions(after.captions, limits, language, formats.grid_ms(after))
    assert formats.write(after, again) == written


def shown(lines: tuple[str, ...]) -> tuple[str, set[int]]:
    """Return the characters of a caption, and the places among them with white space or a line end."""
    words = "\n".join(lines).split()
    return "".join(words), set(accumulate(map(len, words)))


def hidden_text(marked: tuple[str, ...], kind: str) -> str:
    texts = ("\n".join(marked),) if kind == "vtt" else marked
    tokens = (token for text in texts for token in markup.tokens(text, kind))
    hidden = "".join("".join(token.split()) for token, char in tokens if not char)
    return re.sub("<00:00:[0-9]{2}[.]500>|<00:00:59.000>", "", hidden) if kind == "vtt" else hidden


@given(
    st.lists(
        st.tuples(st.integers(0, 9_000), st.integers(1, 9_000), st.integers(1, 80)), min_size=1, max_size=6
    )
)
def test_a_right_start_is_moved_no_more_than_it_must(cases: list[tuple[int, int, int]]) -> None:
    ends = [(start, start + length, n_chars) for start, length, n_chars in sorted(cases)]
    text = "".join(
        f"{n}\n{clock(start)} --> {clock(end)}\n{'word ' * (n_chars // 5)}x{n}\n\n"
        for n, (start, end, n_chars) in enumerate(ends, 1)
    )
    before = formats.parse(text).captions
    limits = resolve(CueOptions(), "en")
    after = fix.fix_captions(before, limits, "en")
    assert [one.number for one in after] == [one.number for one in before]
    latest_ms = -1
    for old, new in zip(before, after, strict=True):
        assert new.start_ms >= old.start_ms
        if old.start_ms > latest_ms:
            assert new.start_ms == old.start_ms  # nothing is shown at its time
        latest_ms = max(latest_ms, old.end_ms, new.end_ms)


def clock(time_ms: int) -> str:
    return f"00:00:{time_ms // 1_000:02d},{time_ms % 1_000:03d}"
