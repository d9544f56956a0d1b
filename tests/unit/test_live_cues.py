"""Cues of a session: settled early, in order, without overlap, and the builder's own."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise

import pytest

from qasr_cli.errors import UsageError
from qasr_cli.live.outputs.final_text import transcript_of
from qasr_cli.live.outputs.live_cues import LiveCues, SettledCue
from qasr_cli.options import CueOptions
from qasr_cli.records import Cue
from qasr_cli.speech.streaming.events import Ended, Final, LiveEvent, Silence, SpeechStarted
from qasr_cli.subtitles.layout import cue_timing, cues
from qasr_cli.subtitles.rules import limits
from tests.live_events import Said, final, session

HELLO = Said(1_000, "Good evening, and welcome.")


def settled(events: Iterable[LiveEvent], options: CueOptions | None = None) -> list[Cue]:
    live = LiveCues(options or CueOptions())
    return [one.cue for event in events for one in live.handle(event)]


def spoken(one: SettledCue) -> str:
    return "".join(word.lead + word.text for word in one.transcript.words[slice(*one.cue.word_range)])


def test_all_words_of_a_session_are_in_its_cues_in_order() -> None:
    live = LiveCues(CueOptions())
    found = [one for event in session() for one in live.handle(event)]
    said = [event for event in session() if isinstance(event, Final)]
    assert "".join(spoken(one) for one in found).replace(" ", "") == "".join(
        one.segments[0].text.replace(" ", "") for one in said
    )
    for before, after in pairwise(found):
        assert before.cue.end_ms + 83 <= after.cue.start_ms


def test_an_utterance_far_from_others_has_the_cues_of_a_file() -> None:
    whole = transcript_of(final(0, HELLO))
    expected = cues.build(whole.words, "en", 60_000, limits.of_transcript(whole, CueOptions()))
    assert settled([final(0, HELLO), Ended(60_000)]) == list(expected)


def test_the_last_cue_waits_for_the_silence_that_lets_nothing_change_it() -> None:
    live = LiveCues(CueOptions())
    assert live.handle(SpeechStarted(0, HELLO.start_ms)) == []
    assert live.handle(final(0, HELLO)) == []
    assert live.open_start_ms == HELLO.start_ms - 40
    end_ms = HELLO.end_ms + 500
    assert live.handle(Silence(end_ms + 1_039)) == []
    (one,) = live.handle(Silence(end_ms + 1_040))
    assert one.cue.end_ms == end_ms
    assert live.open_start_ms is None


@pytest.mark.parametrize(
    ("next_ms", "end_ms"),
    [
        # Spoken until 2,200: half a second more is wanted, and the next cue starts 40 ms before its speech.
        (5_000, 2_700),
        (3_000, 2_960 - 83),  # less than half a second between them would flicker
        (2_400, 2_360 - 83),
        (2_200, 2_200 - 83),  # a cut without pause: the last word makes room for the gap, as in a file
    ],
)
def test_the_next_utterance_settles_the_last_cue_as_it_begins(next_ms: int, end_ms: int) -> None:
    live = LiveCues(CueOptions())
    assert HELLO.end_ms == 2_200
    live.handle(final(0, HELLO))
    (one,) = live.handle(SpeechStarted(1, next_ms))
    assert one.cue.end_ms == end_ms
    live.handle(final(1, Said(next_ms, "All of you.")))
    (following,) = live.handle(Ended(60_000))
    assert one.cue.end_ms <= following.cue.start_ms <= next_ms


def test_an_utterance_that_begins_before_the_final_of_the_one_before_is_known_then() -> None:
    live = LiveCues(CueOptions())
    assert live.handle(SpeechStarted(0, 1_000)) == []
    assert live.handle(SpeechStarted(1, 2_600)) == []
    (one,) = live.handle(final(0, HELLO))
    assert one.cue.end_ms == 2_600 - 40 - 83


def test_a_final_without_words_changes_nothing() -> None:
    live = LiveCues(CueOptions())
    live.handle(final(0, HELLO))
    assert live.handle(Final(1, 4_000, 4_400, ())) == []
    assert len(live.handle(Ended(60_000))) == 1


def test_times_are_frames_if_a_rate_is_asked_for() -> None:
    found = settled(session(), CueOptions(frame_rate=Fraction(25)))
    assert found
    assert [time_ms % 40 for cue in found for time_ms in (cue.start_ms, cue.end_ms)] == [0] * 2 * len(found)


def test_options_that_contradict_each_other_are_refused_before_the_session() -> None:
    with pytest.raises(UsageError):
        LiveCues(CueOptions(profile="nonsense"))


def test_making_room_leaves_a_cue_that_has_room() -> None:
    cue = Cue(1_000, 2_000, ("One.",), (0, 1))
    of = limits.resolve(CueOptions(), "en")
    assert cue_timing.make_room(cue, 9_000, of) == cue
    assert cue_timing.make_room(cue, 1_001, of).end_ms == 1_001
