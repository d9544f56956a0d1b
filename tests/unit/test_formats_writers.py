"""Each format's file, byte for byte, and what its reader refuses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from qasr_cli.errors import UndecodableError
from qasr_cli.formats import COMMON_FORMATS, FORMATS, parse_transcript
from qasr_cli.options import OutputOptions
from qasr_cli.records import Cue, Segment, Timing, Track, Transcript, Video, Word

PLAIN = OutputOptions()
WORDS = (
    Word("", "Fish", 1_000, 1_400),
    Word(" ", "&", 1_400, 1_500, Timing.REPAIRED),
    Word(" ", "chips,", 1_500, 2_000, Timing.ALIGNED, 0.5),
    Word(" ", "please.", 2_600, 3_000, Timing.INTERPOLATED),
)
WORD_2 = ("segments", 0, "words", 2)
CUES = (Cue(960, 3_500, ("Fish & chips,", "please."), (0, 4), ("cps",)),)


def transcript(words: Sequence[Word] = WORDS, language: str | None = "en") -> Transcript:
    text = "".join(word.lead + word.text for word in words)
    segments = (Segment(0, 4_000, language, text, tuple(words), ("truncated",)),)
    return Transcript(
        "talk.mp4",
        Track(1, "aac", 2, 48_000, 0, 5_000, "eng"),
        5_000,
        segments,
        "f" * 16,
        "m",
        "a",
        video=Video(Fraction(24_000, 1_001), (0, 1_250)),
    )


def render(
    name: str, cues: Sequence[Cue] = CUES, *, is_highlighting: bool = False, of: Transcript | None = None
) -> str:
    return FORMATS[name].render(of or transcript(), cues, OutputOptions(highlight_words=is_highlighting))


def test_srt() -> None:
    assert render("srt") == "1\n00:00:00,960 --> 00:00:03,500\nFish & chips,\nplease.\n\n"


def test_vtt_has_the_time_of_every_word() -> None:
    assert render("vtt") == (
        "WEBVTT\n\n00:00:00.960 --> 00:00:03.500\n"
        "Fish <00:00:01.400>&amp; <00:00:01.500>chips,\n<00:00:02.600>please.\n"
    )


def test_tsv_and_txt() -> None:
    assert render("tsv") == "start\tend\ttext\n960\t3500\tFish & chips, please.\n"
    assert render("txt") == "Fish & chips, please.\n"


def test_json() -> None:
    written = render("json")
    assert json.loads(written) == {
        "schema": "qasr.v1",
        "source": "talk.mp4",
        "duration_ms": 5_000,
        "language": "en",
        "model": "m",
        "aligner": "a",
        "fingerprint": "f" * 16,
        "uncovered": [],
        "video": {"frame_rate": "24000/1001", "shots_ms": [0, 1_250]},
        "speakers": [],
        "track": {
            "stream_index": 1,
            "codec": "aac",
            "channels": 2,
            "sample_rate_hz": 48_000,
            "start_ms": 0,
            "duration_ms": 5_000,
            "language": "eng",
        },
        "segments": [
            {
                "start_ms": 0,
                "end_ms": 4_000,
                "language": "en",
                "speaker": None,
                "text": "Fish & chips, please.",
                "flags": ["truncated"],
                "detectors": {},
                "words": [
                    {
                        "lead": word.lead,
                        "text": word.text,
                        "start_ms": word.start_ms,
                        "end_ms": word.end_ms,
                        "timing": word.timing.value,
                        "confidence": word.confidence,
                        "token_posterior": None,
                        "time_posterior": None,
                        "speaker": None,
                    }
                    for word in WORDS
                ],
            }
        ],
        "cues": [
            {
                "start_ms": 960,
                "end_ms": 3_500,
                "lines": ["Fish & chips,", "please."],
                "word_range": [0, 4],
                "speakers": [],
                "flags": ["cps"],
            }
        ],
    }
    assert sum('"lead"' in line for line in written.splitlines()) == len(WORDS)


def test_json_lines_are_the_same_on_one_line() -> None:
    written = render("json")
    assert json.loads(render("jsonl")) == json.loads(written)
    assert list(json.loads(render("jsonl"))) == list(json.loads(written))


def test_empty_transcripts_make_legal_files() -> None:
    empty = replace(transcript(), segments=())
    assert render("srt", (), of=empty) == ""
    assert render("vtt", (), of=empty) == "WEBVTT\n"
    assert render("tsv", (), of=empty) == "start\tend\ttext\n"
    assert render("txt", (), of=empty) == ""
    assert parse_transcript(render("json", (), of=empty)) == empty
    silent = replace(transcript(()), segments=(Segment(0, 1, None, "", ()),))
    assert parse_transcript(render("json", (), of=silent)) == silent


def test_highlighting_shows_each_word_as_whisper_does() -> None:
    blocks = render("srt", is_highlighting=True).split("\n\n")
    assert [block.split("\n")[1:] for block in blocks if block] == [
        # The 40 ms of lead-in are shorter than a frame and belong to the first word.
        ["00:00:00,960 --> 00:00:01,400", "<u>Fish</u> & chips,", "please."],
        ["00:00:01,400 --> 00:00:01,500", "Fish <u>&</u> chips,", "please."],
        ["00:00:01,500 --> 00:00:02,000", "Fish & <u>chips,</u>", "please."],
        ["00:00:02,000 --> 00:00:02,600", "Fish & chips,", "please."],
        ["00:00:02,600 --> 00:00:03,000", "Fish & chips,", "<u>please.</u>"],
        ["00:00:03,000 --> 00:00:03,500", "Fish & chips,", "please."],
    ]
    assert "<u>&amp;</u>" in render("vtt", is_highlighting=True)
    assert "<00:" not in render("vtt", is_highlighting=True)


@pytest.mark.parametrize("name", ["srt", "vtt"])
def test_the_thousandth_word_is_highlighted_too(name: str) -> None:
    words = tuple(Word(" " if n else "", f"w{n}", n * 300, n * 300 + 250) for n in range(1000))
    cues = tuple(Cue(n * 300, n * 300 + 280, (f"w{n}",), (n, n + 1)) for n in range(1000))
    written = render(name, cues, is_highlighting=True, of=transcript(words))
    assert written.count("<u>") == 1000


def test_an_arrow_of_two_words_is_replaced_in_every_moment() -> None:
    words = (Word("", "a--", 0, 400), Word("", ">b", 400, 900))
    written = render("srt", (Cue(0, 900, ("a-->b",), (0, 2)),), is_highlighting=True, of=transcript(words))
    assert [block.split("\n")[2] for block in written.split("\n\n") if block] == ["<u>a</u>→b", "a<u>→b</u>"]


def test_a_cue_that_says_other_than_its_words_is_written_plainly() -> None:
    other = (replace(CUES[0], lines=("Something else",)),)
    assert render("vtt", other).endswith("\nSomething else\n")
    assert render("srt", other, is_highlighting=True).count("-->") == 1


def test_a_word_over_several_cues_is_stamped_where_it_can_be() -> None:
    word = Word("", "字" * 8, 1_000, 3_000)
    parts = (Cue(1_000, 2_000, ("字字", "字字"), (0, 1)), Cue(2_000, 3_000, ("字字字字",), (1, 1)))
    written = render("srt", parts, is_highlighting=True, of=transcript((word,), "zh"))
    assert "<u>字字</u>\n<u>字字</u>" in written
    assert "字字字字\n" in written


@pytest.mark.parametrize(
    ("said", "in_srt", "in_vtt"),
    [
        ("a --> b", "a → b", "a --&gt; b"),
        ("a < b", "a < b", "a &lt; b"),
        ("x<y then z>w", "x＜y then z＞w", "x&lt;y then z&gt;w"),
        ("<b>bold</b>", "＜b＞bold＜/b＞", "&lt;b&gt;bold&lt;/b&gt;"),
        ("{\\an8}top", "｛\\an8｝top", "{\\an8}top"),
        ("R&B &amp;", "R&B &amp;", "R&amp;B &amp;amp;"),
        ("a\u2028b\x85c\x0bd", "a b c d", "a b c d"),
        ("\u200fשלום\u200e", "\u200fשלום\u200e", "&rlm;שלום&lrm;"),
        ("42", "42", "42"),
        ("a\x00b\ud800", "ab\ufffd", "ab\ufffd"),
    ],
)
def test_text_that_looks_like_markup(said: str, in_srt: str, in_vtt: str) -> None:
    cue = (Cue(0, 1_000, (said,), (0, 1)),)
    of = transcript((Word("", said, 0, 900),))
    assert render("srt", cue, of=of).split("\n")[2] == in_srt
    assert render("vtt", cue, of=of).split("\n")[3] == in_vtt


def test_stamps_that_are_not_inside_the_cue_or_do_not_increase_are_left_out() -> None:
    times = (0, 500, 500, 400, 1_000, 2_000)
    words = [Word(" ", f"w{k}", time, time) for k, time in enumerate(times)]
    cue = (Cue(500, 1_500, ("w0 w1 w2", "w3 w4 w5"), (0, 6)),)
    assert render("vtt", cue, of=transcript(words)).endswith("w0 w1 w2\nw3 <00:00:01.000>w4 w5\n")


def test_lines_of_a_language_without_spaces_are_joined_without_one() -> None:
    cue = (Cue(0, 1_000, ("今天", "我们"), (0, 2)),)
    words = (Word("", "今天", 0, 400), Word("", "我们", 400, 900))
    assert render("tsv", cue, of=transcript(words, "zh")).endswith("今天我们\n")


@pytest.mark.parametrize(
    ("words", "lines", "expected"),
    [
        ([("", "https://example.org/" + "a" * 9)], ("https://example.org/", "a" * 9), None),
        ([("", "yes—"), ("", "no")], ("yes—", "no"), "yes—no"),
        ([("", "well-"), ("", "known")], ("well-", "known"), "well-known"),
        ([("", "one"), (" ", "two")], ("one", "two"), "one two"),
        ([("", "one"), ("\u3000", "two")], ("one", "two"), "one\u3000two"),
        ([("", "one"), ("\n", "two")], ("one", "two"), "one two"),
        ([("", "New York")], ("New", "York"), "New York"),
        ([("", "one")], ("another", "text"), "another text"),
    ],
)
def test_lines_are_joined_as_the_transcript_has_it(
    words: list[tuple[str, str]], lines: tuple[str, ...], expected: str | None
) -> None:
    spoken = tuple(Word(lead, text, n, n + 1) for n, (lead, text) in enumerate(words))
    cue = (Cue(0, 1_000, lines, (0, len(spoken))),)
    assert render("tsv", cue, of=transcript(spoken)).endswith(f"\t{expected or ''.join(lines)}\n")


def test_lines_of_two_segments_are_joined_with_a_space() -> None:
    segments = tuple(
        Segment(k, k + 1, "en", text, (Word("", text, k, k + 1),)) for k, text in enumerate("ab")
    )
    of = replace(transcript(), segments=segments)
    assert render("tsv", (Cue(0, 1_000, ("a", "b"), (0, 2)),), of=of).endswith("\ta b\n")


def test_paragraphs_do_not_show_where_chunks_were_cut() -> None:
    segments = tuple(
        Segment(1_000 * k, 1_000 * k + 900, code, text, (Word("", text, 0, 1),))
        for k, (code, text) in enumerate(
            [("en", "One"), ("en", "two."), ("zh", "三"), ("zh", "四。"), ("en", "End")]
        )
    )
    assert render("txt", (), of=replace(transcript(), segments=segments)) == "One two.\n三四。\nEnd\n"


def test_hours_grow_past_ninety_nine() -> None:
    cue = (replace(CUES[0], start_ms=360_000_000, end_ms=360_001_000, word_range=(0, 0)),)
    assert "100:00:00,000 --> 100:00:01,000" in render("srt", cue)
    assert "100:00:00.000 --> 100:00:01.000" in render("vtt", cue)


def test_file_names_that_are_not_utf8_come_back() -> None:
    odd = replace(transcript(), source_name="caf\udce9\u2028.mp4")
    written = render("json", of=odd)
    assert "\\udce9\\u2028" in written
    assert parse_transcript(written) == odd


def test_a_byte_order_mark_is_forgiven() -> None:
    assert parse_transcript("\ufeff" + render("json")) == transcript()


def test_files_from_before_a_key_was_written_are_read() -> None:
    whole = json.loads(render("json"))
    del whole["uncovered"], whole["video"]
    assert parse_transcript(json.dumps(whole)) == replace(transcript(), video=None)


def test_unknown_keys_are_forgiven() -> None:
    whole = json.loads(render("json"))
    whole["segments"][0]["words"][0]["narrator"] = "A"
    assert parse_transcript(json.dumps(whole)) == transcript()


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["schema"], "qasr.v9", "the JSON has schema 'qasr.v9', not 'qasr.v1'"),
        (["schema"], None, "the JSON has no schema, not 'qasr.v1'"),
        (["duration_ms"], "5", "duration_ms must be a whole number"),
        (["duration_ms"], 5.0, "duration_ms must be a whole number"),
        (["duration_ms"], True, "duration_ms must be a whole number"),
        (["duration_ms"], -1, "duration_ms must not be negative"),
        (["duration_ms"], 10**14, "duration_ms is out of range"),
        (["source"], None, "source must be a text"),
        (["track"], [], "track must be an object"),
        (["track", "codec"], 7, "track.codec must be a text"),
        (["track", "language"], 7, "track.language must be a text"),
        (["segments"], {}, "segments must be a list"),
        (["segments", 0], "x", "segments[0] must be an object"),
        (["segments", 0, "flags"], [1], "segments[0].flags must be a list of texts"),
        ([*WORD_2, "start_ms"], None, "segments[0].words[2].start_ms must be a whole number"),
        ([*WORD_2, "timing"], "guess",
         "segments[0].words[2].timing must be one of aligned, repaired, interpolated"),
        ([*WORD_2, "confidence"], "high", "segments[0].words[2].confidence must be a number or null"),
        ([*WORD_2, "confidence"], 10**400, "segments[0].words[2].confidence is out of range"),
        ([*WORD_2, "confidence"], 1e300, "segments[0].words[2].confidence is out of range"),
        ([*WORD_2, "confidence"], float("nan"), "segments[0].words[2].confidence is out of range"),
        (["video"], 25, "video must be an object"),
        (["video", "frame_rate"], 25, "video.frame_rate must be a text"),
        (["video", "frame_rate"], "25 fps", "video.frame_rate must be a rate such as 25 or 24000/1001"),
        (["video", "frame_rate"], "25/0", "video.frame_rate must be a rate such as 25 or 24000/1001"),
        (["video", "frame_rate"], "1/25", "video.frame_rate is out of range"),
        (["video", "shots_ms"], [40, 0], "video.shots_ms must rise from 0"),
        (["video", "shots_ms"], [-1], "video.shots_ms must rise from 0"),
        (["video", "shots_ms"], [1.5], "video.shots_ms must be a list of whole numbers"),
        ([*WORD_2, "text"], "x", "segments[0].words do not join to the segment's text"),
    ],
)  # fmt: skip
def test_the_reader_names_the_field_that_is_wrong(path: list[Any], value: object, message: str) -> None:
    whole = json.loads(render("json"))
    place = whole
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(UndecodableError) as caught:
        parse_transcript(json.dumps(whole))
    assert str(caught.value) == f"not a transcript: {message}"


@pytest.mark.parametrize(
    "path",
    [["source"], ["track"], ["track", "start_ms"], ["segments"], ["segments", 0, "text"],
     ["segments", 0, "words", 3, "confidence"]],
)  # fmt: skip
def test_the_reader_names_the_field_that_is_missing(path: list[Any]) -> None:
    whole = json.loads(render("json"))
    place = whole
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    with pytest.raises(UndecodableError, match=f"{path[-1]} is missing"):
        parse_transcript(json.dumps(whole))


def test_older_files_have_the_confidence_of_the_times_alone() -> None:
    whole = json.loads(render("json"))
    for segment in whole["segments"]:
        del segment["detectors"], segment["speaker"]
        for word in segment["words"]:
            del word["token_posterior"], word["time_posterior"], word["speaker"]
            word["confidence"] = 0.25
    words = parse_transcript(json.dumps(whole)).words
    assert {(word.confidence, word.token_posterior, word.time_posterior) for word in words} == {
        (0.25, None, 0.25)
    }
    assert {word.speaker for word in words} == {None}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no valid JSON at line 1, column 1"),
        ("1\n00:00:01,000 --> 00:00:02,000\nHi\n", "no valid JSON at line 2"),
        ("[]", "the JSON is not an object"),
        ('{"schema": NaN}', "the JSON has schema 'nan', not 'qasr.v1'"),
        ("[" * 100_000, "nested more than 64 deep"),
        ('{"schema": ' + "9" * 5_000 + "}", "no valid JSON"),
    ],
)
def test_what_is_not_json_is_refused(text: str, message: str) -> None:
    with pytest.raises(UndecodableError) as caught:
        parse_transcript(text)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 200


def test_the_registry_is_consistent() -> None:
    newer = {"ass", "html", "textgrid", "rttm", "ctm"}
    assert set(FORMATS) == {"srt", "vtt", "json", "txt", "tsv", "jsonl", *newer}
    assert COMMON_FORMATS == ("srt", "vtt", "json", "txt", "tsv"), "`all` means what it meant"
    assert all(name == form.name for name, form in FORMATS.items())
    assert all(form.extension.lower() == "." + name for name, form in FORMATS.items())
    assert [name for name, form in FORMATS.items() if form.is_line] == ["jsonl"]
    assert [name for name, form in FORMATS.items() if not form.is_cue_based] == [
        *("txt", "html", "textgrid", "rttm", "ctm"),
    ]
