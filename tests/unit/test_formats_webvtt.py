"""WebVTT as the standard has browsers read it: the cases of the W3C's parser suite for files, written anew.

The suite's groups: signature, header, newlines, nulls, white space, identifiers, arrows, times, settings,
regions and style sheets. The text of a cue has a module of its own.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from qasr_cli.formats.readers import captions, webvtt_settings
from qasr_cli.formats.readers.caption_file import CaptionFile
from qasr_cli.formats.readers.webvtt_blocks import blocks, parse_times
from qasr_cli.formats.readers.webvtt_settings import CueSettings
from qasr_cli.records import Caption

TIMES = "00:00:00.000 --> 00:00:01.000"


def parse(text: str) -> CaptionFile:
    return captions.parse(text, "a.vtt")


def shown(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return each cue's identifier and visible lines."""
    return [(one.number, one.lines) for one in parse(text).captions]


def cue(text: str) -> Caption:
    (found,) = parse(f"WEBVTT\n\n{TIMES}\n{text}\n").captions
    return found


def rewritten(file: CaptionFile) -> CaptionFile:
    return parse(captions.write(file, file.captions))


class TestSignature:
    @pytest.mark.parametrize(
        "head",
        [
            "WEBVTT",
            "WEBVTT ",
            "WEBVTT\t",
            "WEBVTT - title",
            "WEBVTT\tx --> y",
            "WEBVTT\nKind: captions\nx: y",
        ],
    )
    def test_what_browsers_accept(self, head: str) -> None:
        found = parse(f"{head}\n\n{TIMES}\ntext\n")
        assert [one.lines for one in found.captions] == [("text",)]
        assert not found.faults
        assert captions.write(found, found.captions).startswith(f"{head}\n\n")

    def test_one_byte_order_mark(self) -> None:
        found = captions.read(f"\ufeffWEBVTT\n\n{TIMES}\ntext".encode(), "a.vtt")
        assert (len(found.captions), found.faults) == (1, ())

    @pytest.mark.parametrize(
        "head", ["", "webvtt", "WEBVTTx", "WEBVTT-x", " WEBVTT", "\nWEBVTT", "\ufeff\ufeffWEBVTT", "WEB VTT"]
    )
    def test_what_browsers_reject_is_said_and_mended(self, head: str) -> None:
        found = captions.read(f"{head}\n\n{TIMES}\ntext\n".encode(), "a.vtt")
        assert [one.lines for one in found.captions] == [("text",)]
        assert [(fault.line, fault.is_fixable) for fault in found.faults] == [(1, True)]
        assert not rewritten(found).faults

    def test_the_content_tells_a_damaged_signature_from_subrip(self) -> None:
        assert captions.parse(f"webvtt\n\n{TIMES}\ntext\n").kind == "vtt"
        assert captions.parse(f"{TIMES}\nwebvtt\n").kind == "srt"


class TestHeader:
    def test_times_end_it(self) -> None:
        assert shown(f"WEBVTT\n{TIMES}\ntext\n") == [("", ("text",))]
        # A line above the times is one of the header's, and no identifier.
        assert shown(f"WEBVTT\nx\n{TIMES}\ntext\n") == [("", ("text",))]

    def test_an_arrow_ends_it_too(self) -> None:
        assert shown(f"WEBVTT\nx --> y\n{TIMES}\ntext\n") == [("", ("text",))]

    def test_garbage_belongs_to_it(self) -> None:
        assert shown(f"WEBVTT\n\x00\nNOTE x\nSTYLE\n{TIMES}\ntext\n") == [("", ("text",))]


class TestLines:
    @pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
    def test_ends(self, end: str) -> None:
        text = end.join(["WEBVTT", "", "id", TIMES, "one", "two", "", TIMES, "three"])
        assert shown(text) == [("id", ("one", "two")), ("", ("three",))]

    def test_an_end_of_each_kind(self) -> None:
        text = f"WEBVTT\n\na\r{TIMES}\rone\rb\n{TIMES}\ntwo\n\n\rc\r\n{TIMES}\r\nthree\n\r"
        # Without an empty line before it, `b` is text of the first cue.
        assert shown(text) == [("a", ("one", "b")), ("", ("two",)), ("c", ("three",))]

    def test_a_form_feed_or_a_line_separator_ends_no_line(self) -> None:
        assert cue("a\x0cb\u2028c\x85d").lines == ("a\x0cb\u2028c\x85d",)

    def test_a_null_is_a_replacement_character(self) -> None:
        assert shown(f"WEBVTT\n\n\x00id\n{TIMES}\na\x00b\n") == [("\ufffdid", ("a\ufffdb",))]
        assert parse_times(f"\ufffd{TIMES}") is None

    def test_white_space_around_times(self) -> None:
        assert parse_times("  00:00:00.000\t\t-->\x0c00:00:01.000 \t") is not None
        assert parse_times("00:00:00.000-->00:00:01.000") is not None
        assert parse_times("\x0b00:00:00.000 --> 00:00:01.000") is None

    def test_a_line_of_blanks_does_not_end_a_cue(self) -> None:
        assert cue("one\n \ntwo\n\t\nthree").lines == ("one", "two", "three")

    def test_youtubes_automatic_captions(self) -> None:
        text = (
            "WEBVTT\nKind: captions\nLanguage: en\n\n"
            "00:00:00.160 --> 00:00:02.389 align:start position:0%\n \nso<00:00:00.480><c> this</c>"
            "<00:00:00.800><c> is</c>\n\n"
            "00:00:02.389 --> 00:00:02.399 align:start position:0%\nso this is\n \n\n"
            "00:00:02.399 --> 00:00:04.000 align:start position:0%\nso this is\nit<00:00:03.000><c> then</c>"
        )
        found = parse(text)
        assert [one.lines for one in found.captions] == [
            ("so this is",),
            ("so this is",),
            ("so this is", "it then"),
        ]
        assert not found.faults
        assert [one.lines for one in rewritten(found).captions] == [one.lines for one in found.captions]

    def test_the_end_of_the_file_ends_a_cue(self) -> None:
        assert shown(f"WEBVTT\n\n{TIMES}\ntext") == [("", ("text",))]
        assert shown(f"WEBVTT\n\nid\n{TIMES}") == [("id", ())]

    @pytest.mark.parametrize(
        "cut", ["00:00:00.000 -", "00:00:00.000 --> ", "00:00:00.000 --> 00:00:01.00", "id"]
    )
    def test_what_a_cut_leaves_is_no_cue_without_a_finding(self, cut: str) -> None:
        found = parse(f"WEBVTT\n\n{TIMES}\ntext\n\n{cut}")
        assert found.captions[0].lines == ("text",)
        assert found.faults[0].line == 6


class TestIdentifiers:
    def test_they_are_kept_as_they_stand(self) -> None:
        text = "".join(f"{name}\n{TIMES}\ntext\n\n" for name in (" a", "a ", "-- >", "->", " "))
        found = parse(f"WEBVTT\n\n{text}")
        assert [one.number for one in found.captions] == [" a", "a ", "-- >", "->", " "]
        assert not found.faults
        assert [one.number for one in rewritten(found).captions] == [" a", "a ", "-- >", "->", " "]


class TestArrows:
    def test_an_arrow_ends_a_block_and_may_begin_one(self) -> None:
        pieces = ["-->", "foo-->", "-->foo", "--->", "-->-->"]
        text = "".join(f"{piece}\n{TIMES}\ntext{n}\n" for n, piece in enumerate(pieces))
        found = parse(f"WEBVTT\n\n{text}{TIMES}\nlast\n\n00:00:00.000 -a -->\n\n00:00:00.000 - -->\n")
        assert len(found.captions) == 6
        assert found.captions[-1].lines == ("last",)
        assert [fault.is_fixable for fault in found.faults] == [False, True, True, True, True, False, False]

    def test_in_a_text_it_is_an_error_that_writing_mends(self) -> None:
        found = parse(f"WEBVTT\n\n{TIMES}\nfrom a --> b\nand on\n\n{TIMES}\nnext\n")
        assert [one.lines for one in found.captions] == [("from a --> b", "and on"), ("next",)]
        assert [(fault.line, fault.is_fixable) for fault in found.faults] == [(4, True)]
        written = captions.write(found, found.captions)
        assert "\nfrom a --&gt; b\nand on\n" in written
        again = parse(written)
        assert not again.faults
        assert [one.lines for one in again.captions] == [one.lines for one in found.captions]

    def test_at_the_end_of_a_tag(self) -> None:
        found = parse(f"WEBVTT\n\n{TIMES}\n<c.x-->a</c>\n")
        assert found.captions[0].lines == ("a",)
        again = rewritten(found)
        assert (again.faults, again.captions[0].lines) == ((), ("a",))

    def test_in_a_note_it_hurts_nobody(self) -> None:
        notes = "NOTE\nsee\na --> b\nor c\n\nNOTE x\ny --> z\n\nNOTE\n00:00:01,000 -> 00:00:02,000"
        text = f"WEBVTT\n\n{notes}\n\n{TIMES}\ntext\n"
        found = parse(text)
        assert ([one.lines for one in found.captions], found.faults) == ([("text",)], ())
        assert captions.write(found, found.captions) == text

    def test_a_cue_in_a_note_is_shown(self) -> None:
        assert shown(f"WEBVTT\n\nNOTE\n{TIMES}\ntext\n") == [("NOTE", ("text",))]


class TestTimes:
    @pytest.mark.parametrize(
        ("written", "start_ms"),
        [
            ("00:00.000", 0),
            ("59:59.999", 3_599_999),
            ("0:00:00.001", 1),
            ("00:00:00.001", 1),
            ("120:00:00.000", 432_000_000),
            ("12345:00:00.000", 44_442_000_000),
        ],
    )
    def test_what_browsers_accept(self, written: str, start_ms: int) -> None:
        times = parse_times(f"{written} --> 99999:00:00.000")
        assert times is not None
        assert times.start_ms == start_ms
        assert parse_times(f"00:00.000 --> {written}") is not None

    @pytest.mark.parametrize(
        "written",
        [
            "00:01.00", "0:01.000", "120:00.000", "00:60.000", "60:00.000", "00:00:60.000", "00:60:00.000",
            "00:00:01,000", "00:01.0000", "00:1.000", "00:0:01.000", "00:00:1.000", "0001.000", "01.000",
            "00:01", "00:00:01", "00:00:01.", "00:00:01:000", "-00:01.000", "+00:01.000", "٠٠:٠١.٠٠٠",
            "00 :01.000", "00: 01.000", "x00:01.000",
        ],
    )  # fmt: skip
    def test_what_browsers_reject_is_malformed(self, written: str) -> None:
        for line in (f"{written} --> 00:09.000", f"00:00.000 --> {written}"):
            assert parse_times(line) is None, line
            found = parse(f"WEBVTT\n\n{TIMES}\nfirst\n\n{line}\ntext\n")
            assert 6 in {fault.line for fault in found.faults}, line

    @pytest.mark.parametrize(
        ("line", "start_ms", "end_ms", "why"),
        [
            ("00:01.00 --> 00:02.00", 1_000, 2_000, "2 digits"),
            ("0:01.000 --> 0:02.000", 1_000, 2_000, "two digits"),
            ("120:00.000 --> 120:01.000", 7_200_000, 7_201_000, "above 59"),
            ("00:00:60.000 --> 00:00:61.000", 60_000, 61_000, "above 59"),
            ("00:00:01,000 --> 00:00:02,000", 1_000, 2_000, "','"),
            ("00:00:01.000 -> 00:00:02.000", 1_000, 2_000, "'->'"),
            ("00:00:01 --> 00:00:02", 1_000, 2_000, "without milliseconds"),
            ("\ufeff00:01.000 --> 00:02.000", 1_000, 2_000, ""),
        ],
    )
    def test_what_most_players_show_is_read_and_mended(
        self, line: str, start_ms: int, end_ms: int, why: str
    ) -> None:
        found = parse(f"WEBVTT\n\n{line}\ntext\n")
        (one,) = found.captions
        assert (one.start_ms, one.end_ms, one.lines, one.line) == (start_ms, end_ms, ("text",), 3)
        assert all(fault.is_fixable and fault.line == 3 for fault in found.faults)
        assert why in " ".join(fault.text for fault in found.faults)
        again = rewritten(found)
        assert (again.faults, again.captions[0].start_ms) == ((), start_ms)

    def test_behind_them_may_be_anything(self) -> None:
        times = parse_times(f"{TIMES}garbage")
        assert times is not None
        assert times.settings == "garbage"
        assert parse_times(f"{TIMES}0") is None


class TestMissingEmptyLines:
    def test_the_next_cue_begins_at_its_times(self) -> None:
        assert shown(f"WEBVTT\n\n{TIMES}\none\n{TIMES}\ntwo\n") == [("", ("one",)), ("", ("two",))]

    @pytest.mark.parametrize("between", ["", " \n"])
    def test_a_number_that_browsers_would_show_is_the_next_cues(self, between: str) -> None:
        found = parse(f"WEBVTT\n\n1\n{TIMES}\none\n{between}2\n{TIMES}\ntwo\n")
        assert [(one.number, one.lines) for one in found.captions] == [("1", ("one",)), ("2", ("two",))]
        assert [fault.is_fixable for fault in found.faults] == [True]
        assert not rewritten(found).faults

    def test_another_number_is_text(self) -> None:
        found = parse(f"WEBVTT\n\n1\n{TIMES}\none\n1945\n{TIMES}\ntwo\n")
        assert [one.lines for one in found.captions] == [("one", "1945"), ("two",)]

    def test_joined_files(self) -> None:
        found = parse(
            f"WEBVTT\n\n1\n{TIMES}\none\n\n\ufeffWEBVTT\nKind: x\n\n\ufeff2\n"
            "00:00:02.000 --> 00:00:03.000\ntwo\n"
        )
        assert [(one.number, one.lines) for one in found.captions] == [("1", ("one",)), ("2", ("two",))]
        assert [(fault.line, fault.is_fixable) for fault in found.faults] == [(7, True), (10, True)]

    def test_out_of_order_is_the_files_order(self) -> None:
        text = "WEBVTT\n\n00:05.000 --> 00:06.000\nlater\n\n00:01.000 --> 00:02.000\nearlier\n"
        assert [one.lines for one in parse(text).captions] == [("later",), ("earlier",)]


class TestSettings:
    DEFAULT = CueSettings()

    @pytest.mark.parametrize(
        ("written", "changed"),
        [
            ("line:-1", {"line": -1.0}),
            ("line:1.5", {"line": 1.5}),
            ("line:-0", {"line": 0.0}),
            ("line:18446744073709552000", {"line": 18446744073709552000.0}),
            ("line:0%", {"line": 0.0, "is_snapping": False}),
            ("line:100%,end", {"line": 100.0, "is_snapping": False, "line_align": "end"}),
            ("line:100%,middle", {"line": 100.0, "is_snapping": False}),
            ("position:1.5%", {"position": 1.5}),
            ("position:1%,line-right", {"position": 1.0, "position_align": "line-right"}),
            ("position:1%, center", {"position": 1.0}),
            ("position:1% position:x", {"position": 1.0}),
            ("size:0%", {"size": 0.0}),
            ("align:start", {"align": "start"}),
            ("align:end align:middle", {"align": "end"}),
            ("align:left", {"align": "left"}),
            ("vertical:rl", {"vertical": "rl"}),
            ("vertical:lr vertical:x", {"vertical": "lr"}),
            ("region:foo", {"region": "foo"}),
            ("region:foo region:nowhere", {"region": "foo"}),
            ("region:foo line:1", {"line": 1.0}),
            ("region:foo size:50%", {"size": 50.0}),
            ("\tsize:50%\x0calign:end ", {"size": 50.0, "align": "end"}),
        ],
    )
    def test_valid(self, written: str, changed: dict[str, object]) -> None:
        found = webvtt_settings.parse(f" {written}", ["foo"])
        assert found == replace(self.DEFAULT, **changed)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        "written",
        [
            "line:101%", "line:-0%", "line:1%-", "line:1-", "line:%1", "line:1%%", "line:0%0", "line: 0%",
            "line:0%x", "line:-", "line:%", "line:1..5", "line:.5", "line:5.", "line:", "position:-1%",
            "position:1", "position:1x", "position:1%x", "position:", "position: 1%", "position:101%",
            "position:101%,center", "size:101%", "size:x", "size:5", "align:middle", "align:Start", "align",
            "vertical:RL", "region:",
            "region: foo", "region :foo", "region:Foo", ":x", "own:x", "LINE:1",
        ],
    )  # fmt: skip
    def test_invalid_ones_have_no_effect(self, written: str) -> None:
        assert webvtt_settings.parse(written, ["foo"]) == self.DEFAULT

    def test_regions_are_those_above_the_first_cue(self) -> None:
        text = (
            f"WEBVTT\n\nREGION\nid:a\nwidth:50%\n\nREGION \nid:b\nid:c\n\n{TIMES} region:a\n1\n\n"
            f"{TIMES} region:b\n2\n\n{TIMES} region:c\n3\n\nREGION\nid:d\n\n{TIMES} region:d\n4\n"
        )
        found = parse(text)
        places = [one.place for one in found.captions]
        assert [bool(place) for place in places] == [True, False, True, False]
        assert places[0] != places[2]
        assert (found.faults, captions.write(found, found.captions)) == ((), text)

    def test_two_spellings_of_one_place_are_one_place(self) -> None:
        text = f"WEBVTT\n\n{TIMES} line:1 size:50%\n1\n\n{TIMES} size:50.0%  line:1.0 align:middle\n2\n"
        first, second = parse(text).captions
        assert first.place == second.place != ""


class TestStyleSheets:
    def test_they_are_no_text(self) -> None:
        text = f"WEBVTT\n\nSTYLE\n::cue {{\n}}\n\nSTYLE \n::cue(b) {{}}\n\n{TIMES}\ntext\n"
        found = parse(text)
        assert ([one.lines for one in found.captions], found.faults) == ([("text",)], ())
        assert captions.write(found, found.captions) == text


def test_a_block_without_a_cue_has_no_times() -> None:
    lines = f"NOTE a\nb\n\n{TIMES}\nx\n00:0 --> 1\ny".split("\n")
    found = [(one.first, one.last, one.arrow, one.times is not None) for one in blocks(lines, 0)]
    assert found == [(0, 2, None, False), (3, 5, 3, True), (5, 7, 5, False)]
