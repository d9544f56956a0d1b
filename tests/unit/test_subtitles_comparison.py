"""SubER against values worked out by hand and against the package of its authors; breaks and starts."""

from __future__ import annotations

import random
import time

import pytest

from qasr_cli.records import Caption
from qasr_cli.subtitles.qc.comparison import compare, match
from qasr_cli.subtitles.qc.suber import subtitle_edit_rate


def caps(*blocks: tuple[int, int, str]) -> list[Caption]:
    return [Caption(start_ms, end_ms, tuple(text.split(" | "))) for start_ms, end_ms, text in blocks]


REFERENCE = caps(
    (0, 2_000, "The cat sat | on the mat."),
    (2_100, 4_000, "It was a sunny day."),
    (6_000, 8_000, "Nobody said | a word."),
)  # 11 words and 3 breaks, then 4 words and 2 breaks: 20 tokens

BY_HAND = [
    # name, captions, edits of 20 tokens
    ("the same", REFERENCE, 0),
    ("other case and punctuation", caps(
        (0, 2_000, "the cat sat | on the mat"), (2_100, 4_000, "It was a sunny day!"),
        (6_000, 8_000, "Nobody said | a word")), 0),
    ("one word another", caps(
        (0, 2_000, "The dog sat | on the mat."), (2_100, 4_000, "It was a sunny day."),
        (6_000, 8_000, "Nobody said | a word.")), 1),
    ("a line break that is missing, and one that is shifted", caps(
        (0, 2_000, "The cat sat on the mat."), (2_100, 4_000, "It was a sunny day."),
        (6_000, 8_000, "Nobody | said a word.")), 1 + 1),
    ("a line break for the end of a cue", caps(
        (0, 4_000, "The cat sat | on the mat. | It was a sunny day."),
        (6_000, 8_000, "Nobody said | a word.")), 1),
    ("three words shifted, which is one edit", caps(
        (0, 2_000, "on the mat | The cat sat"), (2_100, 4_000, "It was a sunny day."),
        (6_000, 8_000, "Nobody said | a word.")), 2),
    ("the last cue at another time: all deleted and inserted", caps(
        (0, 2_000, "The cat sat | on the mat."), (2_100, 4_000, "It was a sunny day."),
        (9_000, 11_000, "Nobody said | a word.")), 12),
    ("nothing", [], 20),
]  # fmt: skip


@pytest.mark.parametrize(
    ("ours", "n_edits"), [case[1:] for case in BY_HAND], ids=[case[0] for case in BY_HAND]
)
def test_what_can_be_worked_out_by_hand(ours: list[Caption], n_edits: int) -> None:
    assert subtitle_edit_rate(ours, REFERENCE, is_spaced=True) == pytest.approx(100 * n_edits / 20)


BUS = caps(
    (0, 1_800, "When I jumped on the bus,"),
    (1_900, 5_200, "I saw the man who had taken | the basket from the old lady."),
    (5_300, 8_000, "On two minor occasions | immediately following the war,"),
    (8_083, 11_000, "small numbers of people | were seen crossing the border."),
    (14_000, 16_500, "Nobody knows - not even now - | what became of them."),
)
# Values of subtitle-edit-rate 0.4.0, the package of the paper's authors. It also agrees on 131 random files
# of up to 120 cues with changed, missing and moved words, breaks and times.
BY_PACKAGE = [
    ("words", caps(
        (0, 1_800, "When I jumped on a bus"),
        (1_900, 5_200, "I saw a man who'd taken | the basket of the old lady"),
        (5_300, 8_000, "On two minor occasions | immediately following the war"),
        (8_083, 11_000, "small number of people | was seen crossing a border"),
        (14_000, 16_500, "Nobody knows not even now | what became of them")), 17.857),
    ("breaks", caps(
        (0, 2_900, "When I jumped on the bus, I | saw the man who had"),
        (3_000, 6_100, "taken the basket from the old | lady. On two minor occasions"),
        (6_200, 9_400, "immediately following the war, small | numbers of people"),
        (9_500, 11_000, "were seen crossing the border."),
        (14_000, 16_500, "Nobody knows - not even | now - what became of them.")), 12.5),
    ("order", caps(
        (0, 1_800, "on the bus, When I jumped"),
        (1_900, 5_200, "the basket from the old lady. | I saw the man who had taken"),
        (5_300, 8_000, "immediately following the war, | On two minor occasions"),
        (8_083, 11_000, "were seen crossing the border. | small numbers of people"),
        (13_000, 16_500, "what became of them | Nobody knows - not even now -")), 16.071),
]  # fmt: skip


@pytest.mark.parametrize(
    ("ours", "value"), [case[1:] for case in BY_PACKAGE], ids=[one[0] for one in BY_PACKAGE]
)
def test_what_the_package_says(ours: list[Caption], value: float) -> None:
    assert subtitle_edit_rate(ours, BUS, is_spaced=True) == pytest.approx(value, abs=0.001)


def test_chinese_is_compared_by_characters() -> None:
    ours, reference = caps((0, 2_000, "我们今天去看")), caps((0, 2_000, "我们明天去看。"))
    assert subtitle_edit_rate(ours, reference, is_spaced=False) == pytest.approx(100 / 7)


def test_nothing_against_nothing() -> None:
    assert subtitle_edit_rate([], [], is_spaced=True) == 0
    assert subtitle_edit_rate(BUS, [], is_spaced=True) == 100
    assert compare([], [], is_spaced=True).shift_ms is None


class TestBreaksAndStarts:
    def test_the_same_is_perfect(self) -> None:
        found = compare(BUS, BUS, is_spaced=True)
        assert (found.cue_f1, found.line_f1, found.break_f1, found.n_starts) == (1, 1, 1, 5)
        assert (found.shift_ms, found.absolute_shift_ms, found.near_share) == (0, 0, 1)

    def test_an_offset_is_an_offset_and_not_wrong_breaks(self) -> None:
        late = [Caption(one.start_ms + 3_000, one.end_ms + 3_000, one.lines) for one in BUS]
        found = compare(late, BUS, is_spaced=True)
        assert (found.cue_f1, found.line_f1, found.shift_ms, found.near_share) == (1, 1, 3_000, 0)
        assert found.edit_rate > 90

    def test_breaks_are_counted_by_kind_and_together(self) -> None:
        ours = caps(
            (0, 1_800, "When I jumped | on the bus,"),  # a line break that is not there
            (1_900, 3_000, "I saw the man who had taken"),  # the end of a cue where a line ends
            (3_100, 5_200, "the basket from the old lady."),
        )
        found = compare(ours, BUS[:2], is_spaced=True)
        assert found.cue_f1 == pytest.approx(2 * 2 / (3 + 2))
        assert found.line_f1 == 0
        assert found.break_f1 == pytest.approx(2 * 3 / (4 + 3))
        assert found.n_starts == 2

    def test_other_words_do_not_move_the_breaks_behind_them(self) -> None:
        ours = [BUS[0], *caps((1_900, 5_200, "I really saw a man who took | the basket from the old lady."))]
        assert compare(ours, BUS[:2], is_spaced=True).line_f1 == 1


def test_two_hours_are_compared_in_seconds() -> None:
    drawn = random.Random(1)
    words = [f"word{drawn.randrange(997)}" for _ in range(18_000)]
    reference, ours = [], []
    for number in range(0, len(words), 10):
        start_ms = number * 400
        said = [word for word in words[number : number + 10] if number % 70 or word != words[number]]
        reference.append(Caption(start_ms, start_ms + 3_917, (" ".join(words[number : number + 10]),)))
        ours.append(Caption(start_ms + 40, start_ms + 3_990, (" ".join(said[:5]), " ".join(said[5:]))))
    begun_s = time.process_time()
    found = compare(ours, reference, is_spaced=True)
    assert time.process_time() - begun_s < 60
    assert found.cue_f1 == 1
    assert 8 < found.edit_rate < 12  # a line break a cue, and a word of every seventh


def test_a_text_that_only_repeats_itself_is_compared_too() -> None:
    chant = ["la", "li"] * 4_000
    pairs = match(chant, chant)
    assert len(pairs) == len(chant)


def test_texts_of_two_films_have_nothing_in_common() -> None:
    assert match(["a", "b"], []) == {}
    assert compare(BUS, caps((0, 1_000, "x")), is_spaced=True).n_starts <= 1
