"""`qasr transcribe`: from flags to options; the work is in `tasks.transcribe`, loaded when needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from qasr_cli.cli import signals, typer_adapter
from qasr_cli.cli.params.grouped import grouped
from qasr_cli.cli.params.own_flags import DryRun, ReportFile
from qasr_cli.cli.typer_adapter import Operand
from qasr_cli.errors import UsageError
from qasr_cli.options import InputOptions, LogOptions, Options

EPILOG = """
Spellings of whisper and whisperX work too: --output_dir, --output_format, --initial_prompt,
--max_line_width, --max_line_count, --highlight_words True, --model large.

Every flag is also a variable (QASR_MODEL=demo) and a key of qasr.toml (model = "demo"). A flag beats
a variable, a variable beats the file. --no-NAME switches off what either of them switched on (--no-strict).
"""

Inputs = Annotated[
    list[Path] | None, Operand("INPUT...", "Media files, folders and patterns, or - for stdin.")
]


@grouped
def command(
    inputs: Inputs = None,
    *,
    options: Options,
    listed: InputOptions,
    log: LogOptions,
    dry_run: DryRun = False,
    report: ReportFile = None,
) -> None:
    """Transcribe media files, folders or stdin to subtitles.

    Existing results are not replaced without --overwrite. A bad file does not stop the others.
    """
    request = _request(inputs or [], listed)
    from qasr_cli.tasks import sources

    if sources.is_stdin(request):
        options = replace(options, output=options.output.beside_stdin())
        if options.hooks.exec_after is not None:
            raise UsageError(
                f"--exec-after needs a file, and {request.inputs[0]} is a stream",
                "pipe the result on instead",
                flag="--exec-after",
            )
    if dry_run:
        from qasr_cli.tasks.dry_run import dry_run as print_plan

        raise typer_adapter.Exit(print_plan(request, options, verbosity=log.verbosity))
    from qasr_cli.tasks import transcribe

    signals.allow_for_hooks(options.hooks.timeout_s)
    raise typer_adapter.Exit(transcribe.transcribe(request, options, log, report))


def _request(inputs: list[Path], listed: InputOptions) -> InputOptions:
    """Return the input options.

    Raises:
        UsageError: There are no inputs.
    """
    if not inputs and not listed.files_from:
        raise UsageError("Missing argument 'INPUT...'", "see qasr transcribe --help")
    if listed.null and not listed.files_from:
        raise UsageError("-0 needs --files-from", "name the list, or leave -0 out", flag="--null")
    return replace(listed, inputs=inputs)


app = typer_adapter.single(command, epilog=EPILOG)
