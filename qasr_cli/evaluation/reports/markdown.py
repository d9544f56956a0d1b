"""An evaluation as Markdown: for issues, wikis and READMEs.

In goes an evaluation; out comes a text of GitHub's flavour. Names and texts are foreign: what Markdown or
HTML would obey is escaped, and a line end is a blank.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qasr_cli.errors import printable
from qasr_cli.evaluation.figures import Evaluation, SetFigures
from qasr_cli.evaluation.reports.tables import Table, tables
from qasr_cli.evaluation.reports.warnings import collected

_N_COMMON = 10
# Punctuation with a meaning anywhere in a line; `<` and `&` begin HTML, `@` and `#` name people and issues.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>&|~$@#!])")
_BEGINNING = re.compile(r"^(\s*)([-+=]|\d+[.)])")
_FIGURE = re.compile(r"[-+]?\d[-+\d., \[\]/]*")  # figures of qasr: an interval is no link
_LINK = re.compile(r"(?i)\b(https?|ftp|mailto|www)(:|\.)")


def render(evaluation: Evaluation) -> str:
    """Return the report."""
    parts = ["# Evaluation", *_warnings(evaluation)]
    for table in tables(evaluation):
        parts += [f"## {escaped(table.title)}", escaped(table.note), _table(table)]
    parts += _common_errors(evaluation.sets)
    parts += _repeat(evaluation)
    return "\n\n".join(part for part in parts if part) + "\n"


def escaped(text: str) -> str:
    """Return foreign text that Markdown shows as it is, on one line."""
    if _FIGURE.fullmatch(text):
        return text
    line = _SPECIAL.sub(r"\\\1", printable(" ".join(text.split())))
    line = _LINK.sub(lambda match: f"{match[1]}\\{match[2]}", line)
    return _BEGINNING.sub(r"\1\\\2", line)


def _warnings(evaluation: Evaluation) -> list[str]:
    lines = [f"* **{escaped(one.name)}**: {escaped(one.text)}" for one in collected(evaluation)]
    return ["## Warnings", "\n".join(lines)] if lines else []


def _table(table: Table) -> str:
    marks = ["---" if is_left else "---:" for is_left in table.is_left]
    rows = [list(map(escaped, row)) for row in (table.header, *table.rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], marks, *rows[1:]))


def _common_errors(sets: Sequence[SetFigures]) -> Iterator[str]:
    found = [one for one in sets if one.substitutions or one.deletions or one.insertions]
    if found:
        yield "## Commonest errors"
    for one in found:
        yield f"### {escaped(one.set_name)}, {escaped(one.system)}"
        lines = [
            ("substituted", [(f"{left} > {right}", n) for left, right, n in one.substitutions]),
            ("deleted", list(one.deletions)),
            ("inserted", list(one.insertions)),
        ]
        yield "\n".join(f"* {name}: {_counted(errors)}" for name, errors in lines if errors)


def _counted(errors: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{escaped(text)} ×{n:,}" for text, n in errors[:_N_COMMON])


def _repeat(evaluation: Evaluation) -> Iterator[str]:
    for title, entries in (("Normalizers", evaluation.normalizers), ("To repeat it", evaluation.facts)):
        if entries:
            yield f"## {title}"
            yield "\n".join(f"* {escaped(name)}: {escaped(value)}" for name, value in entries.items())
