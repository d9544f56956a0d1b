"""Small tables on stdout for `qasr models` and `qasr doctor`: aligned columns, colour only on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

_COLOURS = {"ok": "green", "missing": "red", "note": "yellow"}


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under a header; cells that are a known state word get its colour."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*header, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(cell, style=_COLOURS.get(cell, ""), overflow="fold") for cell in row))
    Console(highlight=False).print(table)
