"""An evaluation for a terminal or a pipe: aligned tables, and lists where they do not fit.

In goes an evaluation and a width; out comes text without colours. Names and texts are foreign: control
characters are escaped. A table that is wider than the terminal is continued below itself, or turned into a
list, one figure a line; nothing is cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qasr_cli.errors import printable
from qasr_cli.evaluation.figures import Evaluation
from qasr_cli.evaluation.reports.tables import Table, tables
from qasr_cli.evaluation.reports.warnings import collected
from qasr_cli.terminal.tables import n_cells

_INDENT = "  "
_BETWEEN = "  "
_MAX_PARTS = 3  # of a table below each other; more are harder to read than a list
_MIN_WIDTH = 32  # narrower ones are written as if they were so wide


def render(evaluation: Evaluation, width: int) -> str:
    """Return the report.

    Args:
        evaluation: What to show.
        width: Columns of the terminal.
    """
    width = max(width, _MIN_WIDTH)
    blocks = [list(_table_lines(table, width)) for table in tables(evaluation)]
    warnings = [
        line for one in collected(evaluation) for line in _folded(f"warning: {one.name}: {one.text}", width)
    ]
    if warnings:
        blocks.append(warnings)
    return "\n\n".join("\n".join(line.rstrip() for line in block) for block in blocks) + "\n"


def _table_lines(table: Table, width: int) -> Iterator[str]:
    yield table.title
    yield from _folded(table.note, width)
    header, *rows = [tuple(map(printable, row)) for row in (table.header, *table.rows)]
    columns = list(zip(header, *rows, strict=True))
    parts = _parts([max(map(n_cells, column)) for column in columns], table.n_names, width)
    if parts is None:
        yield from _listed(header, rows, table.n_names, width)
        return
    for number, part in enumerate(parts):
        if number:
            yield ""
        yield from _aligned([(columns[place], table.is_left[place]) for place in part])


def _parts(widths: Sequence[int], n_names: int, width: int) -> list[list[int]] | None:
    """Return which columns stand beside each other, names first; None if too few fit to be a table.

    Args:
        widths: Columns of the terminal that each column of the table takes.
        n_names: Columns that each part begins with.
        width: Columns of the terminal.
    """
    names = list(range(n_names))
    taken = sum(widths[:n_names]) + len(_BETWEEN) * (n_names - 1)
    parts, free = [names[:]], width - taken
    for place in range(n_names, len(widths)):
        needed = widths[place] + len(_BETWEEN)
        if needed > free:
            parts.append(names[:])
            free = width - taken
        if needed > free:
            return None
        parts[-1].append(place)
        free -= needed
    parts = [part for part in parts if len(part) > n_names]
    return parts if len(parts) <= _MAX_PARTS else None


def _aligned(columns: Sequence[tuple[Sequence[str], bool]]) -> Iterator[str]:
    """Yield aligned lines of columns, each with whether it begins at the left."""
    widths = [max(map(n_cells, column)) for column, _ in columns]
    for row in zip(*(column for column, _ in columns), strict=True):
        yield _BETWEEN.join(
            _padded(cell, n_columns, is_left=is_left)
            for cell, n_columns, (_, is_left) in zip(row, widths, columns, strict=True)
        )


def _listed(header: Sequence[str], rows: Sequence[Sequence[str]], n_names: int, width: int) -> Iterator[str]:
    longest = max(map(n_cells, header[n_names:]))
    for row in rows:
        yield from _folded(", ".join(filter(None, row[:n_names])), width)
        for name, cell in zip(header[n_names:], row[n_names:], strict=True):
            if not cell:
                continue
            line = f"{_INDENT}{_padded(name, longest, is_left=True)}  {cell}"
            yield from [line] if n_cells(line) <= width else _hung(name, cell, width)


def _hung(name: str, cell: str, width: int) -> list[str]:
    """Return a name, and a cell below it where both do not fit into one line."""
    names, cells = _folded(name, width - len(_INDENT)), _folded(cell, width - len(_INDENT) * 2)
    return [*(f"{_INDENT}{line}" for line in names), *(f"{_INDENT * 2}{line}" for line in cells)]


def _folded(text: str, width: int) -> list[str]:
    """Return lines of at most `width` columns, broken at blanks, or inside of a longer word."""
    lines, line = [], ""
    for word in printable(text).split(" "):
        joined = f"{line} {word}" if line else word
        if n_cells(joined) <= width:
            line = joined
            continue
        lines += [line] if line else []
        *whole, line = _pieces(word, width)
        lines += whole
    return [*lines, line] if line else lines


def _pieces(word: str, width: int) -> list[str]:
    """Return a word in pieces of at most `width` columns."""
    if n_cells(word) <= width:
        return [word]
    pieces, taken = [""], 0
    for char in word:
        n_columns = n_cells(char)
        if taken + n_columns > width:
            pieces.append("")
            taken = 0
        pieces[-1] += char
        taken += n_columns
    return pieces


def _padded(text: str, n_columns: int, *, is_left: bool) -> str:
    blanks = " " * (n_columns - n_cells(text))
    return text + blanks if is_left else blanks + text
