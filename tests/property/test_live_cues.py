"""Cues of live sessions keep what every file needs, whatever the words and times are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.live.outputs.live_cues import LiveCues
from qasr_cli.options import CueOptions
from qasr_cli.records import Segment, Word
from qasr_cli.speech.streaming.events import Ended, Final, LiveEvent, Silence, SpeechStarted
from tests.property.spoken import CODES, LEADS, TEXTS


@st.composite
def finals(draw: st.DrawFn) -> list[LiveEvent]:
    """Draw the events of a session; starts are reported early, late or not at all."""
    events: list[LiveEvent] = []
    now_ms = 0
    for number in range(draw(st.integers(1, 5))):
        start_ms = now_ms + draw(st.sampled_from([0, 0, 1, 90, 400, 700, 2_000, 30_000]))
        words: list[Word] = []
        at_ms = start_ms
        for _ in range(draw(st.integers(0, 12))):
            text, lead = draw(TEXTS), draw(LEADS) if words else ""
            end_ms = at_ms + draw(st.sampled_from([0, 1, 80, 300, 900]))
            words.append(Word(lead, text, at_ms, end_ms))
            at_ms = end_ms
        end_ms = max(at_ms, start_ms + 1)
        if start_ms - now_ms > 2_000:
            events.append(Silence(start_ms - 500))
        text = "".join(word.lead + word.text for word in words)
        language = draw(st.sampled_from(CODES))
        segments = (Segment(start_ms, end_ms, language, text, tuple(words)),) if words else ()
        final = Final(number, start_ms, end_ms, segments)
        started = SpeechStarted(number, start_ms)
        where = draw(st.sampled_from(["before", "early", "none"]))
        if where == "early" and events and isinstance(events[-1], Final):
            events.insert(-1, started)
        elif where == "before":
            events.append(started)
        events.append(final)
        now_ms = end_ms
    return [*events, Ended(now_ms)]


@given(finals(), st.sampled_from(["netflix-sdh", "bbc", "shorts"]))
def test_cues_are_ordered_do_not_overlap_and_hold_every_word(events: list[LiveEvent], profile: str) -> None:
    live = LiveCues(CueOptions(profile=profile))
    found = [one for event in events for one in live.handle(event)]
    assert live.open_start_ms is None
    last_ms = 0
    for one in found:
        assert last_ms <= one.cue.start_ms < one.cue.end_ms
        last_ms = one.cue.end_ms
    places: dict[int, int] = {}
    for one in found:
        first, last = one.cue.word_range
        assert places.get(id(one.transcript), 0) == first
        places[id(one.transcript)] = last
    by_id = {id(one.transcript): one.transcript for one in found}
    assert all(last == len(by_id[key].words) for key, last in places.items())
