"""Subtitle files as the world has them: every format, broken in every usual way, read and written back."""

from __future__ import annotations

import codecs
import json
from dataclasses import replace
from pathlib import Path

import pytest

from qasr_cli.errors import UndecodableError, UsageError
from qasr_cli.formats import captions, encodings, markup

GOLDEN = Path(__file__).parents[1] / "golden"
SRT = "1\n00:00:01,000 --> 00:00:02,000\nGood <i>morning</i>.\n\n2\n00:00:02,100 --> 00:00:03,500\nYes\n"
ASS = r"""[Script Info]
; made somewhere
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname
Style: Default,Arial

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:09.00,Default,,0,0,0,,a note
Dialogue: 0,0:00:05.00,0:00:06.50,Default,Anna,0,0,0,,{\i1}Hello,{\i0} you\Nthere
Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,Earlier\hone
Dialogue: 1,0:00:01.00,0:00:02.00,Sign,,0,0,0,,{\pos(10,20)\p1}m 0 0 l 10 10

[Fonts]
fontname: x
"""


class TestSubRip:
    def test_what_a_file_says_is_what_is_read(self) -> None:
        found = captions.parse(SRT)
        assert found.kind == "srt"
        first = found.captions[0]
        assert (first.start_ms, first.end_ms, first.number, first.line) == (1_000, 2_000, "1", 1)
        assert first.lines == ("Good morning.",)
        assert first.marked == ("Good <i>morning</i>.",)
        assert not found.faults

    @pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
    def test_line_ends_say_nothing(self, ending: str) -> None:
        assert captions.parse(SRT.replace("\n", ending)).captions == captions.parse(SRT).captions

    @pytest.mark.parametrize(
        ("line", "start_ms", "end_ms"),
        [
            ("00:00:05,000 --> 00:00:04,000", 5_000, 4_000),
            ("-00:00:01,000 --> 00:00:04,000", -1_000, 4_000),
            ("100:00:01,5 --> 100:00:02.25 X1:10 X2:20", 360_001_500, 360_002_250),
            ("0:1:2 --> 0:1:3", 62_000, 63_000),
            ("10000:00:00,000 --> 10000:00:00,832", 36_000_000_000, 36_000_000_832),
            ("  00:00:01,000-->00:00:02,000  ", 1_000, 2_000),
        ],
    )
    def test_odd_times_are_read_as_they_stand(self, line: str, start_ms: int, end_ms: int) -> None:
        (found,) = captions.parse(f"1\n{line}\nHi\n").captions
        assert (found.start_ms, found.end_ms) == (start_ms, end_ms)

    def test_numbers_may_be_missing_and_blank_lines_too(self) -> None:
        text = "00:00:01,000 --> 00:00:02,000\nOne\n7\n00:00:03,000 --> 00:00:04,000\nTwo\n"
        found = captions.parse(text)
        assert [(one.number, one.lines) for one in found.captions] == [("", ("One",)), ("7", ("Two",))]

    def test_a_blank_line_inside_loses_no_word(self) -> None:
        found = captions.parse("1\n00:00:01,000 --> 00:00:02,000\nOne\n\ntwo\n")
        assert found.captions[0].lines == ("One", "two")
        assert [fault.line for fault in found.faults] == [4]
        assert found.faults[0].is_mendable

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("junk\n\n" + SRT, 1),
            (SRT + "\n3\n00:00:xx --> 00:00:09,000\nlost\n", 9),
            (SRT + "\n00:00:04,000 -> \nlost\n", 9),
        ],
    )
    def test_what_cannot_be_read_is_named_by_its_line(self, text: str, line: int) -> None:
        found = captions.parse(text)
        assert len(found.captions) == 2
        assert [(fault.line, fault.is_mendable) for fault in found.faults] == [(line, False)]

    def test_an_arrow_in_a_text_is_text(self) -> None:
        (found,) = captions.parse("1\n00:00:01,000 --> 00:00:02,000\na --> b\n").captions
        assert found.lines == ("a --> b",)

    def test_no_new_line_is_a_time_line(self) -> None:
        text = "1\n00:00:01,000 --> 00:00:02,000\nsee 00:00:01,000 --> 00:00:02,000\n"
        found = captions.parse(text)
        broken = replace(found.captions[0], lines=("see", "00:00:01,000 --> 00:00:02,000"))
        assert captions.write(found, [broken]) == text


class TestWebVtt:
    TEXT = (
        "WEBVTT - talk\nKind: captions\n\nSTYLE\n::cue { color: red }\n\nNOTE hello\n\nintro\n"
        "00:01.000 --> 00:02.000 line:0\n<v Anna>Good &amp; <00:01.500>well\n\n"
        "00:00:03.000 --> 00:00:04.000\nR&amp;D\n\nNOTE the end\n"
    )

    def test_names_notes_settings_and_entities(self) -> None:
        found = captions.parse(self.TEXT)
        first, second = found.captions
        assert (first.number, first.settings, first.lines) == ("intro", ("line:0",), ("Good & well",))
        assert (second.number, second.lines, second.place) == ("", ("R&D",), "")
        assert not found.faults

    def test_everything_is_written_back(self) -> None:
        found = captions.parse(self.TEXT)
        expected = self.TEXT.replace("\n00:01.000", "\n00:00:01.000").replace("> 00:02", "> 00:00:02")
        assert captions.write(found, found.captions) == expected

    def test_text_after_a_blank_line_belongs_to_nobody(self) -> None:
        found = captions.parse("WEBVTT\n\n00:01.000 --> 00:02.000\nOne\n\ntwo\n")
        assert found.captions[0].lines == ("One",)
        assert "belongs to no caption" in found.faults[0].text

    def test_a_lost_signature_and_commas_are_faults_that_writing_mends(self) -> None:
        found = captions.parse("00:00:01,000 --> 00:00:02,000\nOne\n", "film.vtt")
        assert [fault.is_mendable for fault in found.faults] == [True, True]
        again = captions.parse(captions.write(found, found.captions))
        assert (again.kind, again.faults) == ("vtt", ())


class TestAss:
    def test_dialogue_is_read_and_comments_and_drawings_are_not(self) -> None:
        found = captions.parse(ASS)
        assert [(one.start_ms, one.end_ms, one.lines) for one in found.captions] == [
            (5_000, 6_500, ("Hello, you", "there")),
            (1_000, 2_000, ("Earlier\u00a0one",)),
        ]
        assert found.captions[0].line == 12
        assert not found.faults

    def test_everything_is_written_back_in_its_order(self) -> None:
        found = captions.parse(ASS)
        in_time = sorted(found.captions, key=lambda one: one.start_ms)
        assert captions.write(found, in_time) == ASS

    def test_a_broken_line_is_named(self) -> None:
        found = captions.parse(ASS + "[Events]\nDialogue: 0,now,later,Default,,0,0,0,,x\n")
        assert "no dialogue line" in found.faults[0].text

    def test_white_space_before_a_line_is_skipped_as_players_do(self) -> None:
        found = captions.parse(ASS.replace("Dialogue: 0,0:00:05", "  Dialogue: 0,0:00:05"))
        assert found.captions == captions.parse(ASS).captions

    def test_ssa_is_the_same_with_other_columns(self) -> None:
        head = "[Script Info]\n[Events]\nFormat: Marked, Start, End, Text\n"
        text = f"{head}Dialogue: 0,0:00:01.5,0:00:02.00,a, b\n"
        (found,) = captions.parse(text).captions
        assert (found.start_ms, found.lines) == (1_500, ("a, b",))


class TestJson:
    def test_ours_has_words(self) -> None:
        found = captions.read((GOLDEN / "korean.json").read_bytes(), "korean.json")
        assert (found.kind, found.language, len(found.captions)) == ("json", "ko", 8)
        assert found.transcript is not None
        assert found.captions[0].word_range is not None

    def test_whispers_has_segments_in_seconds(self) -> None:
        whole = {"language": "english", "segments": [{"start": 0.5, "end": 1.25, "text": " Hi.\nYou."}]}
        found = captions.parse(json.dumps(whole))
        assert (found.language, found.transcript) == ("en", None)
        assert found.captions[0].lines == ("Hi.", "You.")
        assert (found.captions[0].start_ms, found.captions[0].end_ms) == (500, 1_250)

    @pytest.mark.parametrize("range_", [[0, 99_999], [-1, 1], [2, 1], [0], "x", [0.5, 1]])
    def test_a_range_of_words_that_are_not_there_is_refused(self, range_: object) -> None:
        whole = json.loads((GOLDEN / "korean.json").read_text("utf-8"))
        whole["cues"][0]["word_range"] = range_
        with pytest.raises(UndecodableError, match=r"cues\[0\].word_range"):
            captions.parse(json.dumps(whole))


class TestBytes:
    KOREAN = SRT.replace("Good <i>morning</i>.", "안녕하세요. 오늘은 날씨가 좋습니다.")
    FRENCH = SRT.replace("Good <i>morning</i>.", "Ça va très bien, merci à tous.")
    JAPANESE = SRT.replace("Good <i>morning</i>.", "今日はとても天気がいいですね")
    CHINESE = SRT.replace("Good <i>morning</i>.", "我们今天来看一看这个问题")
    RUSSIAN = SRT.replace("Good <i>morning</i>.", "Здравствуйте, как дела?")

    @pytest.mark.parametrize(
        ("raw", "encoding", "is_guess"),
        [
            (KOREAN.encode(), "utf-8", False),
            (codecs.BOM_UTF8 + KOREAN.encode(), "utf-8", False),
            (KOREAN.encode("utf-16"), "utf-16-le", False),
            (codecs.BOM_UTF16_BE + KOREAN.encode("utf-16-be"), "utf-16-be", False),
            (KOREAN.encode("utf-32"), "utf-32-le", False),
            (FRENCH.encode("utf-16-le"), "utf-16-le", True),
            (KOREAN.encode("cp949"), "cp949", True),
            (FRENCH.encode("cp1252"), "cp1252", True),
            (JAPANESE.encode("cp932"), "cp932", True),
            (CHINESE.encode("gb18030"), "gb18030", True),
        ],
    )
    def test_encodings_are_told_and_guesses_are_called_so(
        self, raw: bytes, encoding: str, is_guess: bool
    ) -> None:
        found = captions.read(raw, "x.srt")
        assert (found.encoding, found.is_guess, found.faults) == (encoding, is_guess, ())
        assert any(
            text in found.captions[0].lines[0] for text in ("안녕", "Ça va très", "今日は", "我们今天")
        )

    def test_what_cannot_be_told_is_asked_for(self) -> None:
        raw = self.RUSSIAN.encode("cp1251")
        with pytest.raises(UndecodableError, match="neither UTF-8 nor") as raised:
            captions.read(raw, "x.srt")
        assert "--encoding" in raised.value.hint
        assert captions.read(raw, "x.srt", "cp1251").captions[0].lines == ("Здравствуйте, как дела?",)
        with pytest.raises(UsageError, match="no such encoding"):
            captions.read(raw, "x.srt", "cp0815")

    def test_zero_bytes_after_a_text_leave_it_a_text(self) -> None:
        found = captions.read(self.KOREAN.encode() + b"\x00" * 9, "x.srt")
        assert (found.encoding, found.captions[1].lines) == ("utf-8", ("Yes", "\x00" * 9))

    def test_half_a_character_is_no_text(self) -> None:
        with pytest.raises(UndecodableError, match="not a text in unicode_escape"):
            captions.read(SRT.encode() + rb"\ud800", "x.srt", "unicode_escape")

    def test_lines_of_another_encoding_are_counted_as_lost(self) -> None:
        raw = (self.KOREAN * 3).encode() + "\n9\n00:00:09,000 --> 00:00:10,000\nCafé\n".encode("cp1252")
        found = captions.read(raw, "x.srt")
        assert (found.encoding, found.is_guess) == ("utf-8", False)
        assert (found.faults[0].line, found.faults[0].is_mendable) == (0, False)
        assert "1 characters are not UTF-8" in found.faults[0].text

    @pytest.mark.parametrize(
        ("raw", "says"),
        [
            (b"", "empty"),
            (b"\xef\xbb\xbf \n", "no subtitles"),
            (b"\n \n\x00", "empty"),
            (b"hello\n", "no subtitles"),
            (b"WEBVTT\n", "no subtitles"),
            (b"1\nsoon --> later\nx\n", "line 2 has no times"),
            (bytes(range(256)) * 64, "not a text file"),
            (SRT.encode() + b"more " * 5_000, "line 5: a caption of 25,002 characters"),
            (b"x" * (captions.MAX_TEXT_BYTES + 1), "larger than 10 MB"),
            (b"{" + b" " * captions.MAX_JSON_BYTES, "larger than 64 MB"),
            (b"{}", "no schema"),
        ],
    )
    def test_what_is_no_subtitle_file_is_refused(self, raw: bytes, says: str) -> None:
        with pytest.raises(UndecodableError, match=says):
            captions.read(raw, "x.srt")


class TestMarkup:
    @pytest.mark.parametrize(
        ("marked", "lines", "kind", "expected"),
        [
            (("<i>one two</i>", "three"), ("one", "two three"), "srt", ("<i>one", "two</i> three")),
            (("<i>one</i>", "<i>two</i>"), ("one two",), "srt", ("<i>one</i> <i>two</i>",)),
            (("a &amp; b c",), ("a &", "b c"), "vtt", ("a &amp;", "b c")),
            ((r"{\i1}one two{\i0}",), ("one", "two"), "ass", (r"{\i1}one", r"two{\i0}")),
            (("日本語の文",), ("日本語", "の文"), "srt", ("日本語", "の文")),
            (("{\\an8}one", "two"), ("one two",), "srt", ("{\\an8}one two",)),
        ],
    )
    def test_breaks_move_and_styling_stays(
        self, marked: tuple[str, ...], lines: tuple[str, ...], kind: str, expected: tuple[str, ...]
    ) -> None:
        assert markup.rebroken(marked, lines, kind) == expected

    def test_times_of_words_outside_their_caption_are_left_out(self) -> None:
        text = "WEBVTT\n\n00:01.000 --> 00:02.000\nOne <00:01.500>two <00:02.500>three\n"
        found = captions.parse(text)
        assert "One <00:01.500>two three\n" in captions.write(found, found.captions)


def test_a_decoded_text_has_no_mark() -> None:
    assert encodings.decode(codecs.BOM_UTF8 + b"a").text == "a"
    assert encodings.decode(codecs.BOM_UTF8 + b"a", "utf-8").text == "a"
