"""A script laid over a recording: pairing words, finding what nobody says and what nobody wrote."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.records import Segment, Span, Word
from qasr_cli.speech.script import matching, overlay, script, word_alignment
from qasr_cli.speech.script.overlay import Overlay

_WORD_MS = 300
PEAK_RESET = Path("/proc/self/clear_refs")


def memory_mb(key: str) -> int:
    """Return this process's memory: `VmRSS` now, `VmHWM` at its peak."""
    (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith(key))
    return int(line.split()[1]) // 1024


def heard(
    text: str, start_ms: int = 0, language: str = "en", confidences: Mapping[str, float] | None = None
) -> Segment:
    """A segment whose words follow each other without a pause."""
    known = confidences or {}
    words = [
        Word(" " if i else "", word, begin, begin + _WORD_MS, confidence=known.get(word))
        for i, word in enumerate(text.split())
        for begin in [start_ms + i * _WORD_MS]
    ]
    return Segment(start_ms, words[-1].end_ms, language, text, tuple(words))


def clear(speech: list[Span]) -> Callable[[int, int], int]:
    def between(start_ms: int, end_ms: int) -> int:
        return sum(max(0, min(s.end_ms, end_ms) - max(s.start_ms, start_ms)) for s in speech)

    return between


def w(text: str) -> list[str]:
    return text.split()


def lay(text: script.Script, segments: Sequence[Segment], speech: list[Span]) -> Overlay:
    found = matching.without_repetitions(matching.match_words(text, segments), clear(speech))
    return overlay.build(found, clear(speech))


def said(laid: Overlay) -> list[str]:
    return [" ".join(token.display.text for token in part) for part in laid.parts]


class TestPairing:
    def test_equal_lists_pair_one_to_one(self) -> None:
        words = w("the cat saw the dog and the dog saw the cat")
        assert word_alignment.pair(words, words) == list(range(len(words)))

    def test_a_misheard_word_pairs_with_what_was_heard_for_it(self) -> None:
        assert word_alignment.pair(w("a quiet old harbour"), w("a quite cold harbor")) == [0, 1, 2, 3]

    def test_a_dropped_and_an_inserted_word(self) -> None:
        assert word_alignment.pair(w("one two three four"), w("one three five four")) == [0, None, 1, 3]

    def test_a_dropped_passage_beside_an_inserted_one_is_not_paired(self) -> None:
        script_words = w("alpha beta gamma one two three four five six delta epsilon")
        other_words = w("alpha beta gamma uno dos tres cuatro cinco seis delta epsilon")
        assert word_alignment.pair(script_words, other_words) == [0, 1, 2, *[None] * 6, 9, 10]

    def test_a_few_like_words_do_not_make_another_text_the_same(self) -> None:
        before, after = (
            w("alpha beta gamma delta epsilon zeta eta theta"),
            w("iota kappa lambda mu nu xi omicron pi"),
        )
        mine = w("we saw the red boat and they took a picture of it near our house then")
        other = w("nobody knew the road but they wrote a letter about my garden so quickly again")
        pairing = word_alignment.pair([*before, *mine, *after], [*before, *other, *after])
        assert sum(partner is not None for partner in pairing[8 : 8 + len(mine)]) <= 4
        assert pairing[:7] == list(range(7))
        assert pairing[-7:] == list(range(len(before) + len(other) + 1, len(before) + len(other) + 8))

    def test_what_happens_to_be_the_same_beside_a_foreign_passage_belongs_to_it(self) -> None:
        before, after = w("turn left at the big green gate"), w("her boss is talking to them again")
        mine = w("we never saw so many carrots it costs dollars is a simple rocket")
        other = w("please bring ten onions is nine miles from")
        pairing = word_alignment.pair([*before, *mine, *after], [*before, *other, *after])
        assert pairing[: len(before)] == list(range(len(before)))
        assert pairing[len(before) : -len(after)] == [None] * len(mine)
        assert None not in pairing[-len(after) :]

    def test_a_changed_word_beside_a_dropped_passage_stays(self) -> None:
        words = [f"w{n}" for n in range(40)]
        changed = [*words[:20], "other", *words[21:]]
        pairing = word_alignment.pair(words, changed[:9] + changed[20:])
        assert pairing[9:20] == [None] * 11
        assert pairing[20] == 9

    def test_a_passage_said_twice_and_one_cut_out_do_not_derail_the_rest(self) -> None:
        rng = random.Random(1)
        words = [f"w{rng.randrange(400)}" for _ in range(3000)]
        recording = words[:1000] + words[800:1000] + words[1000:1500] + words[2000:]
        pairing = word_alignment.pair(words, recording)
        assert sum(partner is None for partner in pairing) == 500
        assert [p for p in pairing[1500:2000] if p is not None] == []

    def test_a_passage_nobody_says_does_not_spread_over_a_long_ad_lib(self) -> None:
        unsaid, said = [f"u{n}" for n in range(20)], [f"w{n}" for n in range(60)]
        ad_lib = [word for n, one in enumerate(unsaid) for word in [one, *(f"x{n}.{k}" for k in range(30))]]
        pairing = word_alignment.pair([*unsaid, *said], [*ad_lib, *said])
        assert pairing[:15] == [None] * 15  # what is read reaches a window's half into it
        assert pairing[20:] == list(range(len(ad_lib), len(ad_lib) + 60))

    def test_a_sentence_recognized_twice_costs_no_pair(self) -> None:
        words = [f"w{n}" for n in range(60)]
        assert None not in word_alignment.pair(words, [*words[:40], *words[30:]])

    PRAYER = w("hail mary full of grace the lord is with thee blessed art thou among all women amen")

    @staticmethod
    def misheard(words: list[str], seed: int) -> tuple[list[str], list[int | None]]:
        """Six words in a hundred are dropped, put in or heard as another; and where each is."""
        rng = random.Random(seed)
        heard_words: list[str] = []
        places: list[int | None] = []
        for word in words:
            kind = rng.choices(("kept", "dropped", "other", "more"), (94, 2, 2, 2))[0]
            places.append(None if kind == "dropped" else len(heard_words))
            if kind != "dropped":
                heard_words.append("uh" if kind == "other" else word)
            if kind == "more":
                heard_words.append("uh")
        return heard_words, places

    def test_a_long_text_that_only_repeats_itself_pairs_with_itself(self) -> None:
        words = self.PRAYER * 400  # 46 million pairs, more than one exhaustive search may hold
        assert word_alignment.pair(words, list(words)) == list(range(len(words)))

    # Each has 25 million pairs and more, far more than one exhaustive search may hold. Where all words are
    # one, nothing but their number tells which of them was dropped.
    @pytest.mark.parametrize(
        ("words", "reach"), [(PRAYER * 320, 3), (list("南無阿弥陀仏") * 850, 3), (["om"] * 5_200, 30)]
    )
    def test_what_is_misheard_in_such_a_text_does_not_derail_it(self, words: list[str], reach: int) -> None:
        heard_words, places = self.misheard(words, 1)
        pairing = word_alignment.pair(words, heard_words)
        assert sum(partner is not None for partner in pairing) >= 0.95 * len(words)
        near = [
            abs(partner - place) <= reach
            for partner, place in zip(pairing, places, strict=True)
            if partner is not None and place is not None
        ]
        assert sum(near) >= 0.98 * len(near)

    def test_a_part_of_such_a_text_that_nobody_says_does_not_derail_it(self) -> None:
        words = self.PRAYER * 320
        heard_words, _ = self.misheard(words[:200] + words[300:], 2)
        pairing = word_alignment.pair(words, heard_words)
        assert sum(partner is not None for partner in pairing) >= 0.95 * (len(words) - 100)

    def test_long_texts_of_other_words_pair_with_nothing(self) -> None:
        assert set(word_alignment.pair(self.PRAYER * 320, w("one two three") * 1_750)) == {None}

    @pytest.mark.skipif(not PEAK_RESET.exists(), reason="needs Linux, which forgets a peak of memory")
    def test_hours_of_another_text_take_little_memory(self) -> None:
        rng = random.Random(1)
        vocabulary = [f"w{n}" for n in range(3_000)]
        weights = [1 / (n + 1) for n in range(3_000)]  # as in a language: a few words are frequent
        mine, theirs = (rng.choices(vocabulary, weights, k=30_000) for _ in range(2))
        PEAK_RESET.write_text("5")
        before_mb = memory_mb("VmRSS")
        pairing = word_alignment.pair(mine, theirs)
        assert set(pairing) == {None}
        assert memory_mb("VmHWM") - before_mb < 60

    @given(st.lists(st.sampled_from("abcd"), max_size=12), st.lists(st.sampled_from("abcd"), max_size=12))
    def test_pairs_never_cross(self, mine: list[str], theirs: list[str]) -> None:
        partners = [partner for partner in word_alignment.pair(mine, theirs) if partner is not None]
        assert all(a < b for a, b in pairwise(partners))
        assert all(0 <= partner < len(theirs) for partner in partners)

    @pytest.mark.parametrize(
        ("word", "key"), [("Don’t!", "dont"), ("50%", "50"), ("“É", "é"), ("हिन्दी", "हिन्दी"), ("—", "")]
    )
    def test_keys_ignore_marks_and_case(self, word: str, key: str) -> None:
        assert word_alignment.normalize(word) == key


class TestOverlay:
    def lay(self, lines: list[str], *segments: Segment) -> Overlay:
        speech = [Span(segment.start_ms, segment.end_ms) for segment in segments]
        return lay(script.read(lines, "en"), segments, speech)

    def test_the_script_s_spelling_stands_where_both_agree(self) -> None:
        laid = self.lay(["Good morning, Dr. O’Neill!"], heard("good morning doctor o'neil"))
        assert said(laid) == ["Good morning, Dr. O’Neill!"]
        assert (laid.unspoken, laid.ad_libs) == ((), ())

    def test_a_line_nobody_says_is_unspoken(self) -> None:
        lines = ["Welcome to our town.", "This line was cut by the editor.", "Look at the old harbour."]
        laid = self.lay(lines, heard("welcome to our town"), heard("look at the old harbour", 2000))
        assert laid.unspoken == ((4, 11),)
        assert said(laid) == ["Welcome to our town.", "Look at the old harbour."]

    def test_a_short_line_nobody_says_is_unspoken_too(self) -> None:
        laid = self.lay(
            ["Welcome to our town.", "Thanks.", "Look at it."], heard("welcome to our town look at it")
        )
        assert laid.unspoken == ((4, 5),)

    BEFORE = "the men who built the old wall of the harbour took forty days"
    UNSAID = "The editor cut this line, and the one after it was never read aloud by anyone."
    AFTER = "look at it from the bridge when the boats come home at night"

    @pytest.mark.parametrize(
        ("word", "misheard"), [("forty days", "four days"), ("days", "is"), ("look at", "is to")]
    )
    def test_a_misheard_word_beside_a_line_that_nobody_says_was_said(self, word: str, misheard: str) -> None:
        segment = heard(f"{self.BEFORE} {self.AFTER}".replace(word, misheard))
        laid = self.lay([self.BEFORE, self.UNSAID, self.AFTER], segment)
        n_before = len(self.BEFORE.split())
        assert laid.unspoken == ((n_before, n_before + len(self.UNSAID.split())),)

    def test_an_ad_lib_in_place_of_a_line_takes_nothing_of_the_next(self) -> None:
        ad_lib = "oh anyway let me show you something"
        segment = heard(f"{self.BEFORE} {ad_lib} {self.AFTER}".replace(" days", ""))
        laid = self.lay([self.BEFORE, self.UNSAID, self.AFTER], segment)
        assert [one.text for one in laid.ad_libs] == [ad_lib]

    def test_a_word_that_was_not_heard_stays_with_its_sentence(self) -> None:
        laid = self.lay(["Look at the very old harbour."], heard("look at the old harbour"))
        assert laid.unspoken == ()
        assert said(laid) == ["Look at the very old harbour."]

    def test_words_not_heard_are_spoken_where_there_is_voice_for_them(self) -> None:
        before, after = heard("welcome to our town"), heard("look at the harbour", 4000)
        text = script.read(["Welcome to our town.", "It is small and old.", "Look at the harbour."], "en")
        silent = [Span(0, 1200), Span(4000, 5200)]
        assert lay(text, [before, after], silent).unspoken == ((4, 9),)
        assert lay(text, [before, after], [Span(0, 5200)]).unspoken == ()

    def test_an_ad_lib_is_reported_and_kept_for_the_aligner(self) -> None:
        laid = self.lay(
            ["Welcome to our town.", "Look at the harbour."],
            heard("welcome to our town oh sorry one moment please look at the harbour"),
        )
        assert [one.text for one in laid.ad_libs] == ["oh sorry one moment please"]
        assert (laid.ad_libs[0].start_ms, laid.ad_libs[0].end_ms) == (4 * _WORD_MS, 9 * _WORD_MS)
        assert [token.script_index for token in laid.parts[0]][4:9] == [None] * 5

    def test_between_two_segments_a_sentence_stays_together(self) -> None:
        first = heard("and the philip palmer was ready")
        lines = ["And the Philip Palmer was ready. Which ship is clean?"]
        laid = self.lay(lines, first, heard("ship is clean", first.end_ms + 900))
        assert said(laid) == ["And the Philip Palmer was ready.", "Which ship is clean?"]

    def test_a_word_that_was_not_found_is_not_what_was_said(self) -> None:
        segment = heard("look at the old harbour", confidences={"old": 0.01})
        laid = self.lay(["Look at the green harbour."], segment)
        assert laid.parts[0][3].display.tokens == ("green",)

    def test_a_changed_word_is_timed_by_what_was_heard_for_it(self) -> None:
        laid = self.lay(["Look at the green harbour."], heard("look at the old harbour"))
        assert [token.display.text for token in laid.parts[0]][3] == "green"
        assert laid.parts[0][3].display.tokens == ("old",)

    def test_a_script_of_something_else_does_not_fit(self) -> None:
        laid = self.lay(["Entirely different words about quantum physics."], heard("the cat sat on my mat"))
        assert laid.fit < 0.2

    def test_segments_get_the_script_s_words_and_only_those(self) -> None:
        segment = heard("so welcome to our town everybody")
        laid = self.lay(["Welcome to our town."], segment)
        words = [
            Word(token.display.lead, token.display.text, i * 100, i * 100 + 100)
            for i, token in enumerate(laid.parts[0])
        ]
        found = overlay.to_segment(laid.parts[0], words, segment)
        assert found is not None
        assert found.text == "Welcome to our town."
        assert found.words[0].start_ms == 100

    def test_lines_of_a_language_without_spaces(self) -> None:
        found = script.read(["你好。", "世界"], "zh")
        assert [word.lead for word in found.words] == ["", "", "", ""]
        assert "".join(word.text for word in found.words) == "你好。世界"

    @given(st.lists(st.text(" abc.,'", max_size=12), max_size=5))
    def test_every_line_comes_back_from_its_words(self, lines: list[str]) -> None:
        found = script.read(lines, "en")
        for number, line in enumerate(found.lines):
            mine = [w for w, at in zip(found.words, found.line_of, strict=True) if at == number]
            assert "".join(word.lead + word.text for word in mine).strip() == line
