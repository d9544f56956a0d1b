"""`qasr transcribe`: flags become options; the work itself is in `jobs`, loaded when there is some."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import typer

from qasr_cli.cli import flags, telling
from qasr_cli.cli.choices import STDIO
from qasr_cli.cli.find_flags import FindFlags
from qasr_cli.cli.flag import grouped
from qasr_cli.cli.flags import DEFAULTS
from qasr_cli.cli.groups import (
    CueFlags,
    EngineFlags,
    FormatFlags,
    PlaceFlags,
    SpeechFlags,
    transcript_options,
)
from qasr_cli.cli.hook_flags import HookFlags
from qasr_cli.cli.run_flags import RunFlags
from qasr_cli.errors import UsageError
from qasr_cli.options import OutputOptions

EPILOG = (
    "whisper's and whisperX's spellings work too: --output_dir, --output_format, --initial_prompt, "
    "--max_line_width, --max_line_count, --highlight_words True, --model large. "
    'Every flag is also a variable (QASR_MODEL=demo) and a key of qasr.toml (model = "demo").'
)


@grouped
def command(
    inputs: flags.Inputs = None,
    *,
    formats: FormatFlags,
    highlight_words: flags.HighlightWords = DEFAULTS.output.is_highlighting,
    place: PlaceFlags,
    json_lines: flags.JsonLines = DEFAULTS.output.is_json_lines,
    engine: EngineFlags,
    rescue_model: flags.RescueModel = DEFAULTS.guard.rescue_model,
    speech: SpeechFlags,
    cue: CueFlags,
    shots: flags.Shots = DEFAULTS.picture.is_finding_shots,
    which: FindFlags,
    running: RunFlags,
    after: HookFlags,
    told: telling.Telling,
    report: telling.ReportFile = None,
) -> None:
    """Transcribe media files, folders or stdin to subtitles.

    Existing results are never replaced without --overwrite; a bad file never stops the others.
    """
    request = which.request(inputs)
    is_from_stdin = Path(STDIO) in request.inputs
    options = replace(
        transcript_options(engine, rescue_model, speech, cue, is_finding_shots=shots),
        output=replace(
            _lines(place) if json_lines else place.options(formats.names, is_from_stdin=is_from_stdin),
            is_highlighting=highlight_words,
        ),
        find=which.options(),
        run=running.options(),
        hooks=after.options(),
    )
    if is_from_stdin and options.hooks.exec_after is not None:
        raise UsageError("--exec-after is about files, and - is none", "pipe the result on instead")
    from qasr_cli.cli import jobs

    if which.dry_run:
        raise typer.Exit(jobs.preview(request, options, verbosity=told.verbosity))
    raise typer.Exit(jobs.transcribe(request, options, told, report))


def _lines(place: PlaceFlags) -> OutputOptions:
    """Return that a line a source goes to stdout."""
    return replace(replace(place, output=STDIO).options(("jsonl",)), is_json_lines=True)
