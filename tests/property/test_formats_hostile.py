"""Any bytes at all: read, judged, said and repaired, or refused in one line; never a crash."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.errors import QasrError
from qasr_cli.formats.readers import captions
from qasr_cli.options import CueOptions
from qasr_cli.subtitles.qc import fix
from qasr_cli.tasks import caption_check, check_report
from qasr_cli.tasks.caption_check import CheckRules
from qasr_cli.tasks.check_report import FileReport

PIECES = st.sampled_from([
    "WEBVTT\n", "\n", "\n\n", "1\n", "22\n", "00:00:01,000 --> 00:00:02,000\n",
    "-0:0:9.5 --> 99:99:99,999 x:1\n", "00:00:xx --> \n", "--> ", "NOTE a\n", "STYLE\n", "Hello ",
    "<i>", "</i>", "{\\an8}", "<00:00:01.500>", "&amp;", "&#0;", "&#x110000;", "\u202e", "\x1b[31m",
    "\x00", "안녕 ", "今日は", "- ", "-", "...", "\u00a0", "[Script Info]\n", "[Events]\n",
    "Format: Start, End, Text\n", "Format: Text\n", "Dialogue: 0,0:00:01.00,0:00:02.00,D,,0,0,0,,",
    "Dialogue: 0:00:01.00,0:00:02.00,a\\Nb\n", "\\N", "\\h", ",", "{\\p1}", '{"segments": [',
    '{"start": 1e99, "end": null, "text": "a"}', "]}", '"}]}', "x" * 99, "\r", "\t", "♪",
])  # fmt: skip
HEADS = st.sampled_from([
    "1\n00:00:01,000 --> 00:00:02,000\n",
    "WEBVTT\n\n00:01.000 --> 00:02.000\n",
    "[Script Info]\n[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,D,,0,0,0,,",
    '{"segments": [{"start": 1, "end": 2, "text": "',
    "",
])  # fmt: skip
TEXTS = st.tuples(HEADS, st.lists(PIECES, max_size=25).map("".join)).map("".join)
ENCODINGS = st.sampled_from(["utf-8", "utf-16", "utf-16-be", "cp949", "cp1252", "utf-8-sig"])
NAMES = st.sampled_from(["a.srt", "a.vtt", "a.ass", "a.json", "a.ko.srt", "a"])


@st.composite
def files(draw: st.DrawFn) -> bytes:
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    return draw(TEXTS).encode(draw(ENCODINGS), "replace")


@given(files(), NAMES, st.sampled_from([None, Fraction(24_000, 1_001), Fraction(25)]))
def test_a_file_is_judged_or_refused(raw: bytes, name: str, rate: Fraction | None) -> None:
    try:
        found = captions.read(raw, name)
        result = caption_check.check(Path(name), found, CheckRules(CueOptions(frame_rate=rate)))
    except QasrError:
        return
    entry = FileReport(result, None, caption_check.compare(result, found))
    said = check_report.text(entry, None, is_all=True)
    said += check_report.csv_text(entry) + check_report.json_text([entry], "netflix-sdh")
    assert said.isascii() or said.encode()
    assert not set("\x00\x1b\r\u202e") & set(said)
    check_report.text(entry, 60, is_all=True)
    mended = fix.fix_captions(found.captions, result.limits, result.language, captions.grid_ms(found))
    if found.kind != "json":
        captions.write(found, mended).encode()
