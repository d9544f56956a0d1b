"""Tables for people: aligned columns that fold where they must, colour only on a terminal.

Tables of `qasr models` and `qasr doctor` are printed to stdout; a `Page` of text and tables is composed for a
given width and returned as text.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

from qasr_cli.errors import printable

_COLOURS = {"ok": "green", "missing": "red", "note": "yellow"}


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under a header; cells with a known state word are coloured."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*header, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(printable(cell), style=_COLOURS.get(cell, ""), overflow="fold") for cell in row))
    Console(highlight=False, emoji=False).print(table)


def aligned_lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return aligned lines: the first column to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (header, *rows)
    ]


def plain(text: str) -> str:
    """Return foreign text for a cell of a `Page`, with its brackets and control characters escaped."""
    from rich.markup import escape

    return escape(printable(text))


def n_cells(text: str) -> int:
    """Return how many columns of a terminal a text takes; Han is two wide, a combining mark none."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, n_cells: int) -> str:
    """Return text of at most `n_cells` columns of a terminal, with an ellipsis if it is cut."""
    from rich.cells import cell_len, set_cell_size

    return text if cell_len(text) <= n_cells else set_cell_size(text, n_cells - 1).rstrip() + "…"


class Page:
    """A page of a terminal that is `width` columns wide."""

    def __init__(self, width: int) -> None:
        from rich.console import Console

        self._written = io.StringIO()
        self._console = Console(
            file=self._written, width=width, highlight=False, emoji=False, force_terminal=True
        )

    def title(self, line: str) -> None:
        """Add a bold line."""
        self._console.print(line, style="bold", markup=False)

    def paragraphs(self, lines: Sequence[str]) -> None:
        """Add lines, each folded at the width of the page."""
        for line in lines:
            self._console.print(line, markup=False)

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Add a table whose first two columns keep their width; cells may hold rich's markup."""
        from rich.table import Table

        if not rows:
            return
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for number, name in enumerate(header):
            is_narrow = number < 2
            table.add_column(name, no_wrap=is_narrow, overflow="fold", justify="left" if number else "right")
        for row in rows:
            table.add_row(*row)
        self._console.print()
        self._console.print(table)

    def text(self) -> str:
        """Return the page, with an empty line below."""
        return self._written.getvalue() + "\n"
