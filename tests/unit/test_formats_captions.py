"""Subtitle files as the world has them: every format, broken in every usual way, read and written back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from qasr_cli.errors import UndecodableError
from qasr_cli.formats.readers import captions, markup

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
            ("100:00:01,5 --> 100:00:02.25 X1:10 X2:20", 360_001_005, 360_002_025),
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
        assert found.faults[0].is_fixable

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
        assert [(fault.line, fault.is_fixable) for fault in found.faults] == [(line, False)]

    @pytest.mark.parametrize(
        ("behind", "name"),
        [
            ("Hello there", "x.srt"),
            ("X1:10 Hello", "x.srt"),
            ("note:this", "x.srt"),
            ("Hello there", "x.vtt"),
            ("line:0 Hello", "x.vtt"),
        ],
    )
    def test_text_on_the_time_line_is_a_fault_that_nobody_mends(self, behind: str, name: str) -> None:
        head = "WEBVTT\n\n" if name.endswith("vtt") else ""
        found = captions.parse(f"{head}00:00:01.000 --> 00:00:03.000 {behind}\nmore\n", name)
        (fault,) = found.faults
        assert (fault.line, fault.is_fixable) == (1 + head.count("\n"), False)
        assert fault.text == f"text on the time line: {behind!r}"

    @pytest.mark.parametrize(
        ("behind", "name"),
        [
            ("X1:10 X2:-20 Y1:0454 y2:3", "x.srt"),
            ("align:start position:0%", "x.srt"),
            ("line:0 region:fred size:50%,start own:x", "x.vtt"),
        ],
    )
    def test_settings_on_the_time_line_are_kept(self, behind: str, name: str) -> None:
        head = "WEBVTT\n\n" if name.endswith("vtt") else ""
        found = captions.parse(f"{head}00:00:01.000 --> 00:00:03.000 {behind}\nmore\n", name)
        assert not found.faults
        assert f" {behind}\nmore\n" in captions.write(found, found.captions)

    def test_a_number_parted_from_its_times_is_no_text(self) -> None:
        text = SRT.replace("\n2\n", "\n2\n\n \n").replace("1\n00", "1\n\n00")
        found = captions.parse(text)
        assert [(one.number, one.lines) for one in found.captions] == [
            ("1", ("Good morning.",)),
            ("2", ("Yes",)),
        ]
        assert [(fault.line, fault.is_fixable) for fault in found.faults] == [(1, True), (6, True)]
        assert captions.write(found, found.captions) == SRT

    @pytest.mark.parametrize("said", ["1945", "1", "2 of them"])
    def test_any_other_number_is_something_spoken(self, said: str) -> None:
        found = captions.parse(SRT.replace("\n2\n", f"\n{said}\n\n"))
        assert found.captions[0].lines == ("Good morning.", said)

    def test_a_number_below_a_text_may_be_spoken(self) -> None:
        cues = "1\n00:00:01,000 --> 00:00:02,000\nThe bomb fell in\n{}\n00:00:04,000 --> 00:00:05,000\nYes\n"
        found = captions.parse(cues.format(1945))
        assert [(one.number, one.lines) for one in found.captions] == [
            ("1", ("The bomb fell in",)),
            ("1945", ("Yes",)),
        ]
        assert [(one.line, one.text, one.is_fixable) for one in found.faults] == [
            (4, "'1945' may be the cue's number or spoken", False)
        ]
        assert not captions.parse(cues.format(2)).faults
        assert not captions.parse(cues.format("\n1945")).faults

    def test_times_inside_a_text_are_visible_here(self) -> None:
        text = SRT.replace("Yes", "See <00:00:09.500> there")
        found = captions.parse(text)
        assert found.captions[1].lines == ("See <00:00:09.500> there",)
        assert captions.write(found, found.captions) == text

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

    def test_every_character_reference_of_html_counts_as_what_it_shows(self) -> None:
        said = "&eacute;t&#xe9; &hellip; &foo; &notit; &NotEqualTilde;&#10;&NewLine;x"
        found = captions.parse(f"WEBVTT\n\n00:01.000 --> 00:02.000\n{said}\n")
        assert found.captions[0].lines == ("été … &foo; ¬it; ≂\u0338  x",)
        (marked,) = markup.rebroken((said,), ("été … &foo; ¬it; ≂\u0338x",), "vtt")
        assert marked == "&eacute;t&#xe9; &hellip; &foo; &notit; &NotEqualTilde;x"
        assert markup.rebroken(("a &foo; &eacute;",), ("a &foo;", "é"), "vtt") == ("a &foo;", "&eacute;")

    def test_text_after_a_blank_line_belongs_to_nobody(self) -> None:
        found = captions.parse("WEBVTT\n\n00:01.000 --> 00:02.000\nOne\n\ntwo\n")
        assert found.captions[0].lines == ("One",)
        assert "belongs to no caption" in found.faults[0].text

    def test_a_lost_signature_and_commas_are_faults_that_writing_mends(self) -> None:
        found = captions.parse("00:00:01,000 --> 00:00:02,000\nOne\n", "film.vtt")
        assert [fault.is_fixable for fault in found.faults] == [True, True]
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

    @pytest.mark.parametrize(
        ("fields", "text", "is_same"),
        [
            ("0,{},Default,,0,0,0000,,", "a", True),
            ("1,{},Default,,0,0,0,,", "a", False),
            ("0,{},Default,,0,0,40,,", "a", False),
            ("0,{},Default,,9,0,0,,", "a", False),
            ("0,{},Sign,,0,0,0,,", "a", False),
            ("0,{},Default,,0,0,0,,", "{\\pos (1,2", True),  # never closed: text
            ("0,{},Default,,0,0,0,,", "{\\i1\\pos(1,2)}a", False),
        ],
    )
    def test_what_has_another_layer_margin_style_or_position_has_another_place(
        self, fields: str, text: str, is_same: bool
    ) -> None:
        head = "\n".join(ASS.splitlines()[:10]) + "\n"
        times = "0:00:01.00,0:00:02.00"
        lines = [f"Dialogue: 0,{times},Default,,0,0,0,,a", f"Dialogue: {fields.format(times)}{text}"]
        first, second = captions.parse(head + "\n".join(lines)).captions
        assert (first.place == second.place) == is_same

    def test_ssa_is_the_same_with_other_columns(self) -> None:
        head = "[Script Info]\n[Events]\nFormat: Marked, Start, End, Text\n"
        text = f"{head}Dialogue: 0,0:00:01.5,0:00:02.00,a, b\n"
        (found,) = captions.parse(text).captions
        assert (found.start_ms, found.lines) == (1_050, ("a, b",))


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

    def test_what_is_not_json_only_begins_with_a_brace(self) -> None:
        (found,) = captions.parse("{\\an8}\n" + SRT, "x.srt").faults
        assert (found.line, found.text) == (1, r"text that belongs to no caption: '{\\an8}'")
        for name in ("x.sub", "x.json"):
            with pytest.raises(UndecodableError, match="MicroDVD counts frames"):
                captions.read(b"{0}{25}Hello\n", name)
        with pytest.raises(UndecodableError, match="no valid JSON"):
            captions.read(b"Hello\n", "x.json")

    @pytest.mark.parametrize("extra", ["NaN", "-Infinity", "1e999"])
    def test_a_number_that_is_none_matters_where_it_is_used(self, extra: str) -> None:
        text = '{"segments": [{"start": 0.5, "end": 1.25, "text": "Hi.", "avg_logprob": %s}]}'
        assert captions.parse(text % extra).captions[0].lines == ("Hi.",)
        with pytest.raises(UndecodableError, match=r"segments\[0\].start is out of range"):
            captions.parse((text % 1).replace("0.5", extra))

    @pytest.mark.parametrize("end", ["1e300", "1e11", "-1e99"])
    def test_no_time_is_beyond_a_year(self, end: str) -> None:
        with pytest.raises(UndecodableError, match=r"segments\[0\].end is out of range"):
            captions.parse(f'{{"segments": [{{"start": 0, "end": {end}, "text": "a"}}]}}')

    @pytest.mark.parametrize("range_", [[0, 99_999], [-1, 1], [2, 1], [0], "x", [0.5, 1]])
    def test_a_range_of_words_that_are_not_there_is_refused(self, range_: object) -> None:
        whole = json.loads((GOLDEN / "korean.json").read_text("utf-8"))
        whole["cues"][0]["word_range"] = range_
        with pytest.raises(UndecodableError, match=r"cues\[0\].word_range"):
            captions.parse(json.dumps(whole))


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


class TestLinesOfJson:
    @pytest.mark.parametrize("indent", [None, 1])
    def test_each_segment_has_the_line_where_its_object_begins(self, indent: int | None) -> None:
        segments = [{"start": n, "end": n + 1, "text": 'a "{[\n', "words": [{"word": "a"}]} for n in range(3)]
        text = json.dumps({"text": '"segments": [{', "segments": segments, "language": "en"}, indent=indent)
        found = captions.parse(text).captions
        begins = [n for n, line in enumerate(text.split("\n"), 1) if line == "  {"]
        assert [one.line for one in found] == (begins or [1, 1, 1])

    def test_a_list_that_stands_twice_has_no_lines(self) -> None:
        text = '{"segments": [{"text": "a"}],\n"segments": [{"start": 1, "end": 2, "text": "b"}]}'
        assert [one.line for one in captions.parse(text).captions] == [0]
