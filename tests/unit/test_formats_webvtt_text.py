"""The text of a WebVTT cue as browsers show it: the cases of the W3C's suite for cue text, written anew."""

from __future__ import annotations

import pytest

from qasr_cli.formats.readers import captions, markup
from qasr_cli.formats.readers.caption_file import CaptionFile
from qasr_cli.records import Caption

TIMES = "00:00:00.000 --> 00:00:01.000"


def parse(text: str) -> CaptionFile:
    return captions.parse(text, "a.vtt")


def cue(text: str) -> Caption:
    (found,) = parse(f"WEBVTT\n\n{TIMES}\n{text}\n").captions
    return found


def rewritten(file: CaptionFile) -> CaptionFile:
    return parse(captions.write(file, file.captions))


class TestCueText:
    @pytest.mark.parametrize(
        ("written", "lines"),
        [
            ("a<b>c</b>d", ("acd",)),
            ("<i.x.y>a</i><u>b</u>", ("ab",)),
            ("<c.yellow.bg_blue>a</c>", ("a",)),
            ("<v Roger Bingham>a", ("a",)),
            ("<v.loud Mary>a</v>", ("a",)),
            ("<v\nBob>a", ("a",)),
            ("<lang en-GB>a</lang>", ("a",)),
            ("<ruby>a<rt>b</rt>c</ruby>d", ("abcd",)),
            ("a<00:00:00.500>b<0:x>c", ("abc",)),
            ("<unknown>a</unknown>", ("a",)),
            ("<>a</>", ("a",)),
            ("<b>a\nb</b>", ("a", "b")),
            ("a > b", ("a > b",)),
            ("a<", ("a",)),
            ("a</b", ("a",)),
            ("a<c.x", ("a",)),
            ("a<v Bob", ("a",)),
        ],
    )
    def test_tags_are_hidden(self, written: str, lines: tuple[str, ...]) -> None:
        assert cue(written).lines == lines

    @pytest.mark.parametrize(
        ("written", "line"),
        [
            ("&amp;&lt;&gt;", "&<>"), ("a&lrm;b&rlm;c", "a\u200eb\u200fc"), ("a&nbsp;b", "a\u00a0b"),
            ("&amp a", "& a"), ("a&ltb", "a<b"), ("a&gt", "a>"), ("a&nbspb", "a\u00a0b"), ("&copy 1", "© 1"),
            ("&AMP;&quot;", '&"'), ("&notit;", "¬it;"), ("&notin;", "∉"), ("&foo;", "&foo;"), ("&", "&"),
            ("&&", "&&"), ("&;", "&;"), ("&1;", "&1;"), ("a & b", "a & b"), ("&<b>a", "&a"), ("&#233;", "é"),
            ("&#233x", "éx"), ("&#xE9;", "é"), ("&#128;", "€"), ("&#0;", "\ufffd"), ("&#xD800;", "\ufffd"),
            ("&#x110000;", "\ufffd"), ("&#99999999999999999999;", "\ufffd"), ("&#;", "&#;"), ("&#x;", "&#x;"),
            ("a&am<b>p;</b>", "a&amp;"), ("&lt;b>", "<b>"),
        ],
    )  # fmt: skip
    def test_character_references_count_as_what_they_show(self, written: str, line: str) -> None:
        assert cue(written).lines == (line,)
        assert "".join(piece for piece, _ in markup.tokens(written, "vtt")) == written

    @pytest.mark.parametrize(
        "written", ["I <3 you", "I love you <3", "<3.", "x <font", "if x<y", "a < b", "if x < y\nthen z"]
    )
    def test_words_behind_a_bracket_are_read_and_mended(self, written: str) -> None:
        found = parse(f"WEBVTT\n\n{TIMES}\n{written}\n")
        assert found.captions[0].lines == tuple(written.split("\n"))
        assert [(fault.line, fault.is_fixable) for fault in found.faults] == [(4, True)]
        again = rewritten(found)
        assert (again.faults, again.captions[0].lines) == ((), found.captions[0].lines)

    @pytest.mark.parametrize("written", ["x\na < b and c > d", "x\n<3 you and > me", "x\n<v Bob: who is"])
    def test_words_that_a_tag_hides_are_said(self, written: str) -> None:
        found = parse(f"WEBVTT\n\n{TIMES}\n{written}\n")
        assert [(fault.line, fault.is_fixable) for fault in found.faults] == [(5, False)]

    def test_a_lost_stamp_is_no_part_of_another_tag(self) -> None:
        text = f"WEBVTT\n\n{TIMES}\na<v x<00:00:09.000>b&am<00:00:09.000>p;\n"
        found = parse(text)
        assert captions.write(found, found.captions) == text
