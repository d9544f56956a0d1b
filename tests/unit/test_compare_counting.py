"""The counter that compares writers, which must not be wrong in anybody's favour."""

from __future__ import annotations

import pytest

from tools.compare_writers.counting import RULES, count, width


def srt(*cues: tuple[int, int, str]) -> str:
    def clock(time_ms: int) -> str:
        return f"00:00:{time_ms // 1000:02d},{time_ms % 1000:03d}"

    return "\n\n".join(
        f"{number}\n{clock(start)} --> {clock(end)}\n{text}"
        for number, (start, end, text) in enumerate(cues, 1)
    )


def broken(text: str, language: str = "en") -> set[str]:
    found = count(text, language)
    return {rule for rule in RULES if found[rule]}


GOOD = (0, 2000, "It is late.")


@pytest.mark.parametrize(
    ("cues", "rules"),
    [
        ([GOOD], set()),
        ([(0, 1000, "It is far too late for that.")], {"cps"}),
        ([(0, 4000, "It is so much later than anybody had thought.")], {"width"}),
        ([(0, 4000, "Late.\nFar too\nlate.")], {"lines"}),
        ([(0, 832, "Late.")], {"short"}),
        ([(0, 7001, "Late.")], {"long"}),
        ([GOOD, (2082, 4000, "Late.")], {"gap"}),
        ([GOOD, (2083, 4000, "Late.")], set()),
        ([GOOD, (2300, 4000, "Late.")], {"flicker"}),
        ([GOOD, (2500, 4000, "Late.")], set()),
        ([GOOD, (1999, 4000, "Late.")], {"overlap"}),
        ([(0, 3000, "It is the\nend.")], {"ending"}),
        ([(0, 3000, "It is late. Go home.")], set()),
        ([(0, 3000, "It is late. Go"), (3083, 5000, "home.")], {"mixed"}),
        ([(0, 3000, "It is"), (3083, 5000, "late. Go home.")], {"mixed", "ending"}),
        ([(0, 3000, "It is Dr. Patel.")], set()),
    ],
)
def test_each_rule_is_counted_where_it_is_broken(cues: list[tuple[int, int, str]], rules: set[str]) -> None:
    assert broken(srt(*cues)) == rules


def test_a_german_date_ends_no_sentence() -> None:
    assert broken(srt((0, 3000, "Es war am 3. Mai kalt"), (3083, 5000, "in Bonn.")), "de") == set()


@pytest.mark.parametrize(
    ("text", "language", "cells"),
    [("e\u0301a", "en", 2), ("字a", "zh", 1.5), ("한국 a", "ko", 3.0), ("हिन्दी", "hi", 3), ("ที่", "th", 1)],
)
def test_width_is_what_is_seen(text: str, language: str, cells: float) -> None:
    assert width(text, language) == cells
