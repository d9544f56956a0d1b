"""The overlay of a script on a recording: spoken words, unspoken lines, ad-libs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from qasr_cli.records import Segment, Span, Word
from qasr_cli.speech.script import matching, overlay, script
from qasr_cli.speech.script.overlay import Overlay

_WORD_MS = 300


def segment_of(
    text: str, start_ms: int = 0, language: str = "en", confidences: Mapping[str, float] | None = None
) -> Segment:
    """A segment whose words follow each other without a pause."""
    by_word = confidences or {}
    words = [
        Word(" " if i else "", word, begin, begin + _WORD_MS, time_posterior=by_word.get(word))
        for i, word in enumerate(text.split())
        for begin in [start_ms + i * _WORD_MS]
    ]
    return Segment(start_ms, words[-1].end_ms, language, text, tuple(words))


def clear(speech: list[Span]) -> Callable[[int, int], int]:
    def between(start_ms: int, end_ms: int) -> int:
        return sum(max(0, min(s.end_ms, end_ms) - max(s.start_ms, start_ms)) for s in speech)

    return between


def lay(text: script.Script, segments: Sequence[Segment], speech: list[Span]) -> Overlay:
    match = matching.without_repetitions(matching.match_words(text, segments), clear(speech))
    return overlay.build(match, clear(speech))


def texts(laid: Overlay) -> list[str]:
    return [" ".join(token.display.text for token in part) for part in laid.parts]


class TestOverlay:
    def lay(self, lines: list[str], *segments: Segment) -> Overlay:
        speech = [Span(segment.start_ms, segment.end_ms) for segment in segments]
        return lay(script.read(lines, "en"), segments, speech)

    def test_the_script_s_spelling_stands_where_both_agree(self) -> None:
        laid = self.lay(["Good morning, Dr. O’Neill!"], segment_of("good morning doctor o'neil"))
        assert texts(laid) == ["Good morning, Dr. O’Neill!"]
        assert (laid.unspoken, laid.ad_libs) == ((), ())

    def test_a_line_nobody_says_is_unspoken(self) -> None:
        lines = ["Welcome to our town.", "This line was cut by the editor.", "Look at the old harbour."]
        laid = self.lay(lines, segment_of("welcome to our town"), segment_of("look at the old harbour", 2000))
        assert laid.unspoken == ((4, 11),)
        assert texts(laid) == ["Welcome to our town.", "Look at the old harbour."]

    def test_a_short_line_nobody_says_is_unspoken_too(self) -> None:
        laid = self.lay(
            ["Welcome to our town.", "Thanks.", "Look at it."], segment_of("welcome to our town look at it")
        )
        assert laid.unspoken == ((4, 5),)

    BEFORE = "the men who built the old wall of the harbour took forty days"
    UNSAID = "The editor cut this line, and the one after it was never read aloud by anyone."
    AFTER = "look at it from the bridge when the boats come home at night"

    @pytest.mark.parametrize(
        ("word", "misheard"), [("forty days", "four days"), ("days", "is"), ("look at", "is to")]
    )
    def test_a_misheard_word_beside_a_line_that_nobody_says_was_said(self, word: str, misheard: str) -> None:
        segment = segment_of(f"{self.BEFORE} {self.AFTER}".replace(word, misheard))
        laid = self.lay([self.BEFORE, self.UNSAID, self.AFTER], segment)
        n_before = len(self.BEFORE.split())
        assert laid.unspoken == ((n_before, n_before + len(self.UNSAID.split())),)

    def test_an_ad_lib_in_place_of_a_line_takes_nothing_of_the_next(self) -> None:
        ad_lib = "oh anyway let me show you something"
        segment = segment_of(f"{self.BEFORE} {ad_lib} {self.AFTER}".replace(" days", ""))
        laid = self.lay([self.BEFORE, self.UNSAID, self.AFTER], segment)
        assert [passage.text for passage in laid.ad_libs] == [ad_lib]

    def test_a_word_that_was_not_heard_stays_with_its_sentence(self) -> None:
        laid = self.lay(["Look at the very old harbour."], segment_of("look at the old harbour"))
        assert laid.unspoken == ()
        assert texts(laid) == ["Look at the very old harbour."]

    def test_words_not_heard_are_spoken_where_there_is_voice_for_them(self) -> None:
        before, after = segment_of("welcome to our town"), segment_of("look at the harbour", 4000)
        text = script.read(["Welcome to our town.", "It is small and old.", "Look at the harbour."], "en")
        silent = [Span(0, 1200), Span(4000, 5200)]
        assert lay(text, [before, after], silent).unspoken == ((4, 9),)
        assert lay(text, [before, after], [Span(0, 5200)]).unspoken == ()

    def test_an_ad_lib_is_reported_and_kept_for_the_aligner(self) -> None:
        laid = self.lay(
            ["Welcome to our town.", "Look at the harbour."],
            segment_of("welcome to our town oh sorry one moment please look at the harbour"),
        )
        assert [ad_lib.text for ad_lib in laid.ad_libs] == ["oh sorry one moment please"]
        assert (laid.ad_libs[0].start_ms, laid.ad_libs[0].end_ms) == (4 * _WORD_MS, 9 * _WORD_MS)
        assert [token.script_index for token in laid.parts[0]][4:9] == [None] * 5

    def test_between_two_segments_a_sentence_stays_together(self) -> None:
        first = segment_of("and the philip palmer was ready")
        lines = ["And the Philip Palmer was ready. Which ship is clean?"]
        laid = self.lay(lines, first, segment_of("ship is clean", first.end_ms + 900))
        assert texts(laid) == ["And the Philip Palmer was ready.", "Which ship is clean?"]

    def test_a_word_that_was_not_found_is_not_what_was_said(self) -> None:
        segment = segment_of("look at the old harbour", confidences={"old": 0.01})
        laid = self.lay(["Look at the green harbour."], segment)
        assert laid.parts[0][3].display.tokens == ("green",)

    def test_a_changed_word_is_timed_by_what_was_heard_for_it(self) -> None:
        laid = self.lay(["Look at the green harbour."], segment_of("look at the old harbour"))
        assert [token.display.text for token in laid.parts[0]][3] == "green"
        assert laid.parts[0][3].display.tokens == ("old",)

    def test_a_script_of_something_else_does_not_fit(self) -> None:
        laid = self.lay(
            ["Entirely different words about quantum physics."], segment_of("the cat sat on my mat")
        )
        assert laid.fit < 0.2

    def test_segments_get_the_script_s_words_and_only_those(self) -> None:
        segment = segment_of("so welcome to our town everybody")
        laid = self.lay(["Welcome to our town."], segment)
        words = [
            Word(token.display.lead, token.display.text, i * 100, i * 100 + 100)
            for i, token in enumerate(laid.parts[0])
        ]
        in_script = overlay.to_segment(laid.parts[0], words, segment)
        assert in_script is not None
        assert in_script.text == "Welcome to our town."
        assert in_script.words[0].start_ms == 100
