"""The text of `--help`: plain headings and two columns, at the terminal's width.

In go a command's parts, as values; out comes text. It replaces Typer's rich pages, which take a tenth of a
second of CPU to import, and show a value's Python type beside its name.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

MAX_WIDTH = 100  # longer lines are hard to read
_MAX_NAMES = 26  # columns for flags; longer flags have their own line
_INDENT = 2
UNBROKEN = "\xa0"  # a blank at which no line is broken


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its rows: a flag or command with its value, and its help."""

    title: str
    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class HelpPage:
    """A command's help.

    Attributes:
        usage: `qasr render [OPTIONS] TRANSCRIPT...`.
        text: Paragraphs with empty lines between; as in click, one whose first line is a backspace is not
            wrapped.
        sections: Arguments, options by panel, commands.
        epilog: Paragraphs at the end.
    """

    usage: str
    text: str
    sections: Sequence[Section] = field(default=())
    epilog: str = ""


def render(page: HelpPage, width: int, *, is_bold: bool = False) -> str:
    """Return the help as text, no line longer than `width` (at least 40), ending without a newline."""
    width = max(40, min(width, MAX_WIDTH))
    bold = "\x1b[1m{}\x1b[0m".format if is_bold else str
    lines = [
        *_wrapped(f"Usage: {page.usage}", width, "       "),
        "",
        *_paragraphs(page.text, width),
    ]
    for section in page.sections:
        lines += ["", bold(f"{section.title}:"), *_rows(section.rows, width)]
    if page.epilog:
        lines += ["", *_paragraphs(page.epilog, width)]
    return "\n".join(lines)


def _paragraphs(text: str, width: int) -> Iterator[str]:
    for number, paragraph in enumerate(text.strip("\n").split("\n\n")):
        if number:
            yield ""
        if paragraph.startswith("\b\n"):
            for line in paragraph.splitlines()[1:]:
                indent = " " * (len(line) - len(line.lstrip()))
                # Its columns stand under each other only where it fits.
                text = line.strip() if len(line) <= width else " ".join(line.split())
                yield from _wrapped(text, width, f"{indent}    ", indent)
        else:
            yield from _wrapped(" ".join(paragraph.split()), width)


def _rows(rows: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    column = min(_MAX_NAMES, width // 2 - 4, max((len(left) for left, _ in rows), default=0)) + 2 + _INDENT
    for left, right in rows:
        lines = _wrapped(right, width - column)
        if len(left) + 2 + _INDENT > column:
            yield from _wrapped(left, width, " " * (_INDENT + 4), " " * _INDENT)
        else:
            yield f"{' ' * _INDENT}{left}".ljust(column) + next(lines, "")
        for line in lines:
            yield f"{' ' * column}{line}"


def _wrapped(text: str, width: int, later: str = "", first: str = "") -> Iterator[str]:
    wrapper = textwrap.TextWrapper(
        width, initial_indent=first, subsequent_indent=later, break_on_hyphens=False
    )
    for line in wrapper.wrap(text):
        yield line.replace(UNBROKEN, " ")
