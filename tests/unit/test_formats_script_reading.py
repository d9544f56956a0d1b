"""Scripts as people keep them: plain text, SRT, WebVTT."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from qasr_cli.errors import UndecodableError
from qasr_cli.formats import parse_script
from qasr_cli.tasks.text_input import read_text


def test_a_plain_text_is_its_lines() -> None:
    found = parse_script("Good morning.\n\n  And welcome.  \n")
    assert found.blocks == (("Good morning.",), ("And welcome.",))
    assert not found.is_cued


SRT = """\
1
00:00:01,000 --> 00:00:02,000
<i>Good</i>
{\\an8}morning.

2
00:00:00,000 --> 00:00:00,001
Yes
"""
VTT = """\
WEBVTT

00:01.000 --> 00:02.000
<v Anna>Good
mor<00:01.500>ning.

00:03.000 --> 00:04.000
Yes
"""


@pytest.mark.parametrize("text", [SRT, VTT])
def test_subtitles_are_their_cues_with_their_breaks_and_without_styling(text: str) -> None:
    found = parse_script(text)
    assert found.blocks == (("Good", "morning."), ("Yes",))
    assert found.is_cued


@pytest.mark.parametrize("text", ["", "\n \n", "WEBVTT\n", "1\n00:00:01,000 --> 00:00:02,000\n<b></b>\n"])
def test_a_script_without_words_is_refused(text: str) -> None:
    with pytest.raises(UndecodableError, match="no words"):
        parse_script(text)


def test_text_that_would_be_lost_is_refused() -> None:
    with pytest.raises(UndecodableError, match="broken SRT in line 2: text on the time line: 'Hello there'"):
        parse_script("1\n00:00:01,000 --> 00:00:03,000 Hello there\n\n" + SRT.replace("1\n", "2\n", 1))


def test_a_mark_of_byte_order_is_no_part_of_a_script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Good morning.\n", "utf-8-sig")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO((tmp_path / "a.txt").read_bytes())))
    for path in (Path("-"), tmp_path / "a.txt"):
        assert read_text(path, "a script", "") == "Good morning.\n"


def test_a_less_than_sign_is_text() -> None:
    assert parse_script("1 < 2 and 3 > 2").blocks == (("1 < 2 and 3 > 2",),)


@pytest.mark.parametrize("line", ["WebVTT is a format.", "webvtt", "\nWeb VTT"])
def test_a_text_about_webvtt_is_a_text(line: str) -> None:
    assert parse_script(line + "\nAnd so on.").blocks[-2:] == ((line.strip(),), ("And so on.",))


def test_joined_parts_are_a_script() -> None:
    part = "1\n00:00:01,000 --> 00:00:02,000\n{}\n\n2\n00:00:03,000 --> 00:00:04,000\n{}\n\n"
    found = parse_script(part.format("One.", "Two.") + "\ufeff" + part.format("Three.", "Four."))
    assert list(found.blocks) == [("One.",), ("Two.",), ("Three.",), ("Four.",)]
