"""Each rule finds what it is for, and leaves alone what only looks like it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from qasr_cli.options import CueOptions
from qasr_cli.records import Caption, Segment, Span, Timing, Track, Transcript, Word
from qasr_cli.subtitles.qc import check, fix
from qasr_cli.subtitles.qc.caption_atoms import guess_language
from qasr_cli.subtitles.qc.check import Checked
from qasr_cli.subtitles.qc.findings import RULES
from qasr_cli.subtitles.rules.limits import Limits, resolve


def cap(start_ms: int, end_ms: int, *lines: str, place: str = "") -> Caption:
    return Caption(start_ms, end_ms, lines, marked=lines, place=place)


def limits(language: str = "en", **more: object) -> Limits:
    return resolve(CueOptions(**more), language)  # type: ignore[arg-type]


def rules(captions: list[Caption], language: str = "en", **more: object) -> list[str]:
    found = check.check(captions, replace(limits(language), **more), language)  # type: ignore[arg-type]
    return [finding.rule for finding in found.findings]


GOOD = [cap(1_000, 3_000, "This is a good line."), cap(3_083, 5_000, "And this is one, too.")]
CASES: dict[str, tuple[list[Caption], list[Caption]]] = {
    # rule: what breaks it, what comes near and does not
    "bad_times": ([cap(5_000, 4_000, "Back.")], [cap(0, 900, "Here.")]),
    "order": (GOOD[::-1], GOOD),
    "overlap": (
        [cap(0, 2_000, "One here."), cap(1_500, 3_000, "Two here.")],
        [cap(0, 2_000, "One here."), cap(1_500, 3_000, "Sign", place="{\\an8}")],
    ),
    "gap_min": (
        [cap(0, 2_000, "One here."), cap(2_040, 4_000, "Two here.")],
        [cap(0, 2_000, "One here."), cap(2_067, 4_000, "Two at 30 frames.")],
    ),
    "gap_flicker": (
        [cap(0, 2_000, "One here."), cap(2_300, 4_000, "Two here.")],
        [cap(0, 6_900, "One here."), cap(7_300, 9_000, "Nobody could close it.")],
    ),
    "dur_min": ([cap(0, 832, "Yes.")], [cap(0, 833, "Yes.")]),
    "dur_max": ([cap(0, 7_001, "Yes.")], [cap(0, 7_000, "Yes.")]),
    "cps": ([cap(0, 999, "Twenty letters here.")], [cap(0, 1_000, "Twenty letters here.")]),
    "cps_soft": ([cap(0, 1_100, "Twenty letters here.")], [cap(0, 1_200, "Twenty letters here.")]),
    "empty": ([cap(0, 1_000, "\u200b\u200e")], GOOD),
    "lines": ([cap(0, 3_000, "One,", "two,", "three.")], [cap(0, 3_000, "One,", "two.")]),
    "cpl": ([cap(0, 5_000, "x" * 43)], [cap(0, 5_000, "x" * 42)]),
    "illegal_chars": ([cap(0, 2_000, "a\x07b")], [cap(0, 2_000, "a\u200db \u200e👩‍👩‍👧")]),
    "double_space": ([cap(0, 2_000, "a  b")], [cap(0, 2_000, "a b")]),
    "non_nfc": ([cap(0, 2_000, "e\u0301")], [cap(0, 2_000, "é")]),
    "repeat": (
        [cap(at * 2_000, at * 2_000 + 1_900, "Thank you.") for at in range(3)],
        [cap(at * 2_000, at * 2_000 + 1_900, "♪") for at in range(3)],
    ),
    "orphan_word": (
        [cap(0, 2_000, "We went to the"), cap(2_083, 3_500, "market"), cap(3_583, 5_000, "on a day.")],
        [cap(0, 2_000, "We went home."), cap(2_083, 3_500, "Why?"), cap(3_583, 5_000, "It was late.")],
    ),
    "orphan_line": (
        [cap(0, 4_000, "And", "this is a very much longer line.")],
        [cap(0, 4_000, "Yes,", "this is a very much longer line.")],
    ),
    "bad_break_line": (
        [cap(0, 4_000, "We looked at the", "house on the hill.")],
        [
            cap(0, 4_000, "Today we looked", "at the house on the hill."),
            cap(4_083, 7_000, "- At the", "- Where?"),
        ],
    ),
    "bad_break_cue": (
        [cap(0, 2_000, "We looked at the"), cap(2_083, 4_000, "old house there.")],
        [cap(0, 2_000, "We looked at it,"), cap(2_083, 4_000, "the old house there.")],
    ),
    "mixed_sentences": (
        [cap(0, 3_000, "So we did. Then we"), cap(3_083, 5_000, "went home again.")],
        [cap(0, 3_000, "So we did. Then we went."), cap(3_083, 5_000, "He stayed home.")],
    ),
    "stranded_fragment": (
        [cap(0, 3_000, "As the war was over, small"), cap(3_083, 5_000, "numbers of people came.")],
        [cap(0, 3_000, "As the war was over,"), cap(3_083, 5_000, "small numbers of people came.")],
    ),
}


@pytest.mark.parametrize("rule", CASES)
def test_a_rule_finds_what_it_is_for(rule: str) -> None:
    broken, sound = CASES[rule]
    assert rule in rules(broken)
    assert rule not in rules(sound)


def test_a_loop_is_found_wherever_it_stands() -> None:
    for said in (
        "no no no no no no",
        "Well, xno, no. no no no no!",
        "....... .....",
        "a b, a b. a b a b a b a b",
    ):
        assert rules([cap(0, 6_000, said)]).count("repeat") == 1, said
    for said in (
        "no no no no no",
        "no nor not now nobody none",
        "no no no no no noted",
        "..........",
        "a" * 99,
    ):
        assert "repeat" not in rules([cap(0, 6_000, said)]), said


def test_a_comment_holds_no_endless_word() -> None:
    captions = [cap(0, 2_000, "x" * 9_999), cap(2_083, 4_000, "and more.")]
    found = check.check(captions, limits(), "en").findings
    assert "orphan_word" in [finding.rule for finding in found]
    assert max(len(finding.comment) for finding in found) < 80


def test_without_spaces_a_phrase_is_not_cut() -> None:
    assert "bad_break_line" in rules([cap(0, 7_000, "今日はとても天", "気がいいですね")], "ja")
    assert "bad_break_line" not in rules([cap(0, 7_000, "今日はとても", "天気がいいですね")], "ja")


def test_nothing_is_found_in_good_subtitles() -> None:
    assert rules(GOOD) == []


def test_a_named_rate_is_taken_at_its_word() -> None:
    captions = [cap(0, 2_000, "One here."), cap(2_067, 4_000, "Two here.")]
    kept = resolve(CueOptions(frame_rate=Fraction(25)), "en")
    assert [one.rule for one in check.check(captions, kept, "en").findings] == ["gap_min"]


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "is_broken"),
    [
        (1_000, 3_000, False),
        (800, 3_000, True),
        (1_000, 5_200, True),
        (0, 7_000, False),
        (1_200, 4_900, False),
    ],
)
def test_a_start_or_an_end_beside_a_cut_is_found(start_ms: int, end_ms: int, is_broken: bool) -> None:
    found = rules([cap(start_ms, end_ms, "Over the cut.")], shots_ms=(1_000, 5_000))
    assert ("crosses_shot" in found) == is_broken


def transcript(*words: Word, uncovered: tuple[Span, ...] = ()) -> Transcript:
    text = "".join(word.lead + word.text for word in words)
    segment = Segment(words[0].start_ms, words[-1].end_ms, "en", text, words)
    return Transcript("a", Track(0, "aac", 1, 16_000), 60_000, (segment,), "", uncovered=uncovered)


SPOKEN = (Word("", "Hello", 1_000, 1_400), Word(" ", "there.", 1_500, 2_000))


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "rule"),
    [
        (960, 2_500, None),
        (850, 2_500, "early"),
        (1_100, 2_500, "late"),
        (960, 3_600, "linger"),
        (30_000, 31_000, "silence_text"),
    ],
)
def test_captions_come_with_their_words(start_ms: int, end_ms: int, rule: str | None) -> None:
    caption = replace(cap(start_ms, end_ms, "Hello there."), word_range=(0, 2))
    found = check.check([caption], limits(), "en", transcript(*SPOKEN))
    told = {finding.rule for finding in found.findings}
    assert (rule in told) if rule else (told == set())


def test_what_only_a_transcript_knows_is_said_once() -> None:
    guessed = tuple(replace(word, timing=Timing.INTERPOLATED) for word in SPOKEN)
    known = transcript(*guessed, uncovered=(Span(10_000, 12_000), Span(20_000, 20_500)))
    caption = replace(cap(960, 2_500, "Hello there."), word_range=(0, 2))
    found = check.check([caption], limits(), "en", known).findings
    assert [(finding.rule, finding.time_ms) for finding in found] == [
        ("interpolated_timing", None),
        ("untranscribed_speech", 10_000),
    ]


def test_every_rule_has_a_test() -> None:
    of_words = {"early", "late", "linger", "silence_text", "interpolated_timing", "untranscribed_speech"}
    of_files = {"malformed", "encoding", "numbering"}  # in test_check.py, through the command
    assert set(RULES) == set(CASES) | of_words | of_files | {"crosses_shot"}


class TestFigures:
    def figures(self, *captions: Caption, language: str = "en") -> Checked:
        return check.check(captions, limits(language), language)

    def test_shares_speeds_and_score(self) -> None:
        found = self.figures(
            cap(0, 1_000, "a" * 10), cap(1_083, 2_083, "b" * 30), cap(3_000, 5_000, "c" * 44)
        )
        figures = found.figures
        assert figures.n_cues == 3
        assert figures.cps_share == pytest.approx(1 - 2 / 3)
        assert figures.cpl_share == pytest.approx(2 / 3)
        assert figures.mean_cps == pytest.approx((10 + 30 + 22) / 3)
        assert figures.high_cps == 30
        assert figures.words_per_minute == pytest.approx(3 * 60 / 4)
        assert figures.n_errors == len(found.errors) == 3
        assert figures.score == 0

    def test_reading_speed_does_not_depend_on_the_break(self) -> None:
        one, two = self.figures(cap(0, 2_000, "one two")), self.figures(cap(0, 2_000, "one", "two"))
        assert one.figures.mean_cps == two.figures.mean_cps == 3.5

    def test_korean_counts_latin_as_half(self) -> None:
        figures = self.figures(cap(0, 1_000, "한글 ab"), language="ko").figures
        assert figures.mean_cps == 3.5

    def test_no_captions_are_no_trouble(self) -> None:
        assert self.figures().figures.score == 100


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("This is what we have been waiting for all of the time.", "en"),
        ("Das ist der Mann, den wir in der Stadt gesehen haben.", "de"),
        ("안녕하세요, 오늘은 날씨가 좋습니다.", "ko"),
        ("今日はとても天気がいいですね", "ja"),
        ("xyzzy plugh", None),
    ],
)
def test_a_language_is_told_by_its_letters_and_small_words(text: str, code: str | None) -> None:
    assert guess_language([text]) == code


class TestMending:
    def mended(self, *captions: Caption, language: str = "en") -> list[tuple[int, int, tuple[str, ...]]]:
        found = fix.fix_captions(captions, limits(language), language)
        return [(one.start_ms, one.end_ms, one.lines) for one in found]

    def test_the_first_of_two_that_overlap_goes_a_gap_before_the_second(self) -> None:
        found = self.mended(cap(0, 3_000, "One here."), cap(2_000, 4_000, "Two here."))
        assert found == [(0, 1_917, ("One here.",)), (2_000, 4_000, ("Two here.",))]

    def test_two_at_once_share_their_time(self) -> None:
        found = self.mended(cap(0, 4_000, "One here."), cap(0, 4_000, "Two here."))
        assert found == [(0, 833, ("One here.",)), (916, 4_000, ("Two here.",))]

    def test_too_fast_is_held_as_long_as_there_is_room(self) -> None:
        assert self.mended(cap(0, 500, "Twenty letters here."))[0][1] == 1_000

    def test_backwards_negative_and_empty(self) -> None:
        found = self.mended(cap(-500, 1_000, "One."), cap(5_000, 4_000, "Two."), Caption(9_000, 9_500, ()))
        assert found == [(0, 1_000, ("One.",)), (5_000, 5_833, ("Two.",))]

    def test_notes_before_a_caption_that_shows_nothing_go_to_the_next(self) -> None:
        empty = replace(Caption(0, 900, ()), before=("NOTE a", ""))
        said = replace(cap(1_000, 2_000, "One."), before=("NOTE b", ""))
        assert [one.before for one in fix.fix_captions([empty, said], limits(), "en")] == [
            ("NOTE a", "", "NOTE b", "")
        ]
        assert [one.before for one in fix.fix_captions([cap(0, 900, "One."), empty], limits(), "en")] == [
            (),
            ("NOTE a", ""),
        ]

    def test_a_long_line_is_broken_where_it_reads_well(self) -> None:
        (found,) = self.mended(cap(0, 5_000, "I saw the man who had taken the basket from the old lady."))
        assert found[2] == ("I saw the man who had taken", "the basket from the old lady.")

    def test_dialogue_keeps_its_lines(self) -> None:
        lines = ("- I looked at the", "- Where?")
        assert self.mended(cap(0, 5_000, *lines))[0][2] == lines

    @pytest.mark.parametrize(
        "lines",
        [
            ("- I looked at the", "- Where?", "so she said"),
            ("I looked at the", "BOB: Where?", "so she said"),
            ("나는 그것을", "민수: 어디?"),
            ("I looked at the", "[sighs] house"),
            ("I looked at the", "♪ house ♪"),
            ("[DOOR CLOSES]", "Then I looked at the", "house."),
            ("(LAUGHS)", "I looked at the house on the hill."),
            ("I looked at the house on the hill.", "（笑）"),
        ],
    )
    def test_turns_sounds_and_songs_keep_their_lines(self, lines: tuple[str, ...]) -> None:
        assert self.mended(cap(0, 6_000, *lines))[0][2] == lines

    def test_a_voice_keeps_its_line(self) -> None:
        lines = ("I looked at the", "house on the hill.")
        said = replace(cap(0, 6_000, *lines), marked=(f"<v Ann>{lines[0]}", f"<v.loud Bob>{lines[1]}"))
        assert self.mended(said)[0][2] == lines
        assert self.mended(replace(said, marked=(f"<v Ann>{lines[0]}", lines[1])))[0][2] != lines

    @pytest.mark.parametrize(
        "following", ["Bob: where?", "NO. MORE: it is", "12:30 it was", "(it was) there"]
    )
    def test_what_only_looks_like_a_turn_is_broken_anew(self, following: str) -> None:
        lines = ("I looked at the", following, "and so on.")
        assert self.mended(cap(0, 6_000, *lines))[0][2] != lines

    @pytest.mark.parametrize("hyphen", "-‐\u00ad")
    def test_a_hyphenated_word_keeps_its_break(self, hyphen: str) -> None:
        lines = ("It was", f"the well{hyphen}", "known house.")
        assert self.mended(cap(0, 6_000, *lines))[0][2] == lines
        (found,) = self.mended(cap(0, 6_000, "It was the 19-", "20", "or so."))
        assert found[2] != ("It was the 19-", "20", "or so.")

    def test_the_texts_own_spaces_stay(self) -> None:
        (found,) = self.mended(
            cap(0, 7_000, "今日は\u3000とても天気が", "いい", "ですね \t a"), language="ja"
        )
        assert "".join(found[2]) == "今日は\u3000とても天気がいい ですね a"

    @pytest.mark.parametrize(("language", "lines"), [
        ("ja", ("今日は", "良い天気", "ですね")), ("zh", ("我们今天", "一起去公园", "好吗"))
    ])  # fmt: skip
    def test_lines_are_joined_by_a_space(self, language: str, lines: tuple[str, ...]) -> None:
        (found,) = self.mended(cap(0, 7_000, *lines), language=language)
        assert len(found[2]) < len(lines)
        assert " ".join(found[2]) == " ".join(lines)

    def test_a_cue_that_was_too_short_takes_no_time_from_the_next(self) -> None:
        long = "These are far too many words for a cue that is shown this long."
        first, second = self.mended(cap(1_000, 2_500, long), cap(2_400, 6_000, "And another one."))
        assert second[:1] == (2_400,)
        assert first[:2] == (1_000, 2_317)

    def test_a_cue_inside_another_is_not_moved_past_its_own_words(self) -> None:
        first, second = self.mended(cap(0, 5_000, "A" * 40), cap(500, 1_500, "Yes."))
        assert (first[0], second[0]) == (0, 667)
        assert second[1] == 1_500

    def test_a_sign_keeps_its_times_and_lines(self) -> None:
        frames = [cap(k * 40, k * 40 + 40, "No way", "to", "enter", place=f",\\pos({k},9)") for k in range(3)]
        moving = cap(0, 9_999, "Enter", place="\\move(1,2,3,4)")
        assert fix.fix_captions([*frames, moving], limits(), "en") == (frames[0], moving, *frames[1:])

    def test_a_sign_at_an_impossible_time_gets_a_possible_one(self) -> None:
        place = "\\pos(1,2)"
        backwards, negative = cap(5_000, 4_000, "Two.", place=place), cap(-500, 40, "One.", place=place)
        assert self.mended(backwards, negative) == [(0, 40, ("One.",)), (5_000, 5_833, ("Two.",))]

    def test_what_no_break_helps_is_left_alone(self) -> None:
        line = "word " * 30
        assert self.mended(cap(0, 7_000, line.strip()))[0][2] == (line.strip(),)

    def test_times_keep_to_the_grid_of_the_format(self) -> None:
        captions = [cap(0, 3_000, "One here."), cap(2_010, 2_020, "Two here."), cap(2_900, 4_000, "Three.")]
        found = fix.fix_captions(captions, limits(), "en", 10)
        assert all(one.start_ms % 10 == 0 and one.end_ms % 10 == 0 for one in found)
