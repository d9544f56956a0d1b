"""Which formats come out of a task, and where they go.

In go output options as the user gave them; out come a layout, in which everything is parsed, and plans.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from qasr_cli import formats
from qasr_cli.errors import UsageError
from qasr_cli.options import OutputOptions
from qasr_cli.records import Source
from qasr_cli.runs.planning import output_plan
from qasr_cli.runs.planning.output_names import OutputLayout
from qasr_cli.runs.planning.output_plan import LanguageOf, Plan


def resolve(output: OutputOptions) -> OutputLayout:
    """Return where results go, with `all` spelt out.

    Raises:
        UsageError: No such format, or no names can be made for those.
    """
    if "all" in output.formats:
        output = replace(output, formats=formats.FILE_FORMATS)
    suffixes = {name: formats.FORMATS[name].extension for name in output.formats if name in formats.FORMATS}
    layout = OutputLayout.of(output, suffixes)
    unknown = [name for name in output.formats if name not in suffixes]
    if unknown:
        known = ", ".join((*formats.FILE_FORMATS, "all"))
        raise UsageError(f"no format {unknown[0]!r}", f"known: {known}", flag="--output-format")
    return layout


def plan(sources: Sequence[Source], layout: OutputLayout, language_of: LanguageOf) -> list[Plan]:
    """Return where each source's results go; its language is asked for where names hold it.

    Raises:
        UsageError: stdout cannot take so many.
    """
    output = layout.options
    is_one = len(sources) == 1 and len(output.formats) == 1
    if output.is_stdout and not output.json_lines and not is_one:
        raise UsageError(
            "stdout takes one format of one source", "name one format, use -o DIR, or --json-lines for many"
        )
    return output_plan.plan(sources, layout, language_of)


def refuse_report(report_path: Path | None, plans: Sequence[Plan]) -> None:
    """Refuse a report that would take the place of a result.

    Raises:
        UsageError: It has the name of one.
    """
    if report_path is None:
        return
    folder = report_path.parent.resolve()
    for one in plans:
        for target in one.places.values():
            if target.may_be(report_path.name) and target.folder.resolve() == folder:
                raise UsageError(
                    f"--report {report_path} is where a result of {one.source.relative} goes",
                    "give the report another name",
                    path=report_path,
                    flag="--report",
                )
