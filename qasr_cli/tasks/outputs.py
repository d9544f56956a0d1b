"""The formats of a task, and the folder and names of its results.

In go output options as the user gave them; out come a parsed layout, and plans.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from qasr_cli import formats
from qasr_cli.errors import UsageError
from qasr_cli.operating_system.files import real_path
from qasr_cli.options import OutputOptions
from qasr_cli.records import Source
from qasr_cli.runs.planning import output_plan
from qasr_cli.runs.planning.output_names import OutputLayout
from qasr_cli.runs.planning.output_plan import LanguageOf, Plan


def resolve(output: OutputOptions) -> OutputLayout:
    """Return the layout of the results, with `all` replaced by its formats.

    Raises:
        UsageError: A format is unknown, or the name template is wrong.
    """
    if "all" in output.formats:
        named = (name for name in output.formats if name != "all")
        output = replace(output, formats=tuple(dict.fromkeys((*formats.COMMON_FORMATS, *named))))
    suffixes = {name: formats.FORMATS[name].extension for name in output.formats if name in formats.FORMATS}
    layout = OutputLayout.of(output, suffixes)
    unknown = [name for name in output.formats if name not in suffixes]
    if unknown:
        choices = ", ".join((*formats.FILE_FORMATS, "all"))
        raise UsageError(f"no format {unknown[0]!r}", f"known: {choices}", flag="--output-format")
    return layout


def plan(sources: Sequence[Source], layout: OutputLayout, language_of: LanguageOf) -> list[Plan]:
    """Return the output plan of each source; `language_of` is called only if names hold the language.

    Raises:
        UsageError: There are several results for stdout.
    """
    output = layout.options
    is_single = len(sources) == 1 and len(output.formats) == 1
    if output.is_stdout and not output.json_lines and not is_single:
        raise UsageError(
            "stdout takes one format of one source", "name one format, use -o DIR, or --json-lines for many"
        )
    return output_plan.plan(sources, layout, language_of)


def refuse_report(report_path: Path | None, plans: Sequence[Plan]) -> None:
    """Refuse a report that would replace a result.

    Raises:
        UsageError: The report has the name of a result.
    """
    if report_path is None:
        return
    folder = real_path(report_path.parent)
    for plan in plans:
        for target in plan.places.values():
            if target.may_be(report_path.name) and real_path(target.folder) == folder:
                raise UsageError(
                    f"--report {report_path} is also the path of a result of {plan.source.relative}",
                    "give the report another name",
                    path=report_path,
                    flag="--report",
                )
