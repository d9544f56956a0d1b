"""Speakers and words of low confidence in every format."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from qasr_cli.formats import FORMATS, parse_transcript
from qasr_cli.formats.readers import captions
from qasr_cli.formats.writers.speaker_colours import PALETTE, colour
from qasr_cli.options import CueOptions, OutputOptions
from qasr_cli.records import Cue, LineSpeaker, Segment, Speaker, Transcript, Word
from tests.dialogues import TRACK, dialogue, laid_out

TURNS = [("S1", "Shall we go?"), ("S2", "Not yet.")]
NAMED = (Speaker("S1", "Anna"),)
MARKING = OutputOptions(low_confidence=0.5)


def render(name: str, transcript: Transcript, options: OutputOptions | None = None) -> str:
    return FORMATS[name].render(transcript, laid_out(transcript), options or OutputOptions())


def unsure() -> Transcript:
    """Return a transcript whose last word is doubtful, and whose first has no confidence."""
    (segment,) = dialogue([(None, "one two three")]).segments
    confidences = (None, 0.5, 0.25)
    words = tuple(
        replace(word, confidence=sure) for word, sure in zip(segment.words, confidences, strict=True)
    )
    return replace(dialogue([(None, "x")]), segments=(replace(segment, words=words),))


class TestWebVTT:
    def test_a_line_is_in_the_voice_of_its_speaker(self) -> None:
        written = render("vtt", dialogue(TURNS, gap_ms=500, names=NAMED))
        payloads = [line for line in written.splitlines() if line.startswith("<v")]
        assert payloads == [
            "<v Anna>Shall <00:00:01.300>we <00:00:01.600>go?</v>",
            "<v S2>Not <00:00:02.700>yet.</v>",
        ]

    def test_two_lines_of_one_speaker_are_in_one_tag(self) -> None:
        of = dialogue([("S1", "a b")])
        one, two = LineSpeaker("S1"), LineSpeaker("S2", "-")
        cues = (
            Cue(0, 1_000, ("a", "b"), (0, 2), speakers=(one, one)),
            Cue(1_000, 2_000, ("a", "-c"), (0, 0), speakers=(one, two)),
        )
        written = FORMATS["vtt"].render(of, cues, OutputOptions())
        assert "<v S1>a\nb</v>\n" in written
        assert "<v S1>a</v>\n<v S2>-c</v>\n" in written

    def test_a_name_cannot_leave_its_tag(self) -> None:
        name = "A>B & <c>\n-->"
        written = render("vtt", dialogue(TURNS, gap_ms=500, names=[Speaker("S1", name)]))
        assert "<v A&gt;B &amp; &lt;c&gt; --&gt;>Shall" in written
        first, _ = captions.parse(written, "a.vtt").captions
        assert first.speakers == ("A>B & <c> -->",)
        assert first.lines == ("Shall we go?",)

    def test_voices_are_read_by_line(self) -> None:
        text = (
            "WEBVTT\n\n00:01.000 --> 00:02.000\n<v.loud Ann  B>Go.</v>\nNobody.\n<v Ben>\nYes.\n\n"
            "00:03.000 --> 00:04.000\nNo voice, <vx>really.\n"
        )
        first, second = captions.parse(text, "a.vtt").captions
        assert first.lines == ("Go.", "Nobody.", "Yes.")
        assert first.speakers == ("Ann B", "", "Ben")
        assert second.speakers == ()

    def test_highlighted_words_are_inside_of_the_voice(self) -> None:
        written = render("vtt", dialogue(TURNS, gap_ms=500, names=NAMED), OutputOptions(highlight_words=True))
        assert "<v Anna>Shall <u>we</u> go?</v>" in written


def test_subrip_shows_the_name_and_underlines_words_alone() -> None:
    transcript = dialogue(TURNS, gap_ms=500, names=[Speaker("S1", "A{n}")])
    assert "[A｛n｝] Shall we go?" in render("srt", transcript)
    assert "[A｛n｝] <u>Shall</u> we go?" in render("srt", transcript, OutputOptions(highlight_words=True))


def test_text_names_each_turn_once() -> None:
    transcript = dialogue([("S1", "One two."), ("S1", "Three."), (None, "Four."), ("S2", "Five.")])
    assert render("txt", transcript) == "S1: One two. Three. Four.\nS2: Five.\n"
    assert render("txt", dialogue([("S1", "Alone.")])) == "Alone.\n"


class TestJSON:
    def test_speakers_come_back(self) -> None:
        transcript = dialogue(TURNS, names=NAMED)
        written = render("json", transcript)
        assert parse_transcript(written) == transcript
        whole = json.loads(written)
        assert whole["speakers"] == [{"label": "S1", "name": "Anna"}, {"label": "S2", "name": "S2"}]
        assert whole["segments"][0]["words"][0]["speaker"] == "S1"
        assert whole["segments"][0]["speaker"] is None  # it has two
        assert whole["cues"][0]["speakers"] == ["S1"]

    def test_a_segment_of_one_speaker_has_it_as_well(self) -> None:
        assert json.loads(render("json", dialogue(TURNS[:1])))["segments"][0]["speaker"] == "S1"

    def test_without_speakers_all_is_empty(self) -> None:
        whole = json.loads(render("json", dialogue([(None, "Go.")])))
        assert (whole["speakers"], whole["cues"][0]["speakers"]) == ([], [])
        assert whole["segments"][0]["words"][0]["speaker"] is None
        del whole["speakers"], whole["cues"]  # as of an older version
        assert parse_transcript(json.dumps(whole)) == dialogue([(None, "Go.")])

    def test_marked_words_are_below_the_threshold(self) -> None:
        words = json.loads(render("json", unsure(), MARKING))["segments"][0]["words"]
        assert [word.get("low_confidence") for word in words] == [None, None, True]
        assert "low_confidence" not in render("json", unsure())
        assert "low_confidence" in render("jsonl", unsure(), MARKING)

    def test_speakers_of_whisperx_are_read(self) -> None:
        text = json.dumps(
            {
                "segments": [
                    {
                        "start": 1.0,
                        "end": 2.0,
                        "text": "Go now.",
                        "speaker": "SPEAKER_01",
                        "words": [
                            {"word": "Go", "start": 1.0, "end": 1.4},
                            {"word": "now.", "start": 1.4, "end": 2.0, "speaker": "SPEAKER_00"},
                        ],
                    },
                    {"start": 3.0, "end": 4.0, "text": "Yes.", "speaker": "SPEAKER_02"},
                    {"start": 5.0, "end": 6.0, "text": "No.", "speaker": 7},
                ]
            }
        )
        segments = captions.parse(text, "a.json").segments
        assert [word.speaker for segment in segments for word in segment.words] == [
            *("SPEAKER_01", "SPEAKER_00", "SPEAKER_02", None)
        ]


class TestASS:
    def test_each_speaker_has_a_style(self) -> None:
        written = render("ass", dialogue(TURNS, gap_ms=500, names=[Speaker("S1", "A,{n}")]))
        styles = [line.split(",") for line in written.splitlines() if line.startswith("Style:")]
        assert [(style[0], style[3]) for style in styles] == [
            ("Style: Default", "&H00FFFFFF"),
            ("Style: Speaker1", "&H00FFFFFF"),
            ("Style: Speaker2", "&H0000D8F0"),  # F0D800, whose bytes are in the order blue, green, red
        ]
        # The second is spoken from 2.40 s and shown 40 ms earlier, 83 ms after the end of the first.
        assert written.splitlines()[-2:] == [
            "Dialogue: 0,0:00:00.96,0:00:02.28,Speaker1,A ｛n｝,0,0,0,,[A,｛n｝] Shall we go?",
            "Dialogue: 0,0:00:02.36,0:00:03.50,Speaker2,S2,0,0,0,,[S2] Not yet.",
        ]

    def test_a_second_speaker_of_a_cue_changes_the_style(self) -> None:
        written = render("ass", dialogue([("S1", "No."), ("S2", "Yes.")], gap_ms=50))
        assert written.endswith(",Speaker1,S1; S2,0,0,0,,-[S1] No.\\N{\\rSpeaker2}-[S2] Yes.\n")

    def test_times_are_rounded_up_and_never_overlap(self) -> None:
        cues = tuple(Cue(start, end, ("x",), (0, 0)) for start, end in [(1, 9), (9, 1_011), (1_011, 1_021)])
        written = FORMATS["ass"].render(dialogue([(None, "x")]), cues, OutputOptions())
        times = [line.split(",")[1:3] for line in written.splitlines() if line.startswith("Dialogue")]
        assert times == [
            ["0:00:00.01", "0:00:00.02"],  # an event without length would not be shown
            ["0:00:00.01", "0:00:01.02"],
            ["0:00:01.02", "0:00:01.03"],
        ]

    def test_the_times_of_highlighted_words_fill_the_cue(self) -> None:
        (cue,) = laid_out(dialogue([(None, "one two")]))
        written = FORMATS["ass"].render(
            dialogue([(None, "one two")]), [replace(cue, end_ms=2_000)], OutputOptions(highlight_words=True)
        )
        # Shown from 0.96 s, spoken from 1.00 and 1.30 s, shown until 2.00 s: 4 + 30 + 70 hundredths.
        assert written.endswith("{\\k4}{\\k30}one {\\k70}two\n")

    def test_tags_and_breaks_of_the_text_are_text(self) -> None:
        transcript = dialogue([(None, "{\\b1}a\\Nb \\c")])
        assert render("ass", transcript).endswith(",,｛\\b1｝a\\\u2060Nb \\c\n")

    def test_doubtful_words_are_underlined(self) -> None:
        assert render("ass", unsure(), MARKING).endswith(",,one two {\\u1}three{\\u0}\n")


class TestPage:
    def test_nothing_of_a_text_is_markup(self) -> None:
        transcript = dialogue(
            [("S1", "<script>alert(1)</script>"), ("S2", '"><img src=x>')],
            names=[Speaker("S1", "<b onclick='x'>")],
        )
        page = render("html", replace(transcript, source_name='javascript:"><x>.mp4', model="<m>"))
        assert page.count("<script>") == 1
        assert "<img" not in page
        assert "<b " not in page
        assert "<m>" not in page
        assert 'src="./javascript%3A%22%3E%3Cx%3E.mp4"' in page
        assert "http" not in page.replace("http-equiv", "")

    def test_words_have_their_times_and_turns_their_names(self) -> None:
        page = render("html", dialogue(TURNS, names=NAMED))
        assert '<section class="s0">\n<h2><bdi>Anna</bdi></h2>\n' in page
        assert '<span data-start="1300" data-end="1600">we</span>' in page
        assert "2 speakers" in page

    def test_doubtful_words_say_how_sure_they_are(self) -> None:
        page = render("html", unsure(), MARKING)
        assert 'title="confidence 25 %">three</mark>' in page
        assert "confidence below 50 % (1 of 3 words)" in page
        assert "<mark" not in render("html", unsure())

    def test_a_page_without_speech_says_so(self) -> None:
        assert "No speech." in render("html", replace(dialogue([(None, "x")]), segments=()))


def test_turns_of_speakers_are_parted_at_pauses() -> None:
    spoken = [(0, 400), (500, 900), (1_199, 1_500), (1_800, 2_000), (2_000, 2_000)]  # pauses 100, 299, 300
    words = tuple(Word(" " * (n > 0), "x", *times, speaker="S1") for n, times in enumerate(spoken))
    text = "".join(word.lead + word.text for word in words)
    segment = Segment(0, 2_000, "en", text, words)
    transcript = Transcript(
        ";;my film.mp4", TRACK, 2_000, (segment,), "", speakers=(Speaker("S1", "Anna Lee"),)
    )
    assert render("rttm", transcript) == (
        "SPEAKER my_film 1 0.000 1.500 <NA> <NA> Anna_Lee <NA> <NA>\n"
        "SPEAKER my_film 1 1.800 0.200 <NA> <NA> Anna_Lee <NA> <NA>\n"
    )
    assert render("rttm", dialogue([(None, "Nobody.")])) == ""


def test_words_of_a_ctm_have_their_confidence_if_it_is_known() -> None:
    assert render("ctm", unsure()) == (
        "talk 1 1.000 0.300 one\ntalk 1 1.300 0.300 two 0.500\ntalk 1 1.600 0.300 three 0.250\n"
    )


def test_intervals_of_a_textgrid_fill_the_time() -> None:
    words = (Word("", 'sa"y', 100, 400, speaker="S1"), Word(" ", "it", 300, 300, speaker="S2"))
    segment = Segment(0, 500, "en", 'sa"y it', words)
    transcript = Transcript(
        "a.wav", TRACK, 1_000, (segment,), "", speakers=(Speaker("S2", "words"), Speaker("S1", ""))
    )
    written = render("textgrid", transcript)
    rows = [line.strip() for line in written.splitlines()]
    assert [row for row in rows if row.startswith(("name", "text"))] == [
        *('name = "words"', 'text = ""', 'text = "sa""y"', 'text = "it"', 'text = ""'),
        *('name = "segments"', 'text = "sa""y it"', 'text = ""'),
        *('name = "S1"', 'text = ""', 'text = "sa""y"', 'text = ""'),
        *('name = "words_2"', 'text = ""', 'text = "it"', 'text = ""'),
    ]
    assert [row for row in rows if row.startswith("xmin")][2:6] == [
        *("xmin = 0", "xmin = 0.1", "xmin = 0.3", "xmin = 0.301"),
    ]


@pytest.mark.parametrize("n_more", [0, 1])
def test_more_speakers_than_colours_share_them(n_more: int) -> None:
    assert colour(len(PALETTE) + n_more) == PALETTE[n_more]


def test_colours_of_text_have_the_contrast_that_wcag_asks_for() -> None:
    for bright, dark in PALETTE:
        assert (_luminance(bright) + 0.05) / 0.05 >= 4.5
        assert 1.05 / (_luminance(dark) + 0.05) >= 4.5


def _luminance(rgb: str) -> float:
    """Return the relative luminance of a colour (WCAG 2.2)."""
    parts = [int(rgb[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_names_are_no_part_of_the_text_that_words_are_found_in() -> None:
    transcript = dialogue([("S1", "S1: go"), ("S2", "Yes.")], gap_ms=900)
    cues = laid_out(transcript, CueOptions("verbatim"))
    written = FORMATS["vtt"].render(transcript, cues, OutputOptions())
    assert "<v S1>S1: <00:00:01.300>go</v>" in written
