"""Cues of several speakers: what one cue may hold, and what it shows of them."""

from __future__ import annotations

import pytest

from qasr_cli.options import CueOptions, SpeakerStyle
from qasr_cli.pipeline import finish
from qasr_cli.records import Cue, LineSpeaker, Speaker
from qasr_cli.subtitles.qc import check
from qasr_cli.subtitles.rules import limits, speaker_marks
from qasr_cli.subtitles.rules.profiles import PROFILES, NameForm
from tests.dialogues import dialogue, laid_out, lines

SLOW = [("S1", "Shall we go?"), ("S2", "Not yet, wait.")]
QUICK = [("S1", "No."), ("S2", "Yes.")]
DASHED = CueOptions(profile="netflix")


def test_a_turn_begins_a_cue() -> None:
    assert lines(dialogue(SLOW, gap_ms=400), DASHED) == [("Shall we go?",), ("Not yet, wait.",)]


def test_even_in_the_middle_of_a_sentence() -> None:
    turns = [("S1", "I thought that we would go"), ("S2", "to the market by the river")]
    assert lines(dialogue(turns, word_ms=400), DASHED) == [
        ("I thought that we would go",),
        ("to the market by the river",),
    ]


def test_words_without_speakers_are_laid_out_as_ever() -> None:
    (cue,) = laid_out(dialogue([(None, "Shall we go"), (None, "to the market?")], gap_ms=0))
    assert cue.lines == ("Shall we go to the market?",)
    assert cue.speakers == ()


def test_a_word_without_a_speaker_goes_on_with_the_turn() -> None:
    turns = [(None, "Well,"), ("S1", "shall we"), (None, "go?"), ("S2", "Not yet, wait.")]
    assert lines(dialogue(turns, gap_ms=100), DASHED) == [("Well, shall we go?",), ("Not yet, wait.",)]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ("-No.", "-Yes.")),  # Netflix, English: a hyphen without a space
        ("de", ("-No.", "-Yes.")),
        ("fr", ("- No.", "- Yes.")),  # French: with a space
        ("ko", ("- No.", "- Yes.")),
        ("nl", ("No.", "-Yes.")),  # Dutch and Finnish: the second speaker only
        ("fi", ("No.", "-Yes.")),
    ],
)
def test_two_short_turns_share_a_cue_with_dashes_of_the_language(
    language: str, expected: tuple[str, str]
) -> None:
    transcript = dialogue(QUICK, language, gap_ms=60)
    (cue,) = laid_out(transcript, DASHED)
    assert cue.lines == expected
    assert [speaker.label for speaker in cue.speakers] == ["S1", "S2"]


def test_and_never_where_dashes_are_off_or_there_is_one_line() -> None:
    transcript = dialogue(QUICK, gap_ms=60)
    for options in (CueOptions(speaker_style=SpeakerStyle.NONE), CueOptions("netflix", max_lines=1)):
        assert lines(transcript, options) == [("No.",), ("Yes.",)]


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("netflix-sdh", "[Anna] Shall we go?"),
        ("children", "[Anna] Shall we go?"),
        ("bbc", "ANNA: Shall we go?"),
        ("ted", "Anna: Shall we go?"),
        ("verbatim", "Anna: Shall we go?"),
        ("netflix", "Shall we go?"),
        ("arte", "Shall we go?"),
        ("shorts", "Shall we go?"),
    ],
)
def test_names_are_shown_as_the_profile_has_it(profile: str, expected: str) -> None:
    transcript = dialogue(SLOW, word_ms=700, gap_ms=900, names=[Speaker("S1", "Anna")])
    assert lines(transcript, CueOptions(profile))[0] == (expected,)


def test_every_profile_is_in_that_table() -> None:
    assert {name for name, row in PROFILES.items() if row.name_form is NameForm.NONE} == {
        *("netflix", "arte", "shorts")
    }


def test_the_user_chooses_another_style() -> None:
    transcript = dialogue(SLOW, word_ms=700, gap_ms=900)
    assert lines(transcript, CueOptions("arte", speaker_style=SpeakerStyle.NAME))[0] == ("[S1] Shall we go?",)
    assert lines(transcript, CueOptions("bbc", speaker_style=SpeakerStyle.DASH))[0] == ("Shall we go?",)
    assert lines(transcript, CueOptions(speaker_style=SpeakerStyle.NONE))[0] == ("Shall we go?",)


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("ja", "明日の|会議。", "（S1）明日の会議。"),
        ("zh", "你好|世界。", "[S1]你好世界。"),
        ("ar", "صباح الخير.", "\u200f[S1] صباح الخير."),  # else the Latin name makes the line run rightwards
    ],
)
def test_names_fit_the_script(language: str, text: str, expected: str) -> None:
    transcript = dialogue([("S1", text), ("S2", text)], language, word_ms=1_500, gap_ms=1_000)
    assert lines(transcript)[0] == (expected,)


def test_a_name_is_shown_where_a_turn_begins_and_not_again() -> None:
    long = "We went down to the river, and then we sat there until the sun had gone behind the old mill."
    shown = lines(dialogue([("S1", long), ("S2", "Oh.")], word_ms=400))
    assert len(shown) > 2
    assert sum("[S1]" in line for cue in shown for line in cue) == 1
    assert shown[0][0].startswith("[S1] We went")


def test_a_speaker_alone_is_not_named_unless_somebody_gave_a_name() -> None:
    alone = [("S1", "Shall we go?")]
    assert lines(dialogue(alone)) == [("Shall we go?",)]
    assert lines(dialogue(alone, names=[Speaker("S1", "Anna")])) == [("[Anna] Shall we go?",)]


def test_a_name_takes_half_of_a_line_at_most() -> None:
    transcript = dialogue(SLOW, word_ms=900, gap_ms=900, names=[Speaker("S1", "Anna " * 20)])
    first = lines(transcript)[0]
    assert first[0].startswith("[Anna Anna Anna")
    assert "…] " in first[0]
    assert all(len(line) <= 42 for line in first)
    assert len(first[0].split("] ")[0]) <= 21


def test_a_word_as_wide_as_a_line_is_cut_behind_a_name() -> None:
    transcript = dialogue([("S1", "a" * 42), ("S2", "Yes.")], word_ms=4_000, gap_ms=900)
    shown = lines(transcript)
    assert "".join(shown[0]).removeprefix("[S1] ") == "a" * 42
    assert all(len(line) <= 42 for cue in shown for line in cue)


def test_our_check_takes_two_speakers_for_what_they_are() -> None:
    transcript = dialogue(QUICK, word_ms=900, gap_ms=0)
    cue = Cue(1_000, 3_500, ("-No.", "-Yes, of course we will."), (0, 2))
    checked = check.check(check.of_cues([cue]), limits.of_transcript(transcript, DASHED), "en")
    assert checked.findings == ()


class TestNames:
    def test_names_are_given_in_the_order_of_first_words(self) -> None:
        transcript = dialogue([("S2", "Yes."), ("S1", "No."), ("S3", "Well.")])
        named = finish.named(transcript, ("Ben", "", "Cy", "too many"))
        assert named.speaker_names == {"S2": "Ben", "S1": "S1", "S3": "Cy"}
        assert finish.named(named, ("", "Ann")).speaker_names == {"S2": "Ben", "S1": "Ann", "S3": "Cy"}
        assert finish.named(transcript, ()) is transcript

    def test_cues_of_another_file_get_names_if_the_user_says_so(self) -> None:
        transcript = dialogue(QUICK, names=[Speaker("S2", "Ben")])
        cues = (
            Cue(0, 900, ("Go.",), (0, 0), speakers=(LineSpeaker("S1"),)),
            Cue(1_000, 2_000, ("-No.", "-Yes."), (0, 0), speakers=(LineSpeaker("S1"), LineSpeaker("S2"))),
            Cue(3_000, 4_000, ("Well.", "Then."), (0, 0), speakers=(LineSpeaker(""), LineSpeaker("S2"))),
            Cue(5_000, 6_000, ("Nobody.",), (0, 0)),
        )
        shown = finish.with_names(cues, transcript, CueOptions(speaker_style=SpeakerStyle.NAME))
        assert [cue.lines for cue in shown] == [
            ("[S1] Go.",),
            ("-No.", "-[Ben] Yes."),
            ("Well.", "Then."),
            ("Nobody.",),
        ]
        assert finish.with_names(cues, transcript, CueOptions()) == cues


def test_marks_of_an_unknown_language_are_those_of_most() -> None:
    marks = speaker_marks.resolve(SpeakerStyle.AUTO, NameForm.BRACKETS, None)
    assert marks.dashes == ("-", "-")
    assert marks.name("Anna") == "[Anna] "
