"""The pairing of a script's words with recognized words."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qasr_cli.speech.script import word_alignment

PEAK_RESET = Path("/proc/self/clear_refs")


def memory_mb(key: str) -> int:
    """Return this process's memory: `VmRSS` now, `VmHWM` at its peak."""
    (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith(key))
    return int(line.split()[1]) // 1024


def w(text: str) -> list[str]:
    return text.split()


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
