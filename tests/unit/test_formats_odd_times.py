"""Times, marks and parts of SubRip and ASS that players differ on: read as most of them do, and said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qasr_cli.formats.readers import captions


class TestSubRipOfTheField:
    @pytest.mark.parametrize(
        ("line", "start_ms", "why"),
        [
            ("00:00:41,04 --> 00:00:50,000", 41_004, "in '00:00:41,04': most players read 41.004 s"),
            ("00:00:41.4 --> 00:00:50.000", 41_004, "1 digit of milliseconds"),
            ("00:00:41,0400 --> 00:00:50,000", 41_040, "4 digits"),
            ("00:41,000 --> 00:50,000", 41_000, "without hours"),
            ("00:00:41 --> 00:00:50", 41_000, "without milliseconds"),
            ("00:00:41:000 --> 00:00:50:000", 41_000, "':' before the milliseconds"),
            ("00:41.000 -> 00:50.000", 41_000, "'->' instead of '-->'"),
            ("00:00:41,000 -> 00:00:50,000", 41_000, "'->' instead of '-->'"),
            ("00:00:41,000 – > 00:00:50,000", 41_000, "instead of '-->'"),
            ("00:00:41,000 → 00:00:50,000", 41_000, "instead of '-->'"),
            ("00:00:41,000 -- > 00:00:50,000", 41_000, "instead of '-->'"),
            ("00: 00: 41, 000 --> 00:00:50,000", 41_000, "blanks inside a time"),
            ("00:60:41,000 --> 00:60:50,000", 3_641_000, "above 59"),
        ],
    )  # fmt: skip
    def test_odd_times_are_read_as_most_players_do_and_said(self, line: str, start_ms: int, why: str) -> None:
        found = captions.parse(f"1\n{line}\nHi\n")
        assert found.captions[0].start_ms == start_ms
        assert [(fault.line, fault.is_fixable) for fault in found.faults] == [(2, True)]
        assert why in found.faults[0].text
        again = captions.parse(captions.write(found, found.captions))
        assert (again.faults, again.captions[0].start_ms) == ((), start_ms)

    @pytest.mark.parametrize(
        "line",
        [
            "00:00:41.000 --> 00:00:50.000", "  00:00:41,000   -->\t00:00:50,000",
            "00:00:41,000-->00:00:50,000",
            "0:0:41,000 --> 0:0:50,000",
            "00:00:41,000 --> 00:00:50,000 X1:1 X2:2 Y1:3 Y2:4",
            "25:00:41,000 --> 125:00:50,000",
        ],
    )  # fmt: skip
    def test_what_players_read_alike_is_no_finding(self, line: str) -> None:
        assert not captions.parse(f"1\n{line}\nHi\n").faults

    @pytest.mark.parametrize(
        "said", ["10:30 -> 11:00", "12:00 → 13:00", "1:2:3 ==> 1:2:4", "at 00:00:01,000 -> 00:00:02,000"]
    )
    def test_times_in_a_text_are_text(self, said: str) -> None:
        (found,) = captions.parse(f"1\n00:00:01,000 --> 00:00:02,000\nopen\n{said}\n").captions
        assert found.lines == ("open", said)

    @pytest.mark.parametrize("mark", ["\ufeff", "ï»¿", "\ufeff\ufeff"])
    @pytest.mark.parametrize("number", ["2\n", ""])
    def test_a_byte_order_mark_inside_is_no_text(self, mark: str, number: str) -> None:
        cues = [
            "1\n00:00:01,000 --> 00:00:02,000\nOne\n",
            f"{mark}{number}00:00:03,000 --> 00:00:04,000\nTwo\n",
        ]
        for between in ("\n", ""):
            found = captions.parse(between.join(cues))
            assert [one.lines for one in found.captions] == [("One",), ("Two",)]
            assert [(fault.line, fault.is_fixable) for fault in found.faults] == [(5 if between else 4, True)]
            assert mark not in captions.write(found, found.captions)

    def test_joined_parts_that_begin_again_are_said(self) -> None:
        part = "".join(f"{n}\n00:0{n}:00,000 --> 00:0{n}:02,000\nLine {n}.\n\n" for n in range(1, 5))
        for joint in ("", "\ufeff"):
            found = captions.parse(f"{part}{joint}{part}")
            assert [(one.line, one.is_fixable) for one in found.faults if "begin again" in one.text] == [
                (17, False)
            ]
        unnumbered = "".join(line + "\n" for line in part.split("\n") if not line.isdecimal())
        assert [one.line for one in captions.parse(unnumbered + unnumbered).faults if "begin" in one.text]

    def test_one_cue_out_of_order_is_no_second_part(self) -> None:
        times = [5, 6, 7, 1, 8, 9]
        text = "".join(f"{n}\n00:0{at}:00,000 --> 00:0{at}:02,000\nx\n\n" for n, at in enumerate(times, 1))
        assert not captions.parse(text).faults

    def test_brackets_on_two_lines_never_hide_what_is_between_them(self) -> None:
        for text, kind in (("a <b\nword> c", "srt"), ("a {\\b\nword} c", "srt")):
            found = captions.parse(f"1\n00:00:01,000 --> 00:00:02,000\n{text}\n")
            (first,) = found.captions
            one_line = replace(first, lines=(" ".join(first.lines),))
            assert captions.rebroken(one_line, kind).marked == first.marked


@pytest.mark.parametrize(
    ("time", "start_ms"),
    [("0:00:01.5", 1_050), ("0:00:01.500", 1_500), ("0:00:01", 1_000), ("0:00:01:50", 1_500)],
)
def test_hundredths_of_an_event_as_players_read_them(time: str, start_ms: int) -> None:
    found = captions.parse(f"[Script Info]\n[Events]\nDialogue: 0,{time},0:00:09.00,D,,0,0,0,,a\n")
    assert found.captions[0].start_ms == start_ms
    assert [(fault.line, fault.is_fixable) for fault in found.faults] == [(3, True)]
