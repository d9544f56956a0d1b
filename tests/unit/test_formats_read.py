"""The formats that are read beside SRT, WebVTT and ASS, what is refused, and the limits of each reader."""

from __future__ import annotations

import contextlib
import time
from fractions import Fraction

import pytest

from qasr_cli.errors import QasrError, UndecodableError
from qasr_cli.formats import parse_script
from qasr_cli.formats.readers import captions, read_formats
from qasr_cli.formats.readers.caption_file import CaptionFile, FileContext

Row = tuple[int, int, tuple[str, ...]]
SAMI = """\
<SAMI>
<HEAD><STYLE TYPE="text/css"><!--
P { margin-left:8pt; }
.KRCC { Name:Korean; lang:ko-KR; SAMIType:CC; }
.ENCC { Name:English; lang:en-US; SAMIType:CC; }
--></STYLE></HEAD>
<BODY>
<SYNC Start=1000><P Class=KRCC>안녕하세요,<br>만나서 <i>반갑습니다</i>.
<P Class=ENCC>Hello, everybody.
<SYNC Start=3500><P Class=KRCC>&nbsp;
<P Class=ENCC>&nbsp;
<sync start="4000"><P Class='KRCC'>좋네요 &amp; 따뜻해요.
<P Class=ENCC>Fine &amp; warm.
<SYNC Start=6000><P Class=KRCC>&nbsp
"""
TTML = """\
<?xml version="1.0" encoding="UTF-8"?>
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter"
 xmlns:tts="http://www.w3.org/ns/ttml#styling" {rates} xml:lang="en">
<head><metadata><ttm:title xmlns:ttm="m">No words</ttm:title></metadata></head>
<body><div{begin}>{paragraphs}</div></body></tt>
"""


def rows(file: CaptionFile) -> list[Row]:
    return [(one.start_ms, one.end_ms, one.lines) for one in file.captions]


def ttml(paragraphs: str, *, begin: str = "", rates: str = "") -> str:
    return TTML.format(paragraphs=paragraphs, begin=f' begin="{begin}"' if begin else "", rates=rates)


class TestSami:
    def test_the_first_class_is_read_and_a_space_clears_the_screen(self) -> None:
        found = captions.parse(SAMI)
        assert rows(found) == [
            (1_000, 3_500, ("안녕하세요,", "만나서 반갑습니다.")),
            (4_000, 6_000, ("좋네요 & 따뜻해요.",)),
        ]
        assert (found.kind, found.language, [one.line for one in found.captions]) == ("sami", "ko", [8, 12])

    def test_the_wanted_language_is_chosen(self) -> None:
        found = captions.parse(SAMI, language="en")
        assert rows(found)[0] == (1_000, 3_500, ("Hello, everybody.",))
        assert found.language == "en"

    def test_tags_without_a_root_and_text_without_a_class_are_read(self) -> None:
        found = captions.parse("<SYNC Start=1><P>one\n<SYNC Start=900>two\n<!-- three -->", "a.smi")
        assert rows(found) == [(1, 900, ("one",)), (900, 3_900, ("two",))]

    def test_text_without_a_class_belongs_to_all(self) -> None:
        text = "<SAMI><BODY><SYNC Start=1><P>one<SYNC Start=9><P Class=KRCC>two<SYNC Start=20><P Class=ENCC>x"
        found = captions.parse("\ufeff\ufeff" + text)
        assert rows(found) == [(1, 9, ("one",)), (9, 3_009, ("two",))]

    @pytest.mark.parametrize("text", ["<SAMI><BODY></BODY></SAMI>", "<SAMI><SYNC Start=soon><P>a</SAMI>"])
    def test_one_without_captions_is_refused(self, text: str) -> None:
        with pytest.raises(UndecodableError, match="no subtitles in it"):
            captions.parse(text, "a.smi")


class TestFrames:
    def test_the_rate_of_the_file_counts(self) -> None:
        found = captions.parse("{1}{1}23.976\n{24}{72}Hello,|{y:i}everybody.\n{96}{}/So?\n", "a.sub")
        assert rows(found) == [(1_001, 3_003, ("Hello,", "everybody.")), (4_004, 7_004, ("So?",))]

    def test_a_line_of_styling_for_all_captions_is_no_fault(self) -> None:
        found = captions.parse("{DEFAULT}{}{C:$00FFFF}\n{1}{1}25\n{25}{75}Hello\n", "a.sub")
        assert (rows(found), found.faults) == ([(1_000, 3_000, ("Hello",))], ())

    def test_without_one_it_is_the_users(self) -> None:
        with pytest.raises(UndecodableError, match="frames") as raised:
            captions.parse("{24}{72}Hello\n", "a.sub")
        assert "--fps" in raised.value.hint
        found = captions.parse("{25}{50}Hello\n", "a.sub", frame_rate=Fraction(25))
        assert rows(found) == [(1_000, 2_000, ("Hello",))]

    def test_tenths_of_a_second_need_none(self) -> None:
        assert rows(captions.parse("[10][25]Hello|/there\n")) == [(1_000, 2_500, ("Hello", "there"))]

    def test_a_script_needs_none(self) -> None:
        assert parse_script("{24}{72}Hello,|everybody.\n").blocks == (("Hello,", "everybody."),)


class TestTtml:
    @pytest.mark.parametrize(
        ("begin", "end", "rates", "times"),
        [
            ("00:00:01.5", "00:00:02", "", (1_500, 2_000)),
            ("1.5s", "2000ms", "", (1_500, 2_000)),
            ("00:00:01,500", "00:00:02,0", "", (1_500, 2_000)),
            ("0.5m", "0.01h", "", (30_000, 36_000)),
            ("00:00:01:12", "00:00:02:00", 'ttp:frameRate="24"', (1_500, 2_000)),
            ("24f", "48f", 'ttp:frameRate="24" ttp:frameRateMultiplier="1000 1001"', (1_001, 2_002)),
            ("15000000t", "20000000t", 'ttp:tickRate="10000000"', (1_500, 2_000)),
            ("30f", "60f", "", (1_000, 2_000)),
        ],
    )
    def test_each_kind_of_time_is_read(
        self, begin: str, end: str, rates: str, times: tuple[int, int]
    ) -> None:
        found = captions.parse(ttml(f'<p begin="{begin}" end="{end}">a</p>', rates=rates))
        assert rows(found) == [(*times, ("a",))]

    def test_times_are_relative_to_the_element_around(self) -> None:
        inner = '<p begin="1s" dur="2s">Hello <span>there</span>,<br/>you.</p>'
        inner += '<p><span begin="4s" end="5s">b</span></p>'
        found = captions.parse(ttml(inner, begin="10s"))
        assert rows(found) == [(11_000, 13_000, ("Hello there,", "you.")), (14_000, 15_000, ("b",))]
        assert (found.language, found.captions[0].line) == ("en", 5)

    @pytest.mark.parametrize("times", ["", ' begin="0s" end="9s"'])
    def test_timed_spans_are_captions(self, times: str) -> None:
        spans = '<span begin="0s" end="1s">One <b>two</b>.</span>\n'
        spans += '<span begin="1s" end="2s">Three,<br/><i begin="0s" end="1s">four</i>.</span>'
        found = captions.parse(ttml(f"<p{times}>{spans}</p>", begin="10s"))
        assert rows(found) == [
            (10_000, 11_000, ("One two.",)),
            (11_000, 12_000, ("Three,", "four.")),
        ]
        assert [one.line for one in found.captions] == [5, 6]

    @pytest.mark.parametrize(
        ("inner", "expected"),
        [
            (
                '<p begin="1s" end="3s"><span begin="0s" end="1s">La</span> <span begin="1s">la</span></p>',
                (1_000, 3_000, ("La la",)),
            ),
            (
                '<p><span begin="0s" end="1s">La</span> <span begin="1s" end="2s">la</span></p>',
                (0, 2_000, ("La la",)),
            ),
            (
                '<p begin="1s" end="3s">All <span begin="1s" end="2s">of it</span></p>',
                (1_000, 3_000, ("All of it",)),
            ),
            ('<p begin="1s" end="9s"><span begin="1s" end="2s">Short</span></p>', (2_000, 3_000, ("Short",))),
            (
                '<p begin="1s" end="2s"><span tts:ruby="container"><span tts:ruby="base">漢字</span>'
                '<span tts:ruby="textContainer"><span tts:ruby="text">かんじ</span></span></span>です</p>',
                (1_000, 2_000, ("漢字です",)),
            ),
        ],
    )
    def test_words_of_a_line_are_one_caption_and_ruby_is_not_read(self, inner: str, expected: Row) -> None:
        assert rows(captions.parse(ttml(inner))) == [expected]

    def test_the_wanted_language_is_chosen(self) -> None:
        both = "".join(
            f'<p xml:lang="{code}" begin="1s" end="2s">{text}</p>'
            for code, text in (("de", "ja"), ("fr", "oui"))
        )
        assert rows(captions.parse(ttml(both))) == [(1_000, 2_000, ("ja",))]
        assert rows(captions.parse(ttml(both), language="fr")) == [(1_000, 2_000, ("oui",))]

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ('<!DOCTYPE tt [<!ENTITY a SYSTEM "/etc/passwd">]><tt>&a;</tt>', "a document type"),
            ("<tt><body>", "no valid XML in line 1"),
            ("<tt>" + "<div>" * 200, "nested more than 100 levels"),
            (ttml("<p>never shown</p>"), "a paragraph without times"),
            (ttml('<p begin="soon">a</p>'), "no readable time: 'soon'"),
        ],
    )
    def test_hostile_and_broken_documents_are_refused(self, text: str, says: str) -> None:
        with pytest.raises(UndecodableError, match=says):
            captions.parse(text)


class TestRows:
    def test_lyrics(self) -> None:
        text = "[ti:Song]\n[offset:+500]\n[00:12.00][01:00.5]La\n[00:15.20]<00:15.20>b <00:16>c\n[00:18]\n"
        assert rows(captions.parse(text, "a.lrc")) == [
            (11_500, 14_700, ("La",)),
            (14_700, 17_500, ("b c",)),
            (60_000, 63_000, ("La",)),
        ]

    @pytest.mark.parametrize(
        ("stamp", "start_ms"),
        [
            ("01:12.50", 72_500),
            ("01:12:50", 72_500),
            ("01:12,5", 72_500),
            ("01:12", 72_000),
            ("1:01:12.50", 3_672_500),
            ("61:12.345", 3_672_345),
        ],
    )
    def test_stamps_of_lyrics(self, stamp: str, start_ms: int) -> None:
        assert rows(captions.parse(f"[{stamp}]La\n", "a.lrc"))[0][:2] == (start_ms, start_ms + 3_000)

    @pytest.mark.parametrize(
        "text",
        [
            "0:00:01.000,0:00:03.000\nHello,\nyou.\n\n0:00:04.000,0:00:05.500\nSo?\n",
            "[INFORMATION]\n[TITLE]x\n00:00:01.00,00:00:03.00\nHello,[br]you.\n\n00:00:04.00,00:00:05.50\nSo?\n",
        ],
    )
    def test_times_above_text(self, text: str) -> None:
        assert rows(captions.parse(text)) == [(1_000, 3_000, ("Hello,", "you.")), (4_000, 5_500, ("So?",))]

    def test_labels(self) -> None:
        text = "1.000000\t3.000000\tHello\n\\\t100.0\t200.0\n4,5\t4,5\t\n5.0004999\t6\tSo\tbe it\n"
        assert rows(captions.parse(text, "a.txt")) == [
            (1_000, 3_000, ("Hello",)),
            (5_000, 6_000, ("So be it",)),
        ]

    def test_tables_of_whisper(self) -> None:
        found = captions.parse("start\tend\ttext\n1000\t3000\tHello\n4000\t5500\tSo?\n", "a.tsv")
        assert rows(found) == [(1_000, 3_000, ("Hello",)), (4_000, 5_500, ("So?",))]
        assert [one.line for one in found.captions] == [2, 3]

    @pytest.mark.parametrize(
        "text",
        [
            "[00:01.00]a\n[00:02.00]b\nlost\n",
            "1.0\t2.0\ta\n2.0\t3.0\tb\nlost\n",
            "start\tend\ttext\n1\t2\ta\nlost\n",
            "[1][2]a\n[2][3]b\nlost\n",
        ],
    )
    def test_words_without_times_are_a_fault(self, text: str) -> None:
        (fault,) = captions.parse(text + "\n").faults
        assert ("lost" in fault.text, fault.is_fixable) == (True, False)
        with pytest.raises(UndecodableError, match="broken"):
            parse_script(text)


OTHER = [
    (b"<!DOCTYPE html><html><body><p>Good morning.</p></body></html>", "HTML"),
    (b"<p>Good</p>\n<p>morning</p>\n<br>\n", "HTML"),
    (b"{\\rtf1\\ansi Good morning.}", "RTF"),
    (b"%PDF-1.4 Good morning", "PDF"),
    (b"PK\x03\x04 word/document.xml", "ZIP"),
    (b"PG\x00\x00\x01\x02" * 9, "pictures, not text"),
    (b"\x00\x00\x01\xba" * 9, "pictures, not text"),
    (b"# VobSub index file, v7\n", "pictures, not text"),
    (b"<?xml version='1.0'?><rss><item>Good morning</item></rss>", "XML of another kind"),
    (b"<?xml version='1.0'?>\n<timedtext><body><p t='1'>Good</p></body></timedtext>", "XML of another kind"),
    (b"<?xml version='1.0'?>\n<!DOCTYPE html>\n<html><p>Good</p></html>", "HTML"),
    (b"<svg xmlns='http://www.w3.org/2000/svg'><text>Good</text></svg>", "XML of another kind"),
    (b"Scenarist_SCC V1.0\n\n00:00:01:00\t9420\n", "SCC"),
    (b"850STL25.01" + b" " * 99, "EBU STL"),
    (b"\x1f\x8b\x08\x00abc", "gzip"),
    (b"RIFF\x24\x00\x00\x00WAVEfmt ", "media"),
]


@pytest.mark.parametrize(("raw", "says"), OTHER)
@pytest.mark.parametrize("name", ["a.srt", "a.txt", "a.smi", ""])
def test_what_is_neither_words_nor_subtitles_is_named(raw: bytes, says: str, name: str) -> None:
    with pytest.raises(UndecodableError, match=says):
        captions.parse_if_timed(captions.decode(raw, name).text, FileContext(name))


@pytest.mark.parametrize(
    "text", ["PG rated films are fine.", "BZh is no word.", "a < b and c > d", "<music>\nHello"]
)
def test_words_that_look_like_a_mark_are_words(text: str) -> None:
    decoded = captions.decode(text.encode(), "a.txt")
    assert parse_script(decoded.text).blocks[-1][0] == text.splitlines()[-1]


def test_subtitles_about_web_pages_are_subtitles() -> None:
    text = "1\n00:00:01,000 --> 00:00:02,000\nWrite <p>, <div> and <br>,\nthen </p> and </div>.\n"
    assert len(captions.parse(text, "a.srt").captions) == 1


def test_the_table_is_whole() -> None:
    kinds = [row.kind for row in read_formats.READ_FORMATS]
    assert len(kinds) == len(set(kinds))
    assert {row.kind for row in read_formats.READ_FORMATS if row.is_rewritten} == {
        "json",
        "vtt",
        "ass",
        "srt",
    }
    assert read_formats.suffixes_of_others() >= {".smi", ".ttml", ".sub", ".lrc", ".sbv", ".tsv"}
    assert not read_formats.suffixes_of_others() & {".srt", ".vtt", ".ass", ".ssa", ".json"}


HEADS = {
    "sami": "<SAMI><BODY><SYNC Start=1><P Class=KRCC>",
    "ttml": '<tt><body><div><p begin="1s" end="2s">',
    "microdvd": "{1}{1}25\n{1}{2}",
    "mpl2": "[1][2]",
    "lrc": "[00:01.00]",
    "sbv": "0:00:01.000,0:00:02.000\n",
    "labels": "1.0\t2.0\t",
    "tsv": "start\tend\ttext\n1\t2\t",
    "json": '{"segments":[{"start":1,"end":2,"text":"',
    "words": "",
}
WORST = {
    "sami": ("<a", "<!--", "<SYNC Start=", ".a{", "<P Class= ", "<sync start=1><p>a", "&amp", " "),
    "ttml": ("<p>", "<p ", "&", "</p>", '<p begin="1s" end="2s">a</p>', "<!--"),
    "microdvd": ("{y:", "{1}{2}a\n", "|", "{"),
    "mpl2": ("[1][2]a\n", "[", "/"),
    "lrc": ("[00:01.00]", "[a:", "<00:", "[00:01.00]a\n", " "),
    "sbv": ("0:00:01.000,", " ", "[br]", "0:00:01.000,0:00:02.000\n", "\n"),
    "labels": ("1.0\t2.0\ta\n", "\\\t\n", "\t", " "),
    "tsv": ("1\t2\ta\n", "\t", " "),
    "json": ("[", "{", '"', "\\", '\\"', '"},{"text":"'),
    "words": ("<", "<p ", "{\\", " ", "\n", "[", "a"),
}


@pytest.mark.parametrize(
    ("kind", "piece"), [(kind, piece) for kind, pieces in WORST.items() for piece in pieces]
)
def test_a_megabyte_of_the_worst_characters_takes_linear_time(kind: str, piece: str) -> None:
    tail = ">" if kind in {"sami", "ttml"} else ""
    raw = (HEADS[kind] + piece * (1_000_000 // len(piece)) + tail).encode()
    begun_s = time.process_time()
    with contextlib.suppress(QasrError):
        captions.read(raw, "a", frame_rate=Fraction(25))
    assert time.process_time() - begun_s < 15  # 0.1 to 1.5 here; a square of it is an hour


@pytest.mark.parametrize("piece", WORST["words"])
def test_a_megabyte_of_words_takes_linear_time_too(piece: str) -> None:
    begun_s = time.process_time()
    with contextlib.suppress(QasrError):
        parse_script(piece * (1_000_000 // len(piece)))
    assert time.process_time() - begun_s < 15
