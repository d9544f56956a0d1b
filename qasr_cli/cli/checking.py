"""What `qasr check` does once its flags are read: every file judged, said in the form that was asked for.

In go paths and a task; out comes an exit code. stdout gets the findings and nothing else; a file that cannot
be read does not stop the others.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from qasr_cli.cli import check_report
from qasr_cli.cli.check_report import Entry
from qasr_cli.errors import ExitCode, QasrError
from qasr_cli.formats.readers.caption_file import CaptionFile
from qasr_cli.runs import checks
from qasr_cli.runs.checks import Rules
from qasr_cli.terminal import logs, stdio


class Form(StrEnum):
    """How findings are said."""

    TEXT = "text"
    CSV = "csv"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done with every file."""

    rules: Rules
    form: Form
    is_fix: bool
    folder: Path | None
    is_overwrite: bool
    against: Path | None


def check(inputs: Sequence[Path], task: Task, *, verbosity: int) -> int:
    """Judge all files and return the exit code: 0, 4 for errors, 3 when some of several cannot be read."""
    logs.configure(verbosity)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    stdout = stdio.guard()
    files = list(dict.fromkeys(inputs))
    targets: dict[Path, Path] = {}
    if task.is_fix:
        targets = checks.fixed_paths(files, task.folder, is_overwrite=task.is_overwrite)
    reference = checks.read(task.against) if task.against else None
    entries: list[Entry] = []
    failed: list[QasrError] = []
    for path in files:
        try:
            entry = _entry(path, targets.get(path), reference, task)
        except QasrError as error:
            logs.report_error(error)
            failed.append(error)
            continue
        entries.append(entry)
        if task.form is Form.TEXT and verbosity >= 0:
            stdout.write(check_report.text(entry, width, is_all=verbosity > 0))
    if task.form is Form.CSV:
        stdout.write("".join(map(check_report.csv_text, entries)))
    elif task.form is Form.JSON:
        stdout.write(check_report.json_text(entries, task.rules.cues.profile))
    return _exit_code(entries, failed)


def _entry(path: Path, target: Path | None, reference: CaptionFile | None, task: Task) -> Entry:
    result = checks.check(path, checks.read(path, task.rules.encoding), task.rules)
    compared = checks.compare(result, reference) if reference else None
    fixed = checks.fix(result, target, is_overwrite=task.is_overwrite) if target else None
    return Entry(result, fixed, compared)


def _exit_code(entries: Sequence[Entry], failed: Sequence[QasrError]) -> ExitCode:
    if failed:
        return failed[0].exit_code if len(failed) == 1 and not entries else ExitCode.PARTIAL
    return ExitCode.QUALITY if any(entry.left.errors for entry in entries) else ExitCode.OK
