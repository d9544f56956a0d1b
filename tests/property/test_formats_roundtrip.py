"""What is written can be read, by readers that are not ours, whatever was said."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
import srt
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.errors import UndecodableError
from qasr_cli.formats import FORMATS, parse_transcript
from qasr_cli.formats.readers import captions
from qasr_cli.options import CueOptions, OutputOptions
from qasr_cli.records import Cue, Segment, Span, Timing, Track, Transcript, Video, Word
from tests.cue_building import build_cues

HOSTILE = st.sampled_from(
    [
        *("-->", "--", ">", "<", "&", "&amp;", "&lt;", "<b>", "</b>", "<00:00:01.000>"),
        *("{x}", "{\\an8}", "a<b", "c>d", "12", "00:00:01,000", "1\n2", "NOTE", "STYLE", "WEBVTT"),
        *("\n\n", "\r\n", "\u2028", "\u2029", "\x85", "\x0b", "\x1c", "\t", "\x00", "\ufeff", "\ud800"),
        *("שלום", "\u200fمرحبا", "\u200e", "👩‍👩‍👧", "e\u0301", "字" * 40, "。", "\u00a0", "\u200d"),
        *("plain", "words.", "more"),
    ]
)  # fmt: skip
TEXTS = st.one_of(HOSTILE, st.text(max_size=10))
PLAIN = OutputOptions()
HIGHLIGHTED = OutputOptions(highlight_words=True)


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    segments, now_ms = [], draw(st.integers(0, 3_000))
    language = draw(st.sampled_from(["en", "ja", "ar", None]))
    for _ in range(draw(st.integers(0, 3))):
        start_ms, words = now_ms, []
        for _ in range(draw(st.integers(0, 8))):
            length_ms = draw(st.sampled_from([0, 1, 80, 400]))
            timing = draw(st.sampled_from(list(Timing)))
            sure = [draw(st.one_of(st.none(), st.floats(0, 1))) for _ in range(3)]
            speaker = draw(st.sampled_from([None, "S1", "S2", 'Ana "x"']))
            lead = draw(st.sampled_from(["", " ", " ", "\n"]))
            words.append(
                Word(
                    lead, draw(TEXTS), now_ms, now_ms + length_ms, timing, sure[0], sure[1], sure[2], speaker
                )
            )
            now_ms += length_ms + draw(st.sampled_from([0, 0, 30, 2_000]))
        text = "".join(word.lead + word.text for word in words)
        flags = draw(st.sampled_from([(), ("truncated",)]))
        detectors = draw(st.dictionaries(st.sampled_from(["letters_per_s", "repeats"]), st.floats(0, 1e6)))
        segments.append(Segment(start_ms, now_ms + 1, language, text, tuple(words), flags, detectors))
    track = Track(
        draw(st.integers(0, 9)), draw(st.text(max_size=5)), 2, 48_000, draw(st.integers(-99, 99)), None, None
    )
    name = draw(st.text(st.characters(), max_size=8))
    duration_ms = now_ms + draw(st.integers(1, 4_000))
    uncovered = draw(st.sampled_from([(), (Span(0, 1),), (Span(3, 40), Span(90, 4_000))]))
    video = draw(
        st.sampled_from([None, Video(), Video(Fraction(24_000, 1_001)), Video(None, (0, 40, 9_000))])
    )
    return Transcript(name, track, duration_ms, tuple(segments), "0" * 16, "m", "a", uncovered, video)


def _lay_out(transcript: Transcript) -> tuple[Cue, ...]:
    return build_cues(transcript.words, transcript.language, transcript.duration_ms, CueOptions())


def _readable(text: str) -> str:
    """Return what any text format can say of `text`."""
    text = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]", "", text.replace("\ud800", "\ufffd"))
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def _same(read: str, cue: Cue) -> bool:
    return "".join(read.split()) == "".join(_readable("\n".join(cue.lines)).split())


SRT_REPLACED = str.maketrans({"＜": "<", "＞": ">", "｛": "{", "｝": "}"})


@given(transcripts())
def test_srt_is_read_back_by_the_srt_library(transcript: Transcript) -> None:
    built = _lay_out(transcript)
    text = FORMATS["srt"].render(transcript, built, PLAIN)
    text.encode()
    assert text.count("-->") == len(built)
    assert not re.search(r"<[^\n]*>|[{}]", text.replace("-->", ""))
    # A content line that is a number is legal, and so is one that looks like a time.
    read = list(srt.parse(text))
    assert [block.index for block in read] == list(range(1, len(built) + 1))
    for block, cue in zip(read, built, strict=True):
        assert (_ms(block.start), _ms(block.end)) == (cue.start_ms, cue.end_ms)
        assert block.content.count("\n") == len(cue.lines) - 1
        said = "".join(_readable("\n".join(cue.lines)).replace("-->", "→").split())
        assert "".join(block.content.split()).translate(SRT_REPLACED) == said.translate(SRT_REPLACED)


@given(transcripts())
def test_webvtt_obeys_the_standard_and_is_read_back(transcript: Transcript) -> None:
    built = _lay_out(transcript)
    text = FORMATS["vtt"].render(transcript, built, PLAIN)
    for (start_ms, end_ms, payload), cue in zip(check_webvtt(text), built, strict=True):
        assert (start_ms, end_ms) == (cue.start_ms, cue.end_ms)
        assert payload.count("\n") == len(cue.lines) - 1
        assert _same(html.unescape(re.sub(r"<[^>]*>", "", payload)), cue)
    for caption, cue in zip(webvtt.from_string(text), built, strict=True):
        assert caption.start_time.in_milliseconds() == cue.start_ms
        assert _same(html.unescape(caption.text), cue)


@given(transcripts())
def test_highlighting_fills_each_cue_with_the_same_text(transcript: Transcript) -> None:
    built = _lay_out(transcript)
    for name in ("srt", "vtt"):
        text = FORMATS[name].render(transcript, built, HIGHLIGHTED)
        if name == "srt":
            blocks = [(_ms(block.start), _ms(block.end), block.content) for block in srt.parse(text)]
        else:
            blocks = check_webvtt(text)
        plain = [(start_ms, end_ms, re.sub("</?u>", "", content)) for start_ms, end_ms, content in blocks]
        assert all(content.count("<u>") == content.count("</u>") for _, _, content in blocks)
        for cue in built:
            inside = [block for block in plain if cue.start_ms <= block[0] < cue.end_ms]
            assert (inside[0][0], inside[-1][1]) == (cue.start_ms, cue.end_ms)
            assert all(a[1] == b[0] for a, b in pairwise(inside))
            assert len({content for _, _, content in inside}) == 1


@given(transcripts(), st.sampled_from([PLAIN, HIGHLIGHTED]))
def test_our_own_check_finds_nothing_that_players_misread(
    transcript: Transcript, options: OutputOptions
) -> None:
    cues = _lay_out(transcript)
    for kind in ("srt", "vtt"):
        written = FORMATS[kind].render(transcript, cues, options)
        if any(line.strip() for cue in cues for line in cue.lines):
            found = captions.parse(written, f"a.{kind}")
            assert found.faults == ()
            if options is PLAIN:
                assert [(one.start_ms, one.end_ms) for one in found.captions] == [
                    (cue.start_ms, cue.end_ms) for cue in cues
                ]


@given(transcripts())
def test_json_is_read_back_exactly(transcript: Transcript) -> None:
    built = _lay_out(transcript)
    for name in ("json", "jsonl"):
        text = FORMATS[name].render(transcript, built, PLAIN)
        text.encode()
        assert text.endswith("}\n")
        assert parse_transcript(text) == transcript
    line = FORMATS["jsonl"].render(transcript, built, PLAIN)
    assert len(line.splitlines()) == 1


@given(transcripts())
def test_tables_and_texts_keep_to_their_lines(transcript: Transcript) -> None:
    built = _lay_out(transcript)
    rows = FORMATS["tsv"].render(transcript, built, PLAIN).split("\n")
    assert rows[0] == "start\tend\ttext"
    assert rows[-1] == ""
    for row, cue in zip(rows[1:-1], built, strict=True):
        start, end, text = row.split("\t")
        assert (int(start), int(end)) == (cue.start_ms, cue.end_ms)
        assert text.splitlines() == [text]
    text = FORMATS["txt"].render(transcript, (), PLAIN)
    said = "".join(segment.text for segment in transcript.segments)
    if len(transcript.speaker_names) < 2:  # else turns have names: see test_formats_speakers
        assert "".join(text.split()) == "".join(_readable(said).split())
    assert "\n\n" not in text


@given(st.one_of(st.text(), st.builds(lambda a, b: '{"schema": "qasr.v1", ' + a + b, st.text(), st.text())))
def test_anything_but_a_transcript_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UndecodableError) as caught:
        parse_transcript(text)
    assert len(str(caught.value).splitlines()) == 1


def _ms(time: timedelta) -> int:
    return round(time.total_seconds() * 1_000)


_CLOCK = r"(\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3})"


def _clock_ms(groups: tuple[str, ...]) -> int:
    hours, minutes, seconds, millis = map(int, groups)
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000 + millis


def check_webvtt(text: str) -> list[tuple[int, int, str]]:
    """Return (start, end, payload) of each cue; a little validator of what the WebVTT standard asks.

    It is written from the standard's syntax (https://www.w3.org/TR/webvtt1/#syntax), shares no code with the
    writer, and is stricter than players: no settings, no tags but `<u>`, voices and time stamps.
    """
    assert text.startswith("WEBVTT\n")
    assert "\r" not in text
    assert "\x00" not in text
    assert text.endswith("\n")
    blocks = text.removesuffix("\n").split("\n\n")
    assert blocks[0] == "WEBVTT"
    read: list[tuple[int, int, str]] = []
    for block in blocks[1:]:
        timing, *payload = block.split("\n")
        match = re.fullmatch(f"{_CLOCK} --> {_CLOCK}", timing)
        assert match, timing
        start_ms, end_ms = _clock_ms(match.groups()[:4]), _clock_ms(match.groups()[4:])
        assert start_ms < end_ms
        assert not read or start_ms >= read[-1][1]
        assert payload
        assert all(payload)
        _check_payload("\n".join(payload), start_ms, end_ms)
        read.append((start_ms, end_ms, "\n".join(payload)))
    return read


def _check_payload(payload: str, start_ms: int, end_ms: int) -> None:
    assert "-->" not in payload
    assert not re.search(r"&(?!(?:amp|lt|gt|lrm|rlm|nbsp);)", payload), "incorrect escape"
    latest_ms = start_ms
    is_open: list[str] = []
    for tag in re.findall(r"<([^>]*)>?", payload):
        match = re.fullmatch(_CLOCK, tag)
        if match:
            stamp_ms = _clock_ms(match.groups())
            assert latest_ms < stamp_ms < end_ms
            latest_ms = stamp_ms
        elif tag.startswith("/"):
            assert is_open.pop() == tag[1:], f"incorrect tag {tag!r}"
        else:
            name, _, annotation = tag.partition(" ")
            assert name not in is_open
            assert name == "u" or (name == "v" and annotation.strip()), f"incorrect tag {tag!r}"
            is_open.append(name)
    assert not is_open
    assert ">" not in re.sub(r"<[^>]*>", "", payload)
