"""What was heard and never said, and passages where script and recognizer contradict each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.errors import UndecodableError
from qasr_cli.options import EngineOptions
from qasr_cli.records import Segment, Span, Timing, Waveform, Word
from qasr_cli.speech.audio.vad import FRAME_MS, SpeechMap
from qasr_cli.speech.inference.protocols import AlignRequest, Capacity, Engines, Posterior
from qasr_cli.speech.inference.session import Session
from qasr_cli.speech.recognition.passes import RecognizedSource
from qasr_cli.speech.script import align_script, matching, repetitions, script, word_alignment
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
        words.append(
            Word(" " if words else "", word, start_ms, start_ms + length_ms, time_posterior=confidence)
        )
        start_ms += length_ms
    return words


def clear(start_ms: int, end_ms: int) -> int:
    return end_ms - start_ms


def found(written: str, heard: Sequence[Word]) -> str:
    """Return the heard words that nobody said."""
    mine, said = written.split(), [word_alignment.normalize(word.text) for word in heard]
    places = repetitions.find(heard, mine, word_alignment.pair(mine, said), clear)
    return " ".join(heard[place].text for place in sorted(places))


class TestRepetitions:
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
        lost = [Word(w.lead, w.text, w.start_ms, w.end_ms, time_posterior=0.05) for w in loud[11:14]]
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
        assert repetitions.find([], ["one"], [None], clear) == set()


def segment(words: Sequence[Word]) -> Segment:
    text = "".join(word.lead + word.text for word in words)
    return Segment(words[0].start_ms, words[-1].end_ms, "en", text, tuple(words))


class TestMismatches:
    def disputes(self, written: str, *heard: str) -> list[tuple[str, str]]:
        segments, start_ms = [], 0
        for text in heard:
            segments.append(segment(timed(text, start_ms)))
            start_ms = segments[-1].end_ms
        match = matching.match_words(script.read([written], "en"), segments)
        return [
            (
                " ".join(match.normalized_script[one.first : one.last]),
                " ".join(word.normalized for word in match.recognized[one.begin : one.end]),
            )
            for one in matching.find_mismatches(match)
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
        edges = np.linspace(0, n_bins - 1, len(request.tokens) + 1).astype(int)
        scores = np.full((2 * len(request.tokens), n_bins), np.log(1 / n_bins), np.float32)
        for index, unit in enumerate(request.tokens):
            if unit.casefold() in self._said:
                for slot, edge in ((2 * index, edges[index]), (2 * index + 1, edges[index + 1])):
                    scores[slot] = -20.0
                    scores[slot, edge] = 0.0
        return Posterior(scores, _BIN_MS)


class TestScriptAlignment:
    WRITTEN = "Look the rocket was built ten years ago and left."
    HEARD = "look the empty ticket is yellow and purple and left"

    @pytest.fixture
    def recording(self, tmp_path: Path) -> RecognizedSource:
        duration_ms = 6_000
        np.zeros(duration_ms * 16, np.int16).tofile(tmp_path / "quiet.s16le")
        probs = np.ones(duration_ms // FRAME_MS + 1, np.float32)
        return RecognizedSource(
            Waveform(tmp_path / "quiet.s16le", duration_ms * 16),
            SpeechMap((Span(0, duration_ms),), probs, duration_ms),
            (),
        )

    def follow(
        self, recording: RecognizedSource, said: str, sure: Mapping[bool, float]
    ) -> align_script.ScriptAlignment:
        known = set(said.split())
        words = [
            Word(word.lead, word.text, word.start_ms, word.end_ms, Timing.ALIGNED, sure[word.text in known])
            for word in timed(self.HEARD)
        ]
        session = Session(Engines(fakes.Echo(EngineOptions()), Knowing(said)))
        return align_script.align(recording, [segment(words)], [self.WRITTEN], session)

    def asked(self, done: align_script.ScriptAlignment) -> list[str]:
        """What the aligner was asked for in the end."""
        return [unit for token in done.overlay.parts[0] for unit in token.display.tokens]

    def test_the_sound_decides_for_the_script(self, recording: RecognizedSource) -> None:
        done = self.follow(
            recording, "look the rocket was built ten years ago and left", {True: 0.9, False: 0.0}
        )
        assert [word.text for word in done.segments[0].words] == self.WRITTEN.split()
        assert all((word.time_posterior or 0) > 0.5 for word in done.segments[0].words)
        assert self.asked(done) == self.WRITTEN.removesuffix(".").split()
        assert (done.overlay.unspoken, done.overlay.ad_libs) == ((), ())

    def test_the_sound_decides_for_the_recognizer(self, recording: RecognizedSource) -> None:
        done = self.follow(recording, self.HEARD, {True: 0.9, False: 0.0})
        assert "empty" in self.asked(done)

    def test_without_an_aligner_what_was_heard_stays(self, recording: RecognizedSource) -> None:
        words = [Word(w.lead, w.text, w.start_ms, w.end_ms, Timing.INTERPOLATED) for w in timed(self.HEARD)]
        session = Session(Engines(fakes.Echo(EngineOptions()), None))
        done = align_script.align(recording, [segment(words)], [self.WRITTEN], session)
        assert "empty" in self.asked(done)


EVEN = Session(Engines(fakes.Echo(EngineOptions()), fakes.Even()))


def recording_of(path: Path, *speech: tuple[int, int]) -> RecognizedSource:
    """A recording that is silent, and said to be clear speech in these milliseconds."""
    duration_ms = speech[-1][1]
    np.zeros(duration_ms * 16, np.int16).tofile(path)
    probs = np.zeros(duration_ms // FRAME_MS + 1, np.float32)
    for start_ms, end_ms in speech:
        probs[start_ms // FRAME_MS : end_ms // FRAME_MS] = 1
    spans = tuple(Span(*edges) for edges in speech)
    return RecognizedSource(Waveform(path, duration_ms * 16), SpeechMap(spans, probs, duration_ms), ())


def shown(done: align_script.ScriptAlignment) -> list[Word]:
    """All words, which are in order, none is empty, and all lie in their segments."""
    words = [word for one in done.segments for word in one.words]
    assert all(word.start_ms < word.end_ms for word in words)
    assert all(one.end_ms <= other.start_ms for one, other in pairwise(words))
    assert all(one.end_ms <= other.start_ms for one, other in pairwise(done.segments))
    for one in done.segments:
        assert one.start_ms <= one.words[0].start_ms
        assert one.words[-1].end_ms <= one.end_ms
        assert one.words[0].lead == ""
    assert [done.script.words[place].text for place in done.script_indices] == [word.text for word in words]
    return words


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> RecognizedSource:
    return recording_of(tmp_path_factory.mktemp("marks") / "a.s16le", (1_000, 4_000), (7_000, 10_000))


class TestMarks:
    """Lines without anything to say: music, ellipses, what parts two paragraphs."""

    FIRST, SECOND = "good morning everyone and welcome", "today we talk about birds and trees"

    def follow(self, quiet: RecognizedSource, lines: Sequence[str]) -> list[Word]:
        segments = [segment(timed(self.FIRST, 1_000)), segment(timed(self.SECOND, 7_000))]
        return shown(align_script.align(quiet, segments, lines, EVEN))

    @given(st.lists(st.sampled_from(["♪", "...", "* * *", "---", "“ ”", None]), max_size=8), st.booleans())
    def test_they_keep_their_places_wherever_they_stand(
        self, quiet: RecognizedSource, marks: list[str | None], is_changed: bool
    ) -> None:
        lines, rest = (
            [],
            [self.FIRST, self.SECOND.replace("talk about", "speak of") if is_changed else self.SECOND],
        )
        for mark in [*marks, None, None]:
            if mark is not None:
                lines.append(mark)
            elif rest:
                lines.append(rest.pop(0))
        words = self.follow(quiet, lines)
        assert " ".join(word.text for word in words) == " ".join(lines)
        kinds = {word.timing for word in words if not any(map(str.isalnum, word.text))}
        assert kinds <= {Timing.INTERPOLATED}

    def test_they_take_the_time_between_their_neighbours(self, quiet: RecognizedSource) -> None:
        said_until_ms = timed(self.FIRST, 1_000)[-1].end_ms
        words = self.follow(quiet, ["♪", self.FIRST, "♪", "...", self.SECOND, "♪"])
        found = [(word.text, word.start_ms, word.end_ms) for word in words if word.timing != Timing.ALIGNED]
        middle_ms = (said_until_ms + 7_000) // 2
        assert found == [
            ("♪", 0, 1_000),
            ("♪", said_until_ms, middle_ms),
            ("...", middle_ms, 7_000),
            ("♪", words[-2].end_ms, 10_000),
        ]

    def test_inside_what_nobody_says_they_go_with_it(self, quiet: RecognizedSource) -> None:
        unsaid = [f"cut{n}" for n in range(10)]
        lines = [self.FIRST, "♪", " ".join(unsaid), "♪", " ".join(unsaid[::-1]), self.SECOND]
        segments = [segment(timed(self.FIRST, 1_000)), segment(timed(self.SECOND, 7_000))]
        dumb = RecognizedSource(quiet.waveform, SpeechMap((Span(1_000, 4_000),), np.zeros(300), 9_000), ())
        done = align_script.align(dumb, segments, lines, EVEN)
        assert [word.text for word in shown(done)] == [*self.FIRST.split(), "♪", *self.SECOND.split()]
        assert done.overlay.unspoken == ((6, 6 + 2 * len(unsaid) + 1),)

    @pytest.mark.parametrize(
        "said", [TestScriptAlignment.HEARD, TestScriptAlignment.WRITTEN.casefold().strip(".")]
    )
    def test_inside_a_dispute(self, tmp_path: Path, said: str) -> None:
        words = [
            replace(word, time_posterior=0.9 if word.text in said else 0.0)
            for word in timed(TestScriptAlignment.HEARD)
        ]
        lines = ["Look the rocket was", "♪", "built ten years", "♪", "ago and left."]
        session = Session(Engines(EVEN.recognizer, Knowing(said)))
        done = align_script.align(
            recording_of(tmp_path / "a.s16le", (0, 6_000)), [segment(words)], lines, session
        )
        assert " ".join(word.text for word in shown(done)) == " ".join(lines)

    def test_a_heard_word_that_is_none_has_no_sound_to_go_by(self, quiet: RecognizedSource) -> None:
        dots = [Word("", "...", 7_000, 9_000, Timing.INTERPOLATED)]
        segments = [segment(timed(self.FIRST, 1_000)), segment(dots)]
        done = align_script.align(quiet, segments, [f"{self.FIRST} indeed my friends"], EVEN)
        assert len(shown(done)) == len(self.FIRST.split()) + 3

    @pytest.mark.parametrize("lines", [["♪"], ["...", "♪", "* * *"]])
    def test_a_script_of_nothing_else_is_refused(self, quiet: RecognizedSource, lines: list[str]) -> None:
        with pytest.raises(UndecodableError, match="has no words"):
            self.follow(quiet, lines)


class TestMissedChunks:
    """Nothing was heard in a stretch of clear speech, and the script knows what is said there."""

    LINES = tuple(" ".join(f"{name}{n}" for n in range(20)) + "." for name in ("alpha", "bravo", "charlie"))
    SPEECH = (0, 8_000), (10_000, 18_000), (20_000, 28_000)

    def said(self, number: int) -> Segment:
        start_ms, end_ms = self.SPEECH[number]
        edges = np.linspace(start_ms, end_ms, 21).astype(int).tolist()
        words = self.LINES[number].split()
        return segment(
            [
                Word(" " if i else "", word, edges[i], edges[i + 1], time_posterior=0.9)
                for i, word in enumerate(words)
            ]
        )

    @pytest.mark.parametrize("missed", [0, 1, 2])
    @pytest.mark.parametrize("is_known", [True, False])
    def test_its_words_are_said_there_and_nowhere_else(
        self, tmp_path: Path, missed: int, is_known: bool
    ) -> None:
        recording = recording_of(tmp_path / "a.s16le", *self.SPEECH)
        known = [self.said(number) for number in range(3) if number != missed]
        aligner = fakes.Even() if is_known else Knowing("nothing")
        done = align_script.align(recording, known, self.LINES, Session(Engines(EVEN.recognizer, aligner)))
        assert done.overlay.unspoken == ()
        words = shown(done)
        for number, (start_ms, end_ms) in enumerate(self.SPEECH):
            mine = words[20 * number : 20 * number + 20]
            assert start_ms <= mine[0].start_ms
            assert mine[-1].end_ms <= end_ms
            if number != missed:
                assert mine == list(self.said(number).words)
            elif not is_known:
                assert {word.timing for word in mine} == {Timing.INTERPOLATED}
                assert mine[-1].end_ms - mine[0].start_ms > 7_000

    def test_a_text_over_several_of_them_parts_between_its_sentences(self, tmp_path: Path) -> None:
        recording = recording_of(
            tmp_path / "a.s16le", self.SPEECH[0], (20_000, 28_500), (40_000, 47_500), (60_000, 68_000)
        )
        delta = " ".join(f"delta{n}" for n in range(20)) + "."
        done = align_script.align(
            recording, [self.said(0), segment(timed(delta, 60_000))], [*self.LINES, delta], EVEN
        )
        found = [(one.text.split()[0], one.start_ms) for one in done.segments]
        assert found == [("alpha0", 0), ("bravo0", 20_000), ("charlie0", 40_000), ("delta0", 60_000)]

    def test_what_has_no_time_in_it_is_not_said(self, tmp_path: Path) -> None:
        recording = recording_of(tmp_path / "a.s16le", self.SPEECH[0], (10_000, 10_700), self.SPEECH[2])
        done = align_script.align(recording, [self.said(0), self.said(2)], self.LINES, EVEN)
        assert done.overlay.unspoken == ((20, 40),)
        assert shown(done) == [*self.said(0).words, *self.said(2).words]
