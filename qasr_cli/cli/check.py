"""`qasr check`: checks subtitles and writes repaired copies; the work itself is in `tasks.check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from qasr_cli.cli import typer_adapter
from qasr_cli.cli.params.grouped import Selection, grouped
from qasr_cli.cli.params.own_flags import Encoding
from qasr_cli.cli.typer_adapter import Operand
from qasr_cli.errors import UsageError
from qasr_cli.options import CueOptions, DecodeOptions, FlagSpec, LogOptions, OutputOptions
from qasr_cli.options.flag import FILES, FORMATS

EPILOG = """
Errors are violations of the style guide that Netflix or the BBC reject a file for. Warnings are style.

Exit code 0: no errors (with --fix: none left). Exit code 4: errors.
"""


def _switch(name: str, panel: str, text: str) -> FlagSpec:
    return FlagSpec(panel, text, (name,), kind=bool, default=False, is_setting=False)


Files = Annotated[
    list[Path],
    Operand(
        "FILE...",
        "Subtitles (SRT, WebVTT, ASS, TTML, SAMI, MicroDVD, LRC, SBV, ...), transcripts as JSON (qasr, "
        "whisper, ...), or - for stdin.",
    ),
]
Csv = Annotated[
    bool,
    _switch("--csv", FORMATS, "Print LineNumber,TimeCode,Context,Comment, as Subtitle Edit writes them."),
]
Json = Annotated[bool, _switch("--json", FORMATS, "Print the findings and figures of all files as JSON.")]
Fix = Annotated[
    bool,
    _switch(
        "--fix",
        FILES,
        "Write FILE.fixed.EXT with repaired times, gaps, order and line breaks. Words are not changed. A "
        "format that qasr does not write becomes SRT.",
    ),
]
Folder = Annotated[
    Path | None,
    FlagSpec(
        FILES,
        "Folder for repaired copies. Default: beside the file.",
        ("--output", "-o"),
        metavar="DIR",
        kind=Path,
        is_setting=False,
    ),
]
Against = Annotated[
    Path | None,
    FlagSpec(
        FORMATS,
        "Compare with a reference: SubER, line and cue breaks, cue start times. --encoding applies to it, "
        "too, unless it is UTF-8 or UTF-16.",
        ("--against",),
        metavar="REF",
        kind=Path,
        is_setting=False,
    ),
]
_COPIES = Selection(only=("overwrite",), changed={"overwrite": {"help": "Replace existing repaired copies."}})


@grouped
def command(
    inputs: Files,
    *,
    as_csv: Csv = False,
    as_json: Json = False,
    fix: Fix = False,
    folder: Folder = None,
    against: Against = None,
    output: Annotated[OutputOptions, _COPIES],
    encoding: Encoding = "",
    spoken: Annotated[DecodeOptions, Selection(only=("language",))],
    limits: Annotated[CueOptions, Selection(without=("max_words",))],
    log: Annotated[LogOptions, Selection(only=("quiet", "verbose"))],
) -> None:
    """Check subtitles of any origin: reading speed, line lengths, gaps, overlaps, breaks, characters."""
    if as_csv and as_json:
        raise UsageError("--csv and --json exclude each other", "give one of them", flag="--csv")
    if len(inputs) > 1 and (as_csv or against):
        flag = "--csv" if as_csv else "--against"
        raise UsageError(f"{flag} takes one file", "call it once per file, or use --json", flag=flag)
    from qasr_cli.tasks import check
    from qasr_cli.tasks.caption_check import CheckRules

    form = check.FindingsForm("csv" if as_csv else "json" if as_json else "text")
    rules = CheckRules(limits, spoken.language, encoding)
    request = check.CheckRequest(rules, form, fix, folder, output.overwrite, against)
    raise typer_adapter.Exit(check.check(inputs, request, verbosity=log.verbosity))


app = typer_adapter.single(command, epilog=EPILOG)
