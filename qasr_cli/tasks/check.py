"""`qasr check`: checks subtitle files and prints their findings.

In go paths and a request; out comes an exit code. Only findings are written to stdout; a file that cannot be
read does not stop the others.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from qasr_cli.errors import ExitCode, QasrError
from qasr_cli.formats.readers.caption_file import CaptionFile
from qasr_cli.operating_system import streams
from qasr_cli.tasks import caption_check, caption_input, check_report, fixed_copies
from qasr_cli.tasks.caption_check import CheckRules
from qasr_cli.tasks.check_report import FileReport
from qasr_cli.terminal import logs, stdio


class FindingsForm(StrEnum):
    """How findings are written."""

    TEXT = "text"
    CSV = "csv"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """What to do with every file.

    Attributes:
        rules: The rules of the check.
        form: Form of the findings.
        fix: Write a repaired copy of each file.
        output: Folder for the copies; None writes them beside the file.
        overwrite: Replace existing copies.
        against: A reference to compare with.
    """

    rules: CheckRules
    form: FindingsForm = FindingsForm.TEXT
    fix: bool = False
    output: Path | None = None
    overwrite: bool = False
    against: Path | None = None


def check(inputs: Sequence[Path], request: CheckRequest, *, verbosity: int) -> int:
    """Check all files and return the exit code: 0, 4 for errors, 3 when some of several cannot be read.

    Raises:
        UsageError: A stream is named twice.
        QasrError: A copy exists or has no folder, or the reference cannot be read.
    """
    logs.configure(verbosity)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    stdout = stdio.guard()
    streams.refuse_twice([*inputs, *([request.against] if request.against else [])])
    files = list(dict.fromkeys(inputs))
    targets: dict[Path, Path] = {}
    if request.fix:
        targets = fixed_copies.fixed_paths(files, request.output, is_overwrite=request.overwrite)
    taken = fixed_copies.taken_names(files, targets)
    reference = (
        caption_input.read_reference(request.against, request.rules.reading) if request.against else None
    )
    reports: list[FileReport] = []
    errors: list[QasrError] = []
    for path in files:
        try:
            report = _check_one(path, targets.get(path), taken, reference, request)
        except QasrError as error:
            logs.report_error(error)
            errors.append(error)
            continue
        reports.append(report)
        if request.form is FindingsForm.TEXT and verbosity >= 0:
            write = stdout.write if width is None else stdout.write_page
            write(check_report.text(report, width, is_all=verbosity > 0))
    if request.form is FindingsForm.CSV:
        stdout.write("".join(map(check_report.csv_text, reports)))
    elif request.form is FindingsForm.JSON:
        stdout.write(check_report.json_text(reports, request.rules.cues.profile))
    return _exit_code(reports, errors)


def _check_one(
    path: Path,
    target: Path | None,
    taken: set[Path],
    reference: CaptionFile | None,
    request: CheckRequest,
) -> FileReport:
    file = caption_check.check(path, caption_check.read(path, request.rules), request.rules)
    compared = caption_check.compare(file, reference) if reference else None
    fixed = fixed_copies.fix(file, target, taken, is_overwrite=request.overwrite) if target else None
    return FileReport(file, fixed, compared)


def _exit_code(reports: Sequence[FileReport], errors: Sequence[QasrError]) -> ExitCode:
    if errors:
        return errors[0].exit_code if len(errors) == 1 and not reports else ExitCode.PARTIAL
    return ExitCode.QUALITY if any(report.left.errors for report in reports) else ExitCode.OK
