"""What was heard and never said, and passages where script and recognizer contradict each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from qasr_cli.options import EngineOptions
from qasr_cli.records import Segment, Span, Timing, Waveform, Word
from qasr_cli.speech import anchors, echoes, following, matching, script
from qasr_cli.speech.hearing import Recording
from qasr_cli.speech.protocols import AlignRequest, Capacity, Engines, Posterior
from qasr_cli.speech.vad import FRAME_MS, SpeechMap
from tests import fakes

_LETTER_MS = 70
_BIN_MS = 80


def timed(
    text: str, start_ms: int = 0, squashed: Sequence[int] = (), sure: float | None = None
) -> list[Word]:
    """Words that follow each other, a letter in 70 ms; those at the squashed places take no time."""
    words: list[Word] = []
    for place, word in enumerate(text.split()):
        length_ms = 1 if place in squashed else _LETTER_MS * len(word)
        confidence = 0.02 if sure is not None and place in squashed else sure
        words.append(Word(" " if words else "", word, start_ms, start_ms + length_ms, confidence=confidence))
        start_ms += length_ms
    return words


def clear(start_ms: int, end_ms: int) -> int:
    return end_ms - start_ms


def found(written: str, heard: Sequence[Word]) -> str:
    """Return the heard words that nobody said."""
    mine, said = written.split(), [anchors.normalized(word.text) for word in heard]
    places = echoes.find(heard, mine, anchors.pair(mine, said), clear)
    return " ".join(heard[place].text for place in sorted(places))


class TestEchoes:
    BEFORE = "welcome to our little town by the northern sea where people"
    AFTER = "nobody knows how old this harbour really was before them"

    def test_a_sentence_written_twice_and_said_once(self) -> None:
        heard = timed(
            f"{self.BEFORE} are the carrots small are the carrots small {self.AFTER}", 0, range(15, 19)
        )
        assert len(found(f"{self.BEFORE} are the carrots small {self.AFTER}", heard).split()) == 4

    def test_a_sentence_said_twice_stays(self) -> None:
        heard = timed(f"{self.BEFORE} are the carrots small are the carrots small {self.AFTER}")
        assert found(f"{self.BEFORE} are the carrots small {self.AFTER}", heard) == ""

    def test_a_sentence_said_three_times_and_written_four(self) -> None:
        thrice, heard_text = " ".join(["any questions left"] * 3), " ".join(["any questions left"] * 4)
        heard = timed(f"{self.BEFORE} {heard_text} {self.AFTER}", 0, range(20, 23))
        assert len(found(f"{self.BEFORE} {thrice} {self.AFTER}", heard).split()) == 3

    def test_what_the_aligner_did_not_find_was_not_said_even_where_there_is_room(self) -> None:
        text = f"{self.BEFORE} my quiet garden {self.AFTER}"
        loud = timed(text, sure=0.9)
        assert found(f"{self.BEFORE} {self.AFTER}", loud) == ""
        lost = [Word(w.lead, w.text, w.start_ms, w.end_ms, confidence=0.05) for w in loud[11:14]]
        assert found(f"{self.BEFORE} {self.AFTER}", [*loud[:11], *lost, *loud[14:]]) == "my quiet garden"

    def test_an_ad_lib_stays(self) -> None:
        assert (
            found(
                f"{self.BEFORE} {self.AFTER}", timed(f"{self.BEFORE} oh sorry one moment please {self.AFTER}")
            )
            == ""
        )

    def test_the_pieces_of_a_name_are_no_words(self) -> None:
        heard = timed("the train to sing a po leaves at half past five", sure=0.9)
        assert found("the train to singapore leaves at half past five", heard) == "a po"

    def test_nothing_heard_is_nothing_found(self) -> None:
        assert echoes.find([], ["one"], [None], clear) == set()


def segment(words: Sequence[Word]) -> Segment:
    text = "".join(word.lead + word.text for word in words)
    return Segment(words[0].start_ms, words[-1].end_ms, "en", text, tuple(words))


class TestDisputes:
    def disputes(self, written: str, *heard: str) -> list[tuple[str, str]]:
        segments, start_ms = [], 0
        for text in heard:
            segments.append(segment(timed(text, start_ms)))
            start_ms = segments[-1].end_ms
        match = matching.match(script.read([written], "en"), segments)
        return [
            (
                " ".join(match.written[one.first : one.last]),
                " ".join(word.said for word in match.heard[one.begin : one.end]),
            )
            for one in matching.disputes(match)
        ]

    def test_a_changed_word_is_none(self) -> None:
        assert self.disputes("look at the old harbour now", "look at the green harbour now") == []

    def test_several_other_words_are_one(self) -> None:
        assert self.disputes(
            "the rocket was built ten years ago and left", "the empty ticket is yellow and purple and left"
        ) == [("rocket was built ten years ago", "empty ticket is yellow and purple")]

    def test_a_sentence_left_out_and_another_written_twice_are_one(self) -> None:
        ((mine, theirs),) = self.disputes(
            "we met here it will be rainy tonight his wife gave jack their map the end of it",
            "we met here his wife gave jack their map why gave jack their map the end of it",
        )
        assert mine.startswith("it will be rainy tonight his wife")
        assert theirs.startswith("his wife gave jack")

    def test_a_long_ad_lib_is_none(self) -> None:
        assert (
            self.disputes(
                "one two three four", "one two alas " + "nothing of this is written " * 5 + "three four"
            )
            == []
        )

    def test_what_was_heard_on_both_sides_of_a_cut_is_none(self) -> None:
        written = "the rocket was built ten years ago and left"
        assert self.disputes(written, "the empty ticket is", "yellow and purple and left") == []


class Knowing:
    """An aligner that knows which words are said, and spreads them; others it finds nowhere."""

    model_id = "fake/knowing"
    capacity = Capacity(60_000, 120_000, 32)

    def __init__(self, said: str) -> None:
        self._said = set(said.split())

    def supports(self, language: str | None) -> bool:
        return True

    def align(self, requests: Sequence[AlignRequest]) -> list[Posterior]:
        return [self._place(request) for request in requests]

    def _place(self, request: AlignRequest) -> Posterior:
        n_bins = len(request.audio) // 16 // _BIN_MS + 1
        edges = np.linspace(0, n_bins - 1, len(request.units) + 1).astype(int)
        scores = np.full((2 * len(request.units), n_bins), np.log(1 / n_bins), np.float32)
        for index, unit in enumerate(request.units):
            if unit.casefold() in self._said:
                for slot, edge in ((2 * index, edges[index]), (2 * index + 1, edges[index + 1])):
                    scores[slot] = -20.0
                    scores[slot, edge] = 0.0
        return Posterior(scores, _BIN_MS)


class TestFollowing:
    WRITTEN = "Look the rocket was built ten years ago and left."
    HEARD = "look the empty ticket is yellow and purple and left"

    @pytest.fixture
    def recording(self, tmp_path: Path) -> Recording:
        duration_ms = 6_000
        np.zeros(duration_ms * 16, np.int16).tofile(tmp_path / "quiet.s16le")
        probs = np.ones(duration_ms // FRAME_MS + 1, np.float32)
        return Recording(
            Waveform(tmp_path / "quiet.s16le", duration_ms * 16),
            SpeechMap((Span(0, duration_ms),), probs, duration_ms),
            (),
        )

    def follow(self, recording: Recording, said: str, sure: Mapping[bool, float]) -> following.Followed:
        known = set(said.split())
        words = [
            Word(word.lead, word.text, word.start_ms, word.end_ms, Timing.ALIGNED, sure[word.text in known])
            for word in timed(self.HEARD)
        ]
        engines = Engines(fakes.Echo(EngineOptions()), Knowing(said))
        return following.follow(recording, [segment(words)], [self.WRITTEN], engines)

    def asked(self, done: following.Followed) -> list[str]:
        """What the aligner was asked for in the end."""
        return [unit for token in done.overlay.parts[0] for unit in token.shown.units]

    def test_the_sound_decides_for_the_script(self, recording: Recording) -> None:
        done = self.follow(
            recording, "look the rocket was built ten years ago and left", {True: 0.9, False: 0.0}
        )
        assert [word.text for word in done.segments[0].words] == self.WRITTEN.split()
        assert all((word.confidence or 0) > 0.5 for word in done.segments[0].words)
        assert self.asked(done) == self.WRITTEN.removesuffix(".").split()
        assert (done.overlay.unspoken, done.overlay.ad_libs) == ((), ())

    def test_the_sound_decides_for_the_recognizer(self, recording: Recording) -> None:
        done = self.follow(recording, self.HEARD, {True: 0.9, False: 0.0})
        assert "empty" in self.asked(done)

    def test_without_an_aligner_what_was_heard_stays(self, recording: Recording) -> None:
        words = [Word(w.lead, w.text, w.start_ms, w.end_ms, Timing.INTERPOLATED) for w in timed(self.HEARD)]
        engines = Engines(fakes.Echo(EngineOptions()), None)
        done = following.follow(recording, [segment(words)], [self.WRITTEN], engines)
        assert "empty" in self.asked(done)
