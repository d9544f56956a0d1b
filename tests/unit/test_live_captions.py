"""Captions on a terminal: what a screen shows after each event, also a narrow one and one that is resized."""

from __future__ import annotations

import re

import pytest

from qasr_cli.terminal.captions import CaptionPainter

_PIECE = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])|([\s\S])")


class Screen:
    """A terminal as far as captions need one; it wraps behind its last column, as terminals do."""

    def __init__(self, columns: int, rows: int = 10) -> None:
        self.columns, self.rows = columns, rows
        self.lines: list[str] = [""]
        self.row = self.column = 0
        self.style = "0"
        self.styles: dict[str, str] = {}  # the last style that each character was written in

    @property
    def size(self) -> tuple[int, int]:
        return self.columns, self.rows

    def feed(self, written: str) -> None:
        for sequence, kind, char in _PIECE.findall(written):
            if kind:
                self._obey(sequence, kind)
            elif char == "\n":
                self.row, self.column = self.row + 1, 0
                self.lines += [""] * (self.row + 1 - len(self.lines))
            elif char == "\r":
                self.column = 0
            else:
                self._put(char)

    def _put(self, char: str) -> None:
        assert char.isprintable(), repr(char)
        width = 2 if char > "\u2e7f" else 1
        if self.column + width > self.columns:
            self.feed("\n")
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[: self.column] + char + "\0" * (width - 1) + line[self.column + width :]
        self.column += width
        self.styles[char] = self.style

    def _obey(self, sequence: str, kind: str) -> None:
        match kind:
            case "A":
                self.row -= int(sequence)
                assert self.row >= 0
            case "K":
                self.lines[self.row] = self.lines[self.row][: self.column]
            case "J":
                self.lines = [*self.lines[: self.row], self.lines[self.row][: self.column]]
            case "m":
                self.style = sequence
            case _:
                raise AssertionError(kind)

    @property
    def shown(self) -> list[str]:
        return [line.replace("\0", "").rstrip() for line in self.lines]


def test_a_partial_is_repainted_in_its_place_and_a_final_stays() -> None:
    screen = Screen(40)
    painter = CaptionPainter(lambda: screen.size)
    screen.feed(painter.partial("", "Good eve"))
    assert screen.shown == ["Good eve"]
    screen.feed(painter.partial("Good", " evening, and wel"))
    assert screen.shown == ["Good evening, and wel"]
    screen.feed(painter.final("Good evening, and welcome."))
    assert screen.shown == ["Good evening, and welcome.", ""]
    screen.feed(painter.partial("", "To"))
    screen.feed(painter.final(""))
    assert screen.shown == ["Good evening, and welcome.", ""]


def test_stable_text_looks_as_it_stays_and_the_rest_is_dim() -> None:
    screen = Screen(40)
    painter = CaptionPainter(lambda: screen.size)
    screen.feed(painter.partial("abc", "xyz"))
    assert {screen.styles[char] for char in "abc"} == {"0"}
    assert {screen.styles[char] for char in "xyz"} == {"2"}
    assert screen.style == "0"
    screen.feed(painter.final("abcxyz"))
    assert {screen.styles[char] for char in "abcxyz"} == {"0"}


@pytest.mark.parametrize("columns", [9, 12, 20, 33])
def test_long_text_takes_several_lines_that_are_repainted(columns: int) -> None:
    screen = Screen(columns)
    painter = CaptionPainter(lambda: screen.size)
    screen.feed(painter.final("Before."))
    text = "The water rises from the river to the hills, and falls."
    for end in range(1, len(text) + 1):
        screen.feed(painter.partial(text[: end // 2], text[end // 2 : end]))
        assert screen.shown[0] == "Before."
        assert len(screen.shown) <= 1 + 4
        shown = "".join(screen.shown[1:]).replace(" ", "")
        assert text[:end].replace(" ", "").endswith(shown)
    assert len(screen.shown) > 1 + (columns < 33)
    screen.feed(painter.final(text))
    assert " ".join(screen.shown[1:]).rstrip() == text
    assert screen.shown[-1] == ""


def test_wide_characters_take_two_columns() -> None:
    screen = Screen(11)
    painter = CaptionPainter(lambda: screen.size)
    screen.feed(painter.partial("水は高い所", "から低い所へ"))
    assert screen.shown == ["水は高い所", "から低い所", "へ"]
    screen.feed(painter.partial("水は高い所から", "低い"))
    assert screen.shown == ["水は高い所", "から低い"]
    screen.feed(painter.final("水は高い。"))
    assert screen.shown == ["水は高い。", ""]


def test_marks_stay_with_their_letters() -> None:
    screen = Screen(9)
    painter = CaptionPainter(lambda: screen.size)
    written = painter.partial("", "e\u0301" * 12)
    assert written.count("\n") == 1
    assert "\n\u0301" not in re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", written)


def test_control_characters_are_shown_and_not_obeyed() -> None:
    screen = Screen(60)
    painter = CaptionPainter(lambda: screen.size)
    screen.feed(painter.partial("\x1b[2J", "\x07\u202e"))
    assert screen.shown == [r"\x1b[2J\x07\u202e"]
    screen.feed(painter.final("a\x1b]0;title\x07b"))
    assert screen.shown == [r"a\x1b]0;title\x07b", ""]


@pytest.mark.parametrize(("before", "after"), [(60, 24), (24, 60), (60, 40)])
def test_a_resize_never_costs_a_final(before: int, after: int) -> None:
    text = "The water rises from the river to the hills, and falls again on the towns."
    for is_wrapping in (True, False):
        screen = Screen(before)
        painter = CaptionPainter(lambda screen=screen: screen.size)  # type: ignore[misc]
        screen.feed(painter.final("Before."))
        screen.feed(painter.partial(text, ""))
        resize(screen, after, is_wrapping=is_wrapping)
        screen.feed(painter.partial(text, " Yes."))
        screen.feed(painter.final(text))
        assert screen.shown[0] == "Before."
        assert text.replace(" ", "") in "".join(screen.shown).replace(" ", "")


def resize(screen: Screen, columns: int, *, is_wrapping: bool) -> None:
    """Make a terminal wider or narrower; some wrap the lines that are there anew, others cut them."""
    lines = []
    for line in screen.lines:
        parts = [line[at : at + columns] for at in range(0, max(1, len(line)), columns)]
        lines += parts if is_wrapping else parts[:1]
    screen.columns, screen.lines = columns, lines
    screen.row, screen.column = len(lines) - 1, min(len(lines[-1]), columns)


def test_a_low_terminal_shows_the_last_lines() -> None:
    screen = Screen(9, rows=3)
    painter = CaptionPainter(lambda: screen.size)
    screen.feed(painter.partial("one two three four five six seven", ""))
    assert screen.shown == ["five six", "seven"]
