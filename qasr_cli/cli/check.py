"""`qasr check`: what is wrong with subtitles, and a repaired copy; the work itself is in `tasks.check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from qasr_cli import languages
from qasr_cli.cli import flags
from qasr_cli.cli.flag import grouped
from qasr_cli.cli.flags import DEFAULTS
from qasr_cli.cli.groups import LimitFlags
from qasr_cli.errors import UsageError
from qasr_cli.languages import AUTO

EPILOG = (
    "Errors are what Netflix or the BBC send a file back for, by the profile's numbers; warnings are style. "
    "Exit 0: no errors (with --fix: none left). Exit 4: errors."
)
_PANEL = "What comes out"
Files = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...",
        help="Subtitles: SRT, WebVTT, ASS, or JSON of qasr or whisper; [bold]-[/] reads one from stdin.",
        show_default=False,
    ),
]
Csv = Annotated[
    bool,
    typer.Option(
        "--csv", help="LineNumber,TimeCode,Context,Comment, as Subtitle Edit writes.", rich_help_panel=_PANEL
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Findings and figures of all files as JSON.", rich_help_panel=_PANEL)
]
Fix = Annotated[
    bool,
    typer.Option(
        "--fix",
        help="Write FILE.fixed.EXT with times, gaps, order and line breaks repaired; never a word.",
        rich_help_panel=_PANEL,
    ),
]
Folder = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="DIR",
        help="Folder for repaired copies. Without it: beside the file.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
Against = Annotated[
    Path | None,
    typer.Option(
        "--against",
        metavar="REF",
        help="Compare with a reference: SubER, where lines and cues break, when cues start.",
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
Encoding = Annotated[
    str,
    typer.Option(
        "--encoding",
        metavar="NAME",
        help="cp949, cp1251, ... Without it: UTF-8 and UTF-16 prove themselves, others are guessed.",
        show_default=False,
    ),
]


@grouped
def command(
    inputs: Files,
    *,
    as_csv: Csv = False,
    as_json: Json = False,
    fix: Fix = False,
    folder: Folder = None,
    against: Against = None,
    overwrite: flags.Overwrite = DEFAULTS.output.overwrite,
    encoding: Encoding = "",
    language: flags.Language = AUTO,
    limits: LimitFlags,
    quiet: flags.Quiet = False,
    verbose: flags.Verbose = 0,
) -> None:
    """Check subtitles, whoever made them: reading speed, lines, gaps, overlaps, breaks, characters."""
    if as_csv and as_json:
        raise UsageError("--csv and --json are two forms of the same", "give one of them")
    if len(inputs) > 1 and (as_csv or against):
        flag = "--csv" if as_csv else "--against"
        raise UsageError(f"{flag} is for one file", "call it once a file, or use --json")
    known = languages.parse(language)
    from qasr_cli.tasks import check
    from qasr_cli.tasks.caption_check import CheckRules

    form = check.FindingsForm("csv" if as_csv else "json" if as_json else "text")
    rules = CheckRules(limits.options(), known.code if known else None, encoding)
    request = check.CheckRequest(rules, form, fix, folder, overwrite, against)
    raise typer.Exit(check.check(inputs, request, verbosity=-1 if quiet else verbose))
