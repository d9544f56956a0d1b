"""Write what the reference has from the code: `python -m tools.make_reference`.

In go the commands with their flags, the exit codes and the formats; out comes Markdown: the page of the
command line with every command, flag, default, variable and key of qasr.toml, and the tables of two other
pages. A test compares the pages in the repository with what this writes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from qasr_cli.cli import typer_adapter
from qasr_cli.cli.app import app
from qasr_cli.cli.params.grouped import flags_of_command
from qasr_cli.cli.typer_adapter import Parameter
from qasr_cli.errors import EXIT_CODE_MEANINGS
from qasr_cli.formats import FORMATS
from qasr_cli.formats.readers.read_formats import READ_FORMATS
from qasr_cli.options import FlagSpec
from tools.make_man import VARIABLES

PAGE = Path("docs/reference/cli.md")
EXIT_CODES = Path("docs/reference/exit-codes.md")
FORMAT_PAGE = Path("docs/reference/formats.md")
_TABLE = re.compile(r"(<!-- made by make man -->\n\n)(.*?)(\n\n<!-- end -->)", re.S)
_INTRODUCTION = """
Made by `python -m tools.make_reference`; edit the help instead.

A flag beats its environment variable, a variable beats its key in `qasr.toml` (`./qasr.toml`, then
`~/.config/qasr/qasr.toml`), and the file beats the default. `qasr config show` prints what is in force and
`qasr config init` writes a file with every key. A switch that a variable or the file has turned on is turned
off with its `--no-` form: `--no-strict`. Underscores count as dashes in keys, and in flags of
`qasr transcribe` and `qasr watch`.
"""


def page() -> str:
    """Return the whole page."""
    root = typer_adapter.root_command(app)
    lines = ["# Command line", _INTRODUCTION, "## qasr", "", *_text(root.help), *_options(root)]
    for names, command in typer_adapter.leaves(root):
        path = " ".join(names)
        lines += [f"## {path}", "", f"    {typer_adapter.usage(command, path)}", ""]
        lines += [*_text(command.help), *_arguments(command), *_options(command)]
        lines += _text(command.epilog or "")
    lines += ["## Environment", "", "| variable | meaning |", "|---|---|"]
    lines += [f"| `{name}` | {_cell(meaning)} |" for name, meaning in VARIABLES.items()]
    lines += ["", "## Exit codes", "", exit_codes()]
    return "\n".join(lines) + "\n"


def exit_codes() -> str:
    """Return the table of exit codes."""
    rows = [(str(int(code)), _cell(meaning)) for code, meaning in EXIT_CODE_MEANINGS.items()]
    return _table(("code", "meaning"), rows)


def format_table() -> str:
    """Return the table of output formats."""
    rows = [
        (
            "`--json-lines`" if row.is_line else f"`--{row.name}`",
            "stdout" if row.is_line else f"`film{row.extension}`",
            _cell(row.summary),
            "yes" if row.is_cue_based else "no",
            "yes" if row.is_subtitle else "no",
            "yes" if row.is_readable else "no",
        )
        for row in FORMATS.values()
    ]
    head = ("option", "written to", "content", "has cues", "players show it", "`qasr check` reads it")
    return _table(head, rows)


def read_format_table() -> str:
    """Return the table of formats that are read."""
    rows = [
        (
            row.title,
            ", ".join(f"`{suffix}`" for suffix in row.suffixes),
            _cell(row.summary),
            ("itself" if row.kind != "json" else "JSON for qasr's, else SRT") if row.is_rewritten else "SRT",
        )
        for row in READ_FORMATS
    ]
    return _table(("format", "usual names", "what is read", "`check --fix` writes"), rows)


def with_table(text: str, table: str) -> str:
    """Return a page with the table in its marked place.

    Raises:
        ValueError: The page has no such place, or several.
    """
    replaced, n_places = _TABLE.subn(lambda place: place[1] + table + place[3], text)
    if n_places != 1:
        raise ValueError(f"{n_places} places for a table, where there must be one")
    return replaced


def tables() -> dict[Path, str]:
    """Return the tables of each page that has some from the code."""
    both = f"{format_table()}\n\n## Formats that are read\n\n{read_format_table()}"
    return {EXIT_CODES: exit_codes(), FORMAT_PAGE: both}


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


def _text(text: str) -> Iterator[str]:
    for paragraph in text.strip().split("\n\n"):
        if paragraph.startswith("\b\n"):  # lines that stay as they are
            yield from ("```text", *paragraph.splitlines()[1:], "```", "")
        elif paragraph:
            yield from (_plain(" ".join(paragraph.split())), "")


def _arguments(command: Any) -> Iterator[str]:
    operands = [one for one in typer_adapter.parameters(command) if not one.names]
    if operands:
        yield from ("| argument | meaning |", "|---|---|")
        yield from (f"| `{one.metavar}` | {_cell(one.help)} |" for one in operands)
        yield ""


def _options(command: Any) -> Iterator[str]:
    flags = {name: flag for flag in flags_of_command(command) for name in flag.names}
    for panel, options in typer_adapter.panels(command).items():
        if not options:
            continue
        yield from (
            f"### {panel}",
            "",
            "| flag | meaning | default | variable and key |",
            "|---|---|---|---|",
        )
        yield from (_option(one, flags.get(one.names[0])) for one in options)
        yield ""


def _option(one: Parameter, flag: FlagSpec | None) -> str:
    metavar = f" {_code(one.metavar)}" if one.metavar else ""
    names = ", ".join(f"`{name}`" for name in one.names)
    default = typer_adapter.default_text(one)
    shown = f"`{default}`" if default else ""
    places = [f"`{name}`" for name in one.variables]
    if flag is not None and flag.is_setting:
        places += [f"`{key.replace('_', '-')}`" for key in flag.keys]
    return f"| {names}{metavar} | {_cell(one.help)} | {shown} | {' '.join(places)} |"


def _code(text: str) -> str:
    """Return text as code in a table; GitHub and mkdocs do not agree on how to escape a bar in backticks."""
    return f"<code>{text.replace('|', '&#124;')}</code>" if "|" in text else f"`{text}`"


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|")


def _plain(text: str) -> str:
    """Return text in which nothing is markup."""
    return text.replace("*", "\\*").replace("<", "&lt;").replace("_", "\\_")


def main() -> int:
    """Write the pages and say where they are."""
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
    for path, table in tables().items():
        path.write_text(with_table(path.read_text(encoding="utf-8"), table), encoding="utf-8")
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
