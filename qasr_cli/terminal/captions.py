"""Captions on a terminal: finals scroll by, and below them stands the text that may still change.

In go texts; out comes what the terminal gets, one piece for each change: nothing is erased before its
successor is there, so nothing flickers. The cursor is never hidden or moved above the text that changes, so a
killed session leaves a usable terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from qasr_cli.escapes import printable

_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"
_END_OF_LINE, _BELOW = "\x1b[K", "\x1b[J"
_MOST_LINES = 4  # of the changing text, its last ones
_LEAST_COLUMNS = 8

Cell = tuple[str, int, bool]  # a character with the marks on it, its columns, whether it is stable


class CaptionPainter:
    """Paints the captions of one session.

    Args:
        size: Returns the columns and rows of the terminal, which may change.
    """

    def __init__(self, size: Callable[[], tuple[int, int]]) -> None:
        self._size = size
        self._widths: list[int] = []  # columns of each line that is painted and may change

    def partial(self, stable: str, unstable: str) -> str:
        """Return what replaces the changing text: what is stable as it stays, the rest dim."""
        columns, rows = self._size()
        lines = _lines(stable, unstable, columns)
        shown = lines[-max(1, min(_MOST_LINES, rows - 1)) :]
        painted = self._to_begin(columns) + f"{_END_OF_LINE}\n".join(map(_styled, shown)) + _BELOW
        self._widths = [sum(width for _, width, _ in line) for line in shown]
        return painted

    def final(self, text: str) -> str:
        """Return what replaces the changing text for good, on lines that are broken at the same places."""
        columns, _ = self._size()
        painted = self._to_begin(columns)
        self._widths = []
        lines = _lines(text, "", columns) if text else []
        return painted + "".join(f"{_styled(line)}{_END_OF_LINE}\n" for line in lines) + _BELOW

    def _to_begin(self, columns: int) -> str:
        """Return the way from the end of the changing text to its begin."""
        n_above = len(self._widths) - 1
        if n_above < 1:
            return "\r"
        if max(self._widths) > columns:
            # The terminal has become narrower, and whether it has wrapped these lines is unknown: erasing
            # what may be a final would be worse than leaving a few words.
            return "\r"
        return f"\r\x1b[{n_above}A"


def _lines(stable: str, unstable: str, columns: int) -> list[list[Cell]]:
    """Return the lines of a text on a terminal.

    The last column stays free: a cursor behind it is on this line in some terminals, and on the next in
    others.
    """
    return list(_wrapped(_cells(stable, unstable), max(columns, _LEAST_COLUMNS) - 1))


def _cells(stable: str, unstable: str) -> Iterator[Cell]:
    from rich.cells import cell_len

    base, width, is_stable = "", 0, True
    for text, is_text_stable in ((stable, True), (unstable, False)):
        for char in printable(text):
            columns = cell_len(char)
            if base and not columns:  # a mark or a joiner belongs to the character before
                base += char
                continue
            if base:
                yield base, width, is_stable
            base, width, is_stable = char, columns, is_text_stable
    if base:
        yield base, width, is_stable


def _wrapped(cells: Iterator[Cell], columns: int) -> Iterator[list[Cell]]:
    """Yield lines of at most these columns, broken at spaces, or anywhere in text without them."""
    line: list[Cell] = []
    width = 0
    for cell in cells:
        if width + cell[1] > columns:
            space = max((place for place, (char, _, _) in enumerate(line) if char == " "), default=-1)
            is_wide = cell[1] > 1 or line[-1][1] > 1
            cut = len(line) if cell[0] == " " or is_wide or space < 0 else space + 1
            yield line[:cut]
            line = line[cut:]
            width = sum(one for _, one, _ in line)
            if cell[0] == " " and not line:
                continue
        line.append(cell)
        width += cell[1]
    yield line


def _styled(line: list[Cell]) -> str:
    stable = "".join(char for char, _, is_stable in line if is_stable)
    unstable = "".join(char for char, _, is_stable in line if not is_stable)
    return stable + (f"{_DIM}{unstable}{_PLAIN}" if unstable else "")
